"""Pages and mails show no English to a German reader, and write numbers and days as one does in German."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone, translation

from crm.core import cells
from crm.core.list_bar import MENUS
from crm.core.records import record_types
from tests.contract.samples import SAMPLES
from tests.core.texts import APPS, ROOT, compiled, messages, template_files
from tests.factories import cast


class Visible(HTMLParser):
    """The texts that a person sees or hears, script and samples of code left out."""

    HIDDEN = ("script", "style", "code", "pre", "kbd", "textarea", "svg", "optgroup")
    VOID = ("input", "br", "img", "meta", "link", "hr", "col", "source")
    SPOKEN = ("aria-label", "title", "placeholder", "alt")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden or tag in self.HIDDEN:
            if tag not in self.VOID:
                self._hidden.append(tag)
            return
        values = dict(attrs)
        self.texts += [values[name] or "" for name in self.SPOKEN if values.get(name)]
        if values.get("id") == "texts":
            self.texts += [value or "" for name, value in attrs if name.startswith("data-")]

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag in self._hidden:
            while self._hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(" ".join(data.split()))


@lru_cache(1)
def sentinels() -> list[str]:
    """Pieces of English texts that no German text contains."""
    germans = [german for message in messages().values() for german in (message.string if isinstance(message.string, tuple) else (message.string,))]
    found = []
    for text, message in messages().items():
        for part in re.split(r"%\(\w+\)[sd]|\{\w+\}|<[^>]+>|[“”]", f"{text.text}\n{text.plural or ''}"):
            for piece in part.split("\n"):
                piece = piece.strip(" .,:;?!")
                if len(piece) > 12 and message.string != message.id and not any(piece in german for german in germans):
                    found.append(piece)
    return found


ENGLISH = re.compile(r"\b(the|and|of|your|with|this|that|you|from|has|been|cannot|please)\b", re.I)


def english_in(html: str, data: set[str]) -> list[str]:
    texts = [text for text in Visible(html).texts if text not in data]
    for name in sorted(data, key=len, reverse=True):
        texts = [text.replace(name, "…") for text in texts]
    return [text for text in texts if ENGLISH.search(text) or any(piece in text for piece in sentinels())]


def names_in_the_database() -> set[str]:
    """What people or the migrations named: that is data and stays as it is."""
    found = {"Isle of Man", "America/Port of Spain"}  # what they are called in German as well
    for model in apps.get_models():
        if model._meta.app_label in (*APPS, "core"):
            names = [
                field.name
                for field in model._meta.concrete_fields
                if field.name in ("name", "title", "intro", "button", "thanks_text", "label", "inverse", "confirm_subject", "confirm_text")
            ]
            for row in model._base_manager.values_list(*names) if names else ():
                found |= {" ".join(str(value).split()) for value in row if value}
    return found


class House(NamedTuple):
    admin: Any
    rows: dict[str, Any]


@pytest.fixture
def house(db: None) -> House:
    """An admin who reads German, and one record of each type."""
    from users import services

    people = cast()
    services.update_organisation({"language": "de"}, actor=None)
    services.update_profile(people.admin, {"language": "de", "time_zone": "Europe/Vienna"}, actor=people.admin)
    rows = {name: sample.make(people.admin, f"Muster {number}") for number, (name, sample) in enumerate(SAMPLES.items())}
    return House(people.admin, rows)


@pytest.fixture
def german(house: House, client: Client) -> Client:
    client.force_login(house.admin)
    return client


def addresses(house: House) -> list[str]:
    found = [
        "/",
        "/calendar/",
        "/notifications/",
        "/notifications/settings/",
        f"/tasks/{house.rows['tasks'].pk}/repeat/",
        "/search/?q=Muster",
        "/search/?q=zzz",
        "/bin/",
        "/exports/",
        "/profile/",
        "/deals/board/",
        "/reports/",
        "/settings/",
    ]
    for record in record_types():
        if record.slug in house.rows:
            row = house.rows[record.slug]
            found += [record.url("list"), record.url("list") + "?q=zzz", record.url("new"), *(record.url("menu", name) for name in MENUS)]
            found += [record.url(name, row.pk) for name in ("detail", "edit", "delete")]
    return found


def links(html: str, start: str) -> list[str]:
    return [
        address
        for address in dict.fromkeys(re.findall(r'href="([^"#?]+)"', html))
        if address.startswith(start) and address != start and "/export" not in address
    ]


def test_english_is_noticed() -> None:
    assert english_in("<p>Nothing here yet. Make the first one.</p>", set()) and english_in('<a title="Clear filters">x</a>', set())
    assert not english_in("<p>Noch nichts da. <code>and the code</code> Make</p><script>of the</script>", {"Make"})


@compiled
def test_pages_are_german(house: House, german: Client) -> None:
    """Every main page, the form and page of each record type, each report, each page of the settings and the forms behind it."""
    data, wrong, seen = names_in_the_database(), {}, set[str]()
    waiting = addresses(house)
    while waiting:
        address = waiting.pop(0)
        if address in seen:
            continue
        seen.add(address)
        response = german.get(address, follow=True)
        assert response.status_code == 200, (address, response.status_code)
        if "text/html" not in response["Content-Type"]:
            continue
        html = response.content.decode()
        assert '<html lang="de"' in html, address
        if found := english_in(html, data):
            wrong[address] = found[:5]
        for start in ("/reports/", "/settings/", "/profile/"):
            if address.startswith(start):
                waiting += links(html, start)
    assert len(seen) > 70
    assert not wrong, wrong


@compiled
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/", ["Heute", "Neue Aufgabe"]),
        ("/leads/", ["Neuer Lead", "Nicht zugewiesen", "Nächster Schritt", "Zuständig"]),
        ("/deals/board/", ["Neuer Deal", "Gewichtet", "Offene Pipeline"]),
        ("/reports/leads-by-source/", ["Leads nach Quelle", "Umwandlung"]),
        ("/settings/", ["Einstellungen", "Zuweisungsregeln"]),
        ("/bin/", ["Papierkorb"]),
    ],
)
def test_words_of_the_pages(german: Client, address: str, words: list[str]) -> None:
    html = german.get(address).content.decode()
    assert not [word for word in words if word not in html]


@compiled
@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/password/reset/", "/f/contact/", "/nothing-here/", "/reminders/x/"])
def test_pages_for_visitors_are_german(house: House, client: Client, address: str) -> None:
    from leads.services import create_form_with_usual_fields

    create_form_with_usual_fields({"name": "Kontakt", "slug": "contact", "language": "de"}, actor=house.admin)
    response = client.get(address, follow=True)
    html = response.content.decode()
    assert '<html lang="de"' in html and not english_in(html, names_in_the_database())
    if "login" in address:
        assert all(word in html for word in ("Anmelden", "Passwort", "E-Mail"))


@compiled
def test_messages_of_forms_are_german(german: Client) -> None:
    response = german.post("/deals/new/", {"name": "", "amount": "viel", "close_date": "bald"})
    assert response.status_code == 422
    html = response.content.decode()
    assert not english_in(html, names_in_the_database())
    assert "Geben Sie einen Betrag ein, etwa 1234,50." in html and "Dieses Feld ist zwingend erforderlich." in html


# ---- mails ----

MAILS = [path for path in template_files() if {"emails", "mail", "email"} & set(path.relative_to(ROOT / "templates").parts)]
PERSON = {"name": "Muster", "email": "muster@example.com"}
MAIL: dict[str, Any] = {
    **dict.fromkeys(("form", "name", "title", "heading", "organisation_name", "subject", "description", "text", "date"), "Muster"),
    **dict.fromkeys(("url", "base_url", "activate_url", "password_reset_url", "choose_url"), "https://example.com"),
    **dict.fromkeys(("actor", "inviter", "invitation", "organisation", "user"), PERSON),
    "language": "de",
    "when": "morgen",
    "late": True,
    "days": 7,
    "more": 3,
    "answers": [("Name", "Muster")],
    "leads": [("Muster", "", "https://example.com")] * 2,
    "count": 2,
    **dict.fromkeys(("overdue", "today"), [("Muster", "morgen", "https://example.com")]),
    "unread": 2,
    "news": ["Muster"],
}


@compiled
@pytest.mark.parametrize("path", MAILS, ids=lambda path: str(path.relative_to(ROOT / "templates")))
@pytest.mark.parametrize("known", [True, False])
def test_mails_are_german(path: Path, known: bool) -> None:
    with translation.override("de"):
        text = render_to_string(str(path.relative_to(ROOT / "templates")), {**MAIL, "known": known, "code": "" if known else "123456"})
    assert text.strip() and not english_in(text, set())


# ---- numbers, days and money ----


@compiled
def test_numbers_days_and_money(house: House, german: Client) -> None:
    from deals.services import update_deal

    deal = house.rows["deals"]
    update_deal(deal, {"amount": "1234.50", "close_date": date(2031, 11, 23)}, actor=house.admin)
    page = german.get(deal.get_absolute_url()).content.decode().replace("\xa0", " ").replace("&nbsp;", " ")
    assert "1.234,50 €" in page and "23. Nov. 2031" in page
    form = german.get(f"{deal.get_absolute_url()}edit/").content.decode()
    assert 'value="1234,50"' in form or 'value="1.234,50"' in form


def test_formats() -> None:
    with translation.override("de"):
        locale = cells.current_locale()
        assert cells.format_money(1234, "EUR", locale).replace("\xa0", " ") in ("1.234 €", "1.234,00 €")
        assert cells.format_number(1234567, locale) == "1.234.567"
        assert cells.format_short(date(2026, 11, 23), locale, with_year=False) == "23. Nov."
        assert cells.format_clock(datetime(2026, 11, 23, 14, 5, tzinfo=UTC), locale) == "14:05"


@compiled
def test_words_for_days(house: House) -> None:
    with translation.override("de"), timezone.override("UTC"):
        context = cells.current_context(house.admin)
        days = [cells.day_text(context.today + timedelta(days=distance), context) for distance in (-1, 0, 1)]
    assert days == ["Gestern", "Heute", "Morgen"]
