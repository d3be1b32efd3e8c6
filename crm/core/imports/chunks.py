"""A thousand rows in one transaction: checked, or written together with the mark of how far the import is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from crm.core import writes
from crm.core.imports.plan import Candidate, Plan
from crm.core.imports.reading import Line
from crm.core.imports.targets import Target
from crm.core.models import ImportChunk, ImportJob, ImportMade, ImportProblem
from crm.core.records import RecordType
from crm.core.tagging import tags_named
from crm.core.text import sort_key

MOST_PROBLEMS = 20  # per row; the rest says the same again


@dataclass(frozen=True)
class Counts:
    """How many rows of a chunk are good, have errors, are probably there already."""

    good: int
    bad: int
    same: int


def check_rows(job: ImportJob, plan: Plan, lines: Sequence[Line]) -> Counts:
    """Note what would happen; no record is written. Leaves the chunk for `write_rows`. Inside the transaction that holds the job."""
    found = plan.candidates(lines)
    plan.mark_same(found)
    twins = plan.mark_twins(found)
    with writes.only_checking():
        for target, record, rows in _to_make(plan, found):
            _shells(plan, target, record, rows)
    _ask(plan, found)
    ImportChunk.objects.create(job=job, first_row=lines[0].row, last_row=lines[-1].row, twins=twins)
    return _note(job, found, skipped=[each for each in found if each.same and not each.problems])


def write_rows(job: ImportJob, plan: Plan, chunk: ImportChunk, lines: Sequence[Line]) -> Counts:
    """Make the records of these rows, and the ones they name that do not exist yet. Inside the transaction that holds the chunk."""
    found = plan.candidates(lines)
    plan.mark_same(found, chunk.twins)
    skipped = [each for each in found if plan.skips_same and each.same and not each.problems]
    # An error is an error, also in a row that would be left out.
    _ask(plan, [*skipped, *(each for each in found if each.problems)])
    wanted = [each for each in found if not each.problems and not (plan.skips_same and each.same)]
    made = _make_linked(plan, wanted)
    _set_tags(plan, wanted)
    made[plan.record.slug] = made.get(plan.record.slug, []) + _create(plan, [each for each in wanted if not each.problems])
    rows = [ImportMade(job=job, first_row=chunk.first_row, record_slug=slug, ids=[obj.pk for obj in objects]) for slug, objects in made.items() if objects]
    ImportMade.objects.bulk_create(rows)
    return _note(job, found, skipped=[each for each in skipped if not each.problems])


def _ask(plan: Plan, rows: Sequence[Candidate]) -> None:
    """Note what the service says against rows; nothing is written. Rows with a cell that can't be read are asked about as well, so that all that is
    wrong with them is told at once. Tags are left aside: the service would make them."""
    asked = [each for each in rows if not each.line.problem]
    shadows = [Candidate(each.line, {name: value for name, value in each.values.items() if name != "tags"}) for each in asked]
    with writes.only_checking():
        _create(plan, shadows)
    for each, shadow in zip(asked, shadows, strict=True):
        told = {heading for heading, _reason in each.problems}
        each.problems += [(heading, reason) for heading, reason in shadow.problems if not told or (heading and heading not in told)]


def _to_make(plan: Plan, rows: Sequence[Candidate]) -> list[tuple[Target, RecordType, list[Candidate]]]:
    """The links that name what does not exist and may be made, with their rows."""
    found = []
    for _position, target in plan.columns:
        record = plan.makes(target) if target.link else None
        naming = [each for each in rows if target.key in each.links and not each.problems]
        if record is not None and naming:
            found.append((target, record, naming))
    return found


def _shells(plan: Plan, target: Target, record: RecordType, rows: Sequence[Candidate]) -> list[Any]:
    """One record per distinct name, for the owner of the rows without one; what the service says against a name is said to all its rows."""
    names = {sort_key(each.links[target.key]): each.links[target.key] for each in rows}
    field = plan.record.importing.makes[target.key]
    shells = {key: Candidate(rows[0].line, {field: name, "owner": plan.owner}) for key, name in names.items() if (record.slug, key) not in plan.vetted}
    made = _create(plan, list(shells.values()), record)
    bad = {key: shell.problems for key, shell in shells.items() if shell.problems}
    for each in rows:
        each.problems += [(plan.heading(target.key), reason) for _heading, reason in bad.get(sort_key(each.links[target.key]), ())]
    if not made:  # only checked
        plan.vetted |= {(record.slug, key) for key in shells.keys() - bad.keys()}
    return made


def _make_linked(plan: Plan, wanted: Sequence[Candidate]) -> dict[str, list[Any]]:
    """Records that rows name and that do not exist, by record type."""
    made: dict[str, list[Any]] = {}
    for target, record, rows in _to_make(plan, wanted):
        with connection.cursor() as cursor:  # two chunks at once must not both make the company that both name
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"import makes {record.slug}"])
        plan.link(rows, target)
        left = [each for each in rows if target.key in each.links and not each.problems]
        if left:
            made.setdefault(record.slug, []).extend(_shells(plan, target, record, left))
            plan.link([each for each in left if not each.problems], target)
    return made


def _set_tags(plan: Plan, wanted: list[Candidate]) -> None:
    """Tags of all rows at once: two statements, not two per row."""
    names = {name for each in wanted for name in (*each.values.get("tags", ()), *plan.tags)}
    known = {tag.key: tag for tag in tags_named(names)} if names else {}
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


def _note(job: ImportJob, found: Sequence[Candidate], skipped: Sequence[Candidate]) -> Counts:
    """Count, and keep the reasons."""
    bad = [each for each in found if each.problems]
    problems = [
        ImportProblem(job=job, row=each.line.row, line=each.line.line, column=heading[:200], reason=reason[:500])
        for each in bad
        for heading, reason in dict.fromkeys(each.problems[:MOST_PROBLEMS])
    ]
    problems += [ImportProblem(job=job, row=each.line.row, line=each.line.line, same=True, reason=each.same[:500]) for each in skipped]
    ImportProblem.objects.bulk_create(problems, batch_size=writes.CHUNK)
    return Counts(len(found) - len(bad) - len(skipped), len(bad), len(skipped))
