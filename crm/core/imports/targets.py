"""What the columns of a file can become: the fields of the record's form and what the record type adds (RecordType.importing)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.text import capfirst

from crm.core.fields import PickerField, TagsField
from crm.core.imports.parsers import ChoiceParser, Parse, parser_of
from crm.core.records import RecordType
from crm.core.text import unaccent

HIDDEN = ("version", "idempotency_key")
USUAL = {
    "owner": "owner, owner name, owner email, record owner, assigned to, assignee, responsible, besitzer, verantwortlich, zustandig, betreuer",
    "tags": "tags, labels, label, categories, group membership, kategorien, schlagworte, gruppen",
}


@dataclass(frozen=True)
class Target:
    """One thing that a column can become. `link` is the slug of what the cell names ("companies", "users"), "" for a plain value."""

    key: str
    label: str
    parse: Parse
    many: bool = False
    link: str = ""
    required: bool = False
    longest: int | None = None  # characters
    words: tuple[str, ...] = ()  # compacted headings, the surest first


def compact(heading: str) -> str:
    """`E-mail 1 - Value` -> `email1value`."""
    return re.sub(r"[^a-z0-9]+", "", unaccent(heading)) or unaccent(heading).strip()


def targets_of(record: RecordType, user: Any, *, day_first: bool = True) -> dict[str, Target]:
    """{key: Target} in the order of the form. `user` limits the choices."""
    forms = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            form = record.form({}, user=user)
            for field in form.fields.values():
                if hasattr(field, "choices"):  # read now, in this language
                    field.choices = [(value, label if isinstance(label, (list, tuple)) else str(label)) for value, label in field.choices]
            labels = {name: str(field.label or name) for name, field in form.fields.items()}
            forms.append((form, labels | {column.key: str(column.label) for column in record.importing.columns}))
    active = [code for code, _name in settings.LANGUAGES].index((translation.get_language() or "en")[:2])
    own = {column.key: column for column in record.importing.columns}
    found: dict[str, Target] = {}
    for name, field in forms[active][0].fields.items():
        if name in HIDDEN or name in own or name in record.importing.leave_out:
            continue
        others = [form.fields[name] for form, _labels in forms if form is not forms[active][0]]
        words = _words(record, name, [labels[name] for _form, labels in forms])
        link = field.slug if isinstance(field, PickerField) else ""
        parse = str.strip if link else parser_of(field, others, day_first)
        many, label = isinstance(field, TagsField), capfirst(str(field.label or name))
        found[name] = Target(name, label, parse, many, link, _required(record, name, field), _longest(field), words)
    for column in own.values():
        words = _words(record, column.key, [labels[column.key] for _form, labels in forms])
        longest = _longest(forms[active][0].fields.get(column.key))
        found[column.key] = Target(column.key, capfirst(str(column.label)), column.parse, column.many, "", False, longest, words)
    return found


def _longest(field: Any) -> int | None:
    return getattr(field, "max_length", None)


def _required(record: RecordType, name: str, field: Any) -> bool:
    """The form asks for it, and no default steps in where nobody fills in a form."""
    stored = next((each for each in record.model._meta.concrete_fields if each.name == name), None)
    return field.required and not (stored is not None and stored.has_default())


def _words(record: RecordType, key: str, labels: Iterable[Any]) -> tuple[str, ...]:
    given = ",".join([record.importing.synonyms.get(key, ""), USUAL.get(key, "")])
    texts = [key, *labels, *(word for word in given.split(",") if word.strip())]
    return tuple(dict.fromkeys(compact(str(text)) for text in texts))


def guess(record: RecordType, targets: dict[str, Target], headings: Sequence[str], samples: Sequence[Sequence[str]]) -> dict[str, str]:
    """{position as text: key}: which column becomes what, by its heading, unless none of its first values would do."""
    ranked = []
    for position, heading in enumerate(headings):
        for key, target in targets.items():
            rank = _rank(record, target, heading)
            if rank is not None:
                ranked.append((rank, position, key))
    found: dict[str, str] = {}
    for _found_at, position, key in sorted(ranked):
        taken = key in found.values() and not targets[key].many
        if str(position) not in found and not taken and _would_do(targets[key], [row[position] for row in samples if position < len(row)]):
            found[str(position)] = key
    return found


def _rank(record: RecordType, target: Target, heading: str) -> int | None:
    """0 for the surest word; None when the heading says something else."""
    whole, _stroke, last = heading.rpartition(" - ")
    prefixes = {compact(word) for word in record.importing.prefixes}
    tries = [compact(heading), *([compact(last)] if compact(whole) in prefixes else [])]
    if target.many:
        tries += [re.sub(r"\d+", "", word) for word in tries]
    tries += [word.removeprefix(prefix) for prefix in prefixes for word in tries if word != prefix]
    return next((target.words.index(word) for word in tries if word in target.words), None)


def _would_do(target: Target, values: Sequence[str]) -> bool:
    """Choices of another house are not ours: a column of which no value is known is left out. Anything else is for the check to tell."""
    given = [value for value in values if value.strip()]
    return not given or not isinstance(target.parse, ChoiceParser) or any(target.parse.knows(value) for value in given)


def missing(targets: dict[str, Target], mapping: dict[str, str]) -> list[str]:
    """Labels of what must be given and is not."""
    return [target.label for key, target in targets.items() if target.required and key not in mapping.values()]


def doubled(targets: dict[str, Target], mapping: dict[str, str]) -> list[str]:
    """Labels of what several columns want to become, but only one can."""
    keys = list(mapping.values())
    return [target.label for key, target in targets.items() if keys.count(key) > 1 and not target.many]
