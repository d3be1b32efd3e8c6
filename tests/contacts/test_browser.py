"""A person's page in a real browser: files, a second company and a relationship are added in the side panel; clean at 1440 px and, dark, at 320 px."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Employment
from contacts.services import add_employment, add_relationship
from contacts.services.ties import RelationshipType, ensure_relationship_types
from tests.contacts.factories import make_company, make_contact
from tests.e2e.checks import assert_clean, collect
from tests.factories import cast

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def keep(page: Page, name: str) -> None:
    """With SHOTS=1 the pictures are kept in test-output/."""
    if os.environ.get("SHOTS"):
        page.screenshot(path=Path("test-output") / f"contacts-{name}.png", full_page=True)


def test_a_person_with_all_that_hangs_on_them(page: Page, sign_in: Any, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    people = cast()
    ensure_relationship_types()
    main, board = make_company(people.owner, name="Alpenwerk Maschinenbau GmbH"), make_company(people.owner, name="Boardwell")
    contact = make_contact(people.owner, first_name="Johanna", last_name="Berger", company=main, job_title="Engineer", time_zone="Asia/Tokyo")
    boss = make_contact(people.owner, first_name="Paul", last_name="Chefmann", company=main)
    add_employment(contact, {"company": make_company(people.owner, name="Oldham"), "role": "Intern", "past": True}, actor=people.owner)
    add_relationship(boss, contact, RelationshipType.objects.get(name="was referred by"), actor=people.owner)
    collect(page)
    sign_in(page, people.owner.email)
    page.goto(contact.get_absolute_url())

    page.get_by_role("link", name="Add to Files").click()
    page.locator("#panel-body input[type=file]").set_input_files(
        [{"name": "offer.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}, {"name": "plan.png", "mimeType": "image/png", "buffer": PNG}]
    )
    page.locator("#panel-body").get_by_role("button", name="Add").click()
    expect(page.locator("#files")).to_contain_text("plan.png")
    with page.expect_download() as download:
        page.locator("#files").get_by_role("link", name="offer.pdf").click()
    assert download.value.suggested_filename == "offer.pdf"

    page.get_by_role("link", name="Add to Companies").click()
    page.locator("#panel-body").get_by_label("Company").fill("Boardwell")
    page.locator("#panel-body").get_by_label("Role").fill("Adviser")
    page.locator("#panel-body").get_by_role("button", name="Add").click()
    expect(page.locator("#companies")).to_contain_text("Adviser")
    page.get_by_role("link", name="Add to Relationships").click()
    page.locator("#panel-body").get_by_label("To whom").fill("Chefmann")
    assert_clean(page)
    page.locator("#panel-body").get_by_role("button", name="Add").click()
    expect(page.locator("#relationships")).to_contain_text("reports to")
    page.locator("#companies").get_by_role("button", name="End Boardwell").click()
    expect(page.locator("#companies")).not_to_contain_text("Make it the main one")
    assert Employment.objects.get(company=board).past

    role = Employment.objects.get(company=board)
    addresses = {
        "page": contact.get_absolute_url(),
        "company": main.get_absolute_url(),
        "old": board.get_absolute_url(),
        "files": f"/activities/contacts/{contact.pk}/files/",
        "files-new": f"/activities/contacts/{contact.pk}/files/new/",
        "role": f"/contacts/{contact.pk}/roles/{role.pk}/edit/",
        "role-delete": f"/contacts/{contact.pk}/roles/{role.pk}/delete/",
        "relationship": f"/contacts/{contact.pk}/relationships/new/",
    }
    for width, scheme in ((1440, "light"), (320, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for name, address in addresses.items():
            page.goto(address)
            if name in ("page", "company", "old") and width < 1000:
                page.get_by_role("tab", name="Related").click()
            for summary in page.locator("#people details > summary").all():
                summary.click()
            keep(page, f"{name}-{width}")
            assert_clean(page)
