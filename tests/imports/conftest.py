"""Uploads of a test go with it; its import runs in its transaction."""

import pytest

from crm.core.imports import work
from tests.factories import cast


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def one_lane(monkeypatch):
    """Threads would not see the transaction of a test; tests/reliability/test_import_kill.py has them."""
    monkeypatch.setattr(work, "LANES", 1)


@pytest.fixture
def people():
    return cast()
