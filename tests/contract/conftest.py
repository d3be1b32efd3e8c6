"""The world of the matrix."""

from __future__ import annotations

import pytest

from tests.contract.world import World


@pytest.fixture
def world(request):
    return World(request.param)
