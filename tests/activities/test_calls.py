"""Call lists: made from a list of people, worked through one by one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from activities import selectors, services
from activities.models import Activity, CallList, CallListEntry, Task
from activities.services import calls
from contacts.models import Contact
from contacts.services import create_contact, delete_contacts
from leads.services import create_lead
from tests.activities.conftest import make_cast
from tests.factories import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Any:
    return make_cast()


@pytest.fixture
def three(people: Any) -> list[Contact]:
    return [create_contact({"last_name": name, "phone": "+43662123456"}, actor=people.owner) for name in ("One", "Two", "Three")]


def listed(people: Any, contacts: list[Contact], name: str = "Spring", script: str = "Ask for **the drawing**.") -> CallList:
    services.add_to_call_list("contact", [contact.pk for contact in contacts], actor=people.owner, data={"name": name, "script": script})
    return CallList.objects.get(name=name, owner=people.owner)


def shown(client: Client, url: str) -> tuple[str, str]:
    """(who is next, the place after them)"""
    page = client.get(url)
    assert page.status_code == 200
    entry = page.context["entry"]
    return (str(page.context["person"]), f"?after={entry.pk}") if entry else ("", "")


def test_a_list_is_made_by_the_bulk_action_and_added_to(people: Any, three: list[Contact]) -> None:
    client = signed_in(people.owner)
    answer = client.post("/contacts/bulk/calls/", {"ids": [three[0].pk, three[1].pk], "name": " Spring  fair ", "script": "Hello", "confirmed": "1"})
    assert answer.status_code == 302, answer.content.decode()[:300]
    made = CallList.objects.get()
    assert (made.name, made.script, made.owner, made.entries.count()) == ("Spring fair", "Hello", people.owner, 2)
    client.post("/contacts/bulk/calls/", {"ids": [three[1].pk, three[2].pk], "name": "Spring fair", "script": "", "confirmed": "1"})
    made.refresh_from_db()
    assert (made.script, made.entries.count()) == ("Hello", 3)
    lead = create_lead({"last_name": "Four"}, actor=people.owner)
    client.post("/leads/bulk/calls/", {"ids": [lead.pk], "name": "Spring fair", "script": "", "confirmed": "1"})
    assert [str(entry.contact or entry.lead) for entry in made.entries.all()] == ["One", "Two", "Three", "Four"]


def test_from_the_first_to_the_last(people: Any, three: list[Contact]) -> None:
    made, client = listed(people, three), signed_in(people.owner)
    url = made.get_absolute_url()
    page = client.get(url).content.decode()
    assert 'href="tel:+43662123456"' in page
    assert "<strong>the drawing</strong>" in page
    first, later = shown(client, url)
    assert first == "One"
    assert shown(client, f"{url}{later}")[0] == "Two"  # One is left for later
    entries = {entry.contact.last_name: entry for entry in made.entries.select_related("contact")}
    day = timezone.localdate() + timedelta(days=3)
    data = {
        "do": "log",
        "idempotency_key": str(uuid.uuid4()),
        "entry": entries["One"].pk,
        "outcome": "connected",
        "minutes": "5",
        "body": "Wants an offer",
        "call_again_on": day.isoformat(),
    }
    assert [client.post(url, data).status_code for _twice in range(2)] == [302, 302]
    call, task = Activity.objects.get(kind="call"), Task.objects.get()
    assert (call.contact, call.body, call.data) == (three[0], "Wants an offer", {"outcome": "connected", "minutes": 5})
    assert (task.title, task.kind, task.due_on, task.contact) == ("Call again: One", "call", day, three[0])
    assert client.post(url, {"do": "skip", "entry": entries["Two"].pk}).status_code == 302
    assert shown(client, url)[0] == "Three"
    assert "Spring" in client.get("/").content.decode()
    client.post(url, {"do": "log", "entry": entries["Three"].pk})
    assert "Everybody has been called" in client.get(url).content.decode()
    assert [(row.called, row.done_at is not None) for row in made.entries.all()] == [(True, True), (False, True), (True, True)]
    assert 'id="call-lists"' not in client.get("/").content.decode()
    assert "3 of 3" in client.get("/calls/").content.decode()


def test_whom_one_does_not_see_any_more_is_not_shown(people: Any, three: list[Contact]) -> None:
    made, client = listed(people, three[:2]), signed_in(people.owner)
    Contact.objects.filter(pk=three[0].pk).update(owner=people.stranger, team=people.other_team)
    assert shown(client, made.get_absolute_url())[0] == "Two"
    gone = made.entries.get(contact=three[0])
    for do in ("log", "skip"):
        answer = client.post(made.get_absolute_url(), {"do": do, "entry": gone.pk, "body": "Typed before"}, follow=True)
        assert "Nothing was logged" in answer.content.decode() and str(answer.context["person"]) == "Two"
    assert not Activity.objects.filter(kind="call").exists()
    services.pass_over(made.entries.get(contact=three[1]), actor=people.owner)
    assert "not for you to see any more" in client.get(made.get_absolute_url()).content.decode()
    services.add_to_call_list("contact", [three[0].pk], actor=people.owner, data={"name": "Other", "script": ""})
    assert CallList.objects.get(name="Other").entries.count() == 0


@pytest.mark.parametrize("who", ["teammate", "manager", "admin", "stranger", "viewer"])
def test_a_list_is_its_owners_alone(people: Any, three: list[Contact], who: str) -> None:
    made = listed(people, three)
    client = signed_in(getattr(people, who))
    entry = made.entries.first()
    assert client.get(made.get_absolute_url()).status_code == 404
    for do in ("log", "skip", "delete"):
        assert client.post(made.get_absolute_url(), {"do": do, "entry": entry.pk}).status_code == 404
    assert "Spring" not in client.get("/calls/").content.decode()
    assert CallListEntry.objects.filter(done_at__isnull=True).count() == 3


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"do": "log", "entry": "x"}, 404),
        ({"do": "log", "entry": "9" * 30}, 404),
        ({"do": "log", "minutes": "-1"}, 422),
        ({"do": "log", "outcome": "nonsense"}, 422),
        ({"do": "log", "call_again_on": "2001-01-01"}, 422),
        ({"do": "log", "call_again_on": "soon"}, 422),
        ({"do": "log", "body": "a\x00b"}, 422),
    ],
)
def test_bad_input_changes_nothing(people: Any, three: list[Contact], data: dict[str, str], status: int) -> None:
    made = listed(people, three)
    answer = signed_in(people.owner).post(made.get_absolute_url(), {"entry": made.entries.first().pk, **data})
    assert answer.status_code == status
    assert not Activity.objects.filter(kind="call").exists()
    assert not Task.objects.exists()
    assert CallListEntry.objects.filter(done_at__isnull=True).count() == 3


def test_places_limits_and_the_end(people: Any, three: list[Contact], monkeypatch: Any) -> None:
    made, client = listed(people, three), signed_in(people.owner)
    assert client.get(f"{made.get_absolute_url()}?after=x").status_code == 400
    assert client.get("/calls/99999999999999999999/").status_code == 404
    monkeypatch.setattr(calls, "MOST", 3)
    extra = create_contact({"last_name": "Extra"}, actor=people.owner)
    with pytest.raises(ValidationError, match="at most 3 people"):
        services.add_to_call_list("contact", [extra.pk], actor=people.owner, data={"name": "Spring", "script": ""})
    assert client.post(made.get_absolute_url(), {"do": "delete"})["Location"] == "/calls/"
    assert not CallList.objects.exists()


def test_a_person_who_was_deleted_meanwhile(people: Any, three: list[Contact]) -> None:
    made, client = listed(people, three[:2]), signed_in(people.owner)
    entry = made.entries.get(contact=three[0])
    delete_contacts([three[0].pk], actor=people.owner)
    answer = client.post(made.get_absolute_url(), {"do": "log", "entry": entry.pk, "body": "Typed before"}, follow=True)
    assert str(answer.context["person"]) == "Two"
    Contact._base_manager.filter(pk=three[0].pk).delete()  # for good
    assert client.post(made.get_absolute_url(), {"do": "log", "entry": entry.pk}).status_code == 404
    assert shown(client, made.get_absolute_url())[0] == "Two"


def test_two_windows_lose_no_call(people: Any, three: list[Contact]) -> None:
    """The same person is on the screen twice: both calls are kept, a double click is one."""
    made, client = listed(people, three[:1]), signed_in(people.owner)
    entry, keys = made.entries.get(), [str(uuid.uuid4()), str(uuid.uuid4())]
    for key in (keys[0], keys[1], keys[1]):
        client.post(made.get_absolute_url(), {"do": "log", "entry": entry.pk, "idempotency_key": key, "body": key})
    assert set(Activity.objects.filter(kind="call").values_list("body", flat=True)) == set(keys)
    assert Activity.objects.filter(kind="call").count() == 2


def test_colleagues_have_lists_of_their_own_with_the_same_people(people: Any, three: list[Contact]) -> None:
    mine = listed(people, three)
    services.add_to_call_list("contact", [three[0].pk], actor=people.teammate, data={"name": "Spring", "script": ""})
    theirs = CallList.objects.get(owner=people.teammate)
    services.log_listed_call(theirs.entries.get(), three[0], actor=people.teammate)
    page = signed_in(people.owner).get(mine.get_absolute_url())
    assert str(page.context["person"]) == "One"
    assert "Last activity" in page.content.decode()  # a colleague has just spoken to them


def test_a_list_of_ten_thousand(people: Any, django_assert_num_queries: Any) -> None:
    """Most are not the reader's to see any more, and the last is: the page asks as much as for three."""
    Contact.objects.bulk_create(Contact(last_name=f"P{n}", owner=people.stranger, team=people.other_team) for n in range(9_999))
    last = create_contact({"last_name": "Last"}, actor=people.owner)
    made = CallList.objects.create(name="Long", owner=people.owner)
    CallListEntry.objects.bulk_create(CallListEntry(call_list=made, contact_id=pk) for pk in Contact.objects.order_by("pk").values_list("pk", flat=True))
    found = selectors.call_list_at(people.owner, made.pk)
    with django_assert_num_queries(1):
        assert selectors.next_call(people.owner, found)[1] == last
    assert (found.total, found.open) == (10_000, 10_000)
    with django_assert_num_queries(1):
        assert [(row.done, row.total) for row in selectors.call_lists(people.owner, unfinished=True)] == [(0, 10_000)]
    assert shown(signed_in(people.owner), made.get_absolute_url())[0] == "Last"
    with pytest.raises(ValidationError, match="at most 10000"):
        services.add_to_call_list(
            "contact", [create_contact({"last_name": "Over"}, actor=people.owner).pk], actor=people.owner, data={"name": "Long", "script": ""}
        )
