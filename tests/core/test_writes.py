"""The one path under every write: ownership, versions, scope, bin, events, audit."""

from __future__ import annotations

import threading
import uuid

import pghistory
import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction

from contacts.models import Company
from crm.core import bin, tagging, writes
from crm.core.access import can, viewers_of
from crm.core.events import Event, emit
from crm.core.idempotency import run_once
from crm.core.models import IdempotencyKey, OutboxEvent, Tag
from tests.factories import cast
from users.models import User

pytestmark = pytest.mark.django_db


def company(actor, **values):
    return writes.create_records(Company, [{"name": "Acme", **values}], actor=actor)[0]


def test_a_new_record_belongs_to_the_actor_and_their_team():
    people = cast()
    row = company(people.owner)
    assert (row.owner, row.team, row.created_by, row.version) == (people.owner, people.owner.team, people.owner, 1)
    assert row.search_text == " acme"
    assert row.sort_name == "acme"
    event = OutboxEvent.objects.get()
    assert (event.name, event.subject_ids, event.actor_id) == ("contacts.company.created", [row.pk], people.owner.pk)


def test_rows_are_all_written_or_none():
    people = cast()
    with pytest.raises(writes.RowErrors) as caught, transaction.atomic():
        writes.create_records(Company, [{"name": "Fine"}, {"name": ""}, {"name": "x" * 201}], actor=people.owner)
    assert [index for index, _errors in caught.value.errors] == [1, 2]
    assert "name" in caught.value.errors[0][1]
    assert not Company.objects.exists()


def test_a_rep_cannot_create_for_another_team():
    people = cast()
    with pytest.raises(ValidationError) as caught, transaction.atomic():
        company(people.owner, owner=people.stranger)
    assert "owner" in caught.value.message_dict
    with transaction.atomic():
        assert company(people.owner, owner=people.teammate).owner == people.teammate


def test_a_change_bumps_the_version_once_and_tells_what_changed():
    people = cast()
    row = company(people.owner)
    changed = writes.change_record(row, {"name": "Acme Ltd", "city": ""}, actor=people.owner, version=1)
    assert (changed.version, changed.sort_name) == (2, "acme ltd")
    event = OutboxEvent.objects.filter(name="contacts.company.changed").get()
    assert event.payload["changes"][str(row.pk)] == {"name": {"old": "Acme", "new": "Acme Ltd", "old_text": "Acme", "new_text": "Acme Ltd"}}
    again = writes.change_record(changed, {"name": "Acme Ltd"}, actor=people.owner, version=2)
    assert again.version == 2
    assert OutboxEvent.objects.filter(name="contacts.company.changed").count() == 1


def test_a_stale_version_changes_nothing():
    people = cast()
    row = company(people.owner)
    writes.change_record(row, {"name": "First"}, actor=people.teammate, version=1)
    with pytest.raises(writes.StaleRecord) as caught, transaction.atomic():
        writes.change_record(row, {"name": "Second"}, actor=people.owner, version=1)
    assert caught.value.current.name == "First"
    assert Company.objects.get().name == "First"


def test_giving_a_record_out_of_sight_is_refused():
    people = cast()
    row = company(people.owner)
    with pytest.raises(ValidationError), transaction.atomic():
        writes.change_record(row, {"owner": people.stranger, "team": people.stranger.team}, actor=people.owner)
    row.refresh_from_db()
    assert row.owner == people.owner


def test_a_new_owner_brings_the_new_team_and_an_event():
    people = cast()
    row = company(people.owner)
    changed = writes.change_record(row, {"owner": people.stranger}, actor=people.admin)
    assert changed.team == people.stranger.team
    event = OutboxEvent.objects.get(name="contacts.company.assigned")
    assert event.payload["changes"][str(row.pk)]["owner"]["new"] == people.stranger.pk


