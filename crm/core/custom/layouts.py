"""How the fields of a record type are arranged, in its form and on its page: in the groups and the order that an admin chose, else as they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crm.core.custom.definitions import Groups, definitions, fields_of, forget, grouped
from crm.core.custom.forms import MORE, WIDE, in_pairs
from crm.core.custom.models import RecordLayout
from crm.core.records import RecordType, Section
from crm.core.settings_services import require_admin
from crm.core.writes import StaleRecord

Rows = tuple[tuple[Any, ...], ...]  # as in RecordForm.layout: ((legend, "one", ("two", "three")), …)
MOST_GROUPS, LONGEST_TITLE = 40, 80


def form_rows(model: Any, own: Rows, custom: Rows) -> Rows:
    """The layout of a record's form. What the stored one does not name (a new field, what a form asks now and then) stands behind, in its own group."""
    usual = (*own, *custom)
    stored = definitions().layouts.get(model._meta.label_lower)
    if not stored:
        return usual
    alone = {entry for group in own for entry in group[1:] if isinstance(entry, str)} | {each.name for each in fields_of(model) if each.kind in WIDE}
    known, placed = {name for group in usual for name in names_in(group)}, {name for _title, names in stored for name in names}
    groups = [(title, [name for name in names if name in known]) for title, names in stored]
    groups += [(group[0], [name for name in names_in(group) if name not in placed]) for group in usual]
    return tuple((title, *in_pairs(names, alone)) for title, names in groups if names)


def names_in(group: Sequence[Any]) -> list[str]:
    """The fields of one group of a form's layout."""
    return [name for entry in group[1:] for name in ((entry,) if isinstance(entry, str) else entry)]


def profile(record: RecordType, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The groups of facts on a record's page. Facts that no field stands for stay in their groups; those that came first still do."""
    stored = definitions().layouts.get(record.model_label)
    if not stored:
        return sections
    facts = {fact.field: fact for section in sections for fact in section.facts if fact.field}
    placed = facts.keys() & {name for _title, names in stored for name in names}
    arranged = [Section(title, tuple(facts[name] for name in names if name in facts)) for title, names in stored]
    left = [Section(section.title, tuple(fact for fact in section.facts if fact.field not in placed)) for section in sections]
    first = next((place for place, section in enumerate(sections) if len(left[place].facts) < len(section.facts)), len(sections))
    return tuple(section for section in (*left[:first], *arranged, *left[first:]) if section.facts)


# ---- what the settings page shows and changes ----


def usual_groups(record: RecordType) -> Groups:
    """As the fields come without a layout."""
    own = tuple((str(group[0]), tuple(names_in(group))) for group in record.form.layout)  # type: ignore[attr-defined]
    return own + tuple((title or str(MORE), tuple(each.name for each in fields)) for title, fields in grouped(fields_of(record.model)).items())


def groups_of(record: RecordType) -> Groups:
    """As they are arranged now: each field once, those that the layout does not know yet in the last group."""
    usual, stored = usual_groups(record), definitions().layouts.get(record.model_label)
    if not stored:
        return usual
    every = [name for _title, names in usual for name in names]
    found = [(title, [name for name in names if name in every]) for title, names in stored]
    placed = {name for _title, names in found for name in names}
    found[-1][1].extend(name for name in every if name not in placed)
    return tuple((title, tuple(names)) for title, names in found)


def labels_of(record: RecordType) -> dict[str, str]:
    """What each field is called."""
    own = {name: str(field.label or name) for name, field in record.form.base_fields.items()}  # type: ignore[attr-defined]
    return own | {each.name: each.label for each in fields_of(record.model)}


def version_of(record: RecordType) -> int:
    """Of the stored layout, 0: none is stored."""
    return RecordLayout.objects.filter(record=record.model_label).values_list("version", flat=True).first() or 0


@transaction.atomic
def arrange(record: RecordType, groups: Sequence[tuple[str, Sequence[str]]], *, actor: Any, version: int) -> None:
    """Store the groups, each with its title and the names of its fields: every field once. StaleRecord when `version` is not that of the stored one."""
    require_admin(actor)
    row = RecordLayout.objects.select_for_update().filter(record=record.model_label).first()
    if version != (row.version if row else 0):
        raise StaleRecord(row)
    every = sorted(name for _title, names in usual_groups(record) for name in names)
    kept = [(" ".join(title.replace("\x00", "").split()), list(names)) for title, names in groups]
    if sorted(name for _title, names in kept for name in names) != every:
        raise ValidationError(_("The fields have changed meanwhile. Try again."), code="fields")
    if not all(title and len(title) <= LONGEST_TITLE for title, _names in kept):
        raise ValidationError(_("Give each group a title of up to %(count)s characters.") % {"count": LONGEST_TITLE}, code="title")
    if len(kept) > MOST_GROUPS:
        raise ValidationError(_("At most %(count)s groups.") % {"count": MOST_GROUPS}, code="groups")
    stored = [{"title": title, "fields": names} for title, names in kept]
    if row is None:
        # Whoever is first to store one: the second finds it there and is told.
        _row, made = RecordLayout.objects.get_or_create(record=record.model_label, defaults={"groups": stored})
        if not made:
            raise StaleRecord(_row)
    else:
        row.groups, row.version = stored, row.version + 1
        row.save(update_fields=["groups", "version"])
    forget()


@transaction.atomic
def arrange_as_usual(record: RecordType, *, actor: Any) -> None:
    """Forget the layout."""
    require_admin(actor)
    RecordLayout.objects.filter(record=record.model_label).delete()
    forget()
