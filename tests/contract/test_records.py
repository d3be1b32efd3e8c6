"""Every record type x every kind of user x every address and method: what may be seen is there, what may not is nowhere, and a denial changes nothing."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from crm.core.list_bar import MENUS
from crm.core.saved.services import save_view
from tests.contract.matrix import METHODS
from tests.contract.samples import SAMPLES
from tests.contract.world import CELL, MINE, SLUGS, THEIRS, every_record, everybody, form_data, quiet

pytestmark = pytest.mark.django_db


@everybody
@every_record
def test_list_search_picker_and_counts(world, who):
    client = world.client(who)
    url = world.record.url("list")
    if not world.has_grant(who, "view"):
        assert quiet(client, "get", url).status_code == 403
    else:
        page = client.get(url)
        assert page.status_code == 200
        text = page.content.decode()
        seen = {name for name in world.rows if world.may(who, "view", name)}
        for name, row in world.rows.items():
            assert (f'data-pk="{row.pk}"' in text) == (name in seen), name
            assert (name in text) == (name in seen), name
        assert page.context["list"].total_text == str(len(seen))
    for name in world.rows:
        found = client.get("/search/", {"q": name}, HTTP_ACCEPT="application/json").json()["results"]
        assert bool(found) == (world.may(who, "view", name) and world.record.searchable)
        picked = client.get(reverse("pick", args=[world.record.slug]), {"q": name}).json()["results"]
        assert bool(picked) == world.may(who, "view", name)


@everybody
@every_record
def test_export(world, who):
    client = world.client(who)
    url = world.record.url("export")
    if not world.has_grant(who, "export"):
        assert quiet(client, "get", url, data={"format": "csv"}).status_code == 403
        assert quiet(client, "get", url, data={"format": "xlsx"}).status_code == 403
        return
    body = b"".join(client.get(url, {"format": "csv"}).streaming_content).decode("utf-8-sig")
    cells = {cell for row in csv.reader(io.StringIO(body)) for cell in row}
    for name in world.rows:
        assert (name in cells) == world.may(who, "export", name)


@everybody
@every_record
def test_views_and_looks(world, who):
    client, record = world.client(who), world.record
    foreign = save_view(record.slug, actor=world.people.owner, name="Wallabyview", query="")
    url = record.url("view", foreign.pk)
    if not world.has_grant(who, "view"):
        for name, arguments in (("views", ()), ("view", (foreign.pk,)), ("look", ())):
            for method in ("get", "post"):
                assert quiet(client, method, record.url(name, *arguments), data={"name": "Hacked", "do": "usual"}).status_code in (403, 405)
        return
    assert client.get(record.url("views")).status_code == 200
    assert ("Wallabyview" in client.get(record.url("views")).content.decode()) == (who == "owner")
    assert client.post(record.url("look"), {"do": "usual"}).status_code == 302
    if who != "owner":
        assert quiet(client, "get", url).status_code == 404
        assert quiet(client, "post", url, data={"do": "delete"}).status_code == 404
    for method in METHODS:
        if method not in ("get", "post"):
            assert quiet(client, method, url).status_code == 405


@everybody
@every_record
def test_the_menus_of_a_list(world, who):
    """As a page and as a piece of the list, for whoever may see the list; they offer names of colleagues at most, never a record's."""
    client, may = world.client(who), world.has_grant(who, "view")
    for url in [world.record.url("menu", name) for name in MENUS]:
        for headers in ({}, CELL):
            answer = quiet(client, "get", url, headers=headers)
            assert answer.status_code == (200 if may else 403)
            assert ('<button class="btn btn-primary" type="submit"' in answer.content.decode()) == may
            assert ('<nav class="tabbar"' in answer.content.decode()) == (not headers or not may)
            assert MINE not in answer.content.decode() and THEIRS not in answer.content.decode()
        for method in METHODS:
            if method not in ("get", "head", "options"):
                assert quiet(client, method, url).status_code == 405
        assert quiet(client, "get", f"{url}?nothing=1").status_code == 400
    if may:
        assert quiet(client, "get", world.record.url("menu", "nothing")).status_code == 404


@everybody
@every_record
def test_create(world, who):
    client, url = world.client(who), world.record.url("new")
    data = world.sample.post("Newcomer")
    if not world.has_grant(who, "add"):
        assert quiet(client, "get", url).status_code == 403
        assert quiet(client, "post", url, data=data).status_code == 403
        return
    assert client.get(url).status_code == 200
    response = client.post(url, {**form_data(client, url), **data})
    assert response.status_code == 302, response.context and response.context["form"].errors
    made = world.record.model._base_manager.get(**{world.sample.name_field: "Newcomer"})
    assert made.owner_id == getattr(world.people, who).pk
    # Somebody else's team is out of reach unless the grant says all.
    other = world.people.stranger if who != "stranger" else world.people.owner
    before = world.record.model._base_manager.count()
    foreign = client.post(url, {**form_data(client, url), **data, world.sample.name_field: "Smuggled", "owner": str(other.pk), "owner_text": str(other)})
    scope = getattr(world.people, who).role.grants[world.label.replace(".", "_")]["add"]
    reach = scope == "all" or (scope == "team" and other.team_id in getattr(world.people, who).team_scope)
    assert foreign.status_code == (302 if reach else 422)
    assert world.record.model._base_manager.count() == before + reach


