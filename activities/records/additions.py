"""What tasks and mails add to other records: bulk actions, and a button on their pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from activities import panels
from activities.forms import CallListForm, MailEachForm, TaskForEachForm
from activities.models import Task
from activities.services import (
    add_to_call_list,
    mail_each,
    plan_for_each,
)
from crm.core.access import may_add
from crm.core.records import Action, BulkAction, RecordType


def may_plan(user: Any) -> bool:
    return may_add(user, Task)


def task_for_each(model: Any) -> BulkAction:
    """A bulk action of the records that tasks are about: everybody who sees them and may add tasks."""
    run = partial(plan_for_each, model._meta.model_name)
    return BulkAction(name="task", label=_("Task for each"), icon="checkbox", run=run, form=TaskForEachForm, permission="view", offered=may_plan)


def mail_for_each(model: Any) -> BulkAction:
    """A bulk action of the records that have addresses: everybody who sees them and may make entries."""
    name = model._meta.model_name
    run, form, preview = partial(mail_each, name), partial(MailEachForm, name=name), partial(panels.mails_to_each, name)
    return BulkAction(name="mail", label=_("E-mail"), icon="mail", run=run, form=form, preview=preview, permission="view", offered=may_plan)


def calls_for_each(model: Any) -> BulkAction:
    """A bulk action of people: onto a call list of one's own."""
    run = partial(add_to_call_list, model._meta.model_name)
    return BulkAction(name="calls", label=_("Call list"), icon="phone-call", run=run, form=CallListForm, permission="view", offered=may_plan)


COMPOSED = (("call", _("Log"), "note"), ("task", _("Task"), "checkbox"), ("meeting", _("Meeting"), "calendar-event"))


def compose_actions(obj: Any, ctx: Any) -> list[Action]:
    """Buttons that lead to the forms for a new entry further down on the page."""
    return [Action(label, icon, f"#c-{kind}", roomy=True) for kind, label, icon in COMPOSED] if may_plan(ctx.user) else []


def write_action(record: RecordType) -> Callable[[Any, Any], list[Action]]:
    """The button "E-mail" on a record's page; of people and companies the first thing to do."""

    def actions(obj: Any, ctx: Any) -> list[Action]:
        known = obj.contact_id if hasattr(obj, "contact_id") else obj.email
        return (
            [Action(_("E-mail"), "mail", reverse("activities:write_mail", args=[record.slug, obj.pk]), primary=record.slug in ("contacts", "companies"))]
            if known and may_plan(ctx.user)
            else []
        )

    return actions
