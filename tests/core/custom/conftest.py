"""A team, and its administrator at the settings."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import cast


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def admin(people):
    client = Client()
    client.force_login(people.admin)
    return client
