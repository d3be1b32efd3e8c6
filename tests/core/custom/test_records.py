"""Custom fields in forms, pages, lists, filters, sorts, exports, search and history."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from contacts.models import Company, Contact
from contacts.services import create_company, create_contact, update_contact
from crm.core.custom.definitions import forget
from crm.core.custom.filters import DAYS
from crm.core.custom.models import CustomField
from crm.core.outbox import drain
from crm.core.records import record_for
from tests.contract.samples import SAMPLES as RECORDS
from tests.core.custom.fields import SAMPLES, make_field
from tests.core.test_bad_input import form_data
from tests.factories import cast, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def client(people):
    return signed_in(people.owner)


def text_of(response):
    return response.content.decode()


def exported(client, slug="contacts", **params):
    body = b"".join(client.get(f"/{slug}/export/", {"format": "csv", **params}).streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(body)))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_value_of_each_kind_goes_from_the_form_to_page_list_filter_and_export(client, kind):
    field = make_field(kind, in_list=True, group="Extras")
    posted, stored, shown = SAMPLES[kind]
    data = form_data(client, "/contacts/new/") | {"last_name": "Zebrafinch", field.name: posted}
    response = client.post("/contacts/new/", data)
    assert response.status_code == 302, response.context["form"].errors
    contact = Contact.objects.get(last_name="Zebrafinch")
    assert contact.custom[field.key] == stored
    page = text_of(client.get(contact.get_absolute_url()))
    assert "Extras" in page and field.label in page and shown in page
    listed = text_of(client.get("/contacts/"))
    assert field.label in listed
    if kind != "long_text":
        assert shown in listed
    edit = text_of(client.get(f"/contacts/{contact.pk}/edit/"))
    assert f'name="{field.name}"' in edit
    ticked = {field.name: posted} if kind == "choices" else {}  # form_data keeps one tick of several
    same = client.post(f"/contacts/{contact.pk}/edit/", form_data(client, f"/contacts/{contact.pk}/edit/") | ticked)
    assert same.status_code == 302
    contact.refresh_from_db()
    assert contact.custom[field.key] == stored and contact.version == 1, "nothing was changed"
    found = exported(client)
    assert found[0][field.label] not in ("", None)


FILTERS = {
    "text": ({"": "etude"}, {"": "prelude"}),
    "long_text": ({"": "TWO"}, {"": "three"}),
    "number": ({"_min": "1000", "_max": "1234.5"}, {"_min": "1234.6"}),
    "money": ({"_max": "99.90"}, {"_min": "100"}),
    "date": ({"_min": "2026-05-31", "_max": "2026-05-31"}, {"_max": "2026-05-30"}),
    "time": ({"_min": "14:00"}, {"_max": "14:29"}),
    "choice": ({"": ["002", "003"]}, {"": ["001"]}),
    "choices": ({"": ["003"]}, {"": ["002"]}),
    "yes_no": ({"": "yes"}, {"": "no"}),
    "url": ({"": "Example.com"}, {"": "example.org"}),
}


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("who", ["owner", "admin"])
def test_lists_are_filtered_by_each_kind(people, kind, who):
    field = make_field(kind)
    posted = SAMPLES[kind][0]
    create_contact({"last_name": "Zebrafinch", field.name: posted}, actor=people.owner)
    create_contact({"last_name": "Quokkabear"}, actor=people.owner)
    client = signed_in(getattr(people, who))
    for params, fits in zip(FILTERS[kind], (True, False), strict=True):
        response = client.get("/contacts/", {f"{field.name}{end}": value for end, value in params.items()})
        assert response.status_code == 200, text_of(response)
        page = text_of(response)
        assert ("Zebrafinch" in page) == fits, params
        assert "Quokkabear" not in page
        assert field.label in [str(chip.label) for chip in response.context["list"].chips]


@pytest.mark.parametrize("kind", sorted(set(FILTERS) - {"choice", "choices"}))  # those have a choice for it
@pytest.mark.parametrize("indexed", [False, True])
def test_lists_are_filtered_by_whether_there_is_a_value(people, kind, indexed):
    field = make_field(kind)
    if indexed and kind != "long_text":
        CustomField.objects.filter(pk=field.pk).update(indexed=True, index_state="ready")
        forget()
    create_contact({"last_name": "Zebrafinch", field.name: SAMPLES[kind][0]}, actor=people.owner)
    create_contact({"last_name": "Quokkabear"}, actor=people.owner)
    client = signed_in(people.owner)
    for value, there, gone in (("yes", "Zebrafinch", "Quokkabear"), ("no", "Quokkabear", "Zebrafinch")):
        response = client.get("/contacts/", {f"{field.name}_has": value})
        page = text_of(response)
        assert response.status_code == 200 and there in page and gone not in page
        (chip,) = response.context["list"].chips
        assert field.label in str(chip.label) and str(chip.value).lower() == value
    assert client.get("/contacts/", {f"{field.name}_has": "perhaps"}).status_code == 400


SPANS = {  # on Friday, 27 November 2026: days that are in, days that are out
    "today": (["2026-11-27"], ["2026-11-26", "2026-11-28"]),
    "yesterday": (["2026-11-26"], ["2026-11-25", "2026-11-27"]),
    "90d": (["2026-08-30", "2026-11-27"], ["2026-08-29", "2026-11-28"]),
    "past": (["2026-11-26", "1999-01-01"], ["2026-11-27"]),
    "7d": (["2026-11-21", "2026-11-27"], ["2026-11-20", "2026-11-28"]),
    "30d": (["2026-10-29", "2026-11-27"], ["2026-10-28", "2026-11-28"]),
    "over14d": (["2026-11-12"], ["2026-11-13"]),
    "over90d": (["2026-08-28"], ["2026-08-29"]),
    "next7d": (["2026-11-27", "2026-12-03"], ["2026-11-26", "2026-12-04"]),
    "next30d": (["2026-11-27", "2026-12-26"], ["2026-11-26", "2026-12-27"]),
    "this_month": (["2026-11-01", "2026-11-30"], ["2026-10-31", "2026-12-01"]),
    "next_month": (["2026-12-01", "2026-12-31"], ["2026-11-30", "2027-01-01"]),
    "this_year": (["2026-01-01", "2026-12-31"], ["2025-12-31", "2027-01-01"]),
}


@pytest.mark.parametrize("name", [name for name, _label in DAYS])
def test_days_are_filtered_as_seen_from_today(people, monkeypatch, name):
    monkeypatch.setattr("crm.core.custom.filters.timezone.localdate", lambda: date(2026, 11, 27))
    field = make_field("date")
    inside, outside = SPANS[name]
    for day in (*inside, *outside):
        create_contact({"last_name": f"Born {day}", field.name: day}, actor=people.owner)
    create_contact({"last_name": "Unborn"}, actor=people.owner)
    response = signed_in(people.owner).get("/contacts/", {f"{field.name}_when": name})
    page = text_of(response)
    assert response.status_code == 200
    assert [day for day in (*inside, *outside) if f"Born {day}" in page] == inside
    assert "Unborn" not in page and str(dict(DAYS)[name]) in {str(chip.value) for chip in response.context["list"].chips}


@pytest.mark.parametrize("kind", ["text", "number", "money", "date", "time", "choice", "yes_no", "url"])
def test_lists_are_sorted_and_paged_by_each_kind_with_empty_values_last(people, kind):
    field = make_field(kind)
    values = {
        "text": ["Zoe", "adam", "Émile"],
        "number": ["-5", "10", "9"],
        "money": ["100", "20", "3"],
        "date": ["2026-01-31", "2025-12-01", "2026-02-01"],
        "time": ["09:00", "23:59", "10:00"],
        "choice": ["003", "001", "002"],
        "yes_no": ["no", "yes", "no"],
        "url": ["https://b.example", "https://a.example", "https://c.example"],
    }[kind]
    wanted = {"text": ["adam", "Émile", "Zoe"], "number": ["-5", "9", "10"], "money": ["3", "20", "100"], "yes_no": ["no", "no", "yes"]}.get(
        kind, sorted(values)
    )
    for number in range(30):
        given = {field.name: values[number]} if number < 3 else {}
        create_contact({"last_name": f"P{number:02}", **given}, actor=people.owner)
    for sign, order in (("", wanted), ("-", wanted[::-1])):
        seen, url = [], f"/contacts/?sort={sign}{field.name}&size=25"
        while url:
            page = signed_in(people.owner).get(url)
            assert page.status_code == 200
            seen += [row.pk for row in page.context["list"].rows]
            url = page.context["list"].next_url
        assert len(seen) == len(set(seen)) == 30
        names = Contact.objects.in_bulk(seen)
        got = [str(names[pk].custom.get(field.key, "")) for pk in seen]
        assert got[3:] == [""] * 27
        from crm.core.custom.values import clean_value

        assert got[:3] == [str(clean_value(field, value)) for value in order]


@pytest.mark.parametrize("bad", [("number", "abc"), ("number", "1e400"), ("number", "9" * 30), ("number", "1.2345678"), ("money", "-1"), ("date", "31.31.2026"),
    ("time", "25:00"), ("choice", "009"), ("choices", ["001", "x"]), ("url", "javascript:alert(1)"), ("url", "ht tp://x"), ("text", "a\x00b"), ("text", "x" * 256),
    ("long_text", "x" * 10_001), ("yes_no", "perhaps"), ("user", "999999"), ("user", "9" * 40)])  # fmt: skip
def test_wrong_values_are_told_at_the_field_and_change_nothing(client, bad):
    kind, value = bad
    field = make_field(kind)
    data = form_data(client, "/contacts/new/") | {"last_name": "Zebrafinch", field.name: value}
    response = client.post("/contacts/new/", data)
    assert response.status_code == 422
    assert field.name in response.context["form"].errors
    assert not Contact.objects.exists()


def test_strange_but_right_texts_stay_as_they_are(client):
    field = make_field("text", in_list=True)
    for text in ("😀 Grüße", "<script>alert(1)</script>", "'; DROP TABLE", "100% {sure} %s", "x" * 255):
        data = form_data(client, "/contacts/new/") | {"last_name": "Zebrafinch", field.name: text}
        response = client.post("/contacts/new/", data)
        assert response.status_code == 302, response.context["form"].errors
        assert Contact.objects.latest("pk").custom[field.key] == text
    page = text_of(client.get(f"/contacts/?sort={field.name}"))
    assert "<script>alert(1)</script>" not in page
    assert client.get("/contacts/", {field.name: "100%"}).context["list"].total_text == "1"


def test_links_show_only_what_the_reader_may_see(people):
    link, person = make_field("link", link_to="companies", label="Partner", in_list=True), make_field("user", label="Coach", in_list=True)
    hidden = create_company({"name": "Quokkabear Ltd"}, actor=people.stranger)
    mine = create_company({"name": "Zebrafinch Ltd"}, actor=people.owner)
    client = signed_in(people.owner)
    data = form_data(client, "/contacts/new/") | {"last_name": "Ada"}
    for attempt in ({link.name: str(hidden.pk)}, {f"{link.name}_text": "Quokkabear Ltd"}):
        response = client.post("/contacts/new/", data | attempt)
        assert response.status_code == 422 and link.name in response.context["form"].errors
    response = client.post("/contacts/new/", data | {f"{link.name}_text": "Zebrafinch Ltd", person.name: str(people.teammate.pk)})
    assert response.status_code == 302
    contact = Contact.objects.get()
    assert contact.custom == {link.key: mine.pk, person.key: people.teammate.pk}
    for url in (contact.get_absolute_url(), "/contacts/", f"/contacts/?{link.name}={mine.pk}"):
        assert "Zebrafinch Ltd" in text_of(client.get(url)), url
    Contact.objects.update(custom={link.key: hidden.pk})
    for url in (contact.get_absolute_url(), "/contacts/", f"/contacts/{contact.pk}/edit/"):
        assert "Quokkabear" not in text_of(client.get(url))
    assert exported(client)[0]["Partner"] == ""
    # Saving the form does not cut the link that the user can't see.
    url = f"/contacts/{contact.pk}/edit/"
    assert client.post(url, form_data(client, url) | {"last_name": "Eve"}).status_code == 302
    contact.refresh_from_db()
    assert contact.custom == {link.key: hidden.pk}
    assert signed_in(people.owner).get("/contacts/", {link.name: hidden.pk}).status_code == 400


def test_a_field_for_some_roles_is_nowhere_for_others(people):
    manager = people.manager.role
    field = make_field("text", label="Secretfield", roles=[manager.pk], in_list=True, required=True)
    contact = create_contact({"last_name": "Ada", "owner": people.owner, field.name: "Wombatvalue"}, actor=people.manager)
    update_contact(contact, {field.name: "Wombatnew"}, actor=people.manager)
    drain()
    rep, boss = signed_in(people.owner), signed_in(people.manager)
    addresses = [contact.get_absolute_url(), "/contacts/", f"/contacts/{contact.pk}/edit/", "/contacts/new/", "/search/?q=wombatnew", "/contacts/import/"]
    for url in addresses:
        assert "Secretfield" not in text_of(rep.get(url)) and "Wombat" not in text_of(rep.get(url)).replace("wombatnew", ""), url
    assert "Secretfield" in text_of(boss.get("/contacts/")) and "Wombatnew" in text_of(boss.get(contact.get_absolute_url()))
    for query in ({field.name: "Wombat"}, {"sort": field.name}):
        assert rep.get("/contacts/", query).status_code == 400
        assert rep.get("/contacts/export/", {"format": "csv", **query}).status_code in (400, 403)
        assert boss.get("/contacts/", query).status_code == 200
    assert "Ada" not in text_of(rep.get("/contacts/?q=wombatnew"))
    # A form that was tampered with changes nothing, and says no more than of a field that does not exist.
    url = f"/contacts/{contact.pk}/edit/"
    told = []
    for name in (field.name, "custom_999999"):
        response = rep.post(url, form_data(rep, url) | {name: "Hacked", "last_name": "Hacked"})
        assert response.status_code == 422
        told.append(str(response.context["form"].errors).replace(name, ""))
    assert told[0] == told[1]
    contact.refresh_from_db()
    assert contact.custom[field.key] == "Wombatnew" and contact.last_name == "Ada"
    update_contact(contact, {field.name: "Hacked"}, actor=people.owner)  # nor does any other door
    contact.refresh_from_db()
    assert contact.custom[field.key] == "Wombatnew"
    assert rep.post("/contacts/new/", form_data(rep, "/contacts/new/") | {"last_name": "New"}).status_code == 302, "required for those who see it"


def test_required_is_asked_by_forms_and_a_value_can_not_be_cleared(people, client):
    field = make_field("text", required=True)
    data = form_data(client, "/contacts/new/") | {"last_name": "Ada"}
    response = client.post("/contacts/new/", data)
    assert response.status_code == 422 and field.name in response.context["form"].errors
    assert client.post("/contacts/new/", data | {field.name: "x"}).status_code == 302
    contact = Contact.objects.get()
    url = f"/contacts/{contact.pk}/edit/"
    assert client.post(url, form_data(client, url) | {field.name: ""}).status_code == 422
    create_contact({"last_name": "Quick"}, actor=people.owner)  # a door that asks for no custom fields


def test_defaults_fill_what_is_not_said(people, client):
    field = make_field("number", default="7.50")
    assert 'value="7.5"' in text_of(client.get("/contacts/new/"))
    assert create_contact({"last_name": "Ada"}, actor=None).custom == {field.key: "7.5"}
    data = form_data(client, "/contacts/new/") | {"last_name": "Eve", field.name: ""}
    assert client.post("/contacts/new/", data).status_code == 302
    assert Contact.objects.get(last_name="Eve").custom == {}


def test_unique_values_are_refused_at_the_field(people, client):
    field = make_field("text", unique=True)
    first = create_contact({"last_name": "Quokkabear", field.name: "AB-1"}, actor=people.stranger)
    data = form_data(client, "/contacts/new/") | {"last_name": "Eve", field.name: "ab-1"}
    response = client.post("/contacts/new/", data)
    assert response.status_code == 422 and field.name in response.context["form"].errors
    assert "Quokkabear" not in text_of(response)
    assert client.post("/contacts/new/", data | {field.name: "AB-2"}).status_code == 302
    update_contact(first, {field.name: "ab-1"}, actor=people.stranger)  # its own value


def test_the_history_tells_label_and_values(people, client):
    field, long = make_field("choice", label="Level"), make_field("long_text", label="Story")
    contact = create_contact({"last_name": "Ada", field.name: "001"}, actor=people.owner)
    url = f"/contacts/{contact.pk}/edit/"
    assert client.post(url, form_data(client, url) | {field.name: "002", long.name: "Very private words"}).status_code == 302
    drain()
    page = text_of(client.get(contact.get_absolute_url()))
    assert "Gold → Silver" in page and "Level" in page
    contact.refresh_from_db()
    events = [event.custom for event in contact.events.order_by("pgh_id")]
    assert events == [{field.key: "001"}, {field.key: "002", long.key: "Very private words"}]


def test_a_stale_form_shows_both_values(people, client):
    field = make_field("text", label="Motto")
    contact = create_contact({"last_name": "Ada", field.name: "one"}, actor=people.owner)
    url = f"/contacts/{contact.pk}/edit/"
    stale = form_data(client, url)
    assert client.post(url, stale | {field.name: "theirs"}).status_code == 302
    answer = client.post(url, stale | {field.name: "mine"})
    assert answer.status_code == 409
    assert ("Motto", "theirs", "mine") in answer.context["conflict"].rows
    contact.refresh_from_db()
    assert contact.custom[field.key] == "theirs"


def test_records_are_found_by_texts_and_numbers_that_all_may_see(people, client):
    field, number = make_field("text"), make_field("number", label="Customer number")
    contact = create_contact({"last_name": "Ada", field.name: "Xylophone", number.name: "4711"}, actor=people.owner)
    for word in ("xyloph", "4711"):
        assert "Ada" in text_of(client.get(f"/contacts/?q={word}"))
    update_contact(contact, {field.name: "Trumpet"}, actor=people.owner)
    assert client.get("/contacts/?q=xyloph").context["list"].total_text == "0"
    assert client.get("/contacts/?q=trumpet").context["list"].total_text == "1"


@pytest.mark.parametrize("slug", ["companies", "contacts", "leads", "deals", "tasks", "meetings"])
def test_every_record_type_takes_part(people, slug):
    record = record_for(slug)
    field = make_field("text", slug, in_list=True, label="Motto")
    client = signed_in(people.owner)
    data = form_data(client, record.url("new")) | RECORDS[slug].post("Zebrafinch") | {field.name: "Wahlspruch"}
    response = client.post(record.url("new"), data)
    assert response.status_code == 302, response.context["form"].errors
    row = record.model._base_manager.get(**{RECORDS[slug].name_field: "Zebrafinch"})
    assert row.custom[field.key] == "Wahlspruch"
    for url in (record.url("list"), record.url("detail", row.pk), record.url("edit", row.pk), f"{record.url('list')}?{field.name}=wahl&sort=-{field.name}"):
        assert "Wahlspruch" in text_of(client.get(url)), url
    url = record.url("edit", row.pk)
    assert client.post(url, form_data(client, url) | {field.name: "Neuer"}).status_code == 302
    row.refresh_from_db()
    assert row.custom[field.key] == "Neuer" and row.version == 2
    other = next(each for each in ("companies", "contacts") if each != slug)
    assert field.name not in text_of(client.get(f"/{other}/new/"))


def test_archived_fields_are_gone_and_come_back_with_their_values(people, client):
    from crm.core.custom.services import archive_field, restore_field

    field = make_field("text", label="Motto", in_list=True)
    contact = create_contact({"last_name": "Ada", field.name: "Wahlspruch"}, actor=people.owner)
    archive_field(field, actor=None)
    for url in ("/contacts/", contact.get_absolute_url(), f"/contacts/{contact.pk}/edit/"):
        assert "Motto" not in text_of(client.get(url))
    url = f"/contacts/{contact.pk}/edit/"
    assert client.post(url, form_data(client, url) | {"last_name": "Eve"}).status_code == 302
    restore_field(CustomField.objects.get(), actor=None)
    assert "Wahlspruch" in text_of(client.get(contact.get_absolute_url()))
    assert Company.objects.count() == 0
