"""A statement that takes too long is ended, and the person is told what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection, connections

from contacts.models import Company
from crm import env
from crm.core import views
from tests.contract.samples import SAMPLES
from tests.factories import cast, make_user, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def limited():
    """Connections with the limits of a web process, of one second."""
    options = connection.settings_dict["OPTIONS"]
    options["options"] = env.time_limits(1)
    connection.close()
    yield
    del options["options"]
    connection.close()


@pytest.fixture
def people(limited):
    people = cast()
    SAMPLES["companies"].make(people.owner, "Acme")
    return people


def slowly(query, request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")


@pytest.fixture
def slow_writes(people):
    """A trigger that takes its time: the database is made anew after this test."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(30); RETURN NEW; END'")
        cursor.execute("CREATE TRIGGER dawdle BEFORE INSERT ON contacts_company FOR EACH ROW EXECUTE FUNCTION dawdle()")


@pytest.fixture
def locked(people):
    """Somebody else's transaction holds the table."""
    other = connections.create_connection("default")
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE contacts_company IN ACCESS EXCLUSIVE MODE")
    yield
    other.rollback()
    other.close()


def test_a_slow_page_says_what_to_do_and_the_next_one_works(people, monkeypatch):
    client = signed_in(people.owner)
    monkeypatch.setattr(views, "list_page", slowly)
    began = time.monotonic()
    answer = client.get("/companies/")
    assert time.monotonic() - began < 5
    assert answer.status_code == 503 and answer["Retry-After"]
    assert "Narrow it: add a filter" in answer.content.decode() and "That took too long" in answer.content.decode()
    assert 'aria-label="Main"' in answer.content.decode() or "<nav" in answer.content.decode(), "with the way on to other pages"
    monkeypatch.undo()
    assert client.get("/companies/").status_code == 200


def test_htmx_and_programs_get_the_sentence_alone(people, monkeypatch):
    client = signed_in(people.owner)
    monkeypatch.setattr(views, "list_page", slowly)
    answer = client.get("/companies/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert answer.content.decode().startswith("This asks for more") and "<" not in answer.content.decode()
    answer = client.get("/companies/", headers={"Accept": "application/json"})
    assert answer.status_code == 503 and answer.json()["message"].startswith("This asks for more")


def test_it_speaks_the_readers_language(limited, monkeypatch):
    client = signed_in(make_user(role="admin", language="de"))
    monkeypatch.setattr(views, "list_page", slowly)
    assert "Grenzen Sie es ein" in client.get("/companies/").content.decode()


def test_a_slow_write_changes_nothing(people, slow_writes):
    answer = signed_in(people.owner).post("/companies/new/", {"name": "Slow Ltd"})
    assert answer.status_code == 503
    assert "so nothing was changed" in answer.content.decode()
    assert not Company.objects.filter(name="Slow Ltd").exists()


def test_who_waits_for_a_lock_is_told_so(people, locked):
    client = signed_in(people.owner)
    answer = client.get("/companies/")
    assert answer.status_code == 503 and "Somebody else is changing" in answer.content.decode()
    answer = client.post("/companies/new/", {"name": "Late Ltd"}, headers={"Accept": "application/json"})
    assert answer.status_code == 503 and "Somebody else is changing" in answer.json()["message"]


@pytest.mark.parametrize(("process", "limits"), [("", "10s 5s 1min"), ("worker", "0 0 0"), ("migrate", "0 0 0")])
def test_web_processes_have_limits_and_others_none(database_address, process, limits):
    """As gunicorn loads it: `crm.wsgi` in a process whose name nobody set."""
    load = "import crm.wsgi" if not process else "import django, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'crm.settings'; django.setup()"
    shows = "; ".join(
        f"c.execute('SHOW {name}'); print(c.fetchone()[0])" for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    )
    variables = {**os.environ, "DATABASE_URL": database_address, "CRM_PROCESS": process, "DJANGO_SETTINGS_MODULE": "crm.settings"}
    variables = {name: value for name, value in variables.items() if value}
    code = f"{load}; from django.db import connection; c = connection.cursor(); {shows}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == limits.split(), done.stderr


@pytest.mark.e2e
def test_a_slow_list_shows_the_sentence_where_one_is(people, monkeypatch, new_page, sign_in):
    page = new_page()
    sign_in(page, people.owner.email)
    page.goto("/companies/")
    monkeypatch.setattr(views, "list_page", slowly)
    page.locator("thead a[href*='sort=']").first.click()
    page.locator("#toasts", has_text="Narrow it").wait_for()
    assert page.locator("table", has_text="Acme").count(), "the list stays"
    new_page.problems[:] = [problem for problem in new_page.problems if "503" not in problem]