@everybody
@every_record
def test_import_asks_for_the_grant_to_add(world, who):
    """That every type goes in and comes out again: tests/imports/test_every_type.py."""
    client, url = world.client(who), world.record.url("import")
    if not world.has_grant(who, "add"):
        assert quiet(client, "get", url).status_code == 403
        assert quiet(client, "post", url, data={"file": SimpleUploadedFile("a.csv", b"Name\nZebrafinch\n")}).status_code == 403
        return
    assert client.get(url).status_code == 200
    response = client.post(url, {"file": SimpleUploadedFile("a.csv", b"Name\nZebrafinch\n")})
    assert response.status_code == 302
    assert client.get(response["Location"]).status_code == 200


@everybody
@every_record
def test_bulk_actions_reach_only_what_is_granted(world, who):
    client = world.client(who)
    ids = [row.pk for row in world.rows.values()]
    for bulk in world.record.bulk_actions:
        url = world.record.url("bulk", bulk.name)
        if not world.has_grant(who, bulk.permission) or not bulk.offered(getattr(world.people, who)):
            assert quiet(client, "post", url, data={"ids": ids, "confirmed": "1"}).status_code == 403
            continue
        untouched = {name: row for name, row in world.rows.items() if not world.may(who, bulk.permission, name)}
        if bulk.name == "delete":
            client.post(url, {"ids": ids, "confirmed": "1"})
            for name, row in world.rows.items():
                row.refresh_from_db()
                assert (row.deleted_at is None) == (name in untouched)
        else:
            page = client.post(url, {"ids": ids})
            assert page.status_code in (200, 302)
            if page.status_code == 200:
                assert set(page.context["ids"]) == {row.pk for name, row in world.rows.items() if name not in untouched}


@every_record
def test_bin_shows_and_restores_only_ones_own(world):
    owner, stranger, admin = (world.client(who) for who in ("owner", "stranger", "admin"))
    row = world.rows[MINE]
    if not world.may("owner", "delete", MINE):
        pytest.skip("the role may not delete this")
    owner.post(world.record.url("delete", row.pk))
    row.refresh_from_db()
    url = reverse("bin-restore", args=[row.deletion_group])
    assert MINE in owner.get("/bin/").content.decode()
    assert MINE in admin.get("/bin/").content.decode()
    assert MINE not in stranger.get("/bin/").content.decode()
    assert quiet(stranger, "post", url).status_code == 404
    assert owner.get(url).status_code == 405
    assert owner.post(url).status_code == 302
    row.refresh_from_db()
    assert row.deleted_at is None


@every_record
@pytest.mark.parametrize("method", METHODS)
def test_anonymous_people_are_sent_to_sign_in(world, method):
    client, row = Client(), world.rows[MINE]
    record = world.record
    addresses = [record.url(name) for name in ("list", "new", "export", "import")] + [
        record.url(name, row.pk) for name in ("detail", "edit", "delete", "peek", "previous", "next", "neighbours")
    ]
    addresses += [record.url("rows"), *(record.url("cell", row.pk, column.name) for column in record.columns if column.edit)]
    addresses += [record.url("bulk", bulk.name) for bulk in record.bulk_actions]
    addresses += [record.url("menu", name) for name in MENUS]
    for url in addresses:
        response = quiet(client, method, url)
        assert response.status_code == 302, (method, url)
        assert response["Location"].startswith("/accounts/login/")


@every_record
@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_do_nothing(world, method):
    client, record = world.client("admin"), world.record
    row = world.rows[MINE]
    for url in [
        record.url("list"),
        record.url("new"),
        record.url("import"),
        record.url("detail", row.pk),
        record.url("edit", row.pk),
        record.url("delete", row.pk),
        *(record.url(name, row.pk) for name in ("peek", "previous", "next", "neighbours")),
        record.url("rows"),
        record.url("menu", "filter"),
        record.url("cell", row.pk, record.columns[0].name),
    ]:
        assert quiet(client, method, url).status_code == 405, (method, url)


@every_record
def test_deactivated_people_are_out_at_once(world):
    client = world.client("admin")
    admin = world.people.admin
    type(admin).objects.filter(pk=admin.pk).update(is_active=False)
    assert quiet(client, "get", world.record.url("list")).status_code == 302


def test_every_record_type_has_a_sample():
    assert set(SLUGS) <= set(SAMPLES)
