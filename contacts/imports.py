"""What an import knows of companies and people beyond their forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.models.rules import email_key, normal_email
from contacts.services import country_choices, create_companies, create_contacts, normal_domain
from crm.core.records import ImportColumn, Importing, Same
from crm.core.text import sort_key

Values = dict[str, Any]
BETWEEN = re.compile(r"\s*:::\s*|\s*;(?!ext=)\s*|\s*[\n\r]\s*")  # several values in one cell, as Google and others write them
# What people write besides the names that CLDR knows.
OTHER_COUNTRIES = {"usa": "US", "u.s.a.": "US", "united states of america": "US", "uk": "GB", "england": "GB", "great britain": "GB", "holland": "NL"}
NAMES = {
    "first_name": "first name, given name, vorname",
    "last_name": "last name, family name, surname, nachname, familienname, zuname",
    "full_name": "full name, display name, anzeigename, contact name, contact person, ansprechpartner, name",
    "job_title": "job title, position, organization title, arbeitstitel, berufsbezeichnung, funktion, jobtitle, role, title",
}
ADDRESS = {
    "street": "street, business street, mailing street, billing street, street address, dienstlich adresse, address 1 street, strasse, address, adresse, "
    "anschrift, address 1 formatted, organization address, home street",
    "postal_code": "postal code, zip, zip code, plz, postleitzahl, postcode, business postal code, mailing zip postal code, mailing postal code, "
    "billing zip postal code, billing postal code, dienstlich plz, address 1 postal code, home postal code",
    "city": "city, town, ort, stadt, business city, mailing city, billing city, dienstlich ort, address 1 city, home city",
    "region": "state, region, province, state province, bundesland, business state, mailing state province, mailing state, billing state province, "
    "billing state, dienstlich bundesland, address 1 region, home state",
    "country": "country, land, country region, business country region, business country, mailing country, billing country, dienstlich land, "
    "address 1 country, home country region, home country",
}
NOTES = "notes, note, notizen, notiz, comment, comments, bemerkung, kommentar, note content"
COMPANY_NAMES = (
    "company, company name, company account, organization, organisation, organization name, organization 1 name, account name, account, firma, "
    "firmenname, unternehmen, associated company, employer"
)
PHONES = (
    "phone, phone number, telephone, telefon, telefonnummer, business phone, work phone, phone work, phone value, primary phone, tel dienstlich, tel, "
    "office phone, company main phone"
)
EMAILS = "email, email address, e mail, mail, email value, email work, work email, primare e mail adresse, e mail adresse, email addresses"


def parse_entries(key: str, kind: str, text: str) -> list[Values]:
    """The addresses or numbers of a cell, as the service takes them. Of several the service would not say which one is wrong."""
    parts = [part for part in BETWEEN.split(text.strip()) if part]
    for part in parts if key == "address" and len(parts) > 1 else ():
        try:
            normal_email(part)
        except ValidationError as error:
            raise ValidationError(f"{part[:60]}: {error.messages[0]}") from None
    return [{key: part, "kind": kind, "primary": False} for part in parts]


@cache
def _countries() -> dict[str, str]:
    found = dict(OTHER_COUNTRIES)
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found |= {sort_key(text): value for value, label in country_choices() if value for text in (value, label)}
    return found


def parse_country(text: str) -> str:
    """An ISO code or a name in one of our languages."""
    code = _countries().get(sort_key(text))
    if code is None:
        raise ValidationError(gettext("“%(text)s” is no country that is known here.") % {"text": text[:40]}, code="country")
    return code


def split_name(values: Values) -> Values:
    """`full_name` becomes first and last name, unless the row has those: "Anna Berg", "Berg, Anna"."""
    full = values.pop("full_name", "").strip()
    if full and not values.get("first_name") and not values.get("last_name"):
        if "," in full:
            last, _comma, first = full.partition(",")
        else:
            first, _blank, last = full.rpartition(" ")
        values |= {"first_name": first.strip(), "last_name": last.strip()}
    return values


FULL_NAME = ImportColumn(key="full_name", label=_("Full name"))
COUNTRY = ImportColumn(key="country", label=_("Country"), parse=parse_country)
DESCRIPTION = ImportColumn(key="description", label=_("Description"), many=True)


def _contact_values(values: Values) -> Values:
    values = split_name(values)
    emails = [*values.pop("email", ()), *values.pop("email_private", ())]
    phones = [*values.pop("phone", ()), *values.pop("mobile", ()), *values.pop("phone_private", ())]
    return values | {name: rows for name, rows in (("emails", emails), ("phones", phones)) if rows}


def _address_of(values: Values) -> tuple[str] | None:
    emails = values.get("emails")
    return (email_key(emails[0]["address"]),) if emails else None


def _name_of(values: Values) -> tuple[str] | None:
    first, last = values.get("first_name"), values.get("last_name")
    return (sort_key(f"{first} {last}"),) if first and last else None  # a first name alone says little


def _entries(key: str, name: str, label: Any, kind: str) -> ImportColumn:
    return ImportColumn(key=name, label=label, parse=partial(parse_entries, key, kind), many=True)


CONTACT = Importing(
    create=create_contacts,
    columns=(
        FULL_NAME,
        _entries("address", "email", _("E-mail"), "work"),
        _entries("address", "email_private", _("E-mail (private)"), "private"),
        _entries("number", "phone", _("Phone"), "work"),
        _entries("number", "mobile", _("Mobile phone"), "mobile"),
        _entries("number", "phone_private", _("Phone (private)"), "private"),
        COUNTRY,
        DESCRIPTION,
    ),
    synonyms={
        **NAMES,
        **ADDRESS,
        "email": f"{EMAILS}, e mail address, sekundare e mail adresse, other email",
        "email_private": "email home, home email, private email, personal email",
        "phone": PHONES,
        "mobile": "mobile, mobile phone, cell phone, cell, handy, mobil, mobiltelefon, mobil tel nr, phone mobile",
        "phone_private": "home phone, tel privat, telefon privat, phone home",
        "company": COMPANY_NAMES,
        "lifecycle": "lifecycle stage, contact type",
        "birthday": "birthday, birthdate, date of birth, born, geburtstag, geburtsdatum",
        "owner": "contact owner, account owner, person owner",
        "description": NOTES,
    },
    prefixes=("contact", "person", "organization"),
    finish=lambda user: _contact_values,
    same=(Same(fields=("emails__key",), key=_address_of), Same(fields=("sort_name",), key=_name_of)),
    makes={"company": "name"},
)


def _domain_of(values: Values) -> tuple[str] | None:
    try:
        domain = normal_domain(values.get("domain") or "")
    except ValidationError:
        return None
    return (domain,) if domain else None


def _own_name(key: str) -> Callable[[Values], tuple[str] | None]:
    return lambda values: (sort_key(values[key]),) if values.get(key) else None


COMPANY = Importing(
    create=create_companies,
    columns=(COUNTRY, DESCRIPTION),
    synonyms={
        **ADDRESS,
        "name": f"name, {COMPANY_NAMES}",
        "domain": "company domain name, domain, website, web site, website url, url, webseite, homepage, web page",
        "industry": "industry, branche, sector",
        "employees": "employees, number of employees, numberofemployees, mitarbeiter, mitarbeiterzahl, company size",
        "email": EMAILS,
        "phone": PHONES,
        "parent": "parent account, parent company, muttergesellschaft",
        "owner": "company owner, account owner, organization owner",
        "description": NOTES,
    },
    prefixes=("company", "organization", "account"),
    same=(Same(fields=("domain",), key=_domain_of), Same(fields=("sort_name",), key=_own_name("name"))),
)
