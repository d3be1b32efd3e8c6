"""What a web process does before its first request."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

from django.conf import settings
from django.template.loader import get_template


def warm_up() -> None:
    """Do once what would make the first reader of each page wait: read addresses, forms and templates.

    What is there by then lasts as long as the process: the collector of garbage need not look at it again. Half a million objects
    took it 100 ms, in the middle of somebody's request."""
    import_module(settings.ROOT_URLCONF)
    root = settings.BASE_DIR / "templates"
    for path in root.rglob("*.html"):
        get_template(path.relative_to(root).as_posix())
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(0.001)  # a page's thread waits one millisecond for one that calculates, not five: it asks the database a dozen times
