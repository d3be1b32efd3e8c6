"""A marketing mail in a browser that runs no scripts: written with a file, shown before it goes to many, and its recipient unsubscribes."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks import forgive, problems
from tests.e2e.system import RUN, System, wait_for
from tests.e2e.test_without_javascript import PHONE, number_in, save

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]

OWNED = "owner_id = (SELECT id FROM users_user WHERE email = %s)"
ROWS = (("contacts_contact", OWNED), ("leads_lead", f"email <> '' AND {OWNED}"))
ADDRESS = f"mia@{RUN}.example"


def send(page: Page) -> None:
    page.locator("main form[enctype] .form-actions [type=submit]").click()


def write(page: Page, contact: int, template: str) -> None:
    """The form, filled from a template."""
    page.goto(f"/contacts/{contact}/")
    page.get_by_role("link", name="E-mail", exact=True).first.click()
    page.select_option("#template", label=template)
    page.get_by_role("button", name="Use").click()


@pytest.fixture
def template(open_page: Callable[..., Page]) -> str:
    name = f"News {uuid4()}"
    page = open_page("admin", java_script_enabled=False)
    page.goto("/settings/mail-templates/new/")
    page.fill("[name=name]", name)
    page.fill("[name=subject]", "News for {{first_name}}")
    page.fill("[name=text]", "Dear {{first_name}}, what a {{job_title}} wants to know.")
    page.check("[name=marketing]")
    save(page)
    return name


def test_a_marketing_mail_from_its_template_to_the_end(open_page: Callable[..., Page], system: System, template: str) -> None:
    page = open_page("rep", java_script_enabled=False)
    page.goto("/contacts/new/")
    page.fill("[name=first_name]", "Mia")
    page.fill("[name=last_name]", f"Ott{RUN}")
    page.locator("main input[type=email]").first.fill(ADDRESS)
    save(page)
    contact = number_in(page, "contacts")
    write(page, contact, template)
    expect(page.locator("main")).to_contain_text("Nothing fills these gaps, they are left empty: {{job_title}}")
    page.set_input_files("[name=files]", [{"name": "Müller & <b>.html", "mimeType": "text/html", "buffer": b"<script>1</script>"}])
    send(page)
    expect(page.locator("#timeline")).to_contain_text("Müller & <b>.html")
    wait_for(lambda: len(system.mails(ADDRESS)) == 1, 40, lambda: "the mail has not left")
    (mail,) = system.mails(ADDRESS)
    (part,) = mail.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("Müller & <b>.html", "application/octet-stream")
    assert part.get_content() == b"<script>1</script>"

    show_to_many(page, contact, template, system)

    link = urlsplit(str(mail["List-Unsubscribe"]).strip("<> ")).path
    visitor = open_page(java_script_enabled=False, **PHONE)
    visitor.goto(link)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Unsubscribe?")
    expect(visitor.locator("main")).to_contain_text(f"m***@{RUN}.example")
    visitor.get_by_role("button", name="Unsubscribe").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    page.goto(f"/contacts/{contact}/")
    expect(page.locator("#timeline")).to_contain_text("noted that the consent was withdrawn")
    write(page, contact, template)
    send(page)
    expect(page.locator("main")).to_contain_text("Does not want mails: the consent was withdrawn.")
    forgive(page)


def show_to_many(page: Page, contact: int, template: str, system: System) -> None:
    """The preview of the bulk action, and then its mail."""
    page.goto(f"/contacts/?q=Ott{RUN}")
    page.check(f"#rows [name=ids][value='{contact}']")
    page.locator("#bulkform").get_by_role("button", name="E-mail").click()
    page.select_option("[name=template]", label=template)
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("News for Mia")
    expect(preview.locator("mark")).to_have_text("{{job_title}}")
    preview.get_by_role("button", name="Send to 1 recipient").click()
    wait_for(lambda: len(system.mails(ADDRESS)) == 2, 40, lambda: "the mail to many has not left")


@pytest.mark.parametrize("size", [{}, PHONE], ids=["wide", "phone"])
def test_its_pages_are_clean(open_page: Callable[..., Page], system: System, template: str, size: dict[str, object]) -> None:
    page = open_page("rep", color_scheme="dark", **size)
    contact, lead = (
        system.value(f"SELECT id FROM {table} WHERE deleted_at IS NULL AND {more} ORDER BY id LIMIT 1", "rep@demo.example") for table, more in ROWS
    )
    wrong = []
    for address in (f"/activities/contacts/{contact}/mail/", f"/activities/leads/{lead}/mail/"):
        page.goto(address)
        wrong += [f"{address}: {line}" for line in problems(page)]
    page.goto("/contacts/")
    page.locator("#rows [name=ids]").first.check()
    page.locator("#bulkform").get_by_role("button", name="E-mail").click()
    page.select_option("[name=template]", label=template)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_be_visible()
    wrong += [f"preview: {line}" for line in problems(page)]
    visitor = open_page(**size)
    visitor.goto("/unsubscribe/x/")
    forgive(visitor)  # the browser's line about the 404
    wrong += [f"unsubscribe: {line}" for line in problems(visitor)]
    assert wrong == []
