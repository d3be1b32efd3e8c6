"""What this app adds to the settings hub."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.core.settings_pages import SettingsLink

SETTINGS = (
    SettingsLink(
        label=_("Organisation"), icon="building", url="/settings/organisation/", text=_("Name, logo, currency, working hours, holidays."), group="people"
    ),
    SettingsLink(label=_("Users"), icon="users", url="/settings/users/", text=_("Invite, change, deactivate."), group="people"),
    SettingsLink(label=_("Teams"), icon="users-group", url="/settings/teams/", text=_("Who works together, and who manages whom."), group="people"),
    SettingsLink(label=_("Roles"), icon="shield-check", url="/settings/roles/", text=_("Who may see, change, delete and export what."), group="people"),
)
