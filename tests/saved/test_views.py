"""Saved views: what is kept, who sees it, how the address follows."""

from __future__ import annotations

from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client

from contacts.services import create_contact
from crm.core.custom.definitions import forget
from crm.core.list_query import ListQuery
from crm.core.records import record_for, record_types
from crm.core.saved.looks import look_of, saved_views
from crm.core.saved.models import SavedView
from crm.core.saved.services import change_look, save_view
from tests.contract.samples import SAMPLES
from tests.core.custom.fields import make_field
from tests.factories import cast

pytestmark = pytest.mark.django_db
URL = "/contacts/views/"


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def towns(people):
    return [
        create_contact({"last_name": name, "city": city, "owner": people.owner}, actor=people.owner)
        for name, city in (("Amsel", "Graz"), ("Bussard", "Graz"), ("Caspar", "Linz"))
    ]


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def shown(response):
    return [str(row.label) for row in response.context["list"].rows]


def save(client, query, name="Graz", **more):
    response = client.post(URL, {"name": name, "query": query, **more})
    assert response.status_code == 302, response.content.decode()[:2000]
    return SavedView.objects.latest("pk"), response["Location"]


def test_a_view_keeps_filters_search_sort_columns_and_group(people, towns):
    client = client_of(people.owner)
    view, address = save(client, "city=Graz&sort=-name&cols=city,owner&view=mine&cursor=x&size=25&count=")
    assert address == f"/contacts/?view={view.key}"
    assert "owner=me" in view.query and "cursor" not in view.query and "size" not in view.query
    page = client.get(address)
    assert shown(page) == ["Bussard", "Amsel"]
    assert [head.name for head in page.context["list"].heads] == ["name", "city", "owner"]
    assert [tab.label for tab in page.context["list"].saved.tabs if tab.active] == ["Graz"]
    assert not page.context["list"].saved.changed


def test_what_is_changed_stands_in_the_address_and_can_be_saved(people, towns):
    client = client_of(people.owner)
    view, address = save(client, "city=Graz")
    chip = client.get(address).context["list"].chips[0]
    assert parse_qs(urlsplit(chip.remove_url).query) == {"view": [view.key], "sort": ["-created"]}
    page = client.get(chip.remove_url)
    assert len(shown(page)) == 3 and page.context["list"].saved.changed
    assert "Save changes to “Graz”" in client.get(page.context["list"].menus["save"]).content.decode()
    response = client.post(f"{URL}{view.pk}/", {"do": "query", "query": page.context["list"].saved.question})
    assert response["Location"] == address
    assert len(shown(client.get(address))) == 3
    assert not client.get(address).context["list"].saved.changed


def test_pages_sizes_and_counts_leave_the_view_as_it_is(people, towns):
    client = client_of(people.owner)
    _view, address = save(client, "city=Graz")
    page = client.get(f"{address}&size=25&count=all")
    assert shown(page) == ["Bussard", "Amsel"] and not page.context["list"].saved.changed
    assert "city=" not in page.context["list"].page_sizes[0][1]


def test_who_sees_which_view(people):
    mine = save_view("contacts", actor=people.owner, name="Mine alone", query="")
    team = save_view("contacts", actor=people.owner, name="My team's", query="", shared="team")
    every = save_view("contacts", actor=people.owner, name="Everybody's", query="", shared="all")
    elsewhere = save_view("leads", actor=people.owner, name="Of leads", query="", shared="all")
    seen = {who: set(saved_views(getattr(people, who), "contacts")) for who in ("owner", "teammate", "manager", "stranger", "admin")}
    assert seen["owner"] == {mine, team, every}
    assert seen["teammate"] == seen["manager"] == {team, every}
    assert seen["stranger"] == {every}
    assert mine not in seen["admin"] and elsewhere not in set.union(*seen.values())
    assert client_of(people.stranger).get(f"/contacts/?view={mine.key}").status_code == 400
    for who in ("teammate", "stranger"):
        for view in (mine, team, every):
            for data in ({"do": "delete"}, {"do": "change", "name": "Taken"}, {"do": "query", "query": ""}):
                assert client_of(getattr(people, who)).post(f"{URL}{view.pk}/", data).status_code in (403, 404)
    assert client_of(people.admin).post(f"{URL}{mine.pk}/", {"do": "delete"}).status_code == 404
    assert client_of(people.admin).post(f"{URL}{every.pk}/", {"do": "delete"}).status_code == 302
    assert set(SavedView.objects.all()) == {mine, team, elsewhere}


