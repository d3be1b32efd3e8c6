"""What the worker does for custom fields: builds and drops indexes, takes deleted values out, brings search up to date.

The field's row is the ledger; a message is only a doorbell. One worker works at a time, held by an advisory lock of its connection, so that two
indexes are never built at once. Everything may be killed at any moment and is taken up again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from crm.core.copying import update_rows
from crm.core.custom.definitions import forget
from crm.core.custom.keys import FOLDS, sort_sql, text_sql
from crm.core.custom.models import SEARCHED, CustomField
from crm.core.custom.values import FOLDED
from crm.core.writes import fold

log = logging.getLogger(__name__)

Index, Job = CustomField.Index, CustomField.Job
LOCK = "custom fields"
# For statements that began before it. Writers never wait for one that is built CONCURRENTLY, but its turn must end.
LOCK_WAIT = "60s"
MOST_ATTEMPTS = 10
SECONDS = 240  # of one run; the sweep comes again
CHUNK = 1000
SETTLED = timedelta(seconds=5)  # by then no process knows the old definitions any more
DOUBLE = gettext_noop("Two records hold the same value. Change one of them, then try again.")
BUSY = gettext_noop("The table was in use for too long. Try again when there is less to do.")
REFUSED = gettext_noop("The database could not build it. Its log says why.")


def sweep() -> None:
    """Ring when there is work that nobody was told of."""
    from crm.core.custom.services import ring

    if _waiting().exists():
        ring()


def run() -> None:
    """Work on what is waiting, one after the other; returns at once when another worker is at it."""
    until = time.monotonic() + SECONDS
    with _alone() as mine:
        done: set[int] = set()
        while mine and time.monotonic() < until and (field := _waiting().exclude(pk__in=done).first()) is not None:
            done.add(field.pk)
            _work_on(field, until)


def _waiting() -> Any:
    settled = timezone.now() - SETTLED
    return CustomField.objects.filter(index_state=Index.WANTED, job=Job.NONE) | CustomField.objects.exclude(job=Job.NONE).filter(job_since__lt=settled)


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK])
        mine = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])


def _work_on(field: CustomField, until: float) -> None:
    if field.job == Job.NONE:
        build(field)
        return
    model: Any = apps.get_model(field.record)
    while time.monotonic() < until:
        with transaction.atomic():
            last = _chunk(field, model)
            CustomField.objects.filter(pk=field.pk).update(job_position=last or 0)
        field.job_position = last or 0
        if last is None:
            _finish(field)
            return


# ---- values ----


def _chunk(field: CustomField, model: Any) -> int | None:
    """Work on the next rows that have a value; the last one's id, None when there are no more."""
    rows = model._base_manager.filter(pk__gt=field.job_position, custom__has_key=field.key).select_for_update(of=("self",)).order_by("pk")
    found = list(rows[:CHUNK])
    for row in found:
        if field.job == Job.DELETE:
            row.custom = {key: value for key, value in row.custom.items() if key not in (field.key, f"{field.key}{FOLDED}")}
        if field.kind in SEARCHED:
            fold(row)
    if found:
        names = [*(["custom"] if field.job == Job.DELETE else []), *(["search_text"] if field.kind in SEARCHED else [])]
        update_rows(found, names)
    return found[-1].pk if found else None


def _finish(field: CustomField) -> None:
    if field.job == Job.DELETE:
        field.indexed = field.unique = False
        sync_indexes(field)
        CustomField.objects.filter(pk=field.pk).delete()
    else:
        CustomField.objects.filter(pk=field.pk, version=field.version).update(job=Job.NONE)
    forget()


# ---- indexes ----


