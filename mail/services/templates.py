"""Mail templates: set up by admins, used by everybody who writes mails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from crm.core import merge
from crm.core.settings_services import delete_setting, save_setting
from mail.models import MailTemplate


def known_fields(user: Any) -> dict[str, merge.MergeField]:
    """All that a template may ask for: what at least one kind of record that can be written to has."""
    return {name: field for record in merge.mailable() for name, field in merge.fields_of(record, user).items()}


@transaction.atomic
def create_template(values: Mapping[str, Any], *, actor: Any) -> MailTemplate:
    """`values`: name, subject, text, marketing. ValidationError by field name, also for gaps that no record fills."""
    return _saved(None, values, actor)


@transaction.atomic
def update_template(template: MailTemplate, values: Mapping[str, Any], *, actor: Any) -> MailTemplate:
    return _saved(template, values, actor)


def _saved(template: MailTemplate | None, values: Mapping[str, Any], actor: Any) -> MailTemplate:
    known = known_fields(actor) if actor is not None else None
    for name in ("subject", "text"):
        try:
            text = str(values.get(name, ""))
            merge.names_in(text) if known is None else merge.check([text], known)
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from None
    row: MailTemplate = save_setting(MailTemplate, values, actor=actor, obj=template)
    return row


def delete_template(template: MailTemplate, *, actor: Any) -> None:
    """Mails written with it stay as they are."""
    delete_setting(template, actor=actor)
