"""Bulk changes of a test run in its transaction, without pauses."""

import pytest

from crm.core.bulk import services, work
from tests.factories import cast


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Several chunks also for a handful of rows."""
    monkeypatch.setattr(work, "PAUSE", 0)
    monkeypatch.setattr(services, "CHUNK", 8)


@pytest.fixture
def people():
    return cast()
