"""What somebody sent, checked against the form's fields. Pure: the same rules for our page, an iframe, plain HTML and JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.services import normal_phone
from crm.core.custom.models import PREFIX
from leads.models import FormField
from leads.services.questions import check_answer, check_number, choices_of, custom_values, field_behind, kind_of

Kind, Target = FormField.Kind, FormField.Target
LONGEST = 10_000
LENGTHS = {
    Target.NAME: 100,
    Target.FIRST_NAME: 100,
    Target.LAST_NAME: 100,
    Target.EMAIL: 254,
    Target.PHONE: 40,
    Target.COMPANY: 200,
    Target.JOB_TITLE: 120,
    Target.WEBSITE: 200,
    Target.CITY: 100,
}
IDENTITY = (Target.NAME, Target.FIRST_NAME, Target.LAST_NAME, Target.EMAIL, Target.PHONE, Target.COMPANY)
LEAD_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
TRACKING = (*LEAD_UTM, "gclid", "referrer")
SHOWN = "_shown_"  # and the key of a consent: the version of its text on our own page
TICKS = (Kind.CHECKBOX, Kind.CONSENT)
TRAP, STAMP = "_homepage", "_stamp"  # the honeypot and the signed time stamp of our own page
RESERVED = (*TRACKING, TRAP, STAMP)
PHONE = re.compile(r"[+\d][\d\s()./\-]*(\s*(;?ext\.?=?|x|#|Durchwahl)\s*\d{1,6})?", re.IGNORECASE)
YES = {"on", "true", "1", "yes", "ja", "y"}


@dataclass
class Entry:
    """A checked entry: `values` by lead field, `answers` as (label, text) in the form's order, `errors` by field name."""

    values: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)


def check_entry(fields: Iterable[FormField], data: Mapping[str, Any]) -> Entry:
    """Read what was sent and collect what is wrong with it; fields that the form does not have are only measured."""
    entry = Entry()
    known = set()
    for question in fields:
        known.add(question.key)
        try:
            _take(entry, question, _answer(question, data))
        except ValidationError as error:
            entry.errors[question.key] = error.messages
    for name, value in data.items():
        if name not in known and isinstance(value, str) and len(value) > LONGEST:
            entry.errors[name[:100]] = [_too_long(LONGEST)]
    if not entry.errors and not any(entry.values.get(target) for target in IDENTITY):
        entry.errors[NON_FIELD_ERRORS] = [_("Tell us who you are: a name, an e-mail address or a phone number.")]
    return entry


def read_entry(fields: Iterable[FormField], data: Mapping[str, Any]) -> Entry:
    """A stored entry, which was right when it came: what no longer fits the form is left out instead of refused."""
    entry = Entry()
    for question in fields:
        try:
            _take(entry, question, _answer(question, data, required=False))
        except ValidationError:
            raw = data.get(question.key)
            if isinstance(raw, str):
                entry.answers.append((question.label, raw.strip()[:LONGEST]))
    return entry


def _take(entry: Entry, question: FormField, text: str) -> None:
    if not text:
        return
    if question.target and not entry.values.get(question.target):
        entry.values[question.target] = text
    entry.answers.append((question.label, _("Yes") if kind_of(question) in TICKS else text))


