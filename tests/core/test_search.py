"""What a search finds, in which order, for whom; and that nothing typed breaks it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities.models import Activity
from activities.services import add_note, correct_line, create_meeting, create_task, delete_line, log_call
from contacts.services import create_company, create_contact, delete_contacts, update_contact
from crm.core import finding, words
from crm.core.finding import find, hit_columns
from crm.core.records import record_for, record_types
from crm.core.search import pick, search_all
from crm.core.text import ask
from crm.core.words import Word, alike, edits, refresh, refresh_if_old
from deals.services import create_deal
from leads.services import create_lead
from tests.core.search_cases import PEOPLE, table
from tests.factories import cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known():
    """What the process keeps is of another test's rows."""
    words._known.clear()
    finding._samples.clear()


@pytest.fixture
def world(django_capture_on_commit_callbacks):
    people = cast()
    with django_capture_on_commit_callbacks(execute=True):
        for first, last, email, phone, city in PEOPLE:
            create_contact({"first_name": first, "last_name": last, "email": email, "phone": phone, "city": city}, actor=people.owner)
        company = create_company({"name": "Alpenwerk GmbH", "domain": "alpenwerk.example"}, actor=people.owner)
        deal = create_deal({"name": "Spindle retrofit 2024-05"}, actor=people.owner)
        create_lead({"first_name": "Ada", "last_name": "Lovelace", "company_name": "Engine Co"}, actor=people.owner)
        create_task({"title": "Ask for drawings", "description": "of the housing. " + "x" * 600 + " gearbox"}, actor=people.owner)
        start = timezone.now() + timedelta(days=1)
        create_meeting(
            {"title": "Kick-off Zürich", "starts_at": start, "ends_at": start + timedelta(hours=1), "description": "Agenda: scope"}, actor=people.owner
        )
        add_note(deal, body="Wants **turbine** blades by June", actor=people.owner)
        log_call(company, body="voicemail text about pricing", actor=people.owner)
    return people


def labels(user, query):
    return [hit.label for group in search_all(user, query).groups for hit in group.hits[:5]]


def test_a_table_of_searches(world):
    assert len(table()) >= 150
    wrong = [(query, target, found) for query, target in table() for found in [labels(world.owner, query)] if (target not in found if target else found)]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("who", ["stranger", "agent"])
def test_nobody_finds_what_they_may_not_see(world, who):
    """A colleague of another team finds none of it, however it is spelt: the words that are spelt alike are not shown either."""
    actor = getattr(world, who)
    for query, _target in table():
        found = search_all(actor, query)
        seen = {(group.slug, hit.label) for group in found.groups for hit in group.hits}
        allowed = {(record.slug, str(row)) for record in record_types() for row in record.visible(actor)}
        assert {pair for pair in seen if pair[0] != "notes"} <= allowed, query
        if who == "stranger":
            assert not seen, query


def test_a_task_is_found_by_all_of_its_text(world):
    assert labels(world.owner, "gearbox") == ["Ask for drawings"]


def make(actor, *names):
    return [create_contact({"first_name": name.rpartition(" ")[0], "last_name": name.rpartition(" ")[2]}, actor=actor) for name in names]


ORDERED = ["Lee", "Lee Zed", "Ann Lee", "Xu Leeson", "Ping Apling"]


def found_names(user, query, limit=10):
    return [str(row.obj) for row in find([record_for("contacts")], user, ask(query), limit).get("contacts", [])]


def test_the_best_come_first():
    """Exact name, beginning of the name, whole words, beginnings of words, inside of words."""
    actor = cast().owner
    make(actor, *ORDERED, "Kaleeb Ash")
    assert found_names(actor, "lee") == ["Lee", "Lee Zed", "Ann Lee", "Xu Leeson", "Kaleeb Ash"]
    assert found_names(actor, "zed lee")[0] == "Lee Zed"


def test_the_newest_come_first_among_equals():
    actor = cast().owner
    rows = make(actor, "Ann Berg", "Eva Berg", "Ida Berg")
    update_contact(rows[0], {"job_title": "Buyer"}, actor=actor)
    assert found_names(actor, "berg") == ["Ida Berg", "Eva Berg", "Ann Berg"]


