"""How records are written: the one path under every form, board, bulk action, import and rule (docs/decisions/writes.md).

App services call these inside their own `@transaction.atomic`; nothing else saves a record.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core import ledger, words
from crm.core.access import any_of, arms_for, placeable
from crm.core.copying import CHUNK, Blank, in_service, insert_rows, update_rows
from crm.core.custom import writing as custom
from crm.core.differences import Difference, readable
from crm.core.events import RecordEvent, emit
from crm.core.models import Tag
from crm.core.tagging import put_tags, resolved, set_tags, tag_difference

Values = dict[str, Any]


class RowErrors(ValidationError):
    """Several rows were wrong: `errors` is a list of (row index, {field: [messages]})."""

    def __init__(self, errors: list[tuple[int, dict[str, list[str]]]]) -> None:
        self.errors = errors
        super().__init__([f"{index}: {messages}" for index, messages in errors])


class OnlyChecked(Exception):
    """Every row is good and none was written (`only_checking`)."""


_only_checking: ContextVar[bool] = ContextVar("only_checking", default=False)


@contextmanager
def only_checking() -> Iterator[None]:
    """Within it any create service stops before its first record, with its own errors or OnlyChecked: an import asks the rules that will apply."""
    token = _only_checking.set(True)
    try:
        yield
    finally:
        _only_checking.reset(token)


class StaleRecord(Exception):
    """Somebody changed the record after the form was opened: `current` is the row as it is now."""

    def __init__(self, current: Any) -> None:
        self.current = current
        super().__init__(f"{current._meta.label} {current.pk} is at version {current.version}")


def lock(obj: Any) -> Any:
    """The row as it is now, locked until the transaction ends. DoesNotExist when it is gone for good."""
    return type(obj)._base_manager.select_for_update().get(pk=obj.pk)


@in_service
def create_records(
    model: type[models.Model],
    rows: Sequence[Values],
    *,
    actor: Any,
    check: Callable[[Any], None] | None = None,
) -> list[Any]:
    """Insert rows, all or none. Owner defaults to the actor, team to the owner's home team. `actor=None` is the system.

    `check(obj)` may raise ValidationError for rules across fields. Raises ValidationError for a single row, RowErrors for many.
    """
    objects, tags, errors, blank = [], [], [], Blank(model)
    rows = [dict(row) for row in rows]
    added = custom.new_rows(model, rows, actor) or [custom.NewRow({})] * len(rows)
    for index, (values, new) in enumerate(zip(rows, added, strict=True)):
        tags.append(resolved(values.pop("tags", None) or []))
        obj = blank(values)
        if new.stored:
            obj.custom = new.stored
        _stamp_new(obj, values, actor)
        try:
            clean(obj, check)
        except ValidationError as error:
            errors.append((index, ValidationError({**_as_dict(error), **new.errors}) if new.errors else error))
        else:
            if new.errors:
                errors.append((index, ValidationError(new.errors)))
        objects.append(obj)
    if errors:
        raise errors[0][1] if len(rows) == 1 else RowErrors([(index, _as_dict(error)) for index, error in errors])
    if _only_checking.get():
        raise OnlyChecked
    created = unless_taken(lambda: insert_rows(objects))
    _remember_words(created)
    put_tags(model, zip(created, tags, strict=True))
    if actor is not None:
        _check_scope(model, [obj.pk for obj in created], actor, "add")
    tell(model, "created", [obj.pk for obj in created], actor)
    ledger.remember_made(model._meta.label_lower, [obj.pk for obj in created])
    return created


def _remember_words(rows: list[Any]) -> None:
    if rows and hasattr(rows[0], "fold"):
        words.remember(rows)


def unless_taken(write: Callable[[], Any]) -> Any:
    """`write()`, with the database's refusal of a value that must be unique told at its field."""
    try:
        return write()
    except IntegrityError as error:
        raise custom.told(error) from error


def _stamp_new(obj: Any, row: Values, actor: Any) -> None:
    if "owner" not in row and "owner_id" not in row and actor is not None:
        obj.owner = actor
    if obj.team_id is None and not row.get("team"):
        # One home team per user, stamped at assignment: a row stays with the team that got it.
        obj.team_id = obj.owner.team_id if obj.owner_id else (actor.team_id if actor is not None else None)
    if "created_by" not in row:
        obj.created_by = actor


