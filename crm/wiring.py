"""The composition root: which record types there are, who reacts to what, what stands in the navigation. Read this first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from activities.panels import FILES, composer, last_contact, recent, timeline
from activities.records import (
    MEETING,
    TASK,
    calls_for_each,
    compose_actions,
    follow_action,
    mail_for_each,
    may_plan,
    quick_entries,
    task_for_each,
    write_action,
)
from activities.records import SETTINGS as ACTIVITY_SETTINGS
from contacts.records import COMPANY, CONTACT
from contacts.records import SETTINGS as CONTACT_SETTINGS
from crm.core.context import NavEntry
from crm.core.events import Subscription, later, now
from crm.core.records import Column, Opening, Panel, RecordType, no_extra
from crm.core.settings_pages import SettingsLink, SettingsPage
from deals import panels as deal_panels
from deals.records import DEAL
from deals.records import SETTINGS as DEAL_SETTINGS
from leads.records import LEAD
from leads.records import SETTINGS as LEAD_SETTINGS
from mail.records import SETTINGS as MAIL_SETTINGS
from users.records import SETTINGS as USER_SETTINGS


def with_story(record: RecordType, *panels: Panel) -> RecordType:
    """A record with the timeline (open tasks on top), the composer, a task for each of many, a task as its next step, its files, and other apps' cards."""
    *actions, delete = record.bulk_actions
    mails = (mail_for_each(record.model),) if record.mail_to is not None and hasattr(record.model, "email") else ()
    calls = (calls_for_each(record.model),) if record.slug in ("contacts", "leads") else ()
    together = (*actions, task_for_each(record.model), *mails, *calls, delete)
    told = record.slug in ("contacts", "companies", "leads")
    write, own, follow = write_action(record) if record.mail_to is not None else no_extra, record.actions, follow_action(record)
    planned = Opening(f"/tasks/new/?{record.model._meta.model_name}={{pk}}&stay=1", may_plan)
    columns: tuple[Column, ...] = tuple(replace(column, opens=planned) if column.name == "next" else column for column in record.columns)
    return replace(
        record,
        timeline=timeline,
        recent=recent,
        composer=composer,
        entries=quick_entries(record),
        panels=(*panels, *record.panels, FILES),
        bulk_actions=together,
        columns=columns,
        strip=(lambda obj, ctx: [(_("Last contact"), last_contact(obj, ctx)), *record.strip(obj, ctx)]) if told else record.strip,
        actions=lambda obj, ctx: sorted(
            [*own(obj, ctx), *write(obj, ctx), *compose_actions(obj, ctx), *follow(obj, ctx)], key=lambda action: (not action.primary, action.menu)
        ),
    )


def with_deals(record: RecordType, panel: Panel, money: Callable[..., Any], actions: Callable[..., Any]) -> RecordType:
    """A company or contact with the sums of its deals, a card of them and the button for one more."""
    return replace(
        record,
        panels=(panel, *record.panels),
        strip=lambda obj, ctx: [*record.strip(obj, ctx), *money(obj, ctx)],
        actions=lambda obj, ctx: [*record.actions(obj, ctx), *actions(obj, ctx)],
    )


RECORDS: tuple[RecordType, ...] = (
    with_story(LEAD),
    with_story(with_deals(CONTACT, deal_panels.CONTACT_DEALS, deal_panels.contact_money, deal_panels.contact_actions)),
    with_story(with_deals(COMPANY, deal_panels.COMPANY_DEALS, deal_panels.company_money, deal_panels.company_actions)),
    with_story(DEAL),
    TASK,
    MEETING,
)

TIMELINED = ("contacts.company", "contacts.contact", "leads.lead", "deals.deal")
DATED = ("activities.task", "activities.meeting")

