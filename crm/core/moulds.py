"""Html that is the same on every page but for a few texts: rendered once per process, then only filled in.

For forms that stand on a page only to be used later: rendering those of a timeline takes longer than reading the record they stand beside.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Mapping

from django.utils.safestring import SafeString

from crm.core.cells import escape

MOST = 500
_MARK = secrets.token_hex(16)  # nobody can guess it, so that no name or note can pass for a gap
_kept: dict[Hashable, str] = {}


def gap(name: str) -> str:
    """Stands in the html where a text is filled in."""
    return f"{_MARK}-{name}-"


def filled(key: Hashable, make: Callable[[], str], gaps: Mapping[str, str]) -> SafeString:
    """What `make` rendered for this key, with its gaps filled. The key must tell everything else that shows: whose it is, their name, the language.

    Nothing of a record, and nothing that depends on what a reader may see, belongs into a mould: it is kept as long as the process lives."""
    html = _kept.get(key)
    if html is None:
        if len(_kept) >= MOST:
            _kept.clear()
        html = _kept[key] = make()
    for name, text in gaps.items():
        html = html.replace(gap(name), escape(text))
    return SafeString(html)
