"""Every address that is not a record type's own: who may come in, derived from a rule per kind. An address without a rule fails the build."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from activities.services import Recipient, add_comment, add_files, add_item, add_note, create_task, keep_upload, notify, send_mail, unsubscribe_token
from activities.services.reminders import link_url
from contacts.models import RelationshipType
from contacts.services import add_employment, add_relationship
from crm.core.bulk.actions import TagForm
from crm.core.bulk.selection import Chosen
from crm.core.bulk.services import change_now
from crm.core.imports import services
from crm.core.records import record_for, record_types
from leads.models import Submission
from leads.services import update_lead
from tests.contract.matrix import METHODS, allowed, granted, routes, writes_so_far
from tests.contract.samples import SAMPLES
from tests.factories import cast

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
PEOPLE = ("owner", "teammate", "manager", "stranger", "viewer", "agent", "admin")
GENERIC = {
    "list",
    "new",
    "import",
    "detail",
    "viewers",
    "edit",
    "delete",
    "bulk",
    "export",
    "views",
    "view",
    "look",
    "menu",
    "peek",
    "previous",
    "next",
    "neighbours",
    "cell",
    "field",
    "rows",
}

OPEN = {  # anybody may ask; reviewed one by one
    "forms:form", "forms:thanks", "setup", "invitation", "logo", "guest", "calendar:feed", "reminder-link", "unsubscribe", "unsubscribe-nowhere",
}  # fmt: skip
SIGNED_IN = {  # everybody who is signed in, over what they may see
    "search", "recent", "pick", "bin", "bulk-jobs", "exports", "imports", "today", "calendar:page", "calendar:feed_page", "reports:index", "reports:report", "reports:build", "reports:records", "notifications:list",
    "notifications:poll", "notifications:read", "notifications:settings", "calls:lists", "profile", "profile-theme", "user-photo", "view-as-stop",
}  # fmt: skip
ON_RECORD = {  # (record type, action) that the row must allow
    "deals:move": ("deals", "change"),
    "deals:lost": ("deals", "change"),
    "leads:status": ("leads", "change"),
    "leads:convert": ("leads", "change"),
    "leads:consent": ("leads", "view"),
    "leads:matches": ("leads", "view"),
    "leads:unconvert": ("leads", "change"),
    "contacts:vcard": ("contacts", "export"),
    "contacts:consent": ("contacts", "view"),
    "contacts:left": ("contacts", "change"),
    "contacts:role_new": ("contacts", "change"),
    "contacts:role_edit": ("contacts", "change"),
    "contacts:role_delete": ("contacts", "change"),
    "contacts:role_end": ("contacts", "change"),
    "contacts:role_primary": ("contacts", "change"),
    "contacts:relationship_new": ("contacts", "change"),
    "contacts:relationship_delete": ("contacts", "change"),
    "companies:person_new": ("companies", "view"),
    "tasks:complete": ("tasks", "change"),
    "tasks:reopen": ("tasks", "change"),
    "tasks:snooze": ("tasks", "change"),
    "calendar:move": ("tasks", "change"),
    "tasks:repeat": ("tasks", "change"),
    "tasks:skip": ("tasks", "delete"),
    "tasks:items": ("tasks", "change"),
    "tasks:item": ("tasks", "change"),
    "meetings:free_for": ("meetings", "change"),
    "activities:timeline": ("leads", "view"),
    "activities:follow": ("leads", "view"),
    "activities:timeline_filter": ("leads", "view"),
    "activities:mail": ("leads", "view"),
    "activities:files": ("leads", "view"),
    "activities:file": ("leads", "view"),
    "activities:file_picture": ("leads", "view"),
    "activities:file_delete": ("leads", "change"),
}
OWN = {
    "bin-restore",
    "bulk-job",
    "bulk-problems",
    "bulk-undo",
    "export-file",
    "import-job",
    "import-problems",
    "notifications:open",
    "notifications:read_one",
    "activities:edit",
    "activities:delete",
    "activities:restore",
    "activities:take_back",
    "calls:list",
    "activities:comment_delete",
    "activities:comment_restore",
    "activities:mention_done",
    "activities:mention_reopen",
    "calendar:import_preview",
}  # one's own rows; 404 for everybody else
OTHERS = {
    "deals:board": ("deals", "view"),
    "calendar:import": ("meetings", "add"),
    "meetings:free": ("meetings", "add"),
    "capture": ("tasks", "add"),
    "focus": ("tasks", "view"),
    "team": ("tasks", "view"),
}  # a grant on the record type as a whole
WRITES_ON = {
    "activities:compose": "leads",
    "activities:write_mail": "leads",
    "activities:files_new": "leads",
    "activities:comments": "leads",
    "activities:pin": "leads",
}  # a record that one sees, and the grant to add tasks


def names():
    slugs = {record.slug for record in record_types()}
    for text, name, _callback in routes():
        namespace, _colon, last = name.rpartition(":")
        if text.startswith(("accounts/", "admin/")) or (namespace in slugs and last in GENERIC):
            continue  # allauth's and Django's own pages; the record matrix
        yield text, name


def rule(text, name):
    if text.startswith("settings/"):
        return "admin"
    for kind, members in (("open", OPEN), ("signed in", SIGNED_IN), ("record", ON_RECORD), ("own", OWN), ("grant", OTHERS), ("entry", WRITES_ON)):
        if name in members:
            return kind
    return None


def test_every_address_has_a_rule():
    missing = [(text, name) for text, name in names() if rule(text, name) is None]
    assert not missing, f"say in this file who may open: {missing}"


def tag_form(user):
    form = TagForm(QueryDict("tags=Fair"), user=user)
    assert form.is_valid()
    return form


class World:
    def __init__(self):
        self.people = cast()
        self.rows = {slug: SAMPLES[slug].make(self.people.owner, "Zebrafinch") for slug in ("companies", "deals", "leads", "contacts", "tasks", "meetings")}
        self.labels = {record.slug: record.model_label for record in record_types()}
        role = add_employment(self.rows["contacts"], {"company": self.rows["companies"]}, actor=self.people.owner)
        other = SAMPLES["contacts"].make(self.people.owner, "Zebrakin")
        tie = add_relationship(self.rows["contacts"], other, RelationshipType.objects.first(), actor=self.people.owner)
        self.parts = {"role": role.pk, "relationship": tie.pk}
        self.file = add_files(self.rows["leads"], [SimpleUploadedFile("a.png", PNG)], actor=self.people.owner)[0]
        self.item = add_item(self.rows["tasks"], text="Zebrastep", actor=self.people.owner)
        self.note = add_note(self.rows["leads"], body="Wombatnote", actor=self.people.owner)
        self.comment = add_comment(self.note, body="Wombatword", actor=self.people.owner)
        lead = update_lead(self.rows["leads"], {"email": "zebra@finch.example"}, actor=self.people.owner)
        self.mail = send_mail(lead, to="zebra@finch.example", subject="Hello", text="Wombatmail", actor=self.people.owner)
        self.job = services.begin(record_for("contacts"), SimpleUploadedFile("a.csv", b"Name\nZebrafinch\n"), actor=self.people.owner)
        leads = record_for("leads")
        self.change = change_now(leads, leads.bulk_action("tag"), Chosen([lead.pk], 1), tag_form(self.people.owner), actor=self.people.owner)
        self.upload = keep_upload("a.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", actor=self.people.owner)
        self.notification = notify(self.people.owner, "system", "Hello", "/")

    def client(self, who):
        client = Client()
        if who:
            client.force_login(getattr(self.people, who))
        return client

    def url(self, name):
        if name in ("activities:mail", "activities:take_back"):
            return reverse(name, args=[self.mail.pk])
        if name.startswith("activities:file") and not name.startswith("activities:files"):
            return reverse(name, args=[self.file.pk])
        part = self.parts.get(name.partition(":")[2].partition("_")[0])
        if part is not None and not name.endswith("_new"):
            return reverse(name, args=[self.rows["contacts"].pk, part])
        if name in ("activities:comments", "activities:pin"):
            return reverse(name, args=[self.note.pk])
        if name in ("activities:comment_delete", "activities:comment_restore"):
            return reverse(name, args=[self.comment.pk])
        guesses = [
            [],
            [1],
            ["contact"],
            [uuid.uuid4()],
            ["tags"],
            ["tags", 1],
            ["x" * 20],
            ["leads", self.rows["leads"].pk, "note"],
            ["leads", self.rows["leads"].pk],
            ["pipeline"],
        ]
        if name in ON_RECORD or name in WRITES_ON:
            slug = WRITES_ON.get(name) or ON_RECORD[name][0]
            pk = self.rows[slug].pk
            guesses = [[slug, pk, "note"], [slug, pk]] if name.startswith("activities:") else [[pk], [pk, self.item.pk], ["task", pk]]
        if name in OWN and name.startswith("activities"):
            guesses.insert(0, [self.note.pk])
        if name.startswith("import-"):
            guesses.insert(0, [self.job.pk])
        if name.startswith("bulk-"):
            guesses.insert(0, [self.change.pk])
            guesses.append([])
        if name == "calendar:import_preview":
            guesses.insert(0, [self.upload.pk])
        if name in ("notifications:open", "notifications:read_one"):
            guesses.insert(0, [self.notification.pk])
        for arguments in guesses:
            try:
                return reverse(name, args=arguments)
            except NoReverseMatch:
                continue
        raise AssertionError(f"no address for {name}")


@pytest.fixture
def world():
    return World()


def quiet(client, method, url):
    before = writes_so_far()
    response = getattr(client, method)(url)
    assert writes_so_far() == before, f"{method} {url} answered {response.status_code} and wrote"
    return response


@pytest.mark.parametrize("method", METHODS)
def test_anonymous_people_get_no_further_than_sign_in(world, method):
    client = world.client(None)
    for text, name in names():
        if rule(text, name) != "open":
            response = quiet(client, method, world.url(name))
            assert response.status_code == 302, (method, text)
            assert response["Location"].startswith("/accounts/login/"), (method, text)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("who", ["owner", "manager", "viewer", "agent"])
def test_settings_are_for_admins(world, who, method):
    client = world.client(who)
    for text, name in names():
        if rule(text, name) == "admin":
            assert quiet(client, method, world.url(name)).status_code in (403, 405), (method, text)


@pytest.mark.parametrize("who", PEOPLE)
def test_actions_on_records_need_the_row(world, who):
    client, user = world.client(who), getattr(world.people, who)
    for name, (slug, action) in ON_RECORD.items():
        row, label = world.rows[slug], world.labels[slug]
        if allowed(user, action, row, label):
            assert client.get(world.url(name)).status_code in (200, 302, 405), name
            continue
        seen = allowed(user, "view", row, label)
        assert quiet(client, "post", world.url(name)).status_code in {403 if seen else 404, 405}, (name, who)
        # Asking for a form that one may not send leads back to the record, or is refused.
        assert quiet(client, "get", world.url(name)).status_code in ({403, 405, 302} if seen else {404, 405}), (name, who)


@pytest.mark.parametrize("who", PEOPLE)
def test_entries_need_sight_and_the_grant(world, who):
    client, user = world.client(who), getattr(world.people, who)
    seen = allowed(user, "view", world.rows["leads"], world.labels["leads"])
    for name in WRITES_ON:
        expected = 404 if not seen else 422 if granted(user, "add", "activities.task") else 403
        assert quiet(client, "post", world.url(name)).status_code == expected, who


@pytest.mark.parametrize("who", ["teammate", "stranger", "viewer"])
def test_own_things_are_nobody_elses(world, who):
    client = world.client(who)
    for name in OWN:
        for method in METHODS:
            assert quiet(client, method, world.url(name)).status_code in (403, 404, 405), (name, method)


@pytest.mark.parametrize("who", PEOPLE)
def test_pages_for_all_open_for_all(world, who):
    client = world.client(who)
    for text, name in names():
        if rule(text, name) == "signed in":
            assert client.get(world.url(name)).status_code in (200, 204, 400, 404, 405), (text, who)
    for name, (slug, action) in OTHERS.items():
        may = granted(getattr(world.people, who), action, world.labels[slug])
        assert client.get(world.url(name)).status_code == (200 if may else 403), (name, who)


@pytest.mark.parametrize("who", [None, *PEOPLE])
def test_a_reminders_link_shows_before_it_writes_and_dies_with_its_user(world, who):
    task = create_task({"title": "Zebracall", "due_at": timezone.now()}, actor=world.people.owner)
    url, client = urlsplit(link_url(task.reminders.get())).path, world.client(who)
    for method, status in (("get", 200), ("head", 200), ("post", 422), ("put", 405), ("delete", 405)):  # a post without an answer
        assert quiet(client, method, url).status_code == status, method
    type(world.people.owner).objects.filter(pk=world.people.owner.pk).update(is_active=False)
    for method in METHODS:
        assert quiet(world.client(None), method, url).status_code == 410, method


@pytest.mark.parametrize("who", [None, *PEOPLE])
def test_the_link_to_unsubscribe_needs_nobody_and_only_a_post_writes(world, who):
    lead, client = world.rows["leads"], world.client(who)
    url = reverse("unsubscribe", args=[unsubscribe_token(Recipient("lead", lead.pk, "zebra@finch.example"))])
    for method, status in (("get", 200), ("head", 200), ("put", 405), ("patch", 405), ("delete", 405)):
        assert quiet(client, method, url).status_code == status, method
    assert client.post(url).status_code == 200
    assert type(lead).objects.get(pk=lead.pk).refused == {"email"}
    assert quiet(client, "post", url).status_code == 200  # a second time changes nothing
    for wrong in (url[:-2] + "/", url.replace("/unsubscribe/", "/unsubscribe/x"), reverse("unsubscribe-nowhere")):
        for method in ("get", "head", "post"):
            assert quiet(client, method, wrong).status_code == 404, (method, wrong)


def test_a_note_stays_with_those_who_see_its_record(world):
    url = world.rows["leads"].get_absolute_url()
    assert "Wombatnote" in world.client("teammate").get(url).content.decode()
    assert world.client("stranger").get(url).status_code == 404
    assert not Submission.objects.exists()
