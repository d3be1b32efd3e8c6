"""How the fields of a record type are arranged: every step of the settings page, and what forms and pages make of it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.services import create_contact
from crm.core.custom import layouts, services
from crm.core.custom.layout_pages import changed
from crm.core.custom.models import RecordLayout
from crm.core.records import record_for
from crm.core.writes import StaleRecord
from deals.models import LostReason, Stage
from deals.services import create_deal
from leads.services import create_lead
from tests.core.custom.fields import make_field
from tests.core.test_bad_input import form_data
from tests.factories import make_user

pytestmark = pytest.mark.django_db
URL = "/settings/fields/contacts/layout/"


def hidden(page: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]


def step(client: Client, do: str, url: str = URL, **values):
    """Press one button of the page as it stands."""
    page = client.get(url).content.decode()
    titles = [unescape(title) for title in re.findall(r'name="title" value="([^"]*)"', page)]
    response = client.post(url, {"order": hidden(page, "order"), "version": hidden(page, "version"), "title": titles, "do": do, **values})
    assert response.status_code == 302
    return response


def names(slug: str = "contacts") -> list[list[str]]:
    return [list(fields) for _title, fields in layouts.groups_of(record_for(slug))]


def order_in(page: str, slug_names: list[str]) -> list[str]:
    """The names in the order in which their inputs stand in the form."""
    found = {name: place for name in slug_names if (place := page.find(f'id="div_id_{name}"')) >= 0}
    return sorted(found, key=found.__getitem__)


def test_as_it_came_until_an_admin_arranges_it(admin):
    make_field("text", label="Motto")
    before = admin.get("/contacts/new/").content.decode()
    page = admin.get(URL).content.decode()
    assert "Motto" in page and 'value="Person"' in page and "As it came" not in page
    assert admin.get("/contacts/new/").content.decode().count("<fieldset") == before.count("<fieldset")
    assert not RecordLayout.objects.exists()


def test_fields_move_within_their_group_and_into_the_next(admin):
    motto = make_field("text", label="Motto")
    first = names()[0]
    step(admin, f"down:{first[0]}")
    assert names()[0][:2] == [first[1], first[0]]
    step(admin, f"up:{names()[1][0]}")
    assert names()[0][-1] not in first
    for _time in range(60):
        step(admin, f"up:{motto.name}")
    assert names()[0][0] == motto.name
    page = admin.get("/contacts/new/").content.decode()
    assert order_in(page, [motto.name, "first_name", "last_name"])[0] == motto.name
    rep = Client()
    rep.force_login(make_user("another-rep@example.com", role="rep"))
    assert order_in(rep.get("/contacts/new/").content.decode(), [motto.name, "first_name"])[0] == motto.name


def test_groups_are_made_named_moved_and_removed(admin):
    step(admin, "add", new="  Taste \x00 & <b>style</b> ")
    groups = layouts.groups_of(record_for("contacts"))
    assert groups[-1] == ("Taste & <b>style</b>", ())
    assert "Taste &amp; &lt;b&gt;style" in admin.get(URL).content.decode()
    for _time in range(len(groups) - 1):
        step(admin, f"group-up:{[title for title, _names in layouts.groups_of(record_for('contacts'))].index('Taste & <b>style</b>')}")
    assert layouts.groups_of(record_for("contacts"))[0] == ("Taste & <b>style</b>", ())
    assert "Taste" not in admin.get("/contacts/new/").content.decode()  # nothing in it
    every = sorted(name for group in names() for name in group)
    while len(names()) > 1:
        step(admin, "remove:1")
    step(admin, "remove:0")
    assert [sorted(group) for group in names()] == [every]
    admin.post(
        URL,
        {
            "order": hidden(admin.get(URL).content.decode(), "order"),
            "version": hidden(admin.get(URL).content.decode(), "version"),
            "title": "All",
            "do": "save",
        },
    )
    form = admin.get("/contacts/new/").content.decode()
    assert re.findall(r"<legend[^>]*>\s*(.*?)\s*</legend>", form) == ["All"]
    step(admin, "usual")
    assert not RecordLayout.objects.exists() and names() == [list(fields) for _title, fields in layouts.usual_groups(record_for("contacts"))]


def test_the_page_of_a_record_follows(admin, people):
    motto = make_field("text", label="Motto")
    values = {"last_name": "Smith", "description": "Likes iron", "phone": "+4366412345678", motto.name: "Hammer"}
    contact = create_contact(values, actor=people.owner)
    record = record_for("contacts")
    every = [name for group in names() for name in group]
    first = ["description", motto.name, "phone"]
    layouts.arrange(record, [("Must know", first), ("Others", [name for name in every if name not in first])], actor=people.admin, version=0)
    page = admin.get(contact.get_absolute_url()).content.decode()
    assert page.index("Must know") < page.index("Likes iron") < page.index("Hammer") < page.rindex("tel:+4366412345678") < page.index("Others")
    assert page.count("Likes iron") == page.count("Hammer") == 1
    assert "Last changed" in page  # no field stands for it: it keeps its place


def test_a_field_only_some_see_stays_hidden_in_its_place(admin, people):
    secret = make_field("text", label="Secret", roles=[people.viewer.role_id])
    every = [name for group in names() for name in group]
    layouts.arrange(
        record_for("contacts"), [("Only this", [secret.name]), ("Rest", [name for name in every if name != secret.name])], actor=people.admin, version=0
    )
    contact = create_contact({"last_name": "Smith", secret.name: "hush"}, actor=people.admin)
    client = Client()
    client.force_login(people.manager)
    for url in (contact.get_absolute_url(), f"/contacts/{contact.pk}/edit/"):
        page = client.get(url).content.decode()
        assert "hush" not in page and "Only this" not in page and secret.name not in page


def test_new_archived_and_deleted_fields(admin, people):
    old = make_field("text", label="Old")
    step(admin, f"up:{old.name}")
    new = make_field("text", label="New")
    assert names()[-1][-1] == new.name  # not placed yet
    assert f'id="div_id_{new.name}"' in admin.get("/contacts/new/").content.decode()
    services.archive_field(old, actor=None)
    assert old.name not in sum(names(), [])
    assert f'id="div_id_{old.name}"' not in admin.get("/contacts/new/").content.decode()
    step(admin, f"up:{new.name}")
    services.restore_field(old, actor=None)
    assert names()[-1][-1] == old.name
    assert 'name="group"' not in admin.get(f"/settings/fields/contacts/{old.pk}/edit/").content.decode()
    services.delete_field(old, actor=None)
    step(admin, f"up:{new.name}")
    assert old.name not in sum(names(), [])


def test_what_is_asked_only_now_and_then_is_asked(admin, people):
    """The reason of a loss is no field of the layout, but of a deal that is lost."""
    every = [name for _title, fields in layouts.usual_groups(record_for("deals")) for name in fields]
    layouts.arrange(record_for("deals"), [("Deal", every[::-1])], actor=people.admin, version=0)
    deal = create_deal({"name": "Lathe", "stage": Stage.objects.get(kind=Stage.Kind.LOST), "lost_reason": LostReason.objects.first()}, actor=people.admin)
    page = admin.get(f"/deals/{deal.pk}/edit/").content.decode()
    assert order_in(page, ["description", "name"]) == ["description", "name"]
    assert 'id="div_id_lost_note"' in page


def test_saving_works_whatever_the_layout(admin, people):
    every = [name for group in names("leads") for name in group]
    layouts.arrange(record_for("leads"), [("A", every[::-2]), ("B", every[-2::-2])], actor=people.admin, version=0)
    lead = create_lead({"last_name": "Smith"}, actor=people.owner)
    url = f"/leads/{lead.pk}/edit/"
    assert admin.post(url, form_data(admin, url) | {"company_name": "Other & Sons"}).status_code == 302
    lead.refresh_from_db()
    assert lead.company_name == "Other & Sons"


def test_two_admins_at_once(people):
    record = record_for("contacts")
    groups = layouts.groups_of(record)
    layouts.arrange(record, groups, actor=people.admin, version=0)
    with pytest.raises(StaleRecord):
        layouts.arrange(record, groups, actor=people.admin, version=0)
    layouts.arrange(record, groups, actor=people.admin, version=1)
    assert RecordLayout.objects.get().version == 2


def test_a_stale_page_changes_nothing_and_says_so(admin):
    page = admin.get(URL).content.decode()
    step(admin, "add", new="Mine")
    titles = re.findall(r'name="title" value="([^"]*)"', page)
    response = admin.post(URL, {"order": hidden(page, "order"), "version": hidden(page, "version"), "title": titles, "do": "add", "new": "Other"}, follow=True)
    assert "Somebody else has arranged the fields meanwhile" in response.content.decode()
    assert [title for title, _names in layouts.groups_of(record_for("contacts"))][-1] == "Mine"


@pytest.mark.parametrize("data", [{}, {"do": "save"}, {"do": "remove:99"}, {"order": "a|b", "title": ["x", "y"]}, {"order": "first_name", "title": "x" * 81}, {"order": "first_name,first_name", "title": "x"},
    {"do": "add", "order": "|" * 300, "title": ["x"] * 301}, {"version": "-1"}, {"do": "up:" + "x" * 5000}, {"version": "9" * 4000}])  # fmt: skip
def test_nonsense_is_refused(admin, data):
    assert admin.post(URL, data).status_code == 302
    assert not RecordLayout.objects.exists()


def test_titles_are_needed(people):
    record, groups = record_for("contacts"), layouts.groups_of(record_for("contacts"))
    for title in ("", " ", "\x00", "x" * 81):
        with pytest.raises(ValidationError):
            layouts.arrange(record, [(title, names) for _title, names in groups], actor=people.admin, version=0)
    with pytest.raises(ValidationError):
        layouts.arrange(record, [*groups, *[("More", [])] * 41], actor=people.admin, version=0)


def test_admins_only(people):
    client = Client()
    client.force_login(people.manager)
    assert client.get(URL).status_code == client.post(URL, {"do": "usual"}).status_code == 403
    with pytest.raises(PermissionDenied):
        layouts.arrange(record_for("contacts"), layouts.groups_of(record_for("contacts")), actor=people.owner, version=0)
    with pytest.raises(PermissionDenied):
        layouts.arrange_as_usual(record_for("contacts"), actor=people.owner)


def test_unknown_record_types(admin):
    assert admin.get("/settings/fields/nothing/layout/").status_code == 404
    for slug in ("companies", "leads", "deals", "tasks", "meetings"):
        assert admin.get(f"/settings/fields/{slug}/layout/").status_code == 200


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["up", "down", "group-up", "group-down", "remove", "add", "save"]), st.integers(0, 9)), max_size=40))
def test_no_step_loses_or_doubles_a_field(steps):
    groups = [("A", ["a", "b", "c"]), ("B", []), ("C", ["d"])]
    for do, number in steps:
        groups = changed(groups, do, "abcdx"[number % 5] if do in ("up", "down") else str(number), "New")
        assert sorted(name for _title, names in groups for name in names) == ["a", "b", "c", "d"]
        assert groups


def test_one_layout_says_nothing_of_another_type(admin, people):
    every = [name for group in names("leads") for name in group]
    layouts.arrange(record_for("leads"), [("Everything", every)], actor=people.admin, version=0)
    assert "Everything" in admin.get("/leads/new/").content.decode()
    assert "Everything" not in admin.get("/contacts/new/").content.decode()