@pytest.mark.parametrize("who", ["owner", "teammate", "manager", "admin"])
def test_common_terms_give_the_same_from_the_newest_rows(monkeypatch, who):
    """The short way (newest rows, beginnings of names) finds the best of all rows, and goes on where the newest rows have too little."""
    people = cast()
    make(people.owner, "Lee", "Lee Old", *(f"Ann{number} Leeson" for number in range(6)), *(f"Bob{number} Stone" for number in range(6)))
    long_way = found_names(getattr(people, who), "lee", 3), found_names(getattr(people, who), "lee old stone", 3), found_names(getattr(people, who), "ann", 7)
    monkeypatch.setattr(finding, "EVERY", 1)
    monkeypatch.setattr(finding, "WALK", 9)
    monkeypatch.setattr(finding, "COMMON", 3)
    finding._samples.clear()
    with CaptureQueriesContext(connection) as queries:
        short_way = (
            found_names(getattr(people, who), "lee", 3),
            found_names(getattr(people, who), "lee old stone", 3),
            found_names(getattr(people, who), "ann", 7),
        )
    assert short_way == long_way and short_way[0][:2] == ["Lee", "Lee Old"]
    assert any("UNION" in query["sql"] for query in queries), "nothing was taken for common"


def test_common_terms_in_notes(monkeypatch):
    people = cast()
    deal = create_deal({"name": "Pump"}, actor=people.owner)
    hidden = create_deal({"name": "Valve"}, actor=people.stranger)
    for number in range(6):
        add_note(deal, body=f"pressure {number}", actor=people.owner)
        add_note(hidden, body=f"pressure of others {number}", actor=people.stranger)
    long_way = labels(people.owner, "pressure")
    monkeypatch.setattr(finding, "EVERY", 1)
    monkeypatch.setattr(finding, "WALK", 4)
    monkeypatch.setattr(finding, "COMMON", 3)
    finding._samples.clear()
    assert labels(people.owner, "pressure") == long_way == [f"pressure {number}" for number in (5, 4, 3, 2, 1)]


def test_hits_are_made_without_a_query_per_row(world):
    for record in record_types():
        obj = find(
            [record],
            world.owner,
            ask({"leads": "ada", "contacts": "zola", "companies": "alp", "deals": "spi", "tasks": "ask", "meetings": "kick"}[record.slug]),
            1,
        )
        with CaptureQueriesContext(connection) as queries:
            assert str(obj[record.slug][0].obj) and isinstance(record.hit(obj[record.slug][0].obj), str)
        assert not queries.captured_queries, (record.slug, hit_columns(record))


def test_notes_follow_their_record_and_their_author(world):
    line = Activity.objects.get(kind="note", body__startswith="Wants")
    assert search_all(world.teammate, "turbine").count == 1 and search_all(world.stranger, "turbine").count == 0
    hit = search_all(world.owner, "turbine").groups[0].hits[0]
    assert "<mark>turbine</mark>" in hit.title and "Spindle retrofit" in hit.sub
    client = Client()
    client.force_login(world.owner)
    assert "<strong>turbine</strong> blades" in client.get(hit.url.partition("#")[0]).content.decode()
    line = correct_line(line, body="Wants rotors", actor=world.owner)
    assert (search_all(world.owner, "turbine").count, search_all(world.owner, "rotors").count) == (0, 1)
    delete_line(line, actor=world.owner)
    assert search_all(world.owner, "rotors").count == 0


def test_notes_of_records_in_the_bin_are_not_found(world):
    contact = create_contact({"last_name": "Gone"}, actor=world.owner)
    add_note(contact, body="heliport", actor=world.owner)
    assert search_all(world.owner, "heliport").count == 1
    delete_contacts([contact.pk], actor=world.owner)
    assert (search_all(world.owner, "heliport").count, search_all(world.admin, "heliport").count, labels(world.owner, "gone")) == (0, 0, [])


# ---- words ----


@pytest.mark.parametrize(
    ("left", "right", "count"),
    [("huber", "huber", 0), ("huber", "hubre", 1), ("huber", "uber", 1), ("huber", "haber", 1), ("huber", "hauberg", 2), ("", "ab", 2)],
)
def test_edits(left, right, count):
    assert edits(left, right) == edits(right, left) == count


def test_every_single_edit_is_found():
    """Whatever letter is wrong: the index is asked by the parts that are left."""
    for word in ("huber", "gruber", "pichler", "lindqvist", "zimmermann"):
        Word.objects.get_or_create(word=word)
        typed = {word[:at] + word[at + 1 :] for at in range(len(word))} | {f"{word[:at]}q{word[at:]}" for at in range(len(word) + 1)}
        typed |= {f"{word[:at]}q{word[at + 1 :]}" for at in range(len(word))}
        typed |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
        assert [each for each in typed - {word} if word not in alike([each]).get(each, {})] == []


def test_two_edits_are_for_long_words_only():
    Word.objects.create(word="huber")
    Word.objects.create(word="schwarzenegger")
    assert alike(["hxbxr", "schwxrzenegxer", "xchwarzeneggex", "zzz", "ha", "12345", "a" * 300, "", "%%%%%", "hu\\er"]) == {
        "schwxrzenegxer": {"schwarzenegger": 2},
        "xchwarzeneggex": {"schwarzenegger": 2},
    }


