"""Every record type of crm/wiring.py goes in from a file and comes out again, by being registered: nothing here names its columns but the sample."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from crm.core.imports import services
from crm.core.imports.targets import guess, targets_of
from crm.core.records import record_types
from tests.contract.samples import SAMPLES
from tests.factories import cast
from tests.imports.files import bring_in, check, reasons, upload, worked

pytestmark = pytest.mark.django_db
RECORDS = {record.slug: record for record in record_types()}
every_type = pytest.mark.parametrize("slug", RECORDS)


def rows_for(slug, names):
    """A file from the form post of the access matrix: headings are the labels of the form, cells are what a person would type."""
    record, people = RECORDS[slug], cast()
    posts = [SAMPLES[slug].post(name) for name in names]
    targets = targets_of(record, people.owner)
    keys = [key for key in posts[0] if key in targets and key != "stage"]
    return people, [[targets[key].label for key in keys], *([post[key] for key in keys] for post in posts)]


@every_type
def test_in_and_out_again(slug):
    people, rows = rows_for(slug, ["Zebrafinch", "Quokkabear", "Wombat"])
    record, sample = RECORDS[slug], SAMPLES[slug]
    job = bring_in(slug, rows, people.owner)
    assert (job.state, job.good, job.bad, job.same, reasons(job)) == ("done", 3, 0, 0, [])
    made = record.model._base_manager.order_by("pk")
    assert [getattr(obj, sample.name_field) for obj in made] == ["Zebrafinch", "Quokkabear", "Wombat"]
    assert {obj.owner_id for obj in made} == {people.owner.pk}
    changed = made[1]
    record.update(changed, {sample.name_field: "Numbat"}, actor=people.owner)
    job = worked(services.undo(job, actor=people.owner))
    assert (job.state, job.undone, job.kept) == ("undone", 2, 1)
    assert {obj.deletion_group for obj in made.exclude(pk=changed.pk)} == {job.deletion_group}
    assert made.get(pk=changed.pk).deleted_at is None


@every_type
def test_the_rules_are_those_of_the_form(slug):
    """An empty name is refused by every form; here it is refused with its line, and the rows around it are fine."""
    people, rows = rows_for(slug, ["Zebrafinch", "", "Wombat"])
    job = check(upload(slug, rows, people.owner), people.owner)
    # A row that is empty altogether is no row; tasks and meetings have other cells filled in.
    refused = [line for line, _column, _reason in reasons(job)]
    filled = sum(any(cell for cell in row) for row in rows[1:])
    assert (job.good, job.bad, refused) == (2, filled - 2, [3] * (filled - 2))
    assert not RECORDS[slug].model._base_manager.exists()
    client = Client()
    client.force_login(people.owner)
    if filled == 3:
        form = client.post(RECORDS[slug].url("new"), SAMPLES[slug].post(""))
        assert form.status_code == 422


@every_type
@pytest.mark.parametrize("language", ["en", "de"])
def test_our_own_labels_are_recognised(slug, language):
    people, record = cast(), RECORDS[slug]
    with translation.override(language):
        headings = [target.label for target in targets_of(record, people.owner).values()]
    targets = targets_of(record, people.owner)
    assert [guess(record, targets, [heading], []).get("0") for heading in headings] == list(targets)
