"""Companies and the people who work there."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from contacts.models import Company, Consent, Contact
from contacts.services import create_companies, create_contacts, record_consent
from reports.demo import words
from reports.demo.cast import Cast, domain_of
from reports.demo.clock import Story
from reports.demo.house import House

PEOPLE = 186  # those that leads become make it 200
SOUTH = ("IT", "SI", "HR", "HU", "CH")


def owner_of(country: str, number: int, house: House) -> Any:
    """North sells in the north and east, South in the south; a few companies have nobody."""
    if number % 15 == 14:
        return None
    if country in SOUTH:
        return house.users["other"]
    return house.users[("rep", "rep2", "rep", "rep2", "manager")[number % 5]]


def make_companies(cast: Cast, house: House) -> list[Company]:
    rows = []
    for number, (name, industry, city, country, employees) in enumerate(words.COMPANIES):
        owner = owner_of(country, number, house)
        domain = domain_of(name)
        created = cast.days_ago(cast.dice.randint(150, 700))
        rows.append(
            {
                "name": name, "industry": industry, "city": city, "country": country, "employees": employees, "domain": domain, "email": f"office@{domain}", "phone": cast.phone(country),
                "street": f"{cast.choice(words.STREETS)} {cast.dice.randint(1, 120)}", "owner": owner, "team": owner.team if owner else house.teams["North"], "created_by": owner,
                "created_at": created, "tags": [house.tags[tag] for tag in _tags(cast, ("Key account", "Reference customer", "Service contract"), 0.22)],
            }
        )  # fmt: skip
    companies = create_companies(rows, actor=None)
    parent = companies[0]
    Company.objects.filter(pk__in=[companies[4].pk, companies[12].pk]).update(parent=parent)
    return companies


def _tags(cast: Cast, names: tuple[str, ...], share: float) -> list[str]:
    return [name for name in names if cast.chance(share)]


def make_people(cast: Cast, house: House, companies: list[Company]) -> list[Contact]:
    rows = []
    for number in range(PEOPLE):
        company = companies[number % len(companies)]
        person = cast.person(company.country)
        address = person.address(company.domain)
        mails = [{"address": address, "kind": "work", "primary": True}]
        if cast.chance(0.15):
            mails.append({"address": person.address("mail.example"), "kind": "private", "primary": False})
        phones = [{"number": cast.phone(company.country), "kind": "work", "primary": True}] if cast.chance(0.85) else []
        created = cast.later(company.created_at, 0, 120)
        rows.append(
            {
                "first_name": person.first, "last_name": person.last, "job_title": cast.choice(words.JOBS), "company": company, "emails": mails, "phones": phones, "city": company.city,
                "country": company.country, "language": words.LANGUAGES[company.country], "time_zone": words.ZONES[company.country], "owner": company.owner, "team": company.team,
                "created_by": company.owner, "created_at": created, "lifecycle": cast.dice.choices(("prospect", "customer", "former", "partner"), (45, 45, 5, 5))[0],
                "birthday": _birthday(number),
                "tags": [house.tags[tag] for tag in _tags(cast, ("Decision maker", "Prefers phone", "Trade fair", "Price sensitive"), 0.12)],
            }
        )  # fmt: skip
    return create_contacts(rows, actor=None)


def _birthday(number: int) -> str:
    """Of two in three; of some without the year."""
    day = date(1958 + number % 40, 1, 1) + timedelta(days=number * 37 % 365)
    return "" if number % 3 == 0 else day.isoformat() if number % 5 else f"--{day:%m-%d}"


def record_consents(cast: Cast, story: Story, people: list[Contact]) -> None:
    """Who may be written to, and who has taken it back."""
    for number, contact in enumerate(people[:90]):
        with story.at(min(contact.created_at + timedelta(days=number % 40), cast.now - timedelta(hours=2))):
            record_consent(contact, Consent.Channel.EMAIL, True, "Order form", actor=contact.owner)
            if number % 3 == 0:
                record_consent(contact, Consent.Channel.NEWSLETTER, True, "Trade fair", actor=contact.owner)
    for contact in people[9:90:18]:
        with story.at(cast.days_ago(cast.dice.randint(3, 60))):
            record_consent(contact, Consent.Channel.NEWSLETTER, False, "Link in the newsletter", actor=contact.owner)
