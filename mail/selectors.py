"""Reads of the mail ledger."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from mail.models import OutgoingMail

NEWEST = 50


def newest(user: Any, state: str = "") -> QuerySet[OutgoingMail]:
    """The newest mails of the ledger, without their texts."""
    rows = OutgoingMail.objects.visible_to(user).defer("text", "html", "calendar", "headers")
    if state in OutgoingMail.State.values:
        rows = rows.filter(state=state)
    return rows.order_by("-id")[:NEWEST]


def transport_text() -> str:
    """Where mails go, in words; never with a password."""
    how = settings.MAIL_TRANSPORT
    if how["kind"] != "smtp":
        return _("Files in %(directory)s: nothing leaves this machine.") % {"directory": how["directory"]}
    lock = _("encrypted from the start") if how["ssl"] else (_("encrypted by STARTTLS") if how["starttls"] else _("not encrypted"))
    who = _("signed in as %(user)s") % {"user": how["username"]} if how["username"] else _("without signing in")
    return _("Mail server %(host)s, port %(port)s, %(lock)s, %(who)s.") % {"host": how["host"], "port": how["port"], "lock": lock, "who": who}
