"""A mail as it goes over the wire: headers, text and html, the way to unsubscribe, the calendar part, files."""

from __future__ import annotations

import mimetypes
import re
from email.encoders import encode_base64
from email.message import Message
from email.mime.base import MIMEBase
from email.utils import formataddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext as _

from crm.core.context import hooks
from mail.models import OutgoingMail
from mail.services.transport import Refused
from users.selectors import organisation

Purpose = OutgoingMail.Purpose
AUTOMATIC = (Purpose.NOTICE, Purpose.REMINDER, Purpose.CONFIRMATION, Purpose.ACCOUNT)
METHOD = re.compile(r"^METHOD:([A-Z]+)\r?$", re.MULTILINE)
UNKNOWN = "application/octet-stream"
# Kinds that a file may be sent as by its name. Pictures are known by their first bytes; what a mail program might run or show as a page is of no kind.
PLAIN_KINDS = ("text/plain", "text/csv", "text/calendar", "text/vcard", "application/", "audio/", "video/")
ACTIVE = re.compile(r"html|xml$|script|x-sh|xslt", re.IGNORECASE)
NAME_BYTES = 300  # of a file's name: three characters each in the header, whose lines end at 998


def build(mail: OutgoingMail) -> Message:
    """The whole mail; the Message-ID is the same on every try. Refused or Later when one of its files can't be had."""
    house = organisation()
    address, name = sender_of(mail)
    text, html = mail.text, mail.html
    headers = {"Message-ID": mail.message_id, **mail.headers}
    if mail.purpose in AUTOMATIC:
        headers["Auto-Submitted"] = "auto-replied" if mail.purpose == Purpose.CONFIRMATION else "auto-generated"
    if mail.resends:
        headers["X-Rapport-Resend"] = str(mail.resends)
    if mail.unsubscribe:
        url = unsubscribe_url(mail)
        headers |= {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}  # RFC 8058
        text, html = _with_unsubscribe(text, html, url)
    reply_to = mail.reply_to or house.mail_reply_to
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=text,
        from_email=formataddr((name, address)),
        to=[formataddr((mail.to_name, mail.to_address))],
        reply_to=[reply_to] if reply_to else None,
        headers=headers,
    )
    if html:
        message.attach_alternative(html, "text/html")
    if mail.calendar:
        _add_calendar(message, mail.calendar)
    if mail.weight:
        _add_files(message, mail)
    return message.message()


def sender_of(mail: OutgoingMail) -> tuple[str, str]:
    """(address, name) that it comes from."""
    house = organisation()
    return mail.from_address or house.mail_from or settings.DEFAULT_FROM_EMAIL, mail.from_name or house.mail_from_name or house.name


def unsubscribe_url(mail: OutgoingMail) -> str:
    return f"{settings.BASE_URL}{reverse('unsubscribe', args=[mail.unsubscribe])}"


def _with_unsubscribe(text: str, html: str, url: str) -> tuple[str, str]:
    """Put on only here: nobody who reads the mail in Rapport unsubscribes its recipient by a click."""
    house = organisation()
    with translation.override(house.language):
        words = _("%(organisation)s sent you this mail.") % {"organisation": house.name}
        line = _("If you want no more of them, unsubscribe here:")
        link = format_html(
            '<p style="margin-top:24px;color:#666666;font-size:13px">{} <a href="{}" style="color:#666666">{}</a></p>', words, url, _("Unsubscribe")
        )
    return f"{text}\n\n{words} {line}\n{url}\n", f"{html}{link}" if html else ""


def _add_calendar(message: EmailMultiAlternatives, calendar: str) -> None:
    """As the last alternative, which mail programs show as an invitation, and as a file for those that do not know it (RFC 6047)."""
    method = METHOD.search(calendar)
    message.attach_alternative("\n".join(calendar.splitlines()), f"text/calendar; method={method[1] if method else 'PUBLISH'}")
    message.attach("invite.ics", calendar.encode(), "application/ics")


def _add_files(message: EmailMultiAlternatives, mail: OutgoingMail) -> None:
    """Its files, byte for byte and never inline. All of them or no mail: who gets it would not miss what is missing."""
    files = [file for enclosures in hooks("enclosures") for file in enclosures(mail)]
    if sum(len(content) for _name, _picture, content in files) != mail.weight:
        with translation.override(organisation().language):
            raise Refused(_("A file of this mail is gone."))
    for name, picture, content in files:
        part = MIMEBase(*_kind(name, picture).split("/"))
        part.set_payload(content)
        encode_base64(part)
        part.add_header("Content-Disposition", "attachment", filename=_filename(name))
        message.attach(part)


def _kind(name: str, picture: str) -> str:
    if picture:
        return f"image/{picture}"
    guess, packed = mimetypes.guess_type(name)
    return guess if guess and not packed and guess.startswith(PLAIN_KINDS) and not ACTIVE.search(guess) else UNKNOWN


def _filename(name: str) -> str | tuple[str, str, str]:
    """As it is when it is ASCII, else as RFC 2231 wants it, and short enough for one line."""
    if name.isascii():
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 40:
        stem, dot, ending = name, "", ""
    room = NAME_BYTES - len(ending.encode()) - 1
    return "utf-8", "", f"{stem.encode()[:room].decode(errors='ignore')}{dot}{ending}"
