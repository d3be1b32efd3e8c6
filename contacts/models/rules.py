"""Pure rules about names, addresses and numbers: no database, no request."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.cells import current_locale
from crm.core.fields import to_e164
from crm.core.text import digits, sort_key
from crm.core.yearly import read_day
from users.models import known_zones

MAX_ADDRESSES = 20  # e-mails or phones of one person
# Mailboxes that anybody can have: they tell nothing about the company.
FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "ymail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
        "gmx.at",
        "gmx.ch",
        "web.de",
        "t-online.de",
        "freenet.de",
        "mail.com",
        "mail.ru",
        "yandex.ru",
        "proton.me",
        "protonmail.com",
        "posteo.de",
        "mailbox.org",
        "zoho.com",
        "qq.com",
        "163.com",
        "126.com",
        "orange.fr",
        "free.fr",
        "wanadoo.fr",
        "laposte.net",
        "libero.it",
        "virgilio.it",
        "bluewin.ch",
        "hotmail.de",
        "hotmail.co.uk",
        "yahoo.de",
        "yahoo.co.uk",
        "yahoo.fr",
        "seznam.cz",
        "wp.pl",
        "o2.pl",
    ]
)
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$")


@dataclass(frozen=True)
class Address:
    """One e-mail or phone as it is stored: `key` is what equal ones share."""

    value: str
    key: str
    kind: str
    primary: bool


def email_key(address: str) -> str:
    """What equal addresses share: lower case, no blanks around."""
    return address.strip().lower()


def normal_email(address: str) -> str:
    """The address without blanks and a pasted `mailto:`; "" stays "". ValidationError when it is none."""
    address = address.strip().removeprefix("mailto:").strip()
    if address and not _is_email(address):
        raise ValidationError(_("Enter an e-mail address, such as name@example.com."), code="email")
    return address


@lru_cache(4096)  # an import asks more than once for each of its thousand rows
def _is_email(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return "\x00" not in address and len(address) <= 254


def normal_phone(number: str, country: str = "") -> str:
    """E.164 with `;ext=`; a number without + is read as one of `country`, else of the organisation's country."""
    return to_e164(number, country)


def phone_key(number: str) -> str:
    """The digits that equal numbers share; the extension does not count."""
    return digits(number.partition(";")[0])


def normal_domain(text: str) -> str:
    """`https://www.Example.com/about?x=1` or `info@example.com` -> `example.com`; umlauts become punycode. ValidationError otherwise."""
    text = text.strip()
    if not text:
        return ""
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        host = host.removeprefix("www.").rstrip(".").encode("idna").decode("ascii") if host else ""
    except (ValueError, UnicodeError):
        host = ""
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 200 or not all(LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise ValidationError(_("Enter a website or its domain, such as example.com."), code="domain")
    return host


def company_domain(email: str) -> str:
    """The domain of a business address; "" for free mailboxes, which anybody can have."""
    domain = email_key(email).rpartition("@")[2]
    return "" if domain in FREE_MAIL else domain


@lru_cache(32)
def _countries(locale: str) -> dict[str, str]:
    names = Locale.parse(locale).territories
    return {code: name for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES}


NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


@lru_cache(32)
def _country_choices(locale: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_countries(locale).items(), key=lambda pair: sort_key(pair[1])))


def country_choices() -> list[tuple[str, str]]:
    """ISO 3166-1 codes with their names in the active language, by name."""
    return [("", "–"), *_country_choices(current_locale())]


def country_name(code: str) -> str:
    """`DE` -> `Germany`; an unknown code stays as it is."""
    return _countries(current_locale()).get(code, code)


def find_country(text: str) -> str:
    """The ISO code of a country by its code, its name in the active language or the beginning of that. ValidationError when none or several fit."""
    wanted = sort_key(text)
    names = {code: sort_key(name) for code, name in _country_choices(current_locale())}
    if text.strip().upper() in names:
        return text.strip().upper()
    exact = [code for code, name in names.items() if name == wanted]
    found = exact or [code for code, name in names.items() if name.startswith(wanted)]
    if len(found) != 1:
        raise ValidationError(_("Type a country's name or its two letters, such as AT."), code="country")
    return found[0]


def check_country(code: str) -> str:
    """An ISO code in capitals, or "". ValidationError for anything else."""
    code = code.strip().upper()
    if code and code not in _countries("en"):
        raise ValidationError(_("Choose a country from the list."), code="country")
    return code


@lru_cache(32)
def _languages(locale: str) -> dict[str, str]:
    codes = [
        "en",
        "de",
        "fr",
        "it",
        "es",
        "pt",
        "nl",
        "da",
        "sv",
        "nb",
        "fi",
        "pl",
        "cs",
        "sk",
        "hu",
        "ro",
        "bg",
        "hr",
        "sl",
        "sr",
        "el",
        "tr",
        "ru",
        "uk",
        "et",
        "lv",
        "lt",
        "ga",
        "mt",
        "is",
        "ar",
        "he",
        "fa",
        "hi",
        "zh",
        "ja",
        "ko",
        "vi",
        "th",
        "id",
    ]
    names = Locale.parse(locale).languages
    return {code: names[code].capitalize() for code in codes if code in names}


def language_choices() -> list[tuple[str, str]]:
    """Languages in which one writes to people, by name in the active language."""
    return [("", "–"), *sorted(_languages(current_locale()).items(), key=lambda pair: pair[1])]


def language_name(code: str) -> str:
    return _languages(current_locale()).get(code, code)


def check_language(code: str) -> str:
    code = code.strip().lower()
    if code and code not in _languages("en"):
        raise ValidationError(_("Choose a language from the list."), code="language")
    return code


@lru_cache(1)
def zone_names() -> tuple[str, ...]:
    """IANA zones that people choose: `Europe/Berlin`, without the historical aliases."""
    areas = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return tuple(sorted(name for name in zoneinfo.available_timezones() if name.startswith(areas) or name == "UTC"))


def check_zone(name: str) -> str:
    name = name.strip()
    if name and name not in known_zones():
        raise ValidationError(_("Choose a time zone from the list, such as Europe/Berlin."), code="zone")
    return name


def check_birthday(text: str) -> str:
    """The stored form of a day with or without its year; "" for none."""
    return read_day(text, today=timezone.localdate())


def normal_emails(rows: Iterable[dict[str, Any]]) -> list[Address]:
    """Addresses to store: normalised, without doubles, exactly one primary (the first one marked, else the first)."""
    return _addresses((normal_email(str(row.get("address") or "")), row, "work") for row in rows)


def normal_phones(rows: Iterable[dict[str, Any]], country: str = "") -> list[Address]:
    """As `normal_emails`, for numbers."""
    return _addresses((normal_phone(str(row.get("number") or ""), country), row, "work") for row in rows)


def _addresses(found: Iterable[tuple[str, dict[str, Any], str]]) -> list[Address]:
    by_key: dict[str, Address] = {}
    for value, row, default in found:
        if not value:
            continue
        key = email_key(value) if "@" in value else phone_key(value)
        address = Address(value, key, str(row.get("kind") or default), bool(row.get("primary")))
        if key not in by_key or (address.primary and not by_key[key].primary):
            by_key[key] = address
    if len(by_key) > MAX_ADDRESSES:
        raise ValidationError(_("At most %(count)s are possible."), code="too_many", params={"count": MAX_ADDRESSES})
    rows = list(by_key.values())
    first = next((address for address in rows if address.primary), rows[0] if rows else None)
    return [Address(each.value, each.key, each.kind, each is first) for each in rows]
