"""The activities' part of the settings."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from activities import selectors
from activities.forms import DateRuleForm
from activities.models import DateRule
from activities.services import create_date_rule, delete_date_rule, update_date_rule
from crm.core.settings_pages import SettingsColumn, SettingsLink, SettingsPage

WIDE = "d-none d-lg-table-cell"


def before_text(rule: DateRule) -> str:
    return ngettext("%(n)s day before", "%(n)s days before", rule.days_before) % {"n": rule.days_before} if rule.days_before else gettext("On the day")


def sent_text(rule: Any) -> str:
    return gettext("%(due)s due, %(sent)s sent, %(seen)s seen") % {"due": rule.due, "sent": rule.sent, "seen": rule.seen}


DATES = SettingsPage(
    slug="dates",
    model=DateRule,
    label=_("Date to remember"),
    label_plural=_("Dates to remember"),
    label_new=_("New reminder of a date"),
    icon="calendar-event",
    group="sales",
    intro=_("Birthdays and other dates of which the owner of a record hears at eight in the morning, every year or once."),
    empty=_("Nobody is reminded of birthdays or other dates yet."),
    form=DateRuleForm,
    create=create_date_rule,
    update=update_date_rule,
    delete=delete_date_rule,
    rows=selectors.with_counts,
    columns=(
        SettingsColumn(_("Date"), str),
        SettingsColumn(_("How often"), lambda rule: rule.get_repeats_display()),
        SettingsColumn(_("When"), before_text),
        SettingsColumn(_("Last 30 days"), sent_text, WIDE),
    ),
    consequences=lambda rule: [gettext("What was sent stays in people's notifications.")],
)
BACKGROUND = SettingsLink(
    label=_("Background work"),
    icon="heartbeat",
    url="/settings/background/",
    text=_("Do reminders, mails and other work behind the pages keep up?"),
    group="people",
)
SETTINGS = (DATES, BACKGROUND)