def test_a_shared_view_shows_each_reader_only_what_they_may_see(people, towns):
    view = save_view("contacts", actor=people.owner, name="Graz", query="city=Graz&sort=-created", shared="all")
    assert shown(client_of(people.owner).get(f"/contacts/?view={view.key}")) == ["Bussard", "Amsel"]
    assert shown(client_of(people.stranger).get(f"/contacts/?view={view.key}")) == []


def test_others_views_are_in_the_menu_until_they_are_made_tabs(people):
    view = save_view("contacts", actor=people.owner, name="Everybody's", query="sort=name", shared="all")
    client = client_of(people.stranger)
    bar = client.get("/contacts/").context["list"].saved
    assert "Everybody's" in [tab.label for tab in bar.others]
    assert client.post("/contacts/views/look/", {"do": "tab", "view": view.key}).status_code == 302
    bar = client.get("/contacts/").context["list"].saved
    assert "Everybody's" in [tab.label for tab in bar.tabs] and not bar.others
    client_of(people.owner).post("/contacts/views/look/", {"do": "menu", "view": view.key})
    assert [tab.label for tab in client_of(people.owner).get("/contacts/").context["list"].saved.others] == ["Everybody's"]


def test_a_list_opens_with_the_view_of_ones_choice(people, towns):
    client = client_of(people.owner)
    view, address = save(client, "city=Graz", default="1")
    assert client.get("/contacts/")["Location"] == address
    page = client.get(address)
    everything = page.context["list"].clear_url
    assert everything == "/contacts/?view=all" and len(shown(client.get(everything))) == 3
    assert client_of(people.teammate).get("/contacts/").status_code == 200
    client.post("/contacts/views/look/", {"do": "default", "view": "mine"})
    assert client.get("/contacts/")["Location"] == "/contacts/?view=mine"
    client.post("/contacts/views/look/", {"do": "default", "view": ""})
    assert client.get("/contacts/").status_code == 200
    client.post("/contacts/views/look/", {"do": "default", "view": view.key})
    client.post(f"{URL}{view.pk}/", {"do": "delete"})
    assert client.get("/contacts/").status_code == 200
    assert client.get(address).status_code == 400


@pytest.mark.parametrize("slug", [record.slug for record in record_types()])
def test_whatever_a_list_opens_with_all_of_it_can_be_seen(people, slug):
    record, client = record_for(slug), client_of(people.owner)
    offered = client.get(record.url("views")).context["own"]
    assert [each["key"] for each in offered] == [view.name for view in record.views if view.params]
    row = SAMPLES[slug].make(people.teammate, "Zebrafinch")
    client.post(record.url("look"), {"do": "default", "view": offered[0]["key"]})
    page = client.get(client.get(record.list_url)["Location"])
    everything = client.get(page.context["list"].clear_url)
    assert everything.status_code == 200
    assert f'data-pk="{row.pk}"' in everything.content.decode()


def test_what_a_view_asks_for_may_go_away(people, towns):
    field = make_field("text", label="Hobby")
    view = save_view("contacts", actor=people.owner, name="Hobby", query=f"city=Graz&{field.name}=chess&cols={field.name},city&sort={field.name}", shared="all")
    client = client_of(people.owner)
    assert shown(client.get(f"/contacts/?view={view.key}")) == []
    field.delete()
    forget()
    page = client.get(f"/contacts/?view={view.key}")
    assert shown(page) == ["Bussard", "Amsel"]
    assert "They were left out." in page.content.decode()
    assert [head.name for head in page.context["list"].heads] == ["name", "city"]


@pytest.mark.parametrize(
    "data",
    [
        {"name": "", "query": ""},
        {"name": "x" * 61, "query": ""},
        {"name": "Good", "query": "nonsense=1"},
        {"name": "Good", "query": "sort=nothing"},
        {"name": "Good", "query": "country=Atlantis"},
        {"name": "Good", "query": f"q=a&tag={'x' * 41}"},
        {"name": "Good", "query": "x" * 8001},
        {"name": "Good", "query": "", "shared": "nobody"},
        {"name": "a\x00b", "query": ""},
        {"name": "Taken", "query": ""},
        {"name": "tAKEN", "query": ""},
    ],
)
def test_bad_views_are_refused_with_a_sentence(people, data):
    save_view("contacts", actor=people.owner, name="Taken", query="")
    client = client_of(people.owner)
    response = client.post(URL, data)
    assert response.status_code == 400 and "</h1>" in response.content.decode()
    assert SavedView.objects.count() == 1