def consents_of(fields: Iterable[FormField], data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a checked entry agrees to, in the words that stand there now."""
    given = (each for each in fields if each.kind == Kind.CONSENT and _plain(each, Kind.CONSENT, data.get(each.key)))
    return [{"key": each.key, "label": each.label, "text": each.consent_text, "version": each.consent_version} for each in given]


def _answer(question: FormField, data: Mapping[str, Any], *, required: bool = True) -> str:
    """The text of one answer, or a ValidationError that says what to do."""
    kind = kind_of(question)
    text = _plain(question, kind, data.get(question.key))
    if not text:
        if required and question.required:
            raise ValidationError(_("Tick this box to go on.") if kind in TICKS else _("Fill this in."))
        return ""
    if kind == Kind.CONSENT and required:
        _check_version(question, data)
    longest = LENGTHS.get(question.target, LONGEST)  # type: ignore[call-overload]
    if len(text) > longest:
        raise ValidationError(_too_long(longest))
    if kind == Kind.CHOICE and text not in choices_of(question):
        raise ValidationError(_("Choose one from the list."))
    custom = field_behind(question)
    if custom is not None:
        check_answer(custom, text)
    elif kind == Kind.NUMBER:
        check_number(text)
    elif kind == Kind.DATE:
        _check_date(text)
    if question.kind == Kind.EMAIL or question.target == Target.EMAIL:
        _check_email(text)
    if question.kind == Kind.PHONE or question.target == Target.PHONE:
        _check_phone(text)
    return text


def _plain(question: FormField, kind: str, raw: Any) -> str:
    if raw is None:
        return ""
    if kind == Kind.SEVERAL:
        return _chosen(question, raw)
    if kind in TICKS:
        if isinstance(raw, (dict, list)):
            raise ValidationError(_("Send yes or no."))
        return "yes" if raw is True or str(raw).strip().lower() in YES else ""
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
        raise ValidationError(_("Send text."))
    text = str(raw)
    if kind == Kind.LONG_TEXT or question.target == Target.MESSAGE:
        return "\n".join(line.rstrip() for line in text.splitlines()).strip()
    return " ".join(text.split())


def _chosen(question: FormField, raw: Any) -> str:
    """Several choices, in the form's order, as one text."""
    given = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(each, str) for each in given):
        raise ValidationError(_("Send a list of choices."))
    wanted, offered = {" ".join(each.split()) for each in given} - {""}, choices_of(question)
    if wanted - set(offered):
        raise ValidationError(_("Choose from the list."))
    return ", ".join(each for each in offered if each in wanted)


def _check_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValidationError(_("Enter a day, such as 2027-03-31.")) from None


def _check_version(question: FormField, data: Mapping[str, Any]) -> None:
    """Our own page says which version of the text it showed: nobody agrees to words that they have not seen."""
    shown = data.get(f"{SHOWN}{question.key}")
    if shown is not None and str(shown) != str(question.consent_version):
        raise ValidationError(_("This text has changed meanwhile. Read it once more, then send."))


def _too_long(longest: int) -> str:
    return ngettext("Use at most %(count)s character.", "Use at most %(count)s characters.", longest) % {"count": longest}


def _check_email(text: str) -> None:
    try:
        validate_email(text)
    except ValidationError:
        raise ValidationError(_("Enter an e-mail address, such as name@example.com.")) from None


def _check_phone(text: str) -> None:
    if not PHONE.fullmatch(text) or not 5 <= sum(char.isdigit() for char in text) <= 20:
        raise ValidationError(_("Enter a phone number, such as +43 662 123456."))


def lead_values(entry: Entry) -> dict[str, Any]:
    """The fields of a new lead. A phone number that belongs to no country is kept in the answers only."""
    values: dict[str, Any] = {name: text for name, text in entry.values.items() if name not in (Target.NAME, Target.MESSAGE, Target.PHONE)}
    values = {name: text for name, text in values.items() if not name.startswith(PREFIX)} | custom_values(entry.values)
    first, _space, last = entry.values.get(Target.NAME, "").partition(" ")
    values.setdefault("first_name", first)
    values.setdefault("last_name", last)
    values["description"] = entry.values.get(Target.MESSAGE, "")
    phone = entry.values.get(Target.PHONE, "")
    try:
        values["phone"] = normal_phone(phone)
        if len(values["phone"]) > 32:
            raise ValidationError("")
    except ValidationError:
        values["phone"] = ""
        if not any(values.get(name) for name in ("first_name", "last_name", "company_name", "email")):
            values["last_name"] = phone
    return values
