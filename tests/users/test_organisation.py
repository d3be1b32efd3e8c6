"""The organisation: its settings, holidays, logo and mail."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from mail.models import OutgoingMail
from users import selectors
from users.models import Holiday, Organisation

pytestmark = pytest.mark.django_db


ORGANISATION = {
    "name": "Alpine Tools",
    "currency": "CHF",
    "time_zone": "Europe/Zurich",
    "language": "de",
    "first_weekday": "0",
    "fiscal_year_start": "4",
    "work_days": ["0", "1", "2", "3"],
    "work_start": "08:00",
    "work_end": "16:30",
    "response_hours": "2",
    "dial_with": "tel",
}


def test_the_organisation(people, admin: Client) -> None:
    version = Organisation.objects.get().version
    assert admin.post("/settings/organisation/", {**ORGANISATION, "version": version}).status_code == 302
    found = selectors.organisation()
    assert (found.name, found.currency, found.work_days, found.fiscal_year_start) == ("Alpine Tools", "CHF", [0, 1, 2, 3], 4)
    assert admin.post("/settings/organisation/", {**ORGANISATION, "name": "Other", "version": version}).status_code == 409
    assert selectors.organisation().name == "Alpine Tools"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "XXL"),
        ("time_zone", "Mars"),
        ("language", "xx"),
        ("first_weekday", "9"),
        ("work_days", []),
        ("work_end", "07:00"),
        ("response_hours", "0"),
        ("name", ""),
        ("fiscal_year_start", "13"),
    ],
)
def test_a_nonsensical_organisation(people, admin: Client, field: str, value) -> None:
    response = admin.post("/settings/organisation/", {**ORGANISATION, field: value})
    assert response.status_code == 422 and response.context["form"].errors[field]


def test_holidays(people, admin: Client) -> None:
    assert admin.post("/settings/organisation/holidays/add/", {"day": "2030-12-25", "name": "Christmas"}).status_code == 302
    assert date(2030, 12, 25) in selectors.organisation().holiday_dates
    for data in ({"day": "2030-12-25", "name": "Again"}, {"day": "nonsense", "name": "x"}, {"day": "2030-12-26", "name": ""}):
        assert admin.post("/settings/organisation/holidays/add/", data).status_code == 422
    assert admin.post(f"/settings/organisation/holidays/{Holiday.objects.get().pk}/remove/").status_code == 302
    assert not Holiday.objects.exists() and not selectors.organisation().holiday_dates


def test_the_logo_is_public(people, admin: Client, settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert Client().get("/organisation/logo/").status_code == 404
    picture = io.BytesIO()
    Image.new("RGBA", (900, 200), (1, 2, 3, 0)).save(picture, "PNG")
    data = {**ORGANISATION, "logo": SimpleUploadedFile("logo.png", picture.getvalue())}
    assert admin.post("/settings/organisation/", data).status_code == 302
    response = Client().get("/organisation/logo/")
    assert response["Content-Type"] == "image/webp"
    found = Image.open(io.BytesIO(response.getvalue()))
    assert found.size == (480, 107) and found.mode == "RGBA"
    assert admin.post("/settings/organisation/", {**ORGANISATION, "logo": SimpleUploadedFile("x.png", b"nonsense")}).status_code == 422
    assert admin.post("/settings/organisation/", {**ORGANISATION, "remove_logo": "on"}).status_code == 302
    assert Client().get("/organisation/logo/").status_code == 404


# ---- mail ----


def test_mail_settings(people, admin: Client) -> None:
    assert admin.post("/settings/mail/", {"mail_from": "crm@alpine.example", "mail_from_name": "Alpine", "mail_reply_to": ""}).status_code == 302
    assert Organisation.objects.get().mail_from == "crm@alpine.example"
    assert admin.post("/settings/mail/", {"mail_from": "nonsense"}).status_code == 422
    assert admin.post("/settings/mail/test/", {"address": "nonsense"}).status_code == 422
    response = admin.post("/settings/mail/test/", {"address": "me@alpine.example"}, follow=True)
    mail = OutgoingMail.objects.get()
    assert mail.to_address == "me@alpine.example" and "me@alpine.example" in response.content.decode()
    OutgoingMail.objects.update(state="failed", error="550 no such user")
    assert "550 no such user" in admin.get("/settings/mail/").content.decode()
    admin.post(f"/settings/mail/{mail.pk}/retry/")
    mail.refresh_from_db()
    assert mail.state == "queued"


def test_the_mail_password_is_not_shown(people, admin: Client, settings) -> None:
    settings.MAIL_TRANSPORT = {"kind": "smtp", "host": "mx.example", "port": 587, "username": "joe", "password": "secret-word", "starttls": True, "ssl": False}
    page = admin.get("/settings/mail/").content.decode()
    assert "mx.example" in page and "joe" in page and "secret-word" not in page