def test_renaming_keeps_what_was_typed_when_it_is_refused(people):
    save_view("contacts", actor=people.owner, name="Taken", query="")
    other = save_view("contacts", actor=people.owner, name="Other", query="")
    client = client_of(people.owner)
    response = client.post(f"{URL}{other.pk}/", {"do": "change", "name": "taken", "shared": ""})
    assert response.status_code == 422 and "You have a view of this name already." in response.content.decode()
    assert client.post(f"{URL}{other.pk}/", {"do": "change", "name": "😀 مرحبا", "shared": "all"}).status_code == 302
    assert "😀 مرحبا" in client.get(URL).content.decode()
    assert client.post(f"{URL}{other.pk}/", {"do": "jump"}).status_code == 400
    assert client.post(f"{URL}99999999999999999999/", {"do": "delete"}).status_code == 404


def test_columns_order_width_and_density_are_kept(people, towns):
    client = client_of(people.owner)
    look = "/contacts/views/look/"
    response = client.post(look, {"do": "columns", "cols": ["city", "owner"], "width-city": "200", "compact": "1", "keep": "1", "next": "/contacts/?city=Graz"})
    assert response["Location"] == "/contacts/?city=Graz"
    page = client.get("/contacts/?city=Graz")
    assert [head.name for head in page.context["list"].heads] == ["name", "city", "owner"]
    text = page.content.decode()
    assert '<col width="200">' in text and "density-compact" in text
    response = client.post(look, {"cols": ["city", "owner", "email"], "up": "owner", "next": "/contacts/"})
    assert response["Location"] == "/contacts/?cols=owner%2Ccity%2Cemail"
    assert [head.name for head in client.get(response["Location"]).context["list"].heads] == ["name", "owner", "city", "email"]
    assert client.post(look, {"do": "widths", "width-city": "120"}, headers={"X-Requested-With": "fetch"}).status_code == 204
    assert look_of(type(people.owner).objects.get(pk=people.owner.pk), "contacts").widths == {"city": 120}
    client.post(look, {"do": "usual"})
    assert "<col " not in client.get("/contacts/").content.decode()


@pytest.mark.parametrize(
    "data",
    [
        {"do": "columns", "cols": "nothing"},
        {"do": "columns", "width-city": "7"},
        {"do": "columns", "width-city": "9999"},
        {"do": "columns", "width-city": "wide"},
        {"do": "columns", "width-city": "²"},
        {"do": "default", "view": "s999"},
        {"do": "tab", "view": ""},
        {"do": "tab", "view": "nothing"},
        {"do": "dance"},
    ],
)
def test_looks_that_make_no_sense_are_refused(people, data):
    client = client_of(people.owner)
    assert client.post("/contacts/views/look/", data).status_code == 400
    assert look_of(type(people.owner).objects.get(pk=people.owner.pk), "contacts").stamp == 0


@pytest.mark.parametrize(
    "query", ["cols=nothing", "group=nothing", "group=city", "alternatives=9", "alternatives=x", "or1-nothing=1", "or6-city=Graz", "or1-sort=name"]
)
def test_nonsense_in_the_address_is_refused(people, query):
    assert client_of(people.owner).get(f"/contacts/?{query}").status_code == 400


def test_every_record_type_has_views(people):
    client = client_of(people.admin)
    for record in record_types():
        response = client.post(record.url("views"), {"name": "My view", "query": f"sort={record.default_sort}"})
        assert response.status_code == 302, record.slug
        assert client.get(response["Location"]).status_code == 200
        assert "My view" in client.get(record.url("views")).content.decode()


def test_what_is_left_to_the_worker_means_what_the_view_said_then(people):
    view = save_view("contacts", actor=people.owner, name="Graz", query="city=Graz&sort=name")
    for address in (f"view={view.key}&size=25", f"view={view.key}&city=Graz&sort=name"):
        question = ListQuery(record_for("contacts"), people.owner, QueryDict(address)).question
        assert parse_qs(question) == {"city": ["Graz"], "sort": ["name"]}


@pytest.mark.django_db(transaction=True)
def test_two_tabs_do_not_undo_each_others_wishes():
    people = cast()
    users = [type(people.owner).objects.get(pk=people.owner.pk) for _ in range(6)]
    failed = []

    def keep(user, number):
        try:
            change_look("contacts", actor=user, tabs={f"s{number}": True})
        except Exception as error:  # raised again below
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=keep, args=(user, number)) for number, user in enumerate(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    look = look_of(type(people.owner).objects.get(pk=people.owner.pk), "contacts")
    assert look.tabs == {f"s{number}": True for number in range(6)} and look.stamp == 6
