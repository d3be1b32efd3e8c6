"""One row of every record type, by every kind of user: its page, a look at it, its values changed, copied, deleted."""

from __future__ import annotations

import re

import pytest

from crm.core.custom.showing import shaped
from tests.contract.world import CELL, MINE, PANEL, THEIRS, every_record, everybody, form_data, quiet

pytestmark = pytest.mark.django_db


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
