"""Files that other programs and people produced: beside the clone, or where RAPPORT_SHARED_DATA says. None of them is part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("RAPPORT_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")


def shared(path: str) -> Path:
    """A file or folder of it. A test skips without it, and fails where it must be there (`.ci/run`): what is skipped proves nothing."""
    found = DATA / path
    if not found.exists():
        text = f"{path} is not in {DATA}; set RAPPORT_SHARED_DATA"
        assert not os.environ.get("RAPPORT_SHARED_DATA_REQUIRED"), text
        pytest.skip(text)
    return found
