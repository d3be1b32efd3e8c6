"""A thousand rows in one transaction: checked, or written together with the mark of how far the import is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.core import writes
from crm.core.imports.plan import Candidate, Plan
from crm.core.imports.reading import Line
from crm.core.models import ImportChunk, ImportJob, ImportProblem
from crm.core.records import RecordType
from crm.core.text import sort_key

MOST_PROBLEMS = 20  # per row; the rest says the same again


def check_rows(job: ImportJob, plan: Plan, lines: Sequence[Line]) -> None:
    """Count and note what would happen; nothing but the job is written. Inside the transaction that holds the job."""
    found = plan.candidates(lines)
    plan.mark_same(found)
    with writes.only_checking():
        _make_linked(plan, found)
        _create(plan, [each for each in found if not each.problems])
    _note(job, found, skipped=[each for each in found if each.same and not each.problems])


def write_rows(job: ImportJob, plan: Plan, lines: Sequence[Line]) -> None:
    """Make the records of these rows, and the ones they name that do not exist yet."""
    found = plan.candidates(lines)
    plan.mark_same(found)
    skipped = [each for each in found if plan.skips_same and each.same and not each.problems]
    with writes.only_checking():  # an error is an error, also in a row that would be left out
        _create(plan, skipped)
    wanted = [each for each in found if not each.problems and not (plan.skips_same and each.same)]
    made = _make_linked(plan, wanted)
    _set_tags(plan, wanted)
    made[plan.record.slug] = made.get(plan.record.slug, []) + _create(plan, [each for each in wanted if not each.problems])
    chunks = [ImportChunk(job=job, first_row=lines[0].row, record_slug=slug, ids=[obj.pk for obj in rows]) for slug, rows in made.items() if rows]
    ImportChunk.objects.bulk_create(chunks)
    _note(job, found, skipped=[each for each in skipped if not each.problems])


def _make_linked(plan: Plan, wanted: Sequence[Candidate]) -> dict[str, list[Any]]:
    """Records that rows name and that do not exist: one per distinct name, for the owner of the rows without one."""
    made: dict[str, list[Any]] = {}
    for _position, target in plan.columns:
        record = plan.makes(target) if target.link else None
        rows = [each for each in wanted if target.key in each.links and not each.problems]
        if record is None or not rows:
            continue
        field, names = plan.record.importing.makes[target.key], {sort_key(each.links[target.key]): each.links[target.key] for each in rows}
        shells = {key: Candidate(rows[0].line, {field: name, "owner": plan.owner}) for key, name in names.items()}
        made.setdefault(record.slug, []).extend(_create(plan, list(shells.values()), record))
        for each in rows:
            key = sort_key(each.links[target.key])
            each.problems += [(plan.heading(target.key), reason) for _heading, reason in shells[key].problems]
        plan.link([each for each in rows if not each.problems], target)
    return made


def _set_tags(plan: Plan, wanted: list[Candidate]) -> None:
    """Tags of all rows at once: two statements, not two per row."""
    names = {name for each in wanted for name in (*each.values.get("tags", ()), *plan.tags)}
    known = {tag.key: tag for tag in writes.tags_named(names)} if names else {}
    for each in wanted:
        if plan.tags or each.values.get("tags"):
            keys = {sort_key(name)[:40] for name in (*each.values.get("tags", ()), *plan.tags)}
            each.values["tags"] = [known[key] for key in keys if key in known]


def _create(plan: Plan, rows: list[Candidate], record: RecordType | None = None) -> list[Any]:
    """The records of the rows that the service takes; the others get its reasons. One bad row never stops the rest."""
    record = record or plan.record
    create = record.importing.create or _one_by_one(record)
    while rows:
        try:
            with transaction.atomic():
                return create([each.values for each in rows], actor=plan.user)
        except writes.OnlyChecked:
            return []
        except writes.RowErrors as error:
            for index, messages in error.errors:
                plan.blame(rows[index], ValidationError(messages))
            rows = [each for each in rows if not each.problems]
        except (ValidationError, DataError, IntegrityError) as error:
            if len(rows) > 1:  # it does not say which row: halve until it is alone
                middle = len(rows) // 2
                return _create(plan, rows[:middle], record) + _create(plan, rows[middle:], record)
            plan.blame(rows[0], error if isinstance(error, ValidationError) else ValidationError(_("The database refuses this row.")))
            return []
    return []


def _one_by_one(record: RecordType) -> Callable[..., list[Any]]:
    """For record types without a set-based service. Stops at the first bad row, which the halving then finds."""

    def create(rows: Sequence[dict[str, Any]], *, actor: Any) -> list[Any]:
        found = []
        for values in rows:
            try:
                found.append(record.create(values, actor=actor))
            except writes.OnlyChecked:
                continue
        return found

    return create


def _note(job: ImportJob, found: Sequence[Candidate], skipped: Sequence[Candidate]) -> None:
    """Count, and keep the reasons."""
    bad = [each for each in found if each.problems]
    problems = [
        ImportProblem(job=job, row=each.line.row, line=each.line.line, column=heading[:200], reason=reason[:500])
        for each in bad
        for heading, reason in dict.fromkeys(each.problems[:MOST_PROBLEMS])
    ]
    problems += [ImportProblem(job=job, row=each.line.row, line=each.line.line, same=True, reason=each.same[:500]) for each in skipped]
    ImportProblem.objects.bulk_create(problems, batch_size=writes.CHUNK)
    job.bad += len(bad)
    job.same += len(skipped)
    job.good += len(found) - len(bad) - len(skipped)
