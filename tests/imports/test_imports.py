"""From a file to records: errors with their lines, duplicates, links and owners, rights, undo."""

from __future__ import annotations

import csv
import io

import pghistory.models
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from activities.models import Activity, Task
from activities.services import add_note, create_task
from contacts.models import Company, Contact
from contacts.services import create_company, create_contact
from crm.core.bin import restore_group
from crm.core.imports import report, services, work
from crm.core.models import ImportJob, OutboxEvent
from crm.core.records import record_for
from crm.core.tagging import tags_named
from crm.core.writes import add_tags
from deals.models import Deal
from deals.services import create_deal
from tests.factories import make_role, make_user
from tests.imports.files import bring_in, check, reasons, text_of, upload, worked

pytestmark = pytest.mark.django_db
HEAD = ["First name", "Last name", "E-mail"]


# ---- rows ----


def test_people_with_all_that_belongs_to_them(people):
    rows = [
        ["First name", "Last name", "E-mail", "E-mail 2", "Mobile", "Company", "Country", "Tags", "Notes", "Owner"],
        [
            "Émile",
            "Zola",
            "emile@example.com",
            "e2@example.com",
            "0662 123456",
            "Naturaliste & Cie",
            "Österreich",
            "VIP; Fair",
            "line 1\nline 2",
            people.teammate.email,
        ],
        ["Ben", "Tal", "", "", "", "naturaliste  & cie", "", "", "", ""],
    ]
    job = bring_in("contacts", rows, people.owner, tags=["Imported"])
    assert (job.state, job.good, job.bad, job.same) == ("done", 2, 0, 0)
    zola, tal = Contact.objects.order_by("pk")
    assert (str(zola), zola.email, zola.phone, zola.country, zola.description) == ("Émile Zola", "emile@example.com", "+43662123456", "AT", "line 1\nline 2")
    assert {(row.address, row.primary) for row in zola.emails.all()} == {("emile@example.com", True), ("e2@example.com", False)}
    assert {tag.name for tag in zola.tags.all()} == {"VIP", "Fair", "Imported"}
    assert {tag.name for tag in tal.tags.all()} == {"Imported"}
    assert (zola.owner, tal.owner) == (people.teammate, people.owner)
    assert zola.company_id == tal.company_id == Company.objects.get().pk
    assert Activity.objects.filter(verb="created", contact=zola, actor=people.owner).count() == 1
    assert OutboxEvent.objects.filter(name="contacts.contact.created").count() == 1, "one event for the chunk"
    assert pghistory.models.Context.objects.filter(metadata__user=people.owner.pk, metadata__import_job=job.pk).exists()
    assert zola.events.get().pgh_context is not None, "the audit knows who it was"


def test_many_rows_are_copied_with_the_same_care(people):
    """Above two hundred rows COPY is used: ids, children, timeline, audit and odd texts come out as with INSERT."""
    names = [f"Na\\me\t{number}\"'" for number in range(250)]
    job = bring_in("contacts", [HEAD, *[["A\\N", name, f"p{number}@example.com"] for number, name in enumerate(names)]], people.owner)
    assert (job.good, job.bad) == (250, 0)
    made = list(Contact.objects.order_by("pk"))
    assert [obj.last_name for obj in made] == [name.strip() for name in names]
    assert {obj.first_name for obj in made} == {"A\\N"}
    assert all(obj.emails.get().address == obj.email for obj in made)
    assert Activity.objects.filter(verb="created", contact__in=made).count() == 250
    events = [obj.events.get() for obj in made]
    assert {event.pgh_context.metadata["import_job"] for event in events} == {job.pk}
    assert {obj.last_activity_at for obj in made} == {None}


def test_errors_are_complete_and_stop_nothing(people):
    rows = [
        HEAD,
        ["Anna", "Berg", "anna@example.com"],
        ["Ben", "Tal", "no address"],
        ["", "", ""],
        ["Cora", "x" * 101, "cora@"],
        ["Da\x00n", "Au", ""],
        ["Eva", "Ems", "eva@example.com", "too much"],
        ["Finn", "Isar", ""],
    ]
    job = check(upload("contacts", rows, people.owner), people.owner)
    assert (job.state, job.good, job.bad, Contact.objects.count()) == ("checked", 2, 4, 0)
    found = {line: [] for line, _column, _reason in reasons(job)}
    for line, column, reason in reasons(job):
        found[line].append((column, reason))
    assert set(found) == {3, 5, 6, 7}
    assert found[3] == [("E-mail", "Enter an e-mail address, such as name@example.com.")]
    assert {column for column, _reason in found[5]} == {"Last name"} or len(found[5]) == 2
    assert found[6] == [("First name", "Remove the invisible characters.")]
    assert "4 cells" in found[7][0][1]
    done = worked(services.start(job))
    assert (done.state, done.good, done.bad, reasons(done)) == ("done", 2, 4, reasons(job))
    assert {str(obj) for obj in Contact.objects.all()} == {"Anna Berg", "Finn Isar"}


