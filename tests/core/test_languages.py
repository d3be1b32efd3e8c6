"""German is complete: each text of the code has its translation, and pages and mails show no English to a German reader.

What is compared with `locale/de` is read from the code itself, not by xgettext: that one overlooks texts inside f-strings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.apps import apps
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation.template import templatize

from crm.core import cells
from crm.core.records import record_types
from tests.contract.samples import SAMPLES
from tests.factories import cast

ROOT = Path(__file__).resolve().parents[2]
PO = ROOT / "locale/de/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
APPS = ("activities", "contacts", "crm", "deals", "leads", "mail", "reports", "users")
# Function -> positions of context, text and plural among its arguments.
FUNCTIONS: dict[str, tuple[int | None, int, int | None]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
compiled = pytest.mark.skipif(
    not MO.exists() or MO.stat().st_mtime < PO.stat().st_mtime,
    reason="locale/de is not compiled: `make test` does it, or `make locale/de/LC_MESSAGES/django.mo`",
)


class Text(NamedTuple):
    """What stands in the code; `where` is not compared."""

    context: str | None
    text: str
    plural: str | None


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, list[Any], tuple[int | None, int, int | None]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in FUNCTIONS:
                yield node, [value.value if isinstance(value, ast.Constant) else None for value in node.args], FUNCTIONS[name]


def python_files() -> Iterator[Path]:
    for app in APPS:
        yield from sorted((ROOT / app).rglob("*.py"))


def template_files() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))


@lru_cache(1)
def texts_of_the_code() -> dict[Text, str]:
    """Every marked text and one file that has it."""
    found: dict[Text, str] = {}
    for path in python_files():
        for _node, values, (context, text, plural) in calls(ast.parse(path.read_text())):
            if isinstance(values[text], str):
                key = Text(None if context is None else values[context], values[text], None if plural is None else values[plural])
                found.setdefault(key, str(path.relative_to(ROOT)))
    string = r"u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    for path in template_files():
        for name, arguments in re.findall(rf"\b(n?p?gettext)\(((?:(?:{string}),?\s*)+)(?:count)?\)", templatize(path.read_text())):
            values = [ast.literal_eval(part) for part in re.findall(string, arguments)]
            context, text, plural = FUNCTIONS[name]
            found.setdefault(
                Text(None if context is None else values[context], values[text], None if plural is None else values[plural]), str(path.relative_to(ROOT))
            )
    return found


@lru_cache(1)
def messages() -> dict[Text, Message]:
    with PO.open("rb") as file:
        catalogue = read_po(file, locale="de", abort_invalid=True)
    return {Text(m.context, *(m.id if isinstance(m.id, tuple) else (m.id, None))): m for m in catalogue if m.id}


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|<[^>]+>", text))


# ---- the catalogue ----


def test_texts_are_written_out() -> None:
    """`_(f"…")` and `_("a" + b)` reach no translator: fill placeholders in afterwards."""
    wrong = []
    for path in python_files():
        for node, _values, (_context, text, _plural) in calls(ast.parse(path.read_text())):
            if isinstance(node.args[text], (ast.JoinedStr, ast.BinOp, ast.Call)):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)[:80]}")
    assert not wrong, wrong


def test_every_text_is_in_the_catalogue_and_no_other() -> None:
    code, known = texts_of_the_code(), messages()
    # A text used both alone and with a plural is one entry, with the plural.
    singulars = {(context, text) for context, text, _plural in known}
    missing = [f"{where}: {text.text}" for text, where in code.items() if (text.context, text.text) not in singulars]
    assert not missing, f"run `make messages` (a text inside an f-string: give it a name first) and translate: {missing}"
    gone = [text.text for text in known if (text.context, text.text) not in {(one.context, one.text) for one in code}]
    assert not gone, f"run `make messages`; no longer used: {gone}"


@pytest.mark.parametrize("what", ["empty", "fuzzy", "placeholders", "ends"])
def test_every_text_is_german(what: str) -> None:
    wrong = []
    for text, message in messages().items():
        germans = message.string if isinstance(message.string, tuple) else (message.string,)
        bad = {
            "empty": not all(germans) or len(germans) != (2 if text.plural else 1),
            "fuzzy": message.fuzzy,
            "placeholders": any(placeholders(german) != placeholders(text.plural or text.text) for german in germans),
            # A sentence stays a sentence, and spaces around a text are the page's.
            "ends": any(german.strip() != german or (text.text[-1:] in ".?!" and german[-1:] not in ".?!") for german in germans),
        }
        if bad[what]:
            wrong.append((text.text, germans))
    assert not wrong, wrong


def test_plural_forms() -> None:
    with PO.open("rb") as file:
        catalogue = read_po(file)
    assert (catalogue.num_plurals, catalogue.plural_expr) == (2, "(n != 1)") and not catalogue.fuzzy and not catalogue.obsolete


def test_the_script_takes_its_words_from_the_page() -> None:
    script, page = (ROOT / "static/crm/crm.js").read_text(), (ROOT / "templates/components/texts.html").read_text()
    used = set(re.findall(r"\btexts\.(\w+)", script)) | {key for part in re.findall(r"\bsay\(([^;]*?)\)", script) for key in re.findall(r'"([a-z]\w*)"', part)}
    offered = {re.sub(r"-(\w)", lambda match: match[1].upper(), name) for name in re.findall(r"\bdata-([a-z-]+)=\"\{% translate", page)}
    assert used and used <= offered, used - offered
    code = re.sub(r"(?m)(^|\s)//.*$|/\*.*?\*/", "", script)
    assert not re.findall(r"[\"'`]([A-Z][a-z]+(?: [a-z]+)+[.?!]?)[\"'`]", code)


# ---- pages ----


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
                if field.name in ("name", "title", "intro", "button", "thanks_text", "label", "confirm_subject", "confirm_text")
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
            found += [record.url("list"), record.url("list") + "?q=zzz", record.url("new")]
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
        ("/", ["Heute", "Aufgabe hinzufügen"]),
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
@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/password/reset/", "/f/contact/", "/nothing-here/"])
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
    **dict.fromkeys(("form", "name", "title", "heading", "organisation_name", "subject", "description"), "Muster"),
    **dict.fromkeys(("url", "base_url", "activate_url", "password_reset_url"), "https://example.com"),
    **dict.fromkeys(("actor", "inviter", "invitation", "organisation", "user"), PERSON),
    "language": "de",
    "when": "morgen",
    "late": True,
    "days": 7,
    "more": 3,
    "answers": [("Name", "Muster")],
    "leads": [("Muster", "", "https://example.com")] * 2,
    "count": 2,
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
