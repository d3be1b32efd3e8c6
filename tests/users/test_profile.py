"""One's own profile, and what people upload as a photo."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.factories import cast, make_user
from users import images, services
from users.models import User

pytestmark = pytest.mark.django_db

DATA = {
    "name": "Olivia",
    "time_zone": "Europe/Vienna",
    "language": "en",
    "theme": "dark",
    "signature": "Bye",
    "shortcuts": "on",
    "away_from": "",
    "away_to": "",
}


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def person(client: Client) -> User:
    user = make_user()
    client.force_login(user)
    return user


def picture(size: tuple[int, int] = (400, 300), kind: str = "PNG", **options) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "red").save(target, kind, **options)
    return target.getvalue()


def upload(client: Client, content: bytes, name: str = "me.png"):
    return client.post("/profile/", {**DATA, "photo": SimpleUploadedFile(name, content)})


def test_saves_and_takes_effect_at_once(client: Client, person: User) -> None:
    version = client.get("/profile/").context["form"]["version"].value()
    response = client.post("/profile/", {**DATA, "language": "de", "version": version}, follow=True)
    page = response.content.decode()
    assert 'data-theme="dark"' in page and 'lang="de"' in page
    person.refresh_from_db()
    assert (person.name, person.time_zone, person.theme, person.signature, person.shortcuts) == ("Olivia", "Europe/Vienna", "dark", "Bye", True)
    assert client.post("/profile/", {**DATA, "version": version}).status_code == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 10_000),
        ("name", "a\x00b"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("language", "xx"),
        ("theme", "pink"),
        ("signature", "x" * 10_000),
        ("away_from", "yesterday"),
    ],
)
def test_bad_input_at_the_field(client: Client, person: User, field: str, value: str) -> None:
    response = client.post("/profile/", {**DATA, field: value})
    assert response.status_code == 422 and response.context["form"].errors[field]
    if field != "signature":
        assert response.context["form"]["signature"].value() == "Bye"
    person.refresh_from_db()
    assert person.signature == ""


def test_away_in_order(client: Client, person: User) -> None:
    response = client.post("/profile/", {**DATA, "away_from": "2026-05-02", "away_to": "2026-05-01"})
    assert response.status_code == 422 and response.context["form"].errors["away_to"]
    assert client.post("/profile/", {**DATA, "away_from": "2026-05-02", "away_to": "2026-05-02"}).status_code == 302


def test_nobody_gives_themselves_rights(client: Client, person: User) -> None:
    client.post("/profile/", {**DATA, "role": "3", "is_staff": "on", "team": "1", "email": "boss@example.com", "is_active": ""})
    person.refresh_from_db()
    assert person.role.slug == "rep" and not person.is_staff and person.team is None and person.email != "boss@example.com"


def test_theme_switch(client: Client, person: User) -> None:
    assert client.post("/profile/theme/", {"theme": "light"}).status_code == 204
    assert client.post("/profile/theme/", {"theme": "pink"}).status_code == 422
    assert client.get("/profile/theme/").status_code == 405
    person.refresh_from_db()
    assert person.theme == "light"


def test_the_photo_is_written_anew(client: Client, person: User, own_media: Path) -> None:
    with_secrets = picture(kind="JPEG", comment=b"GPS 48.2, 16.3")
    assert upload(client, with_secrets, "../../evil.php").status_code == 302
    person.refresh_from_db()
    stored = (own_media / person.photo.name).read_bytes()
    assert person.photo.name.startswith("users/") and person.photo.name.endswith(".webp") and b"GPS" not in stored
    assert Image.open(io.BytesIO(stored)).size == (256, 256)
    response = client.get(person.photo_url)
    assert response.status_code == 200 and response["Content-Type"] == "image/webp" and "private" in response["Cache-Control"]
    assert b"".join(response.streaming_content) == stored
    first = person.photo.name
    assert upload(client, picture(kind="GIF")).status_code == 302
    person.refresh_from_db()
    assert person.photo.name != first
    assert client.post("/profile/", {**DATA, "remove_photo": "on"}).status_code == 302
    assert client.get(f"/users/{person.pk}/photo/").status_code == 404


def test_the_old_file_goes_after_the_commit(person: User, own_media: Path, django_capture_on_commit_callbacks) -> None:
    services.set_photo(person, SimpleUploadedFile("a.png", picture()), actor=person)
    with django_capture_on_commit_callbacks(execute=True):
        services.set_photo(person, SimpleUploadedFile("b.png", picture()), actor=person)
    assert len(list((own_media / "users").iterdir())) == 1


def test_photos_are_for_those_who_are_signed_in(client: Client, person: User) -> None:
    upload(client, picture())
    person.refresh_from_db()
    assert Client().get(person.photo_url).status_code == 302
    stranger = Client()
    stranger.force_login(make_user())
    assert b"".join(stranger.get(person.photo_url).streaming_content)


def png_of(width: int, height: int) -> bytes:
    """A small file that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\x00" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"\x89PNG\r\n\x1a\n",
        picture()[:-40],
        picture(kind="JPEG")[:200],
        b"GIF89a" + b"\xff" * 50,
        png_of(50_000, 50_000),
        png_of(6_000, 6_000),
        png_of(300, 300),
        png_of(0, 10),
        picture(kind="BMP"),
        picture(kind="TIFF"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"RIFF\xff\xff\xff\x7fWEBPVP8 " + b"\x00" * 30,
        b"x" * (images.MAX_BYTES + 1),
    ],
    ids=["text", "svg", "head", "cut-png", "cut-jpeg", "gif", "bomb", "large", "short-data", "empty", "bmp", "tiff", "eps", "webp", "bytes"],
)
def test_hostile_pictures(client: Client, person: User, own_media: Path, content: bytes) -> None:
    response = upload(client, content)
    assert response.status_code == 422 and response.context["form"].errors["photo"]
    person.refresh_from_db()
    assert not person.photo and not list(own_media.rglob("*.webp"))


def test_an_admin_may_not_be_needed_for_a_photo() -> None:
    people = cast()
    assert people.owner.photo_url == ""