def test_the_error_file_has_the_rows_with_reasons_and_no_formulas(people):
    rows = [["First name", "=cmd()", "E-mail"], ["Anna", "=1+1", "anna@example.com"], ["=HYPERLINK(1)", "@x", "nothing"], ["Eva", "Ems", "also nothing"]]
    job = check(upload("contacts", rows, people.owner), people.owner)
    body = b"".join(report.problem_file(job)).decode("utf-8-sig")
    reason = "Enter an e-mail address, such as name@example.com."
    assert list(csv.reader(io.StringIO(body))) == [
        ["First name", "'=cmd()", "E-mail", "Line", "Column", "Reason"],
        ["'=HYPERLINK(1)", "'@x", "nothing", "3", "E-mail", reason],
        ["Eva", "Ems", "also nothing", "4", "E-mail", reason],
    ]


def test_what_an_export_has_defused_comes_back_as_it_was(people):
    job = bring_in("companies", [["Name"], ["'=HYPERLINK(1)"], ["'t Hart"], ["+4366212345"]], people.owner)
    assert job.good == 3
    assert set(Company.objects.values_list("name", flat=True)) == {"=HYPERLINK(1)", "'t Hart", "+4366212345"}


def test_all_that_is_wrong_with_a_row_is_told_at_once(people):
    rows = [["Last name", "E-mail", "Phone", "Country", "Owner"], ["Berg", "nothing", "12", "Atlantis", "Nobody Such"], ["\x00", "x", "", "", ""]]
    job = check(upload("contacts", rows, people.owner), people.owner)
    assert [(line, column) for line, column, _reason in reasons(job)] == [
        (2, "Country"),
        (2, "Owner"),
        (2, "E-mail"),
        (2, "Phone"),
        (3, "Last name"),
        (3, "E-mail"),
    ]
    assert job.bad == 2


def test_an_error_is_an_error_also_in_a_row_that_looks_like_another(people):
    rows = [HEAD, ["A", "B", "nothing"], ["C", "D", "nothing"], ["E", "F", "e@example.com"]]
    job = check(upload("contacts", rows, people.owner), people.owner)
    assert (job.good, job.bad, job.same) == (1, 2, 0)
    job = worked(services.start(job))
    assert (job.good, job.bad, job.same) == (1, 2, 0)


@pytest.mark.parametrize("policy", ["skip", "import"])
def test_probable_duplicates(people, policy):
    create_contact({"first_name": "Anna", "last_name": "Berg", "email": "ANNA@example.com"}, actor=people.owner)
    create_contact({"first_name": "Ben", "last_name": "Tal"}, actor=people.teammate)
    create_contact({"first_name": "Cora", "last_name": "Au"}, actor=people.stranger)  # not to be seen, and not told of
    rows = [HEAD, ["X", "Y", "anna@example.com"], ["ben", "TÁL", ""], ["Cora", "Au", ""], ["Dan", "Ems", "dan@example.com"], ["D.", "E.", "Dan@example.com"]]
    checked = check(upload("contacts", rows, people.owner), people.owner, same=policy)
    assert (checked.good, checked.bad, checked.same) == (2, 0, 3)
    assert [(line, "Anna Berg" in reason, "Ben Tal" in reason) for line, _column, reason in reasons(checked)] == [
        (2, True, False),
        (3, False, True),
        (6, False, False),
    ]
    done = worked(services.start(checked))
    assert (done.good, done.same) == ((2, 3) if policy == "skip" else (5, 0))
    assert Contact.objects.count() == 3 + done.good


def test_a_check_that_goes_on_after_a_kill_still_compares_the_file_with_itself(people, monkeypatch):
    monkeypatch.setattr(work, "CHUNK", 2)
    rows = [HEAD, ["A", "B", "a@example.com"], ["C", "D", "c@example.com"], ["E", "F", "a@example.com"], ["G", "H", "c@example.com"]]
    job = services.choose(
        upload("contacts", rows, people.owner), {"0": "first_name", "1": "last_name", "2": "email"}, {"owner": people.owner.pk}, actor=people.owner
    )
    real = work.check_some
    monkeypatch.setattr(work, "check_some", lambda *args: real(*args) and False)  # one chunk, then "killed"
    work.run(job.pk)
    assert ImportJob.objects.get(pk=job.pk).rows == 2
    monkeypatch.setattr(work, "check_some", real)
    ImportJob.objects.update(lease_until=timezone.now())
    job = worked(job)
    assert (job.state, job.rows, job.good, job.same) == ("checked", 4, 2, 2)


