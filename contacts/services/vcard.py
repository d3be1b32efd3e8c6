"""A person as a vCard (RFC 2426: version 3.0, which every address book reads). Pure: no query, nothing written."""

from __future__ import annotations

from collections.abc import Iterable

from icalendar.parser import Contentline
from icalendar.prop import vText

from contacts.models import Company, Contact, ContactEmail, ContactPhone
from contacts.services.rules import country_name

EMAILS = {ContactEmail.Kind.WORK: "INTERNET,WORK", ContactEmail.Kind.PRIVATE: "INTERNET,HOME"}
PHONES = {ContactPhone.Kind.WORK: "VOICE,WORK", ContactPhone.Kind.MOBILE: "CELL", ContactPhone.Kind.PRIVATE: "VOICE,HOME"}


def vcard(contact: Contact, company: Company | None, emails: Iterable[ContactEmail], phones: Iterable[ContactPhone]) -> bytes:
    """UTF-8, lines folded at 75 bytes. `company`: as far as the reader sees it; the addresses and numbers with the primary one first."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:{_parts(contact.last_name, contact.first_name, '', '', '')}", f"FN:{_text(str(contact))}"]
    if company is not None:
        lines.append(f"ORG:{_text(company.name)}")
    if contact.job_title:
        lines.append(f"TITLE:{_text(contact.job_title)}")
    lines += [f"EMAIL;TYPE={EMAILS.get(each.kind, 'INTERNET')}{',PREF' if each.primary else ''}:{_text(each.address)}" for each in emails]
    lines += [f"TEL;TYPE={PHONES.get(each.kind, 'VOICE')}{',PREF' if each.primary else ''}:{_text(each.number)}" for each in phones]
    if any((contact.street, contact.city, contact.region, contact.postal_code, contact.country)):
        country = country_name(contact.country) if contact.country else ""
        lines.append(f"ADR;TYPE=WORK:{_parts('', '', contact.street, contact.city, contact.region, contact.postal_code, country)}")
    return b"".join(Contentline(line).to_ical() + b"\r\n" for line in [*lines, "END:VCARD"])


def _text(value: str) -> str:
    """With , ; \\ and line breaks escaped, and without control characters, which no address book takes."""
    return vText("".join(letter for letter in value if letter.isprintable() or letter == "\n")).to_ical().decode()


def _parts(*values: str) -> str:
    return ";".join(map(_text, values))
