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


def quick_entries(record: RecordType) -> Callable[[Any, Any], list[Action]]:
    """Buttons below a look at a record from its list: a note, a call, a task, a meeting, each a form in the same panel."""

    def actions(obj: Any, ctx: Any) -> list[Action]:
        kinds = panels.COMPOSER if may_plan(ctx.user) else ()
        return [Action(label, icon, f"{reverse('activities:compose', args=[record.slug, obj.pk, kind])}?stay=1") for kind, label, icon, *_rest in kinds]

    return actions


def follow_action(record: RecordType) -> Callable[[Any, Any], list[Action]]:
    """In the menu of a record's page; whether one follows it already is said on the page that it leads to, so that this one need not ask."""
    return lambda obj, ctx: [Action(_("Follow"), "eye", reverse("activities:follow", args=[record.slug, obj.pk]), menu=True)]


COMPOSED = (("call", _("Log"), "note"), ("task", _("Task"), "checkbox"), ("meeting", _("Meeting"), "calendar-event"))


def compose_actions(obj: Any, ctx: Any) -> list[Action]:
    """Buttons that lead to the forms for a new entry further down on the page."""
    return [Action(label, icon, f"#c-{kind}", roomy=True) for kind, label, icon in COMPOSED] if may_plan(ctx.user) else []


def write_action(record: RecordType) -> Callable[[Any, Any], list[Action]]:
    """The button "E-mail" on a record's page; of people and companies the first thing to do."""

    def actions(obj: Any, ctx: Any) -> list[Action]:
        known = obj.contact_id if hasattr(obj, "contact_id") else obj.email
        return (
            [
                Action(
                    _("E-mail"), "mail", reverse("activities:write_mail", args=[record.slug, obj.pk]), primary=record.slug in ("contacts", "companies"), key="m"
                )
            ]
            if known and may_plan(ctx.user)
            else []
        )

    return actions