def test_words_of_no_row_age_out(world):
    before = set(Word.objects.values_list("word", flat=True))
    assert {"muller", "schwarzenegger", "drawings", "turbine"} <= before
    Word.objects.create(word="nowhere")
    Word.objects.filter(word="muller").delete()
    assert not refresh_if_old(), "the youngest table is new"
    Word.objects.update(seen_on=timezone.localdate() - timedelta(days=8))
    assert refresh_if_old()
    assert set(Word.objects.values_list("word", flat=True)) == {word for word in before if "xxx" not in word}, "a piece of forty letters is no word"
    Activity.objects.all().delete()
    assert refresh() < len(before) and not Word.objects.filter(word="turbine").exists()


def test_a_change_brings_its_words(world, django_capture_on_commit_callbacks):
    contact = make(world.owner, "Ann Berg")[0]
    with django_capture_on_commit_callbacks(execute=True):
        update_contact(contact, {"last_name": "Baumgartner"}, actor=world.owner)
    assert labels(world.owner, "Baumgatner") == ["Ann Baumgartner"]


def test_what_is_not_committed_leaves_no_words():
    make(cast().owner, "Ann Quastenflosser")
    assert not Word.objects.filter(word="quastenflosser").exists()


# ---- over HTTP ----


@pytest.fixture
def client(world):
    client = Client()
    client.force_login(world.owner)
    return client


HOSTILE = [
    "<script>alert(1)</script>", "%", "_", "\\", "\\\\%", "'", '"', "''; --", "\x00", "a\x00b", "x" * 10_000, "%" * 200, "(" * 200, "9" * 200, "+" * 200, " ", "\u202e", "😀" * 50,
    "a " * 100, "-", "--", "0", "00000", "+0", "1" * 5, "()()()1()2()3()4()5", "\ud7ff", "ﷺ" * 30, "ß" * 200, "İ" * 100, "é" * 3, "\t\n\r", "null", "None", "{{ 7*7 }}", "$(id)", "a" + "\u0301" * 150,
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
def test_nothing_typed_breaks_it(client, query):
    for url in ("/search/", "/pick/contacts/", "/pick/users/", "/contacts/", "/tasks/", "/deals/board/"):
        response = client.get(url, {"q": query})
        assert response.status_code in (200, 400), url
        assert "<script>alert" not in response.content.decode().replace("\\u003C", "<") or url.startswith("/pick/")
    assert client.get("/search/", {"q": query}, headers={"hx-request": "true"}).status_code in (200, 400)


def test_only_signs_find_nothing_in_a_list(client):
    assert client.get("/contacts/", {"q": "!!!"}).context["list"].total_text == "0"
    assert client.get("/contacts/", {"q": "   "}).context["list"].total_text == str(len(PEOPLE))


def test_the_palette_gets_its_options_alone(client):
    html = client.get("/search/", {"q": "mull"}, headers={"hx-request": "true"}).content.decode()
    assert "<html" not in html and html.count('role="option"') == 1 and "<mark>Müll</mark>er" in html
    assert "<html" in client.get("/search/", {"q": "mull"}, headers={"hx-request": "true", "hx-boosted": "true"}).content.decode()
    assert client.get("/search/", {"q": ""}, headers={"hx-request": "true"}).content.decode().strip() == ""


def test_the_page_says_that_hits_are_only_alike(client):
    assert "spelt alike" in client.get("/search/", {"q": "Shwarzeneger"}).content.decode()
    assert "spelt alike" not in client.get("/search/", {"q": "Schwarzenegger"}).content.decode()
    assert client.get("/search/", {"q": "Shwarzeneger"}, headers={"accept": "application/json"}).json()["alike"] is True


def test_a_list_goes_on_with_what_is_spelt_alike(client, world):
    response = client.get("/contacts/", {"q": "Shwarzeneger"})
    assert response.context["list"].total_text == "1" and "Katharina Schwarzenegger" in response.content.decode() and "spelt alike" in response.content.decode()
    stranger = Client()
    stranger.force_login(world.stranger)
    nothing = stranger.get("/contacts/", {"q": "Shwarzeneger"}).content.decode()
    assert "Schwarzenegger" not in nothing and "spelt alike" not in nothing
    body = b"".join(client.get("/contacts/export/", {"q": "Shwarzeneger", "format": "csv"}).streaming_content).decode()
    assert "Schwarzenegger" in body or client.get("/contacts/export/", {"q": "x", "format": "csv"}).status_code == 403


def test_a_picker_offers_what_is_spelt_alike_but_a_form_does_not_take_it(world):
    assert [str(row) for row in pick("contacts", world.owner, "Shwarzeneger", near=True)] == ["Katharina Schwarzenegger"]
    assert pick("contacts", world.owner, "Shwarzeneger") == []
    assert pick("contacts", world.stranger, "Shwarzeneger", near=True) == []
