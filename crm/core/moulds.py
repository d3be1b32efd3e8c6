"""Html that is the same on every page but for a few texts: rendered once per process, then only filled in.

For forms that stand on a page only to be used later: rendering those of a timeline takes longer than reading the record they stand beside.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from django.core.cache import caches
from django.core.cache.utils import make_template_fragment_key
from django.utils.safestring import SafeString

from crm.core.cells import escape

KEEP_SECONDS = 600
_MARK = secrets.token_hex(16)  # nobody can guess it, so that no name or note can pass for a gap


def gap(name: str) -> str:
    """Stands in the html where a text is filled in."""
    return f"{_MARK}-{name}-"


def filled(key: tuple[object, ...], make: Callable[[], str], gaps: Mapping[str, str]) -> SafeString:
    """What `make` rendered for this key, with its gaps filled. The key must tell everything else that shows: whose it is, their name, the language.

    Nothing of a record, and nothing that depends on what a reader may see, belongs into a mould."""
    name = make_template_fragment_key("mould", key)
    html = caches["fragments"].get(name)
    if html is None:
        html = make()
        caches["fragments"].set(name, html, KEEP_SECONDS)
    for each, text in gaps.items():
        html = html.replace(gap(each), escape(text))
    return SafeString(html)