def indexes_of(field: CustomField) -> dict[str, str]:
    """{name: statement without its beginning} of what the field asks for. Names and keys are numbers of ours.

    For sorting and ranges one index for all rows, one per owner and one per team, as every sort key of a list has them; empty values are in
    them too, because they stand at the end of the list.
    """
    model: Any = apps.get_model(field.record)
    table, name = connection.ops.quote_name(model._meta.db_table), f"custom_{field.pk}"
    found = {}
    if field.indexed:
        for end, first in (("s", ""), ("o", "owner_id, "), ("t", "team_id, ")):
            found[f"{name}_{end}"] = f"ON {table} ({first}{sort_sql(field)}, id) WHERE deleted_at IS NULL"
        if field.kind in FOLDS:
            found[f"{name}_g"] = f"ON {table} USING gin ({text_sql(field)} gin_trgm_ops) WHERE deleted_at IS NULL AND {text_sql(field)} IS NOT NULL"
    if field.unique:
        found[f"{name}_u"] = f"ON {table} ({text_sql(field)}) WHERE deleted_at IS NULL AND {text_sql(field)} IS NOT NULL"
    return found


def build(field: CustomField) -> None:
    """Bring the field's indexes up to date without keeping anybody from writing; what failed because the table was busy is tried again."""
    try:
        sync_indexes(field)
    except DatabaseError as error:
        log.warning("index of a custom field failed", extra={"field": field.pk, "error": str(error)[:300]})
        busy = "lock timeout" in str(error)
        reason = DOUBLE if isinstance(error, IntegrityError) else BUSY if busy else REFUSED
        again = (busy and field.attempts + 1 < MOST_ATTEMPTS) or not _drop_leftovers(field)
        _note(field, Index.WANTED if again else Index.FAILED, reason)
    else:
        _note(field, Index.READY if field.indexed or field.unique else Index.NONE, "")


def _drop_leftovers(field: CustomField) -> bool:
    """What a failed build left behind costs every writer. False when it could not be dropped: then the next turn begins with it."""
    try:
        sync_indexes(field, create=False)
    except DatabaseError:
        return False
    return True


def _note(field: CustomField, state: str, error: str) -> None:
    """Unless somebody changed the field meanwhile: then it is still waiting, and is looked at again."""
    CustomField.objects.filter(pk=field.pk, version=field.version).update(
        index_state=state, index_error="" if state == Index.READY else error, attempts=field.attempts + 1
    )
    forget()


def sync_indexes(field: CustomField, *, create: bool = True) -> None:
    """Drop what is not wanted or is left over broken from a build that failed; create what is missing. Outside any transaction."""
    wanted = indexes_of(field)
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_WAIT}'")
        cursor.execute("SET statement_timeout = 0")
        try:
            valid = _existing(cursor, field)
            for name, is_valid in valid.items():
                if name not in wanted or not is_valid:
                    cursor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
            cursor.execute(f'DROP STATISTICS IF EXISTS "custom_{field.pk}_x"')
            missing = [name for name in wanted if not valid.get(name)] if create else []
            for name in missing:
                kind = "UNIQUE INDEX" if name.endswith("_u") else "INDEX"
                cursor.execute(f'CREATE {kind} CONCURRENTLY "{name}" {wanted[name]}')
            if create and wanted:
                _gather_statistics(cursor, field)
        finally:
            cursor.execute("RESET lock_timeout")
            cursor.execute("RESET statement_timeout")


def _gather_statistics(cursor: Any, field: CustomField) -> None:
    """How common which values are. The planner takes no figures from partial indexes: it expected 64 rows where 160,000 were, and sorted them all."""
    table = connection.ops.quote_name(apps.get_model(field.record)._meta.db_table)
    expressions = ", ".join(f"({sql})" for sql in dict.fromkeys((sort_sql(field), text_sql(field))))
    cursor.execute(f'CREATE STATISTICS "custom_{field.pk}_x" ON {expressions} FROM {table}')
    cursor.execute(f"ANALYZE {table}")


def _existing(cursor: Any, field: CustomField) -> dict[str, bool]:
    """The field's indexes, and whether they are whole."""
    cursor.execute(
        "SELECT relname, indisvalid FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid WHERE relname = ANY(%s)",
        [[f"custom_{field.pk}_{end}" for end in "sotgu"]],
    )
    return dict(cursor.fetchall())
