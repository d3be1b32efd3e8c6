"""Indexes of custom fields: built beside the writers, one at a time, retried, used by lists; unique values hold in a race."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import psycopg2
import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from contacts.services import create_contact, create_contacts, delete_contacts, update_contact
from crm.core.cursors import Order
from crm.core.custom import definitions, services, work
from crm.core.custom.keys import order_field
from crm.core.custom.models import CustomField
from crm.core.listing import Listing
from crm.core.records import record_for
from tests.core.custom.fields import make_field
from tests.factories import cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people():
    return cast()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(work, "SETTLED", work.timedelta(0))
    monkeypatch.setattr(services, "ring", lambda: None)  # no broker here: each test runs the worker itself


def state(field):
    return CustomField.objects.values_list("index_state", "index_error").get(pk=field.pk)


def indexes(field):
    with connection.cursor() as cursor:
        return work._existing(cursor, field)


def other_session():
    settings = connection.settings_dict
    return closing(psycopg2.connect(host=settings["HOST"] or settings["OPTIONS"].get("host"), user="crm", dbname=settings["NAME"]))


def plan(sql, params):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        found = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    return found


@pytest.mark.parametrize("kind", ["text", "number", "money", "date", "time", "choice", "yes_no", "user", "link", "url"])
def test_an_indexed_field_gets_the_indexes_that_lists_walk(people, kind):
    field = make_field(kind, indexed=True, link_to="companies" if kind == "link" else "")
    assert state(field) == ("wanted", "")
    work.run()
    assert state(field) == ("ready", "")
    ends = {"s", "o", "t"} | ({"g"} if kind in ("text", "url") else set())
    assert indexes(field) == {f"custom_{field.pk}_{end}": True for end in ends}
    for user, end in ((people.admin, "s"), (people.owner, "o")):
        listing = Listing(record_for("contacts"), user)
        definitions.definitions()
        with CaptureQueriesContext(connection) as queries:
            listing._walk(Order(field.name), 50, None, order_field(Contact, field.name))
        assert f"custom_{field.pk}_{end}" in plan(queries[0]["sql"], None), queries[0]["sql"]
    services.update_field(CustomField.objects.get(), {"indexed": False}, actor=None)
    work.run()
    assert indexes(field) == {} and state(field) == ("", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_statistic_ext WHERE stxname LIKE 'custom%%'")
        assert cursor.fetchone()[0] == 0


def test_adding_a_field_and_its_index_keep_nobody_from_writing(people):
    """A writer holds the table all the while; only locks that let writers through are taken."""
    contact = create_contact({"last_name": "Ada"}, actor=people.owner)
    with other_session() as writer, writer.cursor() as cursor:
        cursor.execute("UPDATE contacts_contact SET city = 'Linz' WHERE id = %s", [contact.pk])
        began = time.monotonic()
        field = make_field("number", indexed=True)
        with transaction.atomic():
            services.update_field(field, {"label": "Renamed", "unique": True}, actor=None)
            with connection.cursor() as own:
                own.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'contacts_contact'::regclass")
                assert own.fetchone()[0] == 0, "the table is not even looked at"
        assert time.monotonic() - began < 2
        builder = threading.Thread(target=run_worker)
        builder.start()
        seen = set()
        assert wait_for(lambda: seen.update(strong_locks()) or seen)
        for _look in range(20):  # all the while it waits for the writer
            seen.update(strong_locks())
            time.sleep(0.02)
        assert seen == {"ShareUpdateExclusiveLock"}, "it lets writers through"
        with other_session() as second, second.cursor() as more:  # writes go on while the index waits
            more.execute("SET lock_timeout = '1s'")
            more.execute("INSERT INTO contacts_contactphone (contact_id, kind, number, key, \"primary\") VALUES (%s, 'work', '1', '1', false)", [contact.pk])
            second.commit()
        writer.commit()
        builder.join(20)
    assert state(field) == ("ready", "")


def run_worker():
    try:
        work.run()
    finally:
        connection.close()


def wait_for(happened):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.02)
    return False


def strong_locks():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mode FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE relation = 'contacts_contact'::regclass AND query LIKE 'CREATE%%'"
            " AND mode IN ('ShareLock', 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
        )
        return {row[0] for row in cursor.fetchall()}


def test_a_build_that_waits_too_long_is_dropped_and_tried_again(people, monkeypatch):
    monkeypatch.setattr(work, "LOCK_WAIT", "200ms")
    contact = create_contact({"last_name": "Ada"}, actor=people.owner)
    field = make_field("number", indexed=True)
    with other_session() as writer, writer.cursor() as cursor:
        cursor.execute("UPDATE contacts_contact SET city = 'Linz' WHERE id = %s", [contact.pk])
        work.run()
        assert state(field)[0] == "wanted" and state(field)[1] == work.BUSY
        writer.rollback()
    work.run()
    assert state(field) == ("ready", "")
    assert all(indexes(field).values())


def test_a_build_that_can_not_be_had_is_given_up_and_leaves_nothing(people, monkeypatch):
    monkeypatch.setattr(work, "MOST_ATTEMPTS", 1)
    field = make_field("number", indexed=True)
    Contact.objects.create(last_name="Ada", custom={field.key: "no number"})  # as raw SQL might
    work.run()
    assert state(field) == ("failed", work.REFUSED) and indexes(field) == {}


def test_what_a_killed_build_left_behind_is_built_anew(people):
    create_contact({"last_name": "Ada"}, actor=people.owner)
    field = make_field("number", indexed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX custom_{field.pk}_s ON contacts_contact (id)")
        cursor.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'custom_{field.pk}_s'::regclass")
    work.run()
    assert state(field) == ("ready", "") and all(indexes(field).values())
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [f"custom_{field.pk}_s"])
        assert "numeric" in cursor.fetchone()[0]


def test_only_one_worker_builds(people):
    field = make_field("number", indexed=True)
    with other_session() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [work.LOCK])
        work.run()
        assert state(field)[0] == "wanted"
    assert wait_for(lambda: bool(work.run()) or state(field)[0] == "ready")


def test_doubles_keep_a_field_from_becoming_unique_and_say_so(people):
    field = make_field("text")
    first, second = (create_contact({"last_name": name, field.name: "Same"}, actor=people.owner) for name in ("Ada", "Eve"))
    services.update_field(field, {"unique": True}, actor=None)
    work.run()
    assert state(field) == ("failed", work.DOUBLE) and indexes(field) == {}
    update_contact(second, {field.name: "Other"}, actor=people.owner)
    services.retry_index(CustomField.objects.get(), actor=None)
    work.run()
    assert state(field) == ("ready", "") and indexes(field) == {f"custom_{field.pk}_u": True}
    with pytest.raises(ValidationError) as told:
        create_contact({"last_name": "New", field.name: " SAME"}, actor=people.owner)
    assert field.name in told.value.message_dict
    group = delete_contacts([first.pk], actor=people.owner)
    create_contact({"last_name": "New", field.name: "Same"}, actor=people.owner)
    from crm.core.bin import restore_group

    with pytest.raises(ValidationError) as told:
        restore_group(group, actor=people.owner, models_with_bin=[Contact])
    assert field.name in told.value.message_dict
    client = Client()
    client.force_login(people.owner)
    answer = client.post(f"/bin/{group}/restore/", follow=True)
    assert answer.status_code == 200 and "has this value already" in answer.content.decode()


@pytest.mark.parametrize("guarded", [False, True])
def test_of_many_writers_of_one_unique_value_one_wins(people, guarded):
    field = make_field("text", unique=True)
    if guarded:
        work.run()
        assert state(field) == ("ready", "")
    definitions._forget()
    results, start = [], threading.Barrier(6)

    def write(number):
        try:
            start.wait()
            create_contact({"last_name": f"P{number}", field.name: "One"}, actor=people.owner)
            results.append("made")
        except ValidationError as error:
            results.append(field.name if field.name in error.message_dict else error)
        except BaseException as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == sorted(["made", *[field.name] * 5])
    assert Contact.objects.filter(custom__has_key=field.key).count() == 1


def test_rows_of_one_import_chunk_may_not_share_a_unique_value(people):
    from crm.core.writes import RowErrors

    field = make_field("text", unique=True)
    with pytest.raises(RowErrors) as told:
        create_contacts([{"last_name": str(number), field.name: value} for number, value in enumerate(("a", "b", "A"))], actor=people.owner)
    assert [index for index, _messages in told.value.errors] == [2]


def test_deleting_runs_to_the_end_and_drops_the_indexes(people, monkeypatch):
    monkeypatch.setattr(work, "CHUNK", 10)
    field = make_field("text", indexed=True, unique=True)
    work.run()
    create_contacts([{"last_name": str(number), field.name: str(number)} for number in range(35)], actor=people.owner)
    services.delete_field(CustomField.objects.get(), actor=None)
    work.run()
    assert not CustomField.objects.exists() and indexes(field) == {}
    assert not Contact.objects.exclude(custom={}).exists()


def test_other_processes_see_a_change_within_two_seconds_and_pages_ask_nothing_between(people, monkeypatch):
    monkeypatch.setattr(definitions, "KEEP_SECONDS", 2.0)
    definitions._forget()
    definitions.definitions()
    CustomField.objects.create(record="contacts.contact", kind="text", label="Elsewhere")  # as another process does
    with CaptureQueriesContext(connection) as queries:
        assert definitions.fields_of(Contact) == ()
    assert len(queries) == 0
    assert wait_for(lambda: len(definitions.fields_of(Contact)) == 1)
