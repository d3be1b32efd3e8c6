"""How a telephone number is dialled: by the device (`tel:`), by a telephone at one's exchange (`sip:`), or by a page of one's own softphone.

A way is one text with `{number}` in its place. The middleware of `users` names the one of the reader; outside of a request it is `tel:`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from crm.core.records import Action

MAX_TARGET = 300
GAP = "{number}"
DEVICE = f"tel:{GAP}"
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"{LABEL}(?:\.{LABEL})*").fullmatch
URL_SIGNS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+").fullmatch  # of an address; quotation marks and brackets of HTML are none

_way: ContextVar[Callable[[], str]] = ContextVar("dialing", default=lambda: DEVICE)


class Way(models.TextChoices):
    TEL = "tel", gettext_lazy("With the device's telephone (tel:)")
    SIP = "sip", gettext_lazy("With a SIP telephone (sip:)")
    URL = "url", gettext_lazy("On a page of a softphone (https:)")


@contextmanager
def override(way: Callable[[], str]) -> Iterator[None]:
    """Links made within are dialled that way; `way` is only asked when there is one."""
    token = _way.set(way)
    try:
        yield
    finally:
        _way.reset(token)


def current() -> str:
    return _way.get()()


def address(number: str, way: str = "") -> str:
    """Where a click on the number leads. The extension is left out: a telephone can't dial it before somebody answers."""
    way = way or current()
    dialled = re.sub(r"[^+0-9]", "", number.partition(";")[0])
    return way.replace(GAP, dialled.replace("+", "%2B") if is_page(way) else dialled)


def is_page(way: str) -> bool:
    """Does it open a page beside Rapport? What the device does by itself leaves the page where it is."""
    return way.startswith("https:")


def call_action(number: str, *, wanted: bool = True) -> Action:
    """The button "Call" on a record's page; it warns where the person does not want to be called."""
    hint = "" if wanted else _("Has asked not to be called.")
    return Action(pgettext("verb", "Call"), "phone", address(number), new_tab=is_page(current()), hint=hint)


def way_of(kind: str, target: str) -> str:
    """The text of a stored choice."""
    return {Way.SIP: f"sip:{GAP}@{target}", Way.URL: target}.get(kind, DEVICE) if target else DEVICE  # type: ignore[call-overload]


def checked(kind: str, target: str) -> str:
    """The target as it is stored: "" for `tel:`, a domain for `sip:`, an https address with the gap for a page. ValidationError at `dial_target`."""
    target = target.strip()
    if kind == Way.SIP:
        return _domain(target.lower())
    return _page(target) if kind == Way.URL else ""


def _domain(target: str) -> str:
    host, colon, port = target.partition(":")
    if not (HOST(host) and len(host) <= 253 and (not colon or (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536))):
        raise ValidationError({"dial_target": _("Enter the domain of the telephone system, such as pbx.example.com.")})
    return target


def _page(target: str) -> str:
    # With a digit in the gap it must be an address, of a server that does not depend on the digit.
    try:
        parts, other = urlsplit(target.replace(GAP, "0")), urlsplit(target.replace(GAP, "1"))
        whole = parts.scheme == "https" and parts.netloc == other.netloc and parts.username is None and bool(HOST(parts.hostname or "")) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or len(target) > MAX_TARGET or target.count(GAP) != 1 or not URL_SIGNS(target.replace(GAP, "", 1)):
        raise ValidationError({"dial_target": _("Enter an address that begins with https:// and has {number} where the number belongs, after the domain.")})
    return f"https:{target.partition(':')[2]}"
