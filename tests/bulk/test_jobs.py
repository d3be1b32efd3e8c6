"""Large bulk changes in the worker: fixed ids, rights, refusals, cancel, undo, one job for two clicks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from activities.models import Activity, Notification, Reminder, Task
from activities.services import complete_task, create_task
from contacts.models import Company
from contacts.services import create_companies
from crm.core import housekeeping, jobs, outbox
from crm.core.bulk import services, work
from crm.core.models import BulkChunk, BulkEntry, BulkJob, Delivery, ImportJob, OutboxEvent, Source, Tag
from crm.core.writes import change_records
from deals.models import Deal, LostReason, StageChange
from deals.services import create_deals, update_deal
from leads.models import Lead, LeadStatus
from leads.services import create_leads, update_lead
from mail.models import OutgoingMail
from tests.bulk.helpers import begin, change_all, undone, worked
from users.models import User

pytestmark = pytest.mark.django_db


def leads(actor, number=20, **more):
    return create_leads([{"last_name": f"Lead {n}", **more} for n in range(number)], actor=actor)


def snapshot(model=Lead):
    names = [field.attname for field in model._meta.concrete_fields if field.name not in ("version", "updated_at")]
    return {row["id"]: row for row in model._base_manager.order_by("pk").values(*names)}


def counts(job):
    return job.rows, job.changed, job.same, job.skipped, job.bad


def test_what_is_filtered_by_may_change_and_no_row_is_lost(people):
    leads(people.owner)
    before = snapshot()
    job = change_all("leads", "assign", people.manager, f"owner={people.owner.pk}", owner=people.teammate.pk)
    assert (job.state, counts(job)) == ("done", (20, 20, 0, 0, 0)), job.error
    assert job.chunks.count() == 5
    assert set(Lead.objects.values_list("owner", flat=True)) == {people.teammate.pk}
    assert OutboxEvent.objects.filter(name="leads.lead.assigned").count() == 5  # one per chunk
    assert Activity.objects.filter(verb="changed").count() == 20
    assert Lead.objects.first().events.filter(pgh_context__metadata__bulk_job=job.pk, pgh_context__metadata__user=people.manager.pk).count() == 1
    back = undone(job, people.manager)
    assert (back.state, back.undone, back.kept) == ("undone", 20, 0), back.error
    assert snapshot() == before
    assert not services.can_undo(back, people.manager)


def test_in_turn_among_a_team_or_some_people(people):
    leads(people.owner, 21)
    job = change_all("leads", "assign", people.admin, team=people.team.pk)
    owners = [Lead.objects.filter(owner=each).count() for each in (people.owner, people.teammate, people.viewer, people.agent)]
    assert (job.state, sum(owners), max(owners) - min(owners)) == ("done", 21, 1)
    job = change_all("leads", "assign", people.admin, people=f"{people.stranger.email}, Tom Teammate\n{people.teammate.email}")
    assert (Lead.objects.filter(owner=people.stranger).count(), Lead.objects.filter(owner=people.teammate).count()) == (11, 10)
    assert set(Lead.objects.filter(owner=people.stranger).values_list("team", flat=True)) == {people.other_team.pk}


def test_the_new_owner_hears_of_it_once(people, django_capture_on_commit_callbacks):
    leads(people.owner, 30)
    with django_capture_on_commit_callbacks(execute=False):
        job = change_all("leads", "assign", people.manager, owner=people.teammate.pk)
    for pk in Delivery.objects.values_list("pk", flat=True):
        assert outbox.deliver(pk)
    mail = OutgoingMail.objects.get(key__startswith="assigned:")
    assert (mail.to_address, mail.subject) == (people.teammate.email, "30 leads assigned to you")
    assert "Lead 1" not in mail.text
    assert [(each.user, each.url) for each in Notification.objects.filter(kind="assigned")] == [(people.teammate, "/leads/?owner=me")]
    assert Notification.objects.get(user=people.manager).url == f"/bulk/{job.pk}/"


def test_rows_out_of_reach_are_skipped_and_the_rights_are_those_of_now(people):
    mine = leads(people.owner, 10)
    leads(people.teammate, 10)
    job = change_all("leads", "tag", people.owner, tags="Fair")
    assert counts(job) == (20, 10, 0, 10, 0)
    assert set(Lead.objects.filter(tags__name="Fair")) == set(mine)
    job = begin("leads", "tag", people.manager, tags="VIP")
    work.collect(job)
    job.refresh_from_db()
    assert work.change_some(job)
    User.objects.filter(pk=people.manager.pk).update(is_active=False)
    job = worked(job)
    assert (job.state, job.changed, bool(job.error)) == ("failed", 4, True)
    assert Lead.objects.filter(tags__name="VIP").count() == 4


def test_a_new_owner_who_leaves_meanwhile_stops_it(people):
    leads(people.owner)
    job = begin("leads", "assign", people.manager, owner=people.teammate.pk)
    work.collect(job)
    job.refresh_from_db()
    work.change_some(job)
    User.objects.filter(pk=people.teammate.pk).update(is_active=False)
    job = worked(job)
    assert (job.state, job.changed) == ("failed", 4)
    assert undone(job, people.manager).undone == 4


def test_rows_that_a_rule_refuses_are_left_and_reported(people):
    rows = leads(people.owner, 12)
    Lead.objects.filter(pk__in=[rows[3].pk, rows[7].pk]).update(email="nothing")
    job = change_all("leads", "fields", people.owner, city="Wien")
    assert counts(job) == (12, 10, 0, 0, 2)
    assert {(each.subject_id, each.reason.startswith("E-mail: ")) for each in job.problems.all()} == {(rows[3].pk, True), (rows[7].pk, True)}
    assert Lead.objects.filter(city="Wien").count() == 10
    # Out of the actor's sight afterwards: refused as well, one by one.
    job = change_all("leads", "assign", people.owner, owner=people.stranger.pk)
    assert (counts(job)[1], counts(job)[4]) == (0, 12)
    assert set(Lead.objects.values_list("owner", flat=True)) == {people.owner.pk}


def test_undo_leaves_alone_what_somebody_has_changed_since(people):
    rows = leads(people.owner, 10)
    job = change_all("leads", "fields", people.owner, city="Wien", source=Source.objects.create(name="Fair", key="fair").pk)
    update_lead(Lead.objects.get(pk=rows[4].pk), {"job_title": "CEO"}, actor=people.teammate)
    Lead.objects.filter(pk=rows[5].pk).update(deleted_at=timezone.now())
    back = undone(job, people.owner)
    assert (back.undone, back.kept) == (8, 2)
    assert set(back.problems.filter(undoing=True).values_list("subject_id", flat=True)) == {rows[4].pk, rows[5].pk}
    assert set(Lead.objects.filter(city="Wien").values_list("pk", flat=True)) == {rows[4].pk, rows[5].pk}
    assert set(Lead.objects.alive().exclude(pk=rows[4].pk).values_list("source", "score")) == {(None, 0)}


def test_tasks_follow_the_owner_and_come_back_each_to_its_own(people):
    rows = leads(people.owner, 6)
    for row in rows:
        create_task({"title": "Own", "lead": row, "due_on": timezone.localdate() + timezone.timedelta(days=3)}, actor=people.owner)
    create_task({"title": "Theirs", "lead": rows[0], "owner": people.teammate}, actor=None)
    before = snapshot(Task)
    job = change_all("leads", "assign", people.manager, owner=people.teammate.pk)
    assert Task.objects.filter(owner=people.teammate).count() == 7
    assert Reminder.objects.filter(user=people.teammate, cancelled_at=None).count() == 6
    undone(job, people.manager)
    assert snapshot(Task) == before
    assert set(Reminder.objects.filter(cancelled_at=None).values_list("user", flat=True)) == {people.owner.pk}


def test_statuses(people):
    rows = leads(people.owner, 9)
    lost = LeadStatus.objects.get(kind="disqualified")
    update_lead(rows[0], {"status": lost, "disqualified_reason": "Budget"}, actor=people.owner)
    before = snapshot()
    job = change_all("leads", "status", people.owner, status=LeadStatus.objects.filter(kind="working").first().pk)
    assert job.changed == 9
    assert set(Lead.objects.values_list("disqualified_reason", flat=True)) == {""}
    undone(job, people.owner)
    assert snapshot() == before
    assert OutboxEvent.objects.filter(name="leads.status_changed").count() == 1 + 3 + 4  # there, and back by status and reason
    assert Activity.objects.filter(verb="status", lead=rows[0]).count() == 3


def test_deals_move_and_move_back(people):
    deals = create_deals([{"name": f"Deal {n}", "amount": n} for n in range(9)], actor=people.owner)
    pipeline = deals[0].pipeline
    update_deal(deals[0], {"stage": pipeline.stages.get(kind="won")}, actor=people.owner)
    before = snapshot(Deal)
    reason = LostReason.objects.first()
    job = change_all("deals", "move", people.owner, stage=pipeline.stages.get(kind="lost").pk, lost_reason=reason.pk)
    assert (job.changed, set(Deal.objects.values_list("status", flat=True))) == (9, {"lost"})
    undone(job, people.owner)
    assert snapshot(Deal) == before
    assert StageChange.objects.filter(deal=deals[0]).count() == 4  # made, won, lost, won again


def test_a_close_date_that_is_put_off_counts_as_a_push_and_undo_takes_it_back(people):
    day = timezone.localdate()
    create_deals([{"name": f"Deal {n}", "close_date": day + timezone.timedelta(days=n * 10)} for n in range(5)], actor=people.owner)
    before = snapshot(Deal)
    job = change_all("deals", "fields", people.owner, close_date=(day + timezone.timedelta(days=20)).isoformat(), amount="50.25")
    assert list(Deal.objects.order_by("pk").values_list("close_date_pushes", flat=True)) == [1, 1, 0, 0, 0]
    assert set(Deal.objects.values_list("amount_home", flat=True)) == {Decimal("50.25")}
    undone(job, people.owner)
    assert snapshot(Deal) == before


def test_tags_on_and_off_and_back(people):
    rows = leads(people.owner, 6, tags=["Old"])
    job = change_all("leads", "tag", people.owner, tags="New, Old", remove="Old2")
    assert counts(job) == (6, 6, 0, 0, 0)
    job = change_all("leads", "tag", people.owner, tags="Third", remove="Old, Nothing")
    rows[0].tags.add(Tag.objects.create(name="Between", key="between"))
    undone(job, people.owner)
    assert {tag.name for tag in rows[0].tags.all()} == {"Old", "New", "Between"}
    assert {tag.name for tag in rows[1].tags.all()} == {"Old", "New"}


def test_a_task_for_each(people):
    rows = leads(people.owner, 5) + leads(people.teammate, 2)
    job = change_all("leads", "task", people.owner, title="Call", kind="call", due_on="2031-01-02")
    assert (job.state, counts(job)) == ("done", (7, 7, 0, 0, 0)), job.error
    assert Task.objects.filter(owner=people.teammate).count() == 2
    assert set(Lead.objects.values_list("next_step", flat=True)) == {"Call"}
    complete_task(Task.objects.get(lead=rows[0]), actor=people.owner)
    back = undone(job, people.owner)
    assert (back.undone, back.kept) == (6, 1)
    assert Task.objects.alive().get().done_at is not None
    assert set(Lead.objects.values_list("next_step", flat=True)) == {""}


def test_tasks_done_and_shifted_are_as_they_were(people):
    rows = [create_task({"title": f"Task {n}", "due_on": timezone.localdate() + timezone.timedelta(days=n)}, actor=people.owner) for n in range(6)]
    before, planned = snapshot(Task), Reminder.objects.filter(cancelled_at=None).count()
    undone(change_all("tasks", "shift", people.owner, days=30), people.owner)
    assert snapshot(Task) == before
    undone(change_all("tasks", "complete", people.owner), people.owner)
    assert snapshot(Task) == before
    assert Reminder.objects.filter(cancelled_at=None).count() == planned
    assert not Activity.objects.filter(task__in=rows, verb="done", deleted_at=None).exists()


def test_delete_is_one_group_that_comes_back(people):
    rows = leads(people.owner, 9)
    create_task({"title": "Call", "lead": rows[0]}, actor=people.owner)
    before = snapshot()
    job = change_all("leads", "delete", people.owner)
    assert counts(job) == (9, 9, 0, 0, 0)
    assert set(Lead.objects.values_list("deletion_group", flat=True)) == {job.deletion_group} == set(Task.objects.values_list("deletion_group", flat=True))
    assert undone(job, people.owner).undone == 9
    assert snapshot() == before
    assert Task.objects.alive().count() == 1


def test_a_failed_rule_in_the_middle_of_a_service_is_found_by_halving(people, monkeypatch):
    create_companies([{"name": f"Company {n}"} for n in range(9)], actor=people.owner)
    bad = Company.objects.order_by("pk")[5]
    from django.core.exceptions import ValidationError

    def run(ids, *, actor, data):
        if bad.pk in ids:
            raise ValidationError("Not this one")
        return change_records(Company, ids, {"city": "Wien"}, actor=actor)

    from dataclasses import replace

    from crm.core.records import record_for

    record = record_for("companies")
    action = replace(record.bulk_action("delete"), run=run, permission="change")
    monkeypatch.setattr(type(record), "bulk_action", lambda self, name: action)
    job = change_all("companies", "delete", people.owner)
    assert counts(job) == (9, 8, 0, 0, 1)
    assert job.problems.get().reason == "Not this one"


def test_cancel_stops_after_the_chunk_and_can_be_undone(people):
    leads(people.owner)
    job = begin("leads", "tag", people.owner, tags="Fair")
    work.collect(job)
    job.refresh_from_db()
    work.change_some(job)
    services.cancel(job)
    job = worked(job)
    assert (job.state, job.changed, Lead.objects.filter(tags__name="Fair").count()) == ("cancelled", 4, 4)
    back = undone(job, people.owner)
    assert (back.state, back.undone) == ("undone", 4)
    assert not Lead.objects.filter(tags__name="Fair").exists()
    assert services.cancel(back).state == "undone"


def test_the_same_asked_twice_while_it_runs_is_one_job(people):
    leads(people.owner)
    first = begin("leads", "tag", people.owner, "owner=me", tags="Fair")
    assert begin("leads", "tag", people.owner, "owner=me", tags="Fair").pk == first.pk
    assert begin("leads", "tag", people.owner, "owner=me", tags="VIP").pk != first.pk
    assert begin("leads", "tag", people.owner, "", tags="Fair").pk != first.pk
    assert begin("leads", "tag", people.teammate, "owner=me", tags="Fair").pk != first.pk
    worked(first)
    assert begin("leads", "tag", people.owner, "owner=me", tags="Fair").pk != first.pk


def test_a_query_that_no_longer_means_anything_fails_and_says_so(people):
    leads(people.owner)
    status = LeadStatus.objects.create(name="Gone", kind="working", position=9)
    job = begin("leads", "tag", people.owner, f"status={status.pk}", tags="Fair")
    status.delete()
    job = worked(job)
    assert (job.state, bool(job.error), job.changed) == ("failed", True, 0)


def test_one_heavy_job_at_a_time_of_whatever_kind(people):
    leads(people.owner)
    job = begin("leads", "tag", people.owner, tags="Fair")
    other = ImportJob.objects.create(
        user=people.owner, record_slug="leads", state="running", lease_until=timezone.now() + jobs.LEASE, encoding="utf-8", delimiter=","
    )
    assert worked(job).state == "collecting"
    ImportJob.objects.filter(pk=other.pk).update(state="done")
    assert worked(job).state == "done"
    assert worked(job).changed == 20  # rung for once more: nothing is left to do


def test_what_does_not_get_on_is_given_up(people):
    leads(people.owner)
    job = begin("leads", "tag", people.owner, tags="Fair")
    for _killed in range(jobs.ATTEMPTS):
        assert jobs.claim(BulkJob, job.pk, work._fail) is not None
        BulkJob.objects.update(lease_until=timezone.now())
    assert jobs.claim(BulkJob, job.pk, work._fail) is None
    job.refresh_from_db()
    assert (job.state, bool(job.error)) == ("failed", True)


def test_the_database_refuses_to_note_the_same_chunk_twice(people):
    leads(people.owner, 3)
    job = change_all("leads", "tag", people.owner, tags="Fair")
    entry = BulkEntry.objects.get()
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        BulkEntry.objects.create(chunk=entry.chunk, label=entry.label, kind=entry.kind, rows={})
    with pytest.raises(IntegrityError), transaction.atomic():
        BulkChunk.objects.create(job=job, first=0, ids=[])


def test_undo_needs_somebody_with_the_grant(people):
    leads(people.owner, 3)
    job = change_all("leads", "tag", people.owner, tags="Fair")
    assert not services.can_undo(job, people.viewer)
    assert services.can_undo(job, people.admin)


def test_a_row_whose_old_link_is_gone_for_good_stays(people):
    old = Source.objects.create(name="Old fair", key="old fair")
    leads(people.owner, 3, source=old)
    job = change_all("leads", "fields", people.owner, empty="source")
    assert job.changed == 3
    old.delete()
    back = undone(job, people.owner)
    assert (back.undone, back.kept) == (0, 3)


def test_after_thirty_days_the_undo_goes_and_the_history_stays(people):
    leads(people.owner, 3)
    job = change_all("leads", "tag", people.owner, "owner=me", tags="Fair")
    BulkJob.objects.update(created_at=timezone.now() - timezone.timedelta(days=31))
    housekeeping.run()
    job.refresh_from_db()
    assert (job.state, job.changed, job.data, job.query, BulkEntry.objects.count()) == ("done", 3, {}, "", 0)
    assert not services.can_undo(job, people.owner)
