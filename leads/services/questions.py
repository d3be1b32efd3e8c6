"""Questions of web forms that fill a custom field of the lead: what kind they are, what may be answered, what is kept. Pure but for the definitions."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.core.custom.definitions import fields_of
from crm.core.custom.models import PREFIX, CustomField
from crm.core.custom.values import clean_value
from leads.models import FormField, Lead

Kind = CustomField.Kind
KINDS = {
    Kind.TEXT: FormField.Kind.TEXT,
    Kind.LONG_TEXT: FormField.Kind.LONG_TEXT,
    Kind.NUMBER: FormField.Kind.TEXT,
    Kind.MONEY: FormField.Kind.TEXT,
    Kind.DATE: FormField.Kind.TEXT,
    Kind.TIME: FormField.Kind.TEXT,
    Kind.CHOICE: FormField.Kind.CHOICE,
    Kind.YES_NO: FormField.Kind.CHECKBOX,
    Kind.URL: FormField.Kind.TEXT,
}
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
INPUTS = {Kind.DATE: "date", Kind.TIME: "time"}


def web_fields() -> dict[str, CustomField]:
    """The custom fields that the public may fill, by name. Not those for some roles, whose answers all would read in the timeline, nor unique ones,
    which would tell a stranger what we know."""
    return {each.name: each for each in fields_of(Lead) if each.kind in KINDS and not each.roles and not each.unique}


def field_behind(question: FormField) -> CustomField | None:
    """The custom field that an answer fills."""
    return web_fields().get(question.target) if question.target.startswith(PREFIX) else None


def kind_of(question: FormField) -> str:
    """The kind of a question; of one that fills a custom field, that field's. What is hidden stays so, and a consent is one whatever it fills."""
    field = field_behind(question)
    return question.kind if field is None or question.kind in (FormField.Kind.HIDDEN, FormField.Kind.CONSENT) else KINDS[Kind(field.kind)]


def choices_of(question: FormField) -> list[str]:
    field = field_behind(question)
    return question.choices if field is None else [label for _key, label in field.offered()]


def check_answer(field: CustomField, text: str) -> Any:
    """The value as it is stored. A number may have a comma or a point, whatever the form's language."""
    return clean_value(field, _with_point(text) if field.kind in (Kind.NUMBER, Kind.MONEY) else text)


def _with_point(text: str) -> str:
    bare = "".join(text.split())
    if "," in bare:
        thousands, decimals = (",", ".") if bare.rfind(".") > bare.rfind(",") else (".", ",")
        bare = bare.replace(thousands, "").replace(decimals, ".")
    return bare


def check_number(text: str) -> None:
    """ValidationError for what is no number of at most 18 digits; a comma may stand for the point."""
    bare = _with_point(text)
    if not NUMBER.fullmatch(bare) or sum(char.isdigit() for char in bare) > 18:
        raise ValidationError(_("Enter a number, such as 12 or 12.5."))


def custom_values(answers: dict[str, str]) -> dict[str, Any]:
    """Of a stored entry the values of custom fields. What no longer fits the field stays in the answers alone."""
    found = {}
    for name, field in web_fields().items():
        try:
            if answers.get(name):
                found[name] = check_answer(field, answers[name])
        except ValidationError:
            continue
    return found
