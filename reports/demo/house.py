"""The organisation, its people, teams and settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from activities.services import create_date_rule
from crm.core.models import Source, Tag
from crm.core.text import sort_key
from deals.services import ensure_defaults as ensure_pipeline
from leads.models import WebForm
from leads.services import create_form, create_rule
from leads.services import ensure_defaults as ensure_statuses
from reports.demo import words
from users.models import Organisation, Team, User
from users.services import add_holiday, create_team, create_user, ensure_defaults, update_mail_sender, update_organisation, update_team

PASSWORD = "rapport-demo"
ZONE = "Europe/Vienna"
PEOPLE = (
    ("admin", "Helene Moser", "admin", "Sales"),
    ("manager", "Viktor Aigner", "manager", "Sales"),
    ("rep", "Lena Hofer", "rep", "North"),
    ("rep2", "Marek Nowak", "rep", "North"),
    ("other", "Giulia Conti", "rep", "South"),
    ("agent", "Samuel Okafor", "agent", "Support"),
    ("viewer", "Petra Lindqvist", "viewer", "North"),
)
# The same day each year in Austria; the moving ones are left to the settings page.
HOLIDAYS = (
    (1, 1, "New Year"),
    (1, 6, "Epiphany"),
    (5, 1, "Labour Day"),
    (8, 15, "Assumption Day"),
    (10, 26, "National Day"),
    (11, 1, "All Saints"),
    (12, 8, "Immaculate Conception"),
    (12, 25, "Christmas Day"),
    (12, 26, "St Stephen's Day"),
)
FIELDS = (
    {"key": "name", "label": "Your name", "kind": "text", "target": "name", "required": True},
    {"key": "email", "label": "E-mail", "kind": "email", "target": "email", "required": True},
    {"key": "company", "label": "Company", "kind": "text", "target": "company_name"},
    {"key": "phone", "label": "Phone", "kind": "phone", "target": "phone"},
    {"key": "message", "label": "How can we help?", "kind": "long_text", "target": "message", "required": True},
)


@dataclass(frozen=True)
class House:
    """Users by the first part of their address, teams, sources and tags by name, the public form."""

    users: dict[str, User]
    teams: dict[str, Team]
    sources: dict[str, Source]
    tags: dict[str, Tag]
    form: WebForm


def furnish() -> House:
    """Everything that must be there before the first customer."""
    ensure_defaults()
    ensure_pipeline()
    ensure_statuses()
    update_organisation(
        {
            "name": words.ORGANISATION,
            "currency": "EUR",
            "time_zone": ZONE,
            "language": "en",
            "first_weekday": 0,
            "fiscal_year_start": 1,
            "work_days": [0, 1, 2, 3, 4],
            "work_start": time(8),
            "work_end": time(17),
        },
        actor=None,
    )
    update_mail_sender(
        {"mail_from": "sales@tauern-werkstatt.example", "mail_from_name": words.ORGANISATION, "mail_reply_to": "sales@tauern-werkstatt.example"}, actor=None
    )
    Organisation.objects.filter(pk=1).update(set_up_at=timezone.now())
    _holidays()
    teams = _teams()
    users = {
        slug: create_user(email=f"{slug}@demo.example", name=name, role=role, team=teams[team], time_zone=ZONE, language="en")
        for slug, name, role, team in PEOPLE
    }
    User.objects.update(password=make_password(PASSWORD))  # hashing is slow on purpose: once is enough
    for team, manager in (("North", "manager"), ("Sales", "admin")):
        teams[team] = update_team(teams[team], {"manager": users[manager]}, actor=None)
    users = {slug: User.objects.select_related("role", "team").get(pk=user.pk) for slug, user in users.items()}
    sources = _sources()
    for days in (0, 3):
        create_date_rule({"date": "contacts.contact:birthday", "repeats": "yearly", "days_before": days}, actor=None)
    tags = {name: Tag.objects.create(name=name, key=sort_key(name), color=color) for name, color in words.TAGS}
    return House(users, teams, sources, tags, _form(users, teams, sources))


def _holidays() -> None:
    today = timezone.localdate()
    for year in (today.year, today.year + 1):
        for month, day, name in HOLIDAYS:
            add_holiday(date(year, month, day), name, actor=None)


def _teams() -> dict[str, Team]:
    head = create_team({"name": "Sales"}, actor=None)
    return {"Sales": head} | {name: create_team({"name": name, "parent": head}, actor=None) for name in ("North", "South", "Support")}


def _sources() -> dict[str, Source]:
    found = {source.key: source for source in Source.objects.all()}
    for position, name in enumerate(words.SOURCES):
        if sort_key(name) not in found:
            found[sort_key(name)] = Source.objects.create(name=name, key=sort_key(name), position=position)
    return {name: found[sort_key(name)] for name in words.SOURCES}


def _form(users: dict[str, User], teams: dict[str, Team], sources: dict[str, Source]) -> WebForm:
    form = create_form(
        {
            "name": "Contact",
            "slug": "contact",
            "title": "Talk to us",
            "intro": "Tell us about your workshop. Somebody who knows the machines will answer within a working day.",
            "button": "Send",
            "thanks": "Thank you. We will be in touch within a working day.",
            "source": sources["Website form"],
            "team": teams["North"],
            "follow_up_hours": 4,
            "confirm_sender": True,
            "confirm_subject": "We have your message",
            "confirm_text": "Thank you for writing to us. One of our colleagues will answer within a working day.",
        },
        FIELDS,
        actor=None,
    )
    create_rule(
        {
            "name": "Italy, Slovenia and Croatia",
            "mode": "user",
            "user": users["other"],
            "conditions": [{"field": "country", "op": "in", "value": "IT, SI, HR"}],
        },
        actor=None,
    )
    create_rule({"name": "Everybody else", "mode": "round_robin", "team": teams["North"], "conditions": []}, actor=None)
    create_rule({"name": "Nobody there", "mode": "user", "user": users["manager"], "is_fallback": True, "conditions": []}, actor=None)
    return form
