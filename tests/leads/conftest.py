"""The people of a house that has its pipeline and lead statuses."""

import pytest

from deals.services import ensure_defaults as ensure_pipeline
from leads import services
from tests.factories import cast


@pytest.fixture
def people():
    ensure_pipeline()
    services.ensure_defaults()
    return cast()
