"""The import in a real browser, wide and narrow, light and dark: accessible, nothing blocked, nothing wider than the window."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.core.imports import services, work
from crm.core.models import ImportJob
from tests.e2e.checks import axe, missing_icons, overflow, usual
from tests.factories import PASSWORD, make_user
from tests.imports.files import text_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LOOKS = [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]
ROWS = [
    ["Vorname", "Nachname", "E-Mail", "Telefon", "Firma", "Strasse", "PLZ", "Ort", "Lieblingsfarbe"],
    *[
        [f"Anna{n}", f"Berg{n}", "keine" if n % 7 == 0 else f"anna{n}@example.com", "", "Berg & Söhne GmbH", "Hauptstraße 1", "5020", "Salzburg", "blau"]
        for n in range(40)
    ],
]


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    wrong = [*axe(page), *missing_icons(page)] + ([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])
    assert not wrong, (name, wrong)


@pytest.mark.parametrize(("width", "height", "scheme"), usual(LOOKS, 3))
def test_step_by_step(new_page: Callable[..., Page], sign_in: Callable[..., None], width: int, height: int, scheme: str, settings: Any) -> None:
    make_user("importer@example.com", role="admin")
    page = new_page(viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 800)
    tag = f"{width}-{scheme}"
    sign_in(page, "importer@example.com", PASSWORD)
    page.goto("/contacts/")
    look(page, f"empty-{tag}")
    page.get_by_role("main").get_by_role("link", name="Import").click()
    look(page, f"upload-{tag}")
    page.set_input_files("input[type=file]", {"name": "kontakte.csv", "mimeType": "text/csv", "buffer": text_of(ROWS)})
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/imports/*/")
    look(page, f"mapping-{tag}")
    expect(page.locator("select[name=c0]")).to_have_value("first_name")
    page.get_by_role("button", name="Check every row").click()
    page.locator("progress").wait_for()
    look(page, f"progress-{tag}")
    job = ImportJob.objects.get()
    work.run(job.pk)
    page.get_by_role("button", name="Import", exact=True).wait_for()  # the page noticed by itself
    look(page, f"checked-{tag}")
    page.get_by_role("button", name="Import", exact=True).click()
    page.locator("progress").wait_for()
    work.run(job.pk)
    page.get_by_role("button", name="Undo this import").wait_for()
    look(page, f"done-{tag}")
    page.get_by_role("link", name="Earlier imports").click()
    look(page, f"history-{tag}")
    services.undo(job, actor=job.user)
    work.run(job.pk)
    page.get_by_role("link", name="kontakte.csv").click()
    page.get_by_role("link", name="Open the bin").wait_for()
    look(page, f"undone-{tag}")


def test_without_javascript(new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    make_user("importer@example.com", role="admin")
    page = new_page(java_script_enabled=False)
    sign_in(page, "importer@example.com", PASSWORD)
    page.goto("/contacts/import/")
    page.set_input_files("input[type=file]", {"name": "kontakte.csv", "mimeType": "text/csv", "buffer": text_of(ROWS)})
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Check every row").click()
    job = ImportJob.objects.get()
    work.run(job.pk)
    page.get_by_role("link", name="See how far it is").click()
    page.get_by_role("button", name="Import", exact=True).click()
    work.run(job.pk)
    page.get_by_role("link", name="See how far it is").click()
    page.get_by_role("button", name="Undo this import").click()
    work.run(job.pk)
    page.get_by_role("link", name="See how far it is").click()
    expect(page.get_by_role("link", name="Open the bin")).to_be_visible()
