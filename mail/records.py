"""What this app adds to the settings hub."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.core.settings_pages import SettingsLink

SETTINGS = (SettingsLink(label=_("Mail"), icon="mail", url="/settings/mail/", text=_("Sender, test mail, and what became of each mail."), group="mail"),)