def clean(obj: Any, check: Callable[[Any], None] | None = None) -> None:
    """Validate fields and rules without a query per foreign key (pickers and services hand over real rows), then fold."""
    model: Any = type(obj)
    fields, texts, links = _fields_of(model)
    errors: dict[str, list[Any]] = {}
    for name in texts:
        if "\x00" in getattr(obj, name):
            setattr(obj, name, getattr(obj, name).replace("\x00", ""))
    for field in links:
        if getattr(obj, field.attname) is None:
            errors[field.name] = [_("Choose one.")]
    for field in fields:
        value = getattr(obj, field.attname)
        if field.blank and value in field.empty_values:
            continue
        try:
            setattr(obj, field.attname, field.clean(value, obj))
        except ValidationError as error:
            errors[field.name] = error.error_list
    if not errors:
        obj.clean()
        if check:
            check(obj)
    if errors:
        raise ValidationError(errors)
    fold(obj)


def fold(obj: Any) -> None:
    """Bring what a record is found and sorted by up to date, its custom fields included."""
    if hasattr(obj, "fold"):
        obj.fold()
        custom.add_search_words(obj)


@cache
def _fields_of(model: Any) -> tuple[list[Any], list[str], list[Any]]:
    """What a person can set and is no link; names of texts; links that must be there. The rest is set by services, and a million rows feel it."""
    own = [field for field in model._meta.concrete_fields if not field.remote_field and field.editable and not field.primary_key]
    texts = [field.attname for field in model._meta.concrete_fields if isinstance(field, (models.CharField, models.TextField)) and not field.null]
    links = [field for field in model._meta.concrete_fields if field.remote_field and not field.null and not field.blank]
    return own, texts, links


def _as_dict(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}


@in_service
def change_record(obj: Any, changes: Values, *, actor: Any, version: int | None = None, check: Callable[[Any], None] | None = None) -> Any:
    """Set fields of one row. StaleRecord when `version` is given and the row has moved on; no-op when nothing differs."""
    row = lock(obj)
    if row.deleted_at is not None:
        raise ValidationError(_("This is in the bin. Restore it first."), code="deleted")
    if version is not None and version != row.version:
        raise StaleRecord(row)
    changes = dict(changes)
    tags, given = changes.pop("tags", None), custom.take(changes)
    differences = set_fields(row, changes)
    if given:
        differences |= custom.change_rows([row], given, actor)[row.pk]
    tag_difference = set_tags(row, resolved(tags)) if tags is not None else None
    if tag_difference:
        differences["tags"] = tag_difference
    if not differences:
        return row
    fields = {_column(name) for name in differences if name != "tags"}
    if "owner" in fields and row.owner is not None and "team" not in fields:
        row.team_id = row.owner.team_id or row.team_id
        fields.add("team")
    clean(row, check)
    row.version += 1
    row.updated_at = timezone.now()
    derived = {"search_text", "sort_name"} if hasattr(row, "fold") else set()
    unless_taken(lambda: row.save(update_fields=[*fields, *derived, "version", "updated_at"]))
    _remember_words([row])
    if actor is not None:
        _check_scope(type(row), [row.pk], actor, "view")
    tell_changes(type(row), {row.pk: differences}, actor)
    return row


def _column(name: str) -> str:
    """The model's field that holds a changed value: all custom ones stand in one."""
    return "custom" if name.startswith(custom.PREFIX) else name


def set_fields(row: Any, changes: Values) -> dict[str, Difference]:
    differences = {}
    for name, new in changes.items():
        field = row._meta.get_field(name)
        old = getattr(row, name)
        new = field.to_python(new) if not field.remote_field else new
        if old != new:
            setattr(row, name, new)
            differences[name] = Difference(old, new, readable(field, old), readable(field, new))
    return differences


