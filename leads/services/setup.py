"""What admins set up: statuses, reasons, web forms with their fields, assignment rules. And what a new installation starts with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext as _

from crm.core.settings_services import delete_setting, locked, require_admin, save_setting
from crm.core.writes import StaleRecord
from leads.models import AssignmentRule, DisqualifyReason, FormField, LeadStatus, ScoreRule, WebForm
from leads.services.assignment import FIELDS, OPERATIONS
from leads.services.entries import IDENTITY, RESERVED
from leads.services.questions import web_fields
from leads.services.rescoring import default_rules

Values = Mapping[str, Any]
Kind, FieldKind, Mode = LeadStatus.Kind, FormField.Kind, AssignmentRule.Mode
STATUSES = (
    ("New", "new", "blue"),
    ("Contacted", "working", "violet"),
    ("Qualified", "working", "green"),
    ("Nurturing", "working", "amber"),
    ("Converted", "converted", "teal"),
    ("Disqualified", "disqualified", "grey"),
)
REASONS = ("No budget", "No need", "Not now", "Chose a competitor", "Cannot be reached", "Wrong details", "Not a customer")
ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
MAX_FIELDS, MAX_CHOICES, MAX_CONDITIONS = 40, 100, 20


def ensure_defaults(statuses: Any = None) -> None:
    """The statuses, reasons and rules of the score, of each kind when there are none. A migration hands in its own model of statuses and gets only these."""
    only_statuses, statuses = statuses is not None, statuses or LeadStatus
    if not statuses.objects.exists():
        rows = [statuses(name=name, kind=kind, color=color, position=position) for position, (name, kind, color) in enumerate(STATUSES)]
        statuses.objects.bulk_create(rows)
    if not only_statuses:
        ensure_reasons_and_scores(DisqualifyReason, ScoreRule)


def ensure_reasons_and_scores(reasons: Any, rules: Any) -> None:
    """The same for what came later; a migration hands in its own models."""
    if not reasons.objects.exists():
        reasons.objects.bulk_create([reasons(name=name, position=position) for position, name in enumerate(REASONS)])
    if not rules.objects.exists():
        rules.objects.bulk_create(default_rules(rules))


# ---- statuses ----


@transaction.atomic
def create_status(values: Values, *, actor: Any) -> LeadStatus:
    """A new status goes before the closing ones. `new` and `converted` exist once."""
    _check_kind(values.get("kind", Kind.WORKING), None)
    status = save_setting(LeadStatus, values, actor=actor)
    closing = (Kind.CONVERTED, Kind.DISQUALIFIED)
    if status.kind not in closing:
        rows = list(LeadStatus.objects.select_for_update().exclude(pk=status.pk))
        first = next((index for index, row in enumerate(rows) if row.kind in closing), len(rows))
        for position, row in enumerate([*rows[:first], status, *rows[first:]]):
            LeadStatus.objects.filter(pk=row.pk).update(position=position)
    return status


@transaction.atomic
def update_status(status: LeadStatus, values: Values, *, actor: Any) -> LeadStatus:
    """Rename, recolour; the kind of the only `new`, `converted` or last `disqualified` status stays."""
    require_admin(actor)
    status = locked(status)
    kind = values.get("kind", status.kind)
    if kind != status.kind:
        if _is_needed(status):
            raise ValidationError({"kind": [_("One status of the kind “%(kind)s” is needed. Its kind stays.") % {"kind": status.get_kind_display()}]})
        if status.leads.exists():
            raise ValidationError({"kind": [_("Leads have this status. Move them first.")]})
        _check_kind(kind, status)
    return save_setting(LeadStatus, values, actor=actor, obj=status)


def _check_kind(kind: str, status: LeadStatus | None) -> None:
    if kind in (Kind.NEW, Kind.CONVERTED):
        others = LeadStatus.objects.filter(kind=kind).exclude(pk=status.pk if status else None)
        if others.exists():
            raise ValidationError({"kind": [_("There is one status of this kind already: %(name)s.") % {"name": others[0]}]})


def _is_needed(status: LeadStatus) -> bool:
    return status.kind != Kind.WORKING and not LeadStatus.objects.filter(kind=status.kind).exclude(pk=status.pk).exists()


def can_delete_status(status: LeadStatus) -> bool:
    """The only new and converted status, and the last disqualified one, stay."""
    return not _is_needed(status)


@transaction.atomic
def delete_status(status: LeadStatus, *, actor: Any) -> None:
    """ValidationError while leads (those in the bin included) have it, or when its kind needs it."""
    require_admin(actor)
    if _is_needed(locked(status)):
        raise ValidationError(_("This status is needed."), code="needed")
    delete_setting(status, actor=actor)


# ---- reasons to disqualify ----


def create_reason(values: Values, *, actor: Any) -> DisqualifyReason:
    return save_setting(DisqualifyReason, values, actor=actor)


def update_reason(reason: DisqualifyReason, values: Values, *, actor: Any) -> DisqualifyReason:
    """Leads that were disqualified before keep the words they have."""
    return save_setting(DisqualifyReason, values, actor=actor, obj=reason)


# ---- web forms ----


@transaction.atomic
def create_form(values: Values, fields: Sequence[Values], *, actor: Any) -> WebForm:
    """A web form with its fields, in their order."""
    form = save_setting(WebForm, _form_values(values), actor=actor)
    _check_fields(fields)
    _write_fields(form, fields)
    return form


def create_form_with_usual_fields(values: Values, *, actor: Any) -> WebForm:
    """A new web form that asks, in its language, what most ask: name, e-mail, company, phone, message."""
    with translation.override(values.get("language") or "en"):
        fields = [
            {"key": "name", "label": _("Name"), "kind": FieldKind.TEXT, "target": "name", "required": True},
            {"key": "email", "label": _("E-mail"), "kind": FieldKind.EMAIL, "target": "email", "required": True},
            {"key": "company", "label": _("Company"), "kind": FieldKind.TEXT, "target": "company_name"},
            {"key": "phone", "label": _("Phone"), "kind": FieldKind.PHONE, "target": "phone"},
            {"key": "message", "label": _("Message"), "kind": FieldKind.LONG_TEXT, "target": "message"},
        ]
    return create_form(values, fields, actor=actor)


@transaction.atomic
def update_form(form: WebForm, values: Values, *, actor: Any, version: int | None = None) -> WebForm:
    """Change what the form says and does; its fields have services of their own. StaleRecord when `version` is old."""
    return save_setting(WebForm, _form_values(values), actor=actor, obj=form, version=version)


@transaction.atomic
def replace_fields(form: WebForm, fields: Sequence[Values], *, actor: Any, version: int | None = None) -> None:
    """Set all fields of a form. Rows with the key of an existing field change it; those that are missing go. Entries keep their answers.
    StaleRecord when `version` is old."""
    require_admin(actor)
    _check_fields(fields)
    form = locked(form)
    if version is not None and version != form.version:
        raise StaleRecord(form)
    FormField.objects.filter(form=form).exclude(key__in=[row["key"] for row in fields]).delete()
    _write_fields(form, fields)
    form.version += 1
    form.save(update_fields=["version"])


def _write_fields(form: WebForm, fields: Sequence[Values]) -> None:
    existing = {field.key: field for field in FormField.objects.filter(form=form)}
    for position, values in enumerate(fields):
        field = existing.get(values["key"]) or FormField(form=form)
        if field.pk and "consent_text" in values and field.consent_text != values["consent_text"]:
            field.consent_version += 1
        for name, value in values.items():
            setattr(field, name, value)
        field.position = position
        field.save()


@transaction.atomic
def delete_form(form: WebForm, *, actor: Any) -> None:
    """Only one that nobody has ever filled in; another is switched off."""
    require_admin(actor)
    if form.submissions.exists():
        raise ValidationError(_("People have filled in this form. Switch it off instead: their entries stay."), code="used")
    delete_setting(form, actor=actor)


def _form_values(values: Values) -> dict[str, Any]:
    values = dict(values)
    if "slug" in values:
        values["slug"] = values["slug"].strip().lower()
    if "allowed_origins" in values:
        values["allowed_origins"] = _origins(values["allowed_origins"])
    return values


def _origins(given: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(origin.strip().rstrip("/").lower() for origin in given if origin.strip()))
    wrong = [origin for origin in found if not ORIGIN.fullmatch(origin) or len(origin) > 200]
    if wrong:
        raise ValidationError({"allowed_origins": [_("Write sites as https://www.example.com, one a line. This is none: %(site)s") % {"site": wrong[0][:80]}]})
    if len(found) > 20:
        raise ValidationError({"allowed_origins": [_("At most 20 sites.")]})
    return found


def _check_fields(fields: Sequence[Values]) -> None:
    """Each field by itself, then all together; messages by `<index>-<name>`."""
    errors: dict[str, list[str]] = {}
    seen: set[str] = set()
    for index, values in enumerate(fields):
        for name, text in _field_problems(values, seen):
            errors.setdefault(f"{index}-{name}", []).append(text)
        seen.add(values.get("key", ""))
    if errors:
        raise ValidationError(errors)
    if not fields or len(fields) > MAX_FIELDS:
        raise ValidationError(_("A form has 1 to %(count)s fields.") % {"count": MAX_FIELDS})
    if not any(values.get("target") in IDENTITY for values in fields):
        raise ValidationError(_("At least one field must fill the name, the e-mail, the phone or the company of the lead."), code="identity")


def _field_problems(values: Values, seen: set[str]) -> list[tuple[str, Any]]:
    problems = []
    draft = FormField(**values)
    try:
        draft.clean_fields(exclude=["form", *(["target"] if draft.target in web_fields() else [])])
    except ValidationError as error:
        problems += [(name, texts[0]) for name, texts in error.message_dict.items()]
    if draft.key in seen:
        problems.append(("key", _("Another field is called like this.")))
    if draft.key in RESERVED or draft.key.startswith("_"):
        problems.append(("key", _("This name is taken by the form itself. Choose another one.")))
    if draft.kind == FieldKind.CONSENT and not draft.consent_text.strip():
        problems.append(("consent_text", _("Write what people agree to.")))
    if draft.kind in (FieldKind.CHOICE, FieldKind.SEVERAL) and not draft.choices and draft.target not in web_fields():
        problems.append(("choices", _("Write at least one choice.")))
    if len(draft.choices) > MAX_CHOICES or any(not choice for choice in draft.choices):
        problems.append(("choices", _("At most %(count)s choices, none empty.") % {"count": MAX_CHOICES}))
    if draft.required and draft.kind == FieldKind.HIDDEN:
        problems.append(("required", _("Nobody can fill a hidden field: it can't be required.")))
    return problems


# ---- assignment rules ----


@transaction.atomic
def create_rule(values: Values, *, actor: Any) -> AssignmentRule:
    """A rule at the end of the order; with `is_fallback` the one that is tried last of all, without conditions."""
    require_admin(actor)
    clean = _rule_values(values)
    if clean.get("is_fallback"):
        if AssignmentRule.objects.filter(is_fallback=True).exists():
            raise ValidationError(_("There is a fallback already. Change that one."), code="fallback")
        clean["conditions"] = []
    highest = AssignmentRule.objects.filter(is_fallback=False).aggregate(highest=Max("position"))["highest"]
    clean["position"] = 0 if highest is None else highest + 1
    return save_setting(AssignmentRule, clean, actor=actor)


@transaction.atomic
def update_rule(rule: AssignmentRule, values: Values, *, actor: Any) -> AssignmentRule:
    """Change a rule; its place and whether it is the fallback stay."""
    clean = _rule_values(values)
    clean.pop("is_fallback", None)
    if rule.is_fallback:
        clean["conditions"] = []
    return save_setting(AssignmentRule, clean, actor=actor, obj=rule)


def delete_rule(rule: AssignmentRule, *, actor: Any) -> None:
    delete_setting(rule, actor=actor)


@transaction.atomic
def move_rule(rule: AssignmentRule, direction: str, *, actor: Any, within: str = "") -> None:
    """Swap a rule with its neighbour ("up" or "down"); the fallback stays last. There is one order: `within` is not used."""
    require_admin(actor)
    if direction not in ("up", "down"):
        raise ValidationError(_("Choose up or down."), code="direction")
    rows = list(AssignmentRule.objects.select_for_update().filter(is_fallback=False).order_by("position", "pk"))
    here = next((index for index, row in enumerate(rows) if row.pk == rule.pk), None)
    if here is None:
        return
    there = here + (-1 if direction == "up" else 1)
    if 0 <= there < len(rows):
        rows[here], rows[there] = rows[there], rows[here]
    for position, row in enumerate(rows):
        AssignmentRule.objects.filter(pk=row.pk).exclude(position=position).update(position=position)


def _rule_values(values: Values) -> dict[str, Any]:
    clean = dict(values)
    mode = clean.get("mode", Mode.ROUND_ROBIN)
    if mode == Mode.USER:
        clean["team"] = None
        if not clean.get("user"):
            raise ValidationError({"user": [_("Choose the user who gets these leads.")]})
    else:
        clean["user"] = None
        if not clean.get("team"):
            raise ValidationError({"team": [_("Choose the team that gets these leads.")]})
    clean["conditions"] = _conditions(clean.get("conditions") or [])
    return clean


def _conditions(rows: Sequence[Values]) -> list[dict[str, str]]:
    if len(rows) > MAX_CONDITIONS:
        raise ValidationError({"conditions": [_("At most %(count)s conditions.") % {"count": MAX_CONDITIONS}]})
    found = []
    for row in rows:
        value = str(row.get("value", "")).strip()
        if row.get("field") not in FIELDS or row.get("op") not in OPERATIONS or not value or len(value) > 500:
            raise ValidationError({"conditions": [_("Each condition needs a field, a comparison and a value.")]})
        found.append({"field": row["field"], "op": row["op"], "value": value})
    return found