# ---- links and owners ----


def test_links_are_found_among_what_one_sees(people):
    mine = create_company({"name": "Known Ltd"}, actor=people.owner)
    create_company({"name": "Hidden Ltd"}, actor=people.stranger)
    for _twice in range(2):
        create_company({"name": "Twins"}, actor=people.owner)
    create_contact({"first_name": "Anna", "last_name": "Berg", "email": "anna@example.com"}, actor=people.owner)
    rows = [
        ["Deal name", "Company", "Contact", "Amount"],
        ["One", "KNOWN ltd", "anna@example.com", "1.234,50"],
        ["Two", "Hidden Ltd", "", ""],
        ["Three", "Twins", "", ""],
        ["Four", "", "Nobody Such", ""],
    ]
    job = bring_in("deals", rows, people.owner)
    assert [(line, column) for line, column, _reason in reasons(job)] == [(4, "Company"), (5, "Contact")]
    one, two = Deal.objects.order_by("pk")
    assert (one.company, str(one.contact), str(one.amount)) == (mine, "Anna Berg", "1234.50")
    assert two.company.owner == people.owner, "somebody else's company of that name is not to be seen: one of our own is made"


def test_who_may_not_add_companies_can_only_name_known_ones(people):
    grants = {label: dict(granted) for label, granted in people.owner.role.grants.items()}
    grants["contacts_company"]["add"] = "none"
    user = make_user(role=make_role(grants=grants), team=people.team)
    job = check(upload("contacts", [["Last name", "Company"], ["Berg", "New Ltd"]], user), user)
    assert reasons(job) == [(2, "Company", "Nothing is called “New Ltd”. Check the spelling, or create it first.")]


def test_owners_as_the_form_would_allow(people):
    rows = [["Last name", "Owner"], ["A", "Tom Teammate"], ["B", people.stranger.email], ["C", "Nobody Such"], ["D", ""]]
    job = bring_in("contacts", rows, people.owner)
    assert [(line, column) for line, column, _reason in reasons(job)] == [(3, "Owner"), (4, "Owner")]
    assert dict(Contact.objects.values_list("last_name", "owner__name")) == {"A": "Tom Teammate", "D": "Olivia Owner"}
    everything = bring_in("contacts", rows, people.admin)
    assert [line for line, _column, _reason in reasons(everything)] == [4]
    assert Contact.objects.get(last_name="B").owner == people.stranger


def test_nobody_as_owner(people):
    bring_in("contacts", [["Last name"], ["Berg"]], people.owner, owner=None)
    contact = Contact.objects.get()
    assert (contact.owner, contact.team) == (None, people.team)


def test_deals_come_with_their_history(people):
    rows = [
        ["Deal name", "Stage", "Status", "Closed", "Lost reason", "Currency"],
        ["Open", "", "", "", "", ""],
        ["Won", "", "won", "2024-03-01", "", "EUR"],
        ["Won too", "Closed Won", "", "", "", ""],
        ["Lost", "", "lost", "", "", ""],
        ["Foreign", "", "", "", "", "USD"],
        ["Where", "Somewhere", "", "", "", ""],
    ]
    job = bring_in("deals", rows, people.owner)
    assert [(line, column) for line, column, _reason in reasons(job)] == [(5, "Lost reason"), (6, "Currency"), (7, "Stage")]
    won = Deal.objects.get(name="Won")
    assert (won.status, won.closed_at.date().isoformat()) == ("won", "2024-03-01")
    assert set(Deal.objects.values_list("name", "status")) == {("Open", "open"), ("Won", "won"), ("Won too", "won")}


def test_tasks_about_records(people):
    deal = create_deal({"name": "Big one"}, actor=people.owner)
    job = bring_in("tasks", [["Subject", "Due date", "Deal"], ["Call", "31.12.2026", "big one"]], people.owner)
    assert (job.good, reasons(job)) == (1, [])
    task = Task.objects.get()
    deal.refresh_from_db()
    assert (task.deal, task.due_on.isoformat(), deal.next_step) == (deal, "2026-12-31", "Call")


# ---- rights ----


def test_only_who_may_add(people):
    with pytest.raises(ValidationError):
        upload("contacts", [["Last name"], ["Berg"]], people.viewer)


def test_rights_are_those_of_the_moment(people):
    job = check(upload("contacts", [["Last name"], ["Berg"]], people.owner), people.owner)
    role = people.owner.role
    role.grants["contacts_contact"]["add"] = "none"
    role.save(update_fields=["grants"])
    done = worked(services.start(job))
    assert (done.state, done.error, Contact.objects.count()) == ("failed", "You may no longer add records of this kind.", 0)


