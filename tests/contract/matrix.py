"""The access matrix: expectations from record types and grants, never listed by hand.

`allowed` restates the access rule in plain Python, on purpose apart from crm/core/access.py.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver

# What reading may touch: sessions, last-seen marks, counters of requests.
QUIET_TABLES = ("django_session", "cache_entries", "usersessions_usersession", "users_user", "core_heartbeat", "leads_ratebucket", "pghistory_context")
METHODS = ("get", "post", "put", "patch", "delete")


def allowed(user: Any, action: str, row: Any, label: str) -> bool:
    """May this user do `action` on this row? Own, team or all by the role's grants; deleted rows never."""
    if user is None or getattr(row, "deleted_at", None):
        return False
    scope = user.role.grants.get(label.replace(".", "_"), {}).get(action, "none")
    if scope == "all":
        return True
    if scope == "team":
        return row.owner_id == user.pk or (row.team_id is not None and row.team_id in user.team_scope)
    return scope == "own" and row.owner_id == user.pk


def granted(user: Any, action: str, label: str) -> bool:
    """Has the user any reach at all for this action on this kind of record?"""
    return user is not None and user.role.grants.get(label.replace(".", "_"), {}).get(action, "none") != "none"


def writes_so_far() -> int:
    """Rows inserted, updated and deleted in this transaction, from PostgreSQL's own counters."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables WHERE relname <> ALL(%s)", [list(QUIET_TABLES)]
        )
        return int(cursor.fetchone()[0])


def routes(resolver: Any = None, prefix: str = "", namespace: str = "") -> Any:
    """(route text, full name, callback) of every address."""
    for entry in (resolver or get_resolver()).url_patterns:
        text = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = ":".join(part for part in (namespace, entry.namespace or "") if part)
            yield from routes(entry, text, inner)
        elif isinstance(entry, URLPattern):
            yield text, ":".join(part for part in (namespace, entry.name or "") if part), entry.callback
