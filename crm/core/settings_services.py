"""Writing what admins set up (sources, tags, stages, statuses …): one path for all of it, admins only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.models import Source, Tag
from crm.core.text import sort_key
from crm.core.writes import StaleRecord

KEEPS = (models.PROTECT, models.RESTRICT, models.SET_NULL)


def require_admin(actor: Any) -> None:
    """Settings are for admins. `actor=None` is the system."""
    if actor is not None and not actor.is_admin:
        raise PermissionDenied(_("Only administrators may change settings."))


@transaction.atomic
def save_setting(model: type[models.Model], values: Mapping[str, Any], *, actor: Any, obj: Any = None, version: int | None = None) -> Any:
    """Create (`obj=None`) or change one row of `model`; validates the whole row.

    A new row of a model with `position` goes to the end. With `version`, StaleRecord when somebody else was faster.
    """
    require_admin(actor)
    row = model() if obj is None else locked(obj)
    if version is not None and getattr(row, "version", version) != version:
        raise StaleRecord(row)
    for name, value in values.items():
        setattr(row, name, value)
    if obj is None and hasattr(row, "position") and "position" not in values:
        row.position = next_position(model)
    row.full_clean()
    if obj is not None and hasattr(row, "version"):
        row.version += 1
    row.save()
    return row


def locked(obj: Any) -> Any:
    """The row as it is now, locked until the end of the transaction; ValidationError when it is gone."""
    row = type(obj)._base_manager.select_for_update().filter(pk=obj.pk).first()
    if row is None:
        raise ValidationError(_("Somebody has deleted this meanwhile."), code="gone")
    return row


def next_position(model: type[models.Model]) -> int:
    highest = model._base_manager.aggregate(highest=Max("position"))["highest"]
    return 0 if highest is None else min(highest + 1, 32_000)


@transaction.atomic
def move_setting(obj: Any, direction: str, *, actor: Any, within: str = "") -> None:
    """Swap with the neighbour: `direction` is "up" or "down". `within` names the foreign key whose rows form one order (a pipeline's stages)."""
    require_admin(actor)
    if direction not in ("up", "down"):
        raise ValidationError(_("Choose up or down."), code="direction")
    siblings = type(obj)._base_manager.all()
    if within:
        siblings = siblings.filter(**{f"{within}_id": getattr(obj, f"{within}_id")})
    rows = list(siblings.select_for_update().order_by("position", "pk"))
    here = next((index for index, row in enumerate(rows) if row.pk == obj.pk), None)
    if here is None:
        return
    there = here + (-1 if direction == "up" else 1)
    if 0 <= there < len(rows):
        rows[here], rows[there] = rows[there], rows[here]
    renumber(rows)


def renumber(rows: list[Any]) -> None:
    """Give the rows, in their order, the positions 0, 1, 2 …; writes only what changes."""
    moved = []
    for position, row in enumerate(rows):
        if row.position != position:
            row.position = position
            moved.append(row)
    if moved:
        type(moved[0])._base_manager.bulk_update(moved, ["position"])


def uses(obj: Any) -> list[tuple[str, int]]:
    """What points to this row and would lose it or forbid its end: [(plural name, count)]. Rows in the bin count: they may come back."""
    found: dict[str, int] = {}
    for relation in obj._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and (relation.one_to_many or relation.one_to_one) and relation.on_delete in KEEPS):
            continue
        count = relation.related_model._base_manager.filter(**{relation.field.name: obj.pk}).count()
        if count:
            label = str(relation.related_model._meta.verbose_name_plural)
            found[label] = found.get(label, 0) + count
    return list(found.items())


def used_text(found: list[tuple[str, int]]) -> str:
    """`12 leads, 3 deals`."""
    return ", ".join(f"{count} {label}" for label, count in found)


@transaction.atomic
def delete_setting(obj: Any, *, actor: Any) -> None:
    """Delete a row that nothing uses any more; otherwise a ValidationError says what does."""
    require_admin(actor)
    row = locked(obj)
    found = uses(row)
    if found:
        raise ValidationError(_("“%(name)s” is still used: %(uses)s. Change those first."), code="used", params={"name": str(row), "uses": used_text(found)})
    row.delete()


def _named(model: type[models.Model], values: Mapping[str, Any], actor: Any, obj: Any) -> Any:
    """Rows told apart by their folded name, so that "Messe" and "messe " are one."""
    name = " ".join(str(values.get("name", obj.name if obj else "")).split())
    key = sort_key(name)
    if not key:
        raise ValidationError({"name": _("Enter a name.")})
    twin = model._base_manager.filter(key=key).exclude(pk=obj.pk if obj else None).first()
    if twin is not None:
        raise ValidationError({"name": _("“%(name)s” exists already.") % {"name": twin}})
    try:
        with transaction.atomic():
            return save_setting(model, {**values, "name": name, "key": key}, actor=actor, obj=obj)
    except ValidationError as error:
        raise moved_error(error, "key", "name") from None


def moved_error(error: ValidationError, hidden: str, shown: str) -> ValidationError:
    """The same error with what is wrong with a hidden field told at the field that people see."""
    if not hasattr(error, "error_dict") or hidden not in error.error_dict:
        return error
    fields = {name: errors for name, errors in error.error_dict.items() if name != hidden}
    return ValidationError({**fields, shown: [*fields.get(shown, []), *error.error_dict[hidden]]})


def create_source(values: Mapping[str, Any], *, actor: Any) -> Source:
    return _named(Source, values, actor, None)


def update_source(source: Source, values: Mapping[str, Any], *, actor: Any) -> Source:
    return _named(Source, values, actor, source)


def create_tag(values: Mapping[str, Any], *, actor: Any) -> Tag:
    return _named(Tag, values, actor, None)


def update_tag(tag: Tag, values: Mapping[str, Any], *, actor: Any) -> Tag:
    return _named(Tag, values, actor, tag)


def row_count_text(count: int) -> str:
    return ngettext("%(count)s entry", "%(count)s entries", count) % {"count": count}


def add_errors(form: Any, error: ValidationError) -> None:
    """What a service refused, at the form's fields; what belongs to no field of the form stands above it."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields and name != NON_FIELD_ERRORS else None, errors)