@in_service
def change_records(model: type[models.Model], ids: Iterable[int], changes: Values, *, actor: Any) -> int:
    """Set the same plain and custom fields on many rows; see change_each."""
    changes = dict(changes)
    given = custom.take(changes)
    return change_each(model, dict.fromkeys(ids, changes), actor=actor, given=given)


@in_service
def change_each(model: type[models.Model], changes: Mapping[int, Values], *, actor: Any, given: Values | None = None) -> int:
    """Set plain fields ({row id: {field: value}}) of those of the rows that the actor may change (all, for the system), and the custom fields
    `given` on all of them. Returns how many differ.

    Rules that need a look at each row do not belong here: their service loops in sets of its own. ValidationError when a row would break a rule
    or leave the actor's sight; a bulk action leaves such a row as it is and goes on. None of them asks for custom fields: the ledger does not note these.
    """
    rows = list(writable(model, changes, actor, "change").select_for_update(of=("self",)).order_by("pk"))
    names = list(dict.fromkeys(name for wanted in changes.values() for name in wanted))
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    models.prefetch_related_objects(rows, *(field.name for field in fields if field.remote_field))  # for the texts: a query per link, not per row
    at, differences, before, touched = timezone.now(), {}, {}, []
    added = custom.change_rows(rows, given, actor) if given else {}
    for row in rows:
        stored = {field.attname: getattr(row, field.attname) for field in fields} | {"team_id": row.team_id}
        found = set_fields(row, changes[row.pk]) | added.get(row.pk, {})
        if found and _passes(row, found, "team" in changes[row.pk], at):
            differences[row.pk], before[row.pk] = found, {name: value for name, value in stored.items() if value != getattr(row, name)}
            touched.append(row)
    columns = {*names, *(("team",) if "owner" in names else ()), *(("custom",) if given else ())}
    stays = _store(model, touched, columns, actor)
    tell_changes(model, {row.pk: differences[row.pk] for row in stays}, actor)
    if running := ledger.current():
        for row in stays:
            running.note(model._meta.label_lower, row.pk, before[row.pk])
    return len(stays)


def _passes(row: Any, found: dict[str, Difference], team_named: bool, at: datetime) -> bool:
    """Finish a changed row. False when a rule refuses it and a bulk action goes on without it."""
    if "owner" in found and row.owner is not None and not team_named:
        row.team_id = row.owner.team_id or row.team_id
    row.version, row.updated_at = row.version + 1, at
    try:
        clean(row)
    except ValidationError as error:
        _refuse(type(row), row.pk, error)
        return False
    return True


def _store(model: Any, rows: list[Any], names: set[str], actor: Any) -> list[Any]:
    """Write; those that are still in the actor's reach. Within a bulk action the others are put back, elsewhere they are an error."""
    if not rows:
        return rows
    derived = {"search_text", "sort_name"} if hasattr(rows[0], "fold") else set()
    with transaction.atomic(savepoint=ledger.current() is not None):
        unless_taken(partial(update_rows, rows, sorted(names | derived | {"version", "updated_at"})))
        outside = _outside(model, [row.pk for row in rows], actor, "view")
        if outside and ledger.current() is not None:
            transaction.set_rollback(True)
    for pk in outside:
        _refuse(model, pk, _vanishing(model))
    if outside:
        return _store(model, [row for row in rows if row.pk not in outside], names, actor)
    _remember_words(rows)
    return rows


def _refuse(model: Any, pk: int, error: ValidationError) -> None:
    """Note why a row stays as it is, when a bulk action is about such rows; else raise."""
    running = ledger.current()
    if running is None or running.label != model._meta.label_lower:
        raise error
    running.refused[pk] = ledger.reason_of(error, model)


@in_service
def add_tags(model: type[models.Model], ids: Iterable[int], tags: Sequence[Tag], *, actor: Any) -> int:
    """Put tags on the rows the actor may change; returns how many rows got at least one they had not."""
    return change_tags(model, dict.fromkeys(ids, (tags, ())), actor=actor)


