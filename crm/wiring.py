"""The composition root: which record types there are, who reacts to what, what stands in the navigation. Read this first."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.core.context import NavEntry
from crm.core.events import Subscription, later, now
from crm.core.records import RecordType
from crm.core.settings_pages import SettingsLink, SettingsPage
from users import records as users

RECORDS: tuple[RecordType, ...] = ()

SUBSCRIPTIONS: dict[str, tuple[Subscription, ...]] = {}

# Functions of upper apps that lower ones call through crm.core.context.hooks(name).
HOOKS: dict[str, tuple[str, ...]] = {
    "organisation": ("users.selectors.organisation",),
}

# Pages of /settings/ that the apps declare, and links to those with views of their own.
SETTINGS: tuple[SettingsPage | SettingsLink, ...] = (*users.SETTINGS,)

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
