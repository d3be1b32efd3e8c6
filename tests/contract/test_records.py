"""Every record type x every kind of user x every address and method: what may be seen is there, what may not is nowhere, and a denial changes nothing."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from crm.core.custom.showing import shaped
from crm.core.list_bar import MENUS
from crm.core.records import record_types
from crm.core.saved.services import save_view
from tests.contract.matrix import METHODS, allowed, granted, writes_so_far
from tests.contract.samples import SAMPLES
from tests.factories import cast

pytestmark = pytest.mark.django_db
PEOPLE = ("owner", "teammate", "manager", "stranger", "viewer", "agent", "admin")
SLUGS = [record.slug for record in record_types()]
MINE, THEIRS = "Zebrafinch", "Quokkabear"  # names that stand nowhere else on a page


PANEL = {"HX-Request": "true", "HX-Target": "panel-body"}
CELL = {"HX-Request": "true"}


class World:
    """The cast, one row of the owner's and one of the stranger's, and a client per person."""

    def __init__(self, slug):
        self.people = cast()
        self.record = next(record for record in record_types() if record.slug == slug)
        self.sample = SAMPLES[slug]
        self.label = self.record.model_label
        self.rows = {MINE: self.sample.make(self.people.owner, MINE), THEIRS: self.sample.make(self.people.stranger, THEIRS)}

    def client(self, who):
        client = Client(raise_request_exception=True)
        client.force_login(getattr(self.people, who))
        return client

    def may(self, who, action, name):
        return allowed(getattr(self.people, who), action, self.rows[name], self.label)

    def has_grant(self, who, action):
        return granted(getattr(self.people, who), action, self.label)


@pytest.fixture
def world(request):
    return World(request.param)


every_record = pytest.mark.parametrize("world", SLUGS, indirect=True)
everybody = pytest.mark.parametrize("who", PEOPLE)


def quiet(client, method, url, **kwargs):
    """Send a request that must be refused, and see that not one row was written."""
    before = writes_so_far()
    response = getattr(client, method)(url, **kwargs)
    assert writes_so_far() == before, f"{method} {url} answered {response.status_code} and wrote"
    return response


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
@pytest.mark.parametrize("name", [MINE, THEIRS])
def test_page_edit_and_delete(world, who, name):
    client, row = world.client(who), world.rows[name]
    seen = world.may(who, "view", name)
    assert client.get(world.record.url("detail", row.pk)).status_code == (200 if seen else 404)
    for action, address in (("change", "edit"), ("delete", "delete")):
        url = world.record.url(address, row.pk)
        expected = 404 if not seen else 200 if world.may(who, action, name) else 403
        if expected == 200:
            assert client.get(url).status_code == 200
            continue
        assert quiet(client, "get", url).status_code == expected
        assert quiet(client, "post", url, data={**world.sample.post("Hacked"), "version": row.version}).status_code == expected
    if world.may(who, "change", name):
        posted = client.post(world.record.url("edit", row.pk), {**form_data(client, world.record.url("edit", row.pk)), world.sample.name_field: f"{name}er"})
        assert posted.status_code == 302, posted.context and posted.context["form"].errors
        row.refresh_from_db()
        assert getattr(row, world.sample.name_field) == f"{name}er"
    if world.may(who, "delete", name):
        assert client.post(world.record.url("delete", row.pk)).status_code == 302
        row.refresh_from_db()
        assert row.deleted_at is not None
        assert client.get(world.record.url("detail", row.pk)).status_code == 404


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
@pytest.mark.parametrize("name", [MINE, THEIRS])
def test_a_look_and_the_rows_beside(world, who, name):
    client, row = world.client(who), world.rows[name]
    seen, others = world.may(who, "view", name), {other for other in world.rows if other != name and world.may(who, "view", other)}
    look = client.get(world.record.url("peek", row.pk), headers=PANEL)
    assert look.status_code == (200 if seen else 404)
    assert (name in look.content.decode()) == seen
    for address in ("previous", "next", "neighbours"):
        answer = client.get(world.record.url(address, row.pk))
        expected = 403 if not world.has_grant(who, "view") else 404 if not seen else 200 if address == "neighbours" else 302
        assert answer.status_code == expected, address
        if expected == 200:
            targets = set(re.findall(r'href="[^"]*/(\d+)/\?from=', answer.content.decode()))
            assert targets == {str(world.rows[other].pk) for other in others}


@everybody
@every_record
@pytest.mark.parametrize("name", [MINE, THEIRS])
def test_cells_are_changed_by_whoever_may_change_the_row(world, who, name):
    client, row, user = world.client(who), world.rows[name], getattr(world.people, who)
    seen, may = world.may(who, "view", name), world.may(who, "change", name)
    columns = [column for column in shaped(world.record, user).columns if column.edit]
    assert columns
    for column in columns:
        url = world.record.url("cell", row.pk, column.name)
        asked = client.get(url, headers=CELL) if may else quiet(client, "get", url, headers=CELL)
        assert asked.status_code == (200 if may else 403 if seen else 404), column.name
        assert not may or set(asked.context["form"].fields) - {"version"} <= set(column.edit)
        if not may:
            data = {**world.sample.post("Hacked"), "version": row.version}
            assert quiet(client, "post", url, data=data, headers=CELL).status_code == (403 if seen else 404), column.name
    if may:
        column = next(column for column in columns if world.sample.name_field in column.edit)
        url = world.record.url("cell", row.pk, column.name)
        saved = client.post(url, {**form_data(client, url), world.sample.name_field: f"{name}er"}, headers=CELL)
        assert saved.status_code == 200
        assert f"{name}er" in saved.content.decode()
        row.refresh_from_db()
        assert getattr(row, world.sample.name_field) == f"{name}er"


@everybody
@every_record
@pytest.mark.parametrize("name", [MINE, THEIRS])
def test_values_of_the_page_are_changed_by_whoever_may_change_the_row(world, who, name):
    client, row = world.client(who), world.rows[name]
    seen, may = world.may(who, "view", name), world.may(who, "change", name)
    fields = {fact.field for section in world.record.sections for fact in section.facts if fact.field} | {world.sample.name_field}
    for number, field in enumerate(sorted(fields)):
        url = world.record.url("field", row.pk, field)
        asked = quiet(client, "get", url, headers=({}, PANEL, CELL)[number % 3])  # as a page, in the panel, over the value
        assert asked.status_code == (200 if may else 403 if seen else 404), field
        assert not may or field in asked.context["form"].fields
        if not may:
            data = {**world.sample.post("Hacked"), "version": row.version}
            assert quiet(client, "post", url, data=data, headers=CELL).status_code == (403 if seen else 404), field
    assert quiet(client, "get", world.record.url("field", row.pk, "nothing")).status_code == (404 if may or not seen else 403)
    if may:
        url = world.record.url("field", row.pk, world.sample.name_field)
        saved = client.post(url, {**form_data(client, url), world.sample.name_field: f"{name}er"}, headers=CELL)
        assert saved.status_code == 204 and saved["HX-Refresh"] == "true"
        row.refresh_from_db()
        assert getattr(row, world.sample.name_field) == f"{name}er"


@everybody
@every_record
@pytest.mark.parametrize("name", [MINE, THEIRS])
def test_a_duplicate_starts_with_what_one_sees(world, who, name):
    client, row = world.client(who), world.rows[name]
    page = quiet(client, "get", f"{world.record.url('new')}?copy={row.pk}")
    if not world.has_grant(who, "add"):
        assert page.status_code == 403
        return
    assert page.status_code == (200 if world.record.duplicate and world.may(who, "view", name) else 404)
    assert (name in page.content.decode()) == (page.status_code == 200)


@everybody
@every_record
def test_rows_in_sight_are_told_of_as_far_as_visible(world, who):
    client, url = world.client(who), world.record.url("rows")
    asked = {"rows": "~".join(f"{row.pk}.0000" for row in world.rows.values())}
    answer = client.get(url, asked)
    assert answer.status_code == (200 if world.has_grant(who, "view") else 403)
    text = answer.content.decode()
    for name, row in world.rows.items():
        seen = world.may(who, "view", name)
        assert (name in text) == seen
        assert (f'data-pk="{row.pk}" data-gone' in text) == (not seen and world.has_grant(who, "view"))
        assert (f'data-pk="{row.pk}" data-v="' in text) == seen
        if seen:
            assert bool(re.search(rf'data-pk="{row.pk}" data-v="[^"]*" data-fixed', text)) == (not world.may(who, "change", name))


def form_data(client, url):
    """What a browser would send back unchanged."""
    form = client.get(url).context["form"]
    data = {}
    for bound in form:
        html = str(bound)
        for tag in re.findall(r"<input[^>]*>", html):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and not ("checkbox" in tag and "checked" not in tag) and not ('type="radio"' in tag and "checked" not in tag):
                data[name.group(1)] = value.group(1) if value else ""
        for select in re.finditer(r'<select[^>]*name="([^"]*)".*?</select>', html, re.S):
            chosen = re.search(r'<option[^>]*value="([^"]*)"[^>]*selected', select.group(0))
            data[select.group(1)] = chosen.group(1) if chosen else ""
        area = re.search(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', html, re.S)
        if area:
            data[area.group(1)] = area.group(2)
    return data


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