def test_bulk_changes_only_what_the_actor_may_change():
    people = cast()
    mine, theirs, other = company(people.owner), company(people.teammate), company(people.stranger)
    changed = writes.change_records(Company, [mine.pk, theirs.pk, other.pk], {"industry": "Steel"}, actor=people.owner)
    assert changed == 1  # a rep changes their own only
    assert list(Company.objects.filter(industry="Steel")) == [mine]
    assert writes.change_records(Company, [mine.pk, theirs.pk, other.pk], {"industry": "Steel"}, actor=people.admin) == 2


def test_tags_by_name_and_their_audit():
    people = cast()
    row = company(people.owner, tags=["Trade fair", "trade  fair", "VIP"])
    assert sorted(tag.name for tag in row.tags.all()) == ["Trade fair", "VIP"]
    writes.change_record(row, {"tags": ["vip"]}, actor=people.owner)
    assert [tag.name for tag in row.tags.all()] == ["VIP"]
    assert Tag.objects.count() == 2
    assert writes.add_tags(Company, [row.pk], tagging.tags_named(["VIP", "New"]), actor=people.owner) == 1
    assert row.tags.count() == 2


def test_bin_and_restore_as_one_group():
    people = cast()
    rows = [company(people.owner), company(people.owner)]
    group = bin.delete_records(Company, [row.pk for row in rows], actor=people.owner)
    assert not Company.objects.visible_to(people.admin).exists()
    assert not can(people.owner, "view", rows[0])
    with pytest.raises(ValidationError), transaction.atomic():
        writes.change_record(rows[0], {"name": "Ghost"}, actor=people.owner)
    assert bin.restore_group(group, actor=people.owner, models_with_bin=[Company]) == 2
    assert Company.objects.visible_to(people.owner).count() == 2
    assert bin.restore_group(group, actor=people.owner, models_with_bin=[Company]) == 0
    assert bin.restore_group(uuid.uuid4(), actor=people.owner, models_with_bin=[Company]) == 0


def test_delete_leaves_foreign_rows_alone():
    people = cast()
    row = company(people.stranger)
    bin.delete_records(Company, [row.pk], actor=people.owner)
    row.refresh_from_db()
    assert row.deleted_at is None


def test_the_audit_trail_knows_actor_request_and_even_raw_sql():
    people = cast()
    row = company(people.owner)
    with pghistory.context(user=people.owner.pk, request="r-1"):
        writes.change_record(row, {"name": "Second"}, actor=people.owner)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE contacts_company SET name = 'Third' WHERE id = %s", [row.pk])
        cursor.execute("UPDATE contacts_company SET next_step = 'derived' WHERE id = %s", [row.pk])
    events = list(row.events.order_by("pgh_id"))
    assert [event.name for event in events] == ["Acme", "Second", "Third"]
    assert events[1].pgh_context.metadata == {"user": people.owner.pk, "request": "r-1"}


@pytest.mark.django_db(transaction=True)
def test_events_are_refused_outside_a_transaction():
    with pytest.raises(RuntimeError):
        emit(Event(subject_ids=(1,), actor_id=None))


@pytest.mark.parametrize("who", ["owner", "teammate", "manager", "stranger", "viewer", "agent", "admin"])
def test_viewers_of_is_the_inverse_of_visible_to(who):
    people = cast()
    rows = [company(people.owner), company(people.stranger), writes.create_records(Company, [{"name": "Nobody's", "owner": None}], actor=None)[0]]
    user = getattr(people, who)
    for row in rows:
        assert viewers_of(row).filter(pk=user.pk).exists() == can(user, "view", row), (row, who)


@pytest.mark.django_db(transaction=True)
def test_fifty_submits_with_one_key_make_one_record():
    people = cast()
    key, made, failures = uuid.uuid4(), [], []
    barrier = threading.Barrier(10)

    def submit():
        try:
            user = User.objects.select_related("role").get(pk=people.owner.pk)
            barrier.wait()
            for _attempt in range(5):
                made.append(run_once(user, key, "/companies/new/", lambda: str(company(user).pk)))
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _index in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert Company.objects.count() == 1
    assert len({url for url, _first in made}) == 1
    assert sum(first for _url, first in made) == 1
    assert IdempotencyKey.objects.count() == 1