def test_own_imports_and_all_for_admins(people):
    job = upload("contacts", [["Last name"], ["Berg"]], people.owner)
    assert ImportJob.objects.visible_to(people.owner).get() == job
    assert ImportJob.objects.visible_to(people.admin).get() == job
    assert not ImportJob.objects.visible_to(people.manager)


def test_too_large(people, monkeypatch):
    monkeypatch.setattr(services, "LARGEST", 10)
    with pytest.raises(ValidationError, match="larger than"):
        services.begin(record_for("contacts"), SimpleUploadedFile("a.csv", b"Name\nZebrafinch\n"), actor=people.owner)


# ---- undo ----


def test_undo_keeps_what_was_touched_since(people):
    names = ["untouched", "changed", "noted", "planned", "tagged", "dealt"]
    job = bring_in("contacts", [["Last name", "Company"], *[[name, f"{name} Ltd"] for name in names]], people.owner)
    made = {obj.last_name: obj for obj in Contact.objects.all()}
    record_for("contacts").update(made["changed"], {"city": "Wien"}, actor=people.owner)
    add_note(made["noted"], body="Hello", actor=people.owner)
    create_task({"title": "Call", "contact": made["planned"]}, actor=people.owner)
    add_tags(Contact, [made["tagged"].pk], tags_named(["VIP"]), actor=people.owner)
    create_deal({"name": "Deal", "contact": made["dealt"]}, actor=people.owner)
    job = worked(services.undo(job, actor=people.owner))
    assert job.state == "undone"
    assert {obj.last_name for obj in Contact.objects.alive()} == set(names) - {"untouched"}
    assert {obj.name for obj in Company.objects.alive()} == {f"{name} Ltd" for name in names if name != "untouched"}, "companies go with their people"
    assert (job.undone, job.kept) == (2, 10)
    restored = restore_group(job.deletion_group, actor=people.owner, models_with_bin=[Contact, Company])
    assert restored == 2


def test_undo_needs_a_right_to_delete_and_reaches_all_that_was_made(people):
    job = bring_in("contacts", [["Last name", "Owner"], ["Mine", ""], ["Theirs", people.teammate.email]], people.owner)
    agent = bring_in("contacts", [["Last name"], ["Agent's"]], people.agent)
    assert not services.can_undo(agent, people.agent)
    assert services.can_undo(agent, people.admin)
    job = worked(services.undo(job, actor=people.owner))
    assert (job.undone, job.kept) == (2, 0), "what one gave to a colleague by mistake can be taken back"
    assert set(Contact.objects.exclude(last_name="Agent's").values_list("deleted_by", flat=True)) == {people.owner.pk}
    assert not services.can_undo(job, people.owner)


def test_parents_made_by_the_same_import_go_too(people):
    first = bring_in("companies", [["Name"], ["Mother"]], people.owner)
    second = bring_in("companies", [["Name", "Parent company"], ["Daughter", "Mother"]], people.owner)
    assert worked(services.undo(first, actor=people.owner)).kept == 1, "a daughter hangs on it"
    assert worked(services.undo(second, actor=people.owner)).undone == 1


def test_a_row_that_the_database_refuses_is_found_among_the_others(people, monkeypatch):
    from django.db import IntegrityError

    from contacts import imports

    def create(rows, *, actor):
        if any(row["last_name"] == "Bad" for row in rows):
            raise IntegrityError("no")
        return imports.create_contacts(rows, actor=actor)

    record = record_for("contacts")
    monkeypatch.setattr("crm.core.imports.chunks._one_by_one", lambda record: create)
    import dataclasses

    bare = dataclasses.replace(record, importing=dataclasses.replace(record.importing, create=None))
    monkeypatch.setattr("crm.core.imports.plan.record_for", lambda slug: bare if slug == "contacts" else record_for(slug))
    job = bring_in("contacts", [["Last name"], *[[name] for name in ("A", "B", "Bad", "C", "D")]], people.owner)
    assert {obj.last_name for obj in Contact.objects.all()} == {"A", "B", "C", "D"}
    assert reasons(job) == [(4, "", "The database refuses this row.")]


def test_without_a_set_based_service_rows_are_made_one_by_one(people, monkeypatch):
    import dataclasses

    record = record_for("contacts")
    bare = dataclasses.replace(record, importing=dataclasses.replace(record.importing, create=None))
    monkeypatch.setattr("crm.core.imports.plan.record_for", lambda slug: bare if slug == "contacts" else record_for(slug))
    job = bring_in("contacts", [HEAD, ["A", "B", ""], ["C", "D", "nothing"], ["E", "F", ""]], people.owner)
    assert (job.good, job.bad, [line for line, _column, _reason in reasons(job)]) == (2, 1, [3])
    assert text_of([HEAD]) and Contact.objects.count() == 2
