"""What this app adds to the settings hub."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.settings_pages import SettingsColumn, SettingsLink, SettingsPage
from mail.forms import TemplateForm
from mail.models import MailTemplate
from mail.services.templates import create_template, delete_template, update_template

TEMPLATES = SettingsPage(
    slug="mail-templates",
    model=MailTemplate,
    label=_("Mail template"),
    label_plural=_("Mail templates"),
    label_new=_("New mail template"),
    icon="file-text",
    group="mail",
    intro=_("Mails that are written again and again, with gaps that the record fills."),
    empty=_("No templates yet. Everybody who writes mails can use them."),
    form=TemplateForm,
    create=create_template,
    update=update_template,
    delete=delete_template,
    columns=(
        SettingsColumn(_("Name"), lambda template: template.name),
        SettingsColumn(_("Subject"), lambda template: template.subject, "d-none d-lg-table-cell"),
        SettingsColumn(_("Marketing"), lambda template: gettext("Yes") if template.marketing else "", "d-none d-lg-table-cell"),
    ),
)
LEDGER = SettingsLink(label=_("Mail"), icon="mail", url="/settings/mail/", text=_("Sender, test mail, and what became of each mail."), group="mail")
SETTINGS = (TEMPLATES, LEDGER)