@in_service
def change_tags(model: type[models.Model], wanted: Mapping[int, tuple[Iterable[Tag], Iterable[Tag]]], *, actor: Any) -> int:
    """{row id: (tags to add, tags to take away)} for the rows the actor may change; returns how many rows differ."""
    rows = list(writable(model, wanted, actor, "change").select_for_update(of=("self",)).order_by("pk"))
    differences = retag(model, rows, wanted)
    tell_changes(model, {pk: {"tags": difference} for pk, difference in differences.items()}, actor)
    if running := ledger.current():
        for pk, difference in differences.items():
            fresh, gone = set(difference.new) - set(difference.old), set(difference.old) - set(difference.new)
            running.note(model._meta.label_lower, pk, {"tags": [sorted(fresh), sorted(gone)]})
    return len(differences)


def retag(model: Any, rows: Sequence[Any], wanted: Mapping[int, tuple[Iterable[Tag], Iterable[Tag]]]) -> dict[int, Difference]:
    """Add and take away tags of locked rows; what differs, by row."""
    models.prefetch_related_objects(rows, "tags")
    through, link = model.tags.through, f"{model._meta.model_name}_id"
    differences, fresh, gone = {}, [], Q(pk__in=[])
    for row in rows:
        old, (add, remove) = set(row.tags.all()), wanted[row.pk]
        new = (old | set(add)) - set(remove)
        if new != old:
            differences[row.pk] = tag_difference(old, new)
            fresh += [through(**{link: row.pk, "tag_id": tag.pk}) for tag in new - old]
    for tag in {tag for _add, remove in wanted.values() for tag in remove}:
        gone |= Q(**{f"{link}__in": [row.pk for row in rows if tag in wanted[row.pk][1]], "tag": tag})
    through.objects.filter(gone).delete()
    through.objects.bulk_create(fresh, batch_size=CHUNK, ignore_conflicts=True)
    return differences


def writable(model: Any, ids: Iterable[int], actor: Any, action: str) -> models.QuerySet:
    wanted = model._base_manager.filter(pk__in=list(ids), deleted_at__isnull=True)
    return wanted if actor is None else wanted.filter(any_of(arms_for(actor, action, model)))


def _check_scope(model: Any, ids: list[int], actor: Any, action: str) -> None:
    """After the write: the rows must lie where the actor may put them, or they would vanish from sight."""
    if _outside(model, ids, actor, action):
        raise _vanishing(model)


def _outside(model: Any, ids: list[int], actor: Any, action: str) -> set[int]:
    """Those of the rows that the actor does not reach; none for the system."""
    reach = any_of(placeable(actor, action, model)) if actor is not None else Q()
    return set(ids) - set(model._base_manager.filter(reach, pk__in=ids).values_list("pk", flat=True)) if reach else set()


def _vanishing(model: Any) -> ValidationError:
    field = "owner" if any(field.name == "owner" for field in model._meta.concrete_fields) else NON_FIELD_ERRORS
    return ValidationError({field: [_("You would no longer see this record. Choose somebody in your team.")]}, code="scope")


def tell(model: Any, verb: str, ids: list[int], actor: Any, group: uuid.UUID | None = None) -> None:
    for start in range(0, len(ids), CHUNK):
        changes = {"group": {"id": str(group)}} if group else {}
        emit(
            RecordEvent(
                label=model._meta.label_lower, verb=verb, subject_ids=tuple(ids[start : start + CHUNK]), actor_id=getattr(actor, "pk", None), changes=changes
            )
        )


def tell_changes(model: Any, differences: dict[int, dict[str, Difference]], actor: Any, verbs: Sequence[str] = ("changed", "assigned")) -> None:
    """Events for changed rows, `assigned` for those with a new owner only."""
    ids = list(differences)
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        changes = {str(pk): {name: difference.as_json() for name, difference in differences[pk].items()} for pk in part}
        for verb in verbs:
            about = {pk: {"owner": change["owner"]} for pk, change in changes.items() if "owner" in change} if verb == "assigned" else changes
            if about:
                emit(
                    RecordEvent(
                        label=model._meta.label_lower, verb=verb, subject_ids=tuple(map(int, about)), actor_id=getattr(actor, "pk", None), changes=about
                    )
                )


def user_or_none(user_id: int | None) -> Any:
    return get_user_model().objects.filter(pk=user_id).first() if user_id else None
