"""The people, and the admin's browser."""

import pytest
from django.test import Client

from tests.factories import cast


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def admin(people, client: Client) -> Client:
    client.force_login(people.admin)
    return client
