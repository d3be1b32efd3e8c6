"""The settings pages: for admins only, 422 with what was typed, one admin always stays."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from crm.core.models import Source, Tag
from crm.core.writes import StaleRecord
from mail.models import OutgoingMail
from tests.factories import make_role, make_team, make_user
from users import selectors, services
from users.models import Holiday, Invitation, Organisation, Role, Team, User

pytestmark = pytest.mark.django_db


def pages(people) -> list[str]:
    source = Source.objects.create(name="Fair", key="fair")
    invitation = services.invite_user(email="i@example.com", name="", role=people.owner.role, actor=people.admin)
    role = make_role("Extra")
    holiday = services.add_holiday(date(2030, 1, 1), "New year", actor=people.admin)
    return [
        "/settings/",
        "/settings/organisation/",
        "/settings/organisation/holidays/add/",
        f"/settings/organisation/holidays/{holiday.pk}/remove/",
        "/settings/users/",
        "/settings/users/invite/",
        f"/settings/users/{people.owner.pk}/edit/",
        f"/settings/users/{people.owner.pk}/deactivate/",
        f"/settings/users/{people.owner.pk}/reactivate/",
        f"/settings/users/{people.owner.pk}/end-sessions/",
        f"/settings/users/invitations/{invitation.pk}/resend/",
        f"/settings/users/invitations/{invitation.pk}/withdraw/",
        "/settings/teams/",
        "/settings/teams/new/",
        f"/settings/teams/{people.team.pk}/edit/",
        f"/settings/teams/{people.team.pk}/delete/",
        "/settings/roles/",
        "/settings/roles/new/",
        f"/settings/roles/{role.pk}/edit/",
        f"/settings/roles/{role.pk}/delete/",
        "/settings/mail/",
        "/settings/mail/test/",
        f"/settings/mail/{OutgoingMail.objects.latest('pk').pk}/retry/",
        "/settings/sources/",
        "/settings/sources/new/",
        f"/settings/sources/{source.pk}/edit/",
        f"/settings/sources/{source.pk}/delete/",
        f"/settings/sources/{source.pk}/move/",
        "/settings/tags/",
        "/settings/tags/new/",
    ]


def state() -> list:
    models = (User, Team, Role, Organisation, Holiday, Invitation, OutgoingMail, Source, Tag)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_only_admins_come_in(people, client: Client) -> None:
    addresses = pages(people)
    before = state()
    for person in (people.owner, people.teammate, people.manager, people.stranger, people.viewer, people.agent):
        client.force_login(person)
        person.refresh_from_db()
        before = state()  # force_login notes the time
        for address in addresses:
            assert client.get(address).status_code == 403, address
            assert client.post(address, {"name": "Evil", "email": "evil@example.com"}).status_code == 403, address
    assert state() == before
    client.logout()
    for address in addresses:
        response = client.post(address, {"name": "Evil"})
        assert response.status_code == 302 and response["Location"].startswith("/accounts/login/"), address
    assert client.get("/settings/nonsense/").status_code == 302


def test_every_page_opens_for_an_admin(people, admin: Client) -> None:
    for address in pages(people):
        response = admin.get(address)
        only_post = any(word in address for word in ("holidays/", "activate/", "end-sessions", "resend", "withdraw", "/test/", "/retry/", "/move/"))
        only_post = only_post and not address.endswith(f"{people.owner.pk}/deactivate/")
        assert response.status_code == (405 if only_post else 200), address
        if not only_post:
            assert "<h1" in response.content.decode()
    assert admin.get("/settings/nonsense/").status_code == 404
    assert admin.get("/settings/users/999999999999999999999/edit/").status_code == 404


def test_services_refuse_without_the_pages(people) -> None:
    manager = people.manager
    for call in (
        lambda: services.update_user(people.owner, {"role": Role.objects.get(slug="admin")}, actor=manager),
        lambda: services.deactivate_user(people.owner, None, actor=manager),
        lambda: services.reactivate_user(people.owner, actor=manager),
        lambda: services.create_role(name="x", actor=manager),
        lambda: services.update_role(manager.role, grants={}, actor=manager),
        lambda: services.update_organisation({"name": "x"}, actor=manager),
        lambda: services.update_mail_sender({"mail_from": "a@b.example"}, actor=manager),
        lambda: services.add_holiday(date(2030, 1, 1), "x", actor=manager),
        lambda: services.update_profile(people.owner, {"name": "x"}, actor=manager),
        lambda: services.create_user(email="x@example.com", name="x", role="rep", actor=manager),
        lambda: services.end_sessions(people.owner, actor=manager),
    ):
        with pytest.raises(PermissionDenied):
            call()


# ---- users ----


def test_edit_a_user(people, admin: Client) -> None:
    address = f"/settings/users/{people.owner.pk}/edit/"
    form = admin.get(address).context["form"]
    data = {
        "name": "Olive",
        "email": "Olive@Example.com",
        "role": Role.objects.get(slug="manager").pk,
        "team": people.other_team.pk,
        "version": form["version"].value(),
    }
    assert admin.post(address, data).status_code == 302
    user = User.objects.get(pk=people.owner.pk)
    assert (user.name, user.email, user.role.slug, user.team_scope) == ("Olive", "olive@example.com", "manager", [people.other_team.pk])
    fresh = Client()
    fresh.post("/accounts/login/", {"login": "olive@example.com", "password": "rapport-demo"})
    assert fresh.get("/profile/").status_code == 200
    stale = admin.post(address, {**data, "name": "Later"})
    assert stale.status_code == 409 and User.objects.get(pk=people.owner.pk).name == "Olive"
    assert admin.post(address, {**data, "name": "Later", "version": stale.context["form"].data["version"]}).status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "teammate@EXAMPLE.com"),
        ("email", "nonsense"),
        ("name", ""),
        ("name", "x" * 10_000),
        ("role", "999"),
        ("role", "x"),
        ("team", "10" * 20),
        ("name", "a\x00b"),
    ],
)
def test_bad_input_at_the_field(people, admin: Client, field: str, value: str) -> None:
    data = {"name": "Olive", "email": "olive@example.com", "role": people.owner.role.pk, "team": ""}
    response = admin.post(f"/settings/users/{people.owner.pk}/edit/", {**data, field: value})
    assert response.status_code == 422 and response.context["form"].errors[field]
    assert User.objects.get(pk=people.owner.pk).name == "Olivia Owner"


def test_one_admin_always_stays_and_nobody_demotes_themselves(people) -> None:
    rep = Role.objects.get(slug="rep")
    with pytest.raises(ValidationError):
        services.update_user(people.admin, {"role": rep}, actor=people.admin)
    with pytest.raises(ValidationError):
        services.deactivate_user(people.admin, people.owner, actor=people.admin)
    with pytest.raises(ValidationError):
        services.update_user(people.admin, {"role": rep}, actor=None)
    with pytest.raises(ValidationError):
        services.deactivate_user(people.admin, None, actor=None)
    second = make_user(role="admin")
    services.deactivate_user(people.admin, second, actor=second)
    assert list(selectors.active_admins()) == [second]


def test_deactivation_asks_hands_over_and_signs_out(people, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("users.services.deactivation.hooks", lambda name: [lambda user, successor, actor: seen.append((name, user.pk, successor.pk, actor.pk))])
    services.update_team(people.team, {"manager": people.owner}, actor=people.admin)
    theirs = Client()
    theirs.force_login(people.owner)
    address = f"/settings/users/{people.owner.pk}/deactivate/"
    page = admin.get(address)
    assert people.owner.pk not in {value for value, _label in page.context["form"].fields["successor"].choices if value}
    assert admin.post(address, {"successor": people.owner.pk}).status_code == 422
    assert admin.post(address, {"successor": people.teammate.pk}).status_code == 302
    assert seen == [("deactivate", people.owner.pk, people.teammate.pk, people.admin.pk)]
    assert theirs.get("/profile/").status_code == 302
    assert Team.objects.get(pk=people.team.pk).manager == people.teammate
    assert admin.post(address, {"successor": people.teammate.pk}).status_code == 422  # it is done already
    assert admin.post(f"/settings/users/{people.owner.pk}/reactivate/").status_code == 302
    assert User.objects.get(pk=people.owner.pk).is_active


def test_a_hook_that_fails_undoes_the_deactivation(people, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(user, successor, actor) -> None:
        raise RuntimeError

    monkeypatch.setattr("users.services.deactivation.hooks", lambda name: [fails])
    with pytest.raises(RuntimeError):
        services.deactivate_user(people.owner, people.teammate, actor=people.admin)
    assert User.objects.get(pk=people.owner.pk).is_active


def test_the_list_of_users_costs_no_query_per_row(people, admin: Client, django_assert_max_num_queries) -> None:
    for _number in range(15):
        make_user(team=people.team)
    with django_assert_max_num_queries(12):
        response = admin.get("/settings/users/?q=example&state=active")
    assert "Olivia Owner" in response.content.decode()


# ---- roles ----


def test_the_matrix_of_a_role(people, admin: Client) -> None:
    role = make_role("Assistant", {"contacts_contact": {"view": "team"}})
    address = f"/settings/roles/{role.pk}/edit/"
    form = admin.get(address).context["form"]
    data = {"name": "Helper", "version": form["version"].value(), "reports__view": "all"}
    assert admin.post(address, data).status_code == 302
    role.refresh_from_db()
    assert role.name == "Helper" and role.grants["reports"]["view"] == "all" and role.grants["contacts_contact"]["view"] == "team"
    assert admin.post(address, {**data, "version": role.version, "reports__view": "everything"}).status_code == 422
    assert admin.post(address, data).status_code == 409


def test_grants_take_effect_and_stay_sensible(people) -> None:
    role = people.owner.role
    services.update_role(role, grants={"leads_lead": {"view": "own", "add": "own", "change": "own", "delete": "none", "export": "none"}}, actor=people.admin)
    owner = User.objects.select_related("role").get(pk=people.owner.pk)
    assert owner.scope_for("leads.lead", "view") == "own" and owner.scope_for("contacts.contact", "view") == "team"
    for grants in ({"leads_lead": {"view": "own", "change": "all"}}, {"leads_lead": {"view": "everything"}}):
        with pytest.raises(ValidationError):
            services.update_role(role, grants=grants, actor=people.admin)
    services.update_role(role, grants={"settings": {"view": "all", "change": "all"}, "users": {"change": "all"}}, actor=people.admin)
    owner = User.objects.select_related("role").get(pk=people.owner.pk)
    assert owner.scope_for("settings", "change") == owner.scope_for("users", "change") == "none" and not owner.is_admin


def test_an_admins_rights_cannot_be_narrowed_and_old_roles_stay(people, admin: Client) -> None:
    role = people.admin.role
    with pytest.raises(ValidationError):
        services.update_role(role, grants={"leads_lead": {"view": "none"}}, actor=people.admin)
    assert admin.post(f"/settings/roles/{role.pk}/delete/").status_code == 403
    assert admin.post(f"/settings/roles/{people.owner.role.pk}/delete/").status_code == 403
    custom = make_role("Interns")
    make_user(role=custom)
    assert admin.post(f"/settings/roles/{custom.pk}/delete/").status_code == 422
    unused = make_role("Nobody")
    assert admin.post(f"/settings/roles/{unused.pk}/delete/").status_code == 302
    assert not Role.objects.filter(pk=unused.pk).exists()


def test_a_new_role_starts_like_another(people, admin: Client) -> None:
    response = admin.post("/settings/roles/new/", {"name": "Junior", "like": Role.objects.get(slug="viewer").pk})
    role = Role.objects.get(name="Junior")
    assert response["Location"] == f"/settings/roles/{role.pk}/edit/" and role.grants["leads_lead"]["view"] == "team"
    assert admin.post("/settings/roles/new/", {"name": "JUNIOR"}).status_code == 422
    assert admin.post("/settings/roles/new/", {"name": "Boss", "like": people.admin.role.pk}).status_code == 422


# ---- declared pages ----


def test_sources_in_their_order(people, admin: Client) -> None:
    Source.objects.all().delete()
    for name in ("Web", "Fair", "Phone"):
        assert admin.post("/settings/sources/new/", {"name": name, "active": "on"}).status_code == 302
    names = lambda: list(Source.objects.values_list("name", flat=True))  # noqa: E731
    assert names() == ["Web", "Fair", "Phone"]
    phone = Source.objects.get(name="Phone")
    assert admin.post(f"/settings/sources/{phone.pk}/move/", {"direction": "up"}).status_code == 302
    assert names() == ["Web", "Phone", "Fair"]
    for _times in range(4):
        admin.post(f"/settings/sources/{phone.pk}/move/", {"direction": "up"})
    assert names() == ["Phone", "Web", "Fair"]
    assert admin.post(f"/settings/sources/{phone.pk}/move/", {"direction": "sideways"}).status_code == 422
    twin = admin.post("/settings/sources/new/", {"name": "  wEB "})
    assert twin.status_code == 422 and twin.context["form"].errors["name"]
    assert admin.post(f"/settings/sources/{phone.pk}/edit/", {"name": "Telephone"}).status_code == 302
    phone.refresh_from_db()
    assert (phone.name, phone.key, phone.active) == ("Telephone", "telephone", False)
    assert admin.post(f"/settings/sources/{phone.pk}/delete/").status_code == 302 and not Source.objects.filter(pk=phone.pk).exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 10_000, "a\x00b", "'\"<>"[:0]])
def test_bad_names(people, admin: Client, name: str) -> None:
    assert admin.post("/settings/tags/new/", {"name": name, "color": "red"}).status_code == 422
    assert admin.post("/settings/tags/new/", {"name": "VIP", "color": "#ff0000"}).status_code == 422


def test_tags_are_escaped(people, admin: Client) -> None:
    assert admin.post("/settings/tags/new/", {"name": "<script>", "color": "red"}).status_code == 302
    page = admin.get("/settings/tags/").content.decode()
    assert "<script>" not in page.replace('<script type="module"', "").replace("<script src", "") or "&lt;script&gt;" in page
    assert "&lt;script&gt;" in page


# ---- cache of the organisation, language and zone ----


def test_language_and_zone_of_the_person(people, client: Client) -> None:
    services.update_profile(people.owner, {"language": "de", "time_zone": "Asia/Tokyo"}, actor=people.owner)
    services.update_organisation({"language": "de"}, actor=None)
    assert client.get("/accounts/login/")["Content-Language"] == "de"
    client.force_login(people.owner)
    response = client.get("/profile/")
    assert response["Content-Language"] == "de" and 'lang="de"' in response.content.decode()
    client.force_login(people.teammate)
    assert client.get("/profile/")["Content-Language"] == "en"
    assert translation.get_language() == "en" and timezone.get_current_timezone_name() == "UTC"  # nothing leaks


def test_the_zone_is_active_in_views_and_streams(people, rf) -> None:
    from django.http import HttpResponse, StreamingHttpResponse

    from users.middleware import UserLocaleMiddleware

    people.owner.time_zone, people.owner.language = "Asia/Tokyo", "de"
    request = rf.get("/")
    request.user = people.owner
    plain = UserLocaleMiddleware(lambda _request: HttpResponse(timezone.get_current_timezone_name()))(request)
    assert plain.content == b"Asia/Tokyo"
    stream = UserLocaleMiddleware(
        lambda _request: StreamingHttpResponse(f"{timezone.get_current_timezone_name()} {translation.get_language()} " for _n in range(2))
    )(request)
    assert b"".join(stream.streaming_content) == b"Asia/Tokyo de Asia/Tokyo de "
    people.owner.time_zone = "Mars/Olympus"
    assert UserLocaleMiddleware(lambda _request: HttpResponse(timezone.get_current_timezone_name()))(request).content == b"UTC"


def test_a_stale_organisation_raises(people) -> None:
    with pytest.raises(StaleRecord):
        services.update_organisation({"name": "x"}, actor=people.admin, version=99)


def test_names_resolve() -> None:
    assert reverse("setup") == "/setup/" and reverse("settings:list", args=["tags"]) == "/settings/tags/"
    make_team()


def test_records_go_to_the_successor(people, monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.models import Company
    from contacts.services import create_companies
    from crm.core.handover import hand_over_records
    from crm.core.models import OutboxEvent

    create_companies([{"name": "One"}, {"name": "Two"}], actor=people.owner)
    create_companies([{"name": "Three"}], actor=people.teammate)
    monkeypatch.setattr("users.services.deactivation.hooks", lambda name: [hand_over_records])
    services.deactivate_user(people.owner, people.stranger, actor=people.admin)
    moved = Company.objects.filter(owner=people.stranger)
    assert sorted(moved.values_list("name", flat=True)) == ["One", "Two"]
    assert set(moved.values_list("team_id", flat=True)) == {people.other_team.pk}
    assert OutboxEvent.objects.filter(name="contacts.company.assigned").count() == 1
    assert Company.objects.get(name="Three").owner == people.teammate


def test_every_declared_page(people, client: Client) -> None:
    from crm.core.settings_pages import settings_entries, settings_pages

    addresses = [page.url(name) for page in settings_pages() for name in ("list", "new")]
    addresses += [str(each.url) for each in settings_entries() if not hasattr(each, "model")]
    for person, status in ((people.manager, 403), (people.admin, 200)):
        client.force_login(person)
        for address in addresses:
            assert client.get(address).status_code == status, address
    for page in settings_pages():
        response = client.post(page.url("new"), {})
        assert response.status_code == 422 and response.context["form"].errors, page.slug


def test_details_in_the_django_admin(people, admin: Client) -> None:
    for name, pk in (("user", people.owner.pk), ("team", people.team.pk), ("role", people.owner.role.pk), ("organisation", 1)):
        page = admin.get(f"/admin/users/{name}/{pk}/change/")
        assert page.status_code == 200 and "argon2" not in page.content.decode() and people.owner.password not in page.content.decode()
        assert admin.post(f"/admin/users/{name}/{pk}/change/", {"name": "Evil"}).status_code == 403
        assert admin.post(f"/admin/users/{name}/{pk}/delete/", {"post": "yes"}).status_code == 403