SUBSCRIPTIONS: dict[str, tuple[Subscription, ...]] = {
    **{f"{label}.{verb}": (now("activities.handlers.record_changed"),) for label in TIMELINED for verb in ("created", "changed")},
    **{f"{label}.deleted": (now("activities.handlers.record_deleted"), now("activities.handlers.record_changed")) for label in TIMELINED},
    **{f"{label}.restored": (now("activities.handlers.record_changed"),) for label in TIMELINED},
    **{f"{label}.assigned": (now("activities.handlers.record_assigned"),) for label in TIMELINED},
    **{f"{label}.{verb}": (now("activities.handlers.bin_changed"),) for label in DATED for verb in ("deleted", "restored")},
    "leads.lead.assigned": (now("activities.handlers.record_assigned"), later("leads.handlers.tell_new_owners")),
    "tasks.completed": (now("activities.handlers.tasks_completed"),),
    "tasks.reopened": (now("activities.handlers.tasks_reopened"),),
    "activities.task.reverted": (now("activities.handlers.tasks_reverted"),),
    "deals.deal.reverted": (now("deals.handlers.deals_reverted"),),
    "leads.lead.reverted": (now("leads.handlers.leads_reverted"),),
    "leads.status_changed": (now("activities.handlers.lead_status_changed"),),
    "leads.submission_processed": (now("activities.handlers.submission_processed"),),
    "deals.stage_changed": (now("activities.handlers.deal_moved"),),
    "deals.won": (now("activities.handlers.deal_won"),),
    "deals.lost": (now("activities.handlers.deal_lost"),),
    "mail.sent": (later("activities.handlers.mail_sent"),),
    "mail.failed": (later("activities.handlers.mail_failed"),),
    "contacts.consent_recorded": (now("activities.handlers.consent_recorded"),),
    "leads.consent_recorded": (now("activities.handlers.consent_recorded"),),
    "core.export_finished": (later("activities.handlers.export_finished"),),
    "core.import_finished": (later("activities.handlers.import_finished"),),
    "core.bulk_finished": (later("activities.handlers.bulk_finished"),),
    "core.bulk_assigned": (later("activities.handlers.bulk_assigned"), later("leads.handlers.bulk_assigned")),
}

# Functions of upper apps that lower ones call through crm.core.context.hooks(name).
HOOKS: dict[str, tuple[str, ...]] = {
    "helpers": ("users.selectors.helpers_of",),
    "organisation": ("users.selectors.organisation",),
    "waiting": ("activities.selectors.bell_state",),
    "capture": ("activities.selectors.may_capture",),
    "search": ("activities.selectors.found_lines",),
    "banners": ("crm.core.banners.background_banners", "activities.selectors.late_banners"),
    "convert": ("activities.services.lead_converted",),
    "unconvert": ("activities.services.conversion_undone",),
    "follow_up": ("activities.services.make_follow_up",),
    "as_report": ("reports.views.build.address",),
    "notify": ("activities.services.notify",),
    "enclosures": ("activities.services.enclosures.enclosures",),
    "unsubscribed": ("activities.services.marketing.unsubscribed",),
    "erase": ("activities.services.records_erased",),
    "deactivate": ("crm.core.handover.hand_over_records", "activities.services.user_left"),
}

SETTINGS: tuple[SettingsPage | SettingsLink, ...] = (
    *USER_SETTINGS,
    *CONTACT_SETTINGS,
    *DEAL_SETTINGS,
    *ACTIVITY_SETTINGS,
    *LEAD_SETTINGS,
    *MAIL_SETTINGS,
)

# Pages that the palette leads to besides those of the navigation.
PLACES: tuple[NavEntry, ...] = (
    NavEntry("target", _("Focus"), "/focus/", grant="activities.task"),
    NavEntry("users", _("Team's workload"), "/team/", grant="activities.task"),
    NavEntry("phone-call", _("Call lists"), "/calls/"),
    NavEntry("calendar-event", _("Meetings"), "/meetings/", grant="activities.meeting"),
    NavEntry("bell", _("Notifications"), "/notifications/", key="n"),
    NavEntry("history", _("Bulk changes"), "/bulk/"),
    NavEntry("upload", _("Imports"), "/imports/"),
    NavEntry("download", _("Exports"), "/exports/"),
    NavEntry("trash", _("Bin"), "/bin/"),
    NavEntry("user", _("Profile"), "/profile/"),
)

NAVIGATION: tuple[tuple[object, tuple[NavEntry, ...]], ...] = (
    (
        "",
        (
            NavEntry("home", _("Today"), "/", key="h", tab=True),
            NavEntry("checkbox", _("Tasks"), "/tasks/?view=mine", key="t", grant="activities.task"),
            NavEntry("calendar", _("Calendar"), "/calendar/", key="k", grant="activities.task"),
        ),
    ),
    (
        _("Sales"),
        (
            NavEntry("target-arrow", _("Leads"), "/leads/", key="l", grant="leads.lead", tab=True),
            NavEntry("layout-kanban", _("Deals"), "/deals/board/", key="d", grant="deals.deal", tab=True),
            NavEntry("users", _("Contacts"), "/contacts/", key="c", grant="contacts.contact", tab=True),
            NavEntry("building", _("Companies"), "/companies/", key="o", grant="contacts.company", tab=True),
        ),
    ),
    (
        _("Insight"),
        (
            NavEntry("chart-bar", _("Reports"), "/reports/", key="r"),
            NavEntry("settings", _("Settings"), "/settings/", grant="admin"),
        ),
    ),
)
