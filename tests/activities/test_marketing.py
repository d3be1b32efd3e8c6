"""Marketing mails: the way to unsubscribe, who must not get them, and that nobody gets one after they said no."""

from __future__ import annotations

import email
import email.policy
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from activities.models import Activity
from activities.services import Recipient, is_unwilling, mail_each, recipient_behind, send_mail, unsubscribe_token
from activities.services.marketing import MARKETING, masked
from contacts.models import Consent, Contact
from contacts.services import create_company, create_contact, delete_contacts, record_consent
from deals.services import create_deal
from leads.models import Lead
from leads.services import convert_lead, create_lead, undo_conversion
from leads.services.conversion import Choices
from leads.services.limits import MOST_MISSES
from mail.models import MailTemplate, OutgoingMail
from mail.services import send_due
from mail.services.templates import create_template
from mail.services.transport import FileTransport
from tests.factories import Cast, cast, signed_in

pytestmark = pytest.mark.django_db
State = OutgoingMail.State


@pytest.fixture
def people() -> Cast:
    return cast()


@pytest.fixture
def ann(people: Cast) -> Any:
    return create_contact({"first_name": "Ann", "last_name": "Lee", "email": "ann@lee.example"}, actor=people.owner)


@pytest.fixture
def news() -> MailTemplate:
    return create_template({"name": "News", "subject": "For {{first_name}}", "text": "News", "marketing": True}, actor=None)


@pytest.fixture
def folder(tmp_path: Path) -> FileTransport:
    return FileTransport(tmp_path / "mail")


def leave(folder: FileTransport) -> list[Any]:
    """What arrives, by address."""
    OutgoingMail.objects.filter(state=State.QUEUED).update(next_attempt_at=timezone.now())
    send_due(transport=folder)
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in folder.directory.glob("*.eml")]
    return sorted(found, key=lambda message: str(message["To"]))


def link_of(obj: Any, address: str = "ann@lee.example") -> str:
    return f"/unsubscribe/{unsubscribe_token(Recipient(obj._meta.model_name, obj.pk, address))}/"


def write(obj: Any, actor: Any, **values: Any) -> Activity:
    return send_mail(obj, **{"to": obj.email, "subject": "Hello", "text": "News", "actor": actor, "marketing": True, **values})


def test_a_marketing_mail_has_the_way_out_and_another_one_has_not(people: Cast, ann: Any, news: MailTemplate, folder: FileTransport, settings: Any) -> None:
    write(ann, people.owner)
    (message,) = leave(folder)
    url = f"{settings.BASE_URL}{link_of(ann)}"
    assert message["List-Unsubscribe"].strip() == f"<{url}>" and message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert text.rstrip().endswith(url) and f'href="{url}"' in html and "ann@" not in url
    line = Activity.objects.get(kind="email")
    assert "unsubscribe" not in line.body and "/unsubscribe/" not in signed_in(people.owner).get(f"/activities/mails/{line.pk}/").content.decode()
    assert Client().get(link_of(ann)).status_code == 200
    OutgoingMail.objects.all().delete()
    write(ann, people.owner, marketing=False)
    plain = next(message for message in leave(folder) if message["List-Unsubscribe"] is None)
    assert plain["List-Unsubscribe-Post"] is None and "nsubscribe" not in plain.as_string()


def test_the_form_of_a_marketing_template(people: Cast, ann: Any, news: MailTemplate) -> None:
    client, url = signed_in(people.owner), f"/activities/contacts/{ann.pk}/mail/"
    page = client.get(f"{url}?template={news.pk}").content.decode()
    assert "This is marketing" in page and "This is marketing" not in client.get(url).content.decode()
    asked = {"to": ann.email, "subject": "x", "text": "y", "idempotency_key": uuid.uuid4()}
    assert client.post(url, asked | {"template": news.pk}).status_code == 302  # whatever became of the other hidden field
    news.delete()
    assert client.post(url, asked | {"template": 1, "marketing": "True", "idempotency_key": uuid.uuid4()}).status_code == 302
    assert [bool(mail.unsubscribe) for mail in OutgoingMail.objects.all()] == [True, True]
    mail = OutgoingMail.objects.first()
    line = Activity.objects.get(mail=mail)
    page = client.post(f"/activities/mails/{line.pk}/take-back/", follow=True).content.decode()
    assert "This is marketing" in page  # the draft stays what it was


def test_marketing_is_for_people_who_can_unsubscribe(people: Cast, ann: Any, news: MailTemplate) -> None:
    company = create_company({"name": "Lee", "email": "info@lee.example"}, actor=people.owner)
    deal = create_deal({"name": "Roof", "contact": ann}, actor=people.owner)
    client = signed_in(people.owner)
    for obj, slug, address in ((company, "companies", "info@lee.example"), (deal, "deals", "ann@lee.example")):
        url = f"/activities/{slug}/{obj.pk}/mail/"
        assert client.get(f"{url}?template={news.pk}").status_code == 404 and ">News<" not in client.get(url).content.decode()
        response = client.post(url, {"to": address, "subject": "x", "text": "y", "template": news.pk, "idempotency_key": uuid.uuid4()})
        assert response.status_code == 422 and "Marketing goes to contacts and leads" in response.content.decode()
    response = client.post("/companies/bulk/mail/", {"ids": [company.pk], "confirmed": "1", "template": news.pk, "seen": f"{news.pk}.1"})
    assert response.status_code == 422
    with pytest.raises(ValidationError, match="Marketing goes to"):
        mail_each("company", [company.pk], actor=people.owner, data={"template": news})
    assert not OutgoingMail.objects.exists()


def test_a_link_asks_first_and_a_post_of_a_mail_program_is_enough(people: Cast, ann: Any) -> None:
    client, url = Client(enforce_csrf_checks=True), link_of(ann)
    for _time in range(2):
        page = client.get(url)
        assert page.status_code == 200 and not page.cookies
        assert "a***@lee.example" in page.content.decode() and "ann@lee.example" not in page.content.decode()
        assert client.head(url).status_code == 200
    assert not Consent.objects.exists()
    for _time in range(2):
        done = client.post(url, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert done.status_code == 200 and "You are unsubscribed" in done.content.decode()
    consent = Consent.objects.get()
    assert (consent.contact, consent.channel, consent.given, consent.source, consent.by) == (ann, "email", False, "Link in a mail", None)
    line = Activity.objects.get(verb="consent")
    assert line.contact_id == ann.pk and line.actor is None
    page = signed_in(people.owner).get(ann.get_absolute_url()).content.decode()
    assert "noted that the consent was withdrawn:" in page and "Link in a mail" in page
    assert "Link in a mail" in signed_in(people.owner).get(f"{ann.get_absolute_url()}consent/").content.decode()


def test_a_consent_that_a_colleague_notes_is_told_too(people: Cast, ann: Any) -> None:
    record_consent(ann, "phone", True, "Trade fair", actor=people.owner)
    line = Activity.objects.get(verb="consent")
    assert (line.actor, line.data) == (people.owner, {"channel": "phone", "given": True, "source": "Trade fair"})
    assert "noted the consent:" in signed_in(people.owner).get(ann.get_absolute_url()).content.decode()


def test_links_that_lead_nowhere(people: Cast, ann: Any, django_capture_on_commit_callbacks: Any) -> None:
    client, url = Client(), link_of(ann)
    token = url.split("/")[2]
    for wrong in (
        url[:-5] + "/",
        f"/unsubscribe/x{token}/",
        f"/unsubscribe/{token}x/",
        "/unsubscribe/a/",
        "/unsubscribe/",
        "/unsubscribe/%00/",
        "/unsubscribe/:/",
    ):
        for method in (client.get, client.post):
            page = method(wrong)
            assert page.status_code == 404 and "This link does not work" in page.content.decode(), wrong
    other = unsubscribe_token(Recipient("contact", ann.pk + 1000, "x@y.example"))
    assert client.post(f"/unsubscribe/{other}/").status_code == 404
    assert not Consent.objects.exists()
    delete_contacts([ann.pk], actor=people.owner)
    assert client.post(url).status_code == 200 and Consent.objects.count() == 1  # in the bin is not erased
    ann.delete()
    assert client.post(url).status_code == 404


def test_who_tries_many_links_waits_and_a_good_link_goes_on_working(people: Cast, ann: Any) -> None:
    client = Client()
    codes = [client.get("/unsubscribe/forged/").status_code for _time in range(MOST_MISSES + 1)]
    assert codes == [404] * MOST_MISSES + [429]
    refused = client.get("/unsubscribe/forged/")
    assert 0 < int(refused["Retry-After"]) <= 3600 and "Too many tries" in refused.content.decode()
    assert client.get("/unsubscribe/forged/", REMOTE_ADDR="192.0.2.7").status_code == 404
    assert client.post(link_of(ann)).status_code == 200


def test_the_page_speaks_the_organisations_language(people: Cast, ann: Any) -> None:
    from users.models import Organisation
    from users.selectors import forget_organisation

    Organisation.objects.update_or_create(pk=1, defaults={"language": "de", "name": "Nordlicht"})
    forget_organisation()
    page = Client(headers={"accept-language": "en"}).get(link_of(ann))
    assert page["Content-Language"] == "de" and "Nordlicht" in page.content.decode() and "Abmelden" in page.content.decode()
    Client().post(link_of(ann))
    assert Consent.objects.get().source == "Link in einer Mail"


def test_who_opted_out_gets_none(people: Cast, ann: Any, news: MailTemplate) -> None:
    record_consent(ann, "email", False, "asked", actor=people.owner)
    with pytest.raises(ValidationError, match="consent was withdrawn"):
        write(ann, people.owner)
    assert mail_each("contact", [ann.pk], actor=people.owner, data={"template": news}) == 0
    write(ann, people.owner, marketing=False)  # what must be written, a person may write
    record_consent(ann, "email", True, "asked again", actor=people.owner)
    assert write(ann, people.owner).mail.unsubscribe
    record_consent(ann, "newsletter", False, "asked", actor=people.owner)
    assert is_unwilling(ann, channels=MARKETING) and not is_unwilling(ann)
    assert mail_each("contact", [ann.pk], actor=people.owner, data={"template": news}) == 0
    assert OutgoingMail.objects.count() == 2


def test_another_record_with_the_same_address_gets_none_either(people: Cast, ann: Any, news: MailTemplate) -> None:
    twin = create_contact({"last_name": "Twin", "email": "ANN@lee.example"}, actor=people.stranger)
    lead = create_lead({"last_name": "Lead", "email": "Ann@Lee.example"}, actor=people.owner)
    Client().post(link_of(ann))
    for obj, actor in ((twin, people.stranger), (lead, people.owner)):
        with pytest.raises(ValidationError, match="consent was withdrawn"):
            write(obj, actor)
    assert mail_each("lead", [lead.pk], actor=people.owner, data={"template": news}) == 0


def test_asked_again_at_the_moment_of_sending(people: Cast, ann: Any, news: MailTemplate, folder: FileTransport) -> None:
    bob = create_contact({"first_name": "Bob", "last_name": "Ray", "email": "b@b.example"}, actor=people.owner)
    lead = create_lead({"last_name": "Kern", "email": "k@kern.example"}, actor=people.owner)
    gone = create_lead({"last_name": "Gone", "email": "g@gone.example"}, actor=people.owner)
    assert mail_each("contact", [ann.pk, bob.pk], actor=people.owner, data={"template": news}) == 2
    assert mail_each("lead", [lead.pk, gone.pk], actor=people.owner, data={"template": news}) == 2
    write(ann, people.owner, at=timezone.now() + timezone.timedelta(days=3))
    record_consent(ann, "email", False, "phone", actor=people.owner)
    Client().post(link_of(lead, "k@kern.example"))
    Lead._base_manager.filter(pk=gone.pk).delete()
    assert [str(message["To"]) for message in leave(folder)] == ["Bob Ray <b@b.example>"]
    states = dict(OutgoingMail.objects.exclude(to_address="ann@lee.example").values_list("to_address", "state"))
    assert states == {"b@b.example": State.SENT, "k@kern.example": State.FAILED, "g@gone.example": State.FAILED}
    assert {mail.state for mail in OutgoingMail.objects.filter(to_address="ann@lee.example")} == {State.FAILED}
    line = Activity.objects.filter(contact=ann, kind="email").first()
    assert "the consent was withdrawn" in signed_in(people.owner).get(f"/activities/mails/{line.pk}/").content.decode()
    OutgoingMail.objects.filter(state=State.FAILED).update(state=State.QUEUED)  # an administrator tries again
    assert len(leave(folder)) == 1


def test_a_lead_takes_its_no_along(people: Cast) -> None:
    lead = create_lead({"first_name": "Eva", "last_name": "Kern", "email": "k@kern.example"}, actor=people.owner)
    url = link_of(lead, "k@kern.example")
    assert Client().post(url).status_code == 200
    lead.refresh_from_db()
    first = lead.consents
    Client().post(url)
    lead.refresh_from_db()
    assert lead.consents == first and lead.refused == {"email"} and Activity.objects.filter(verb="consent", lead=lead).count() == 1
    assert "Withdrawn" in signed_in(people.owner).get(lead.get_absolute_url()).content.decode()
    contact = convert_lead(lead, actor=people.owner).contact
    assert contact is not None and is_unwilling(contact)
    found = recipient_behind(url.split("/")[2])
    assert found == Recipient("contact", contact.pk, masked("k@kern.example"))
    record_consent(contact, "email", True, "wants them again", actor=people.owner)
    assert not is_unwilling(contact, contact.email, MARKETING)
    assert Client().post(url).status_code == 200 and is_unwilling(contact)


def test_a_no_outlives_a_conversion_that_is_taken_back(people: Cast) -> None:
    lead = create_lead({"last_name": "Kern", "email": "k@kern.example"}, actor=people.owner)
    url = link_of(lead, "k@kern.example")
    contact = convert_lead(lead, actor=people.owner).contact
    assert contact is not None
    Client().post(url)
    lead = undo_conversion(lead, actor=people.owner)
    Contact._base_manager.filter(pk=contact.pk).delete()  # the bin is emptied
    assert recipient_behind(url.split("/")[2]) == Recipient("lead", lead.pk, masked("k@kern.example"))
    assert is_unwilling(lead, lead.email, MARKETING)


def test_a_known_contact_takes_the_no_of_a_lead_over(people: Cast, ann: Any) -> None:
    record_consent(ann, "email", True, "order", actor=people.owner)
    lead = create_lead({"last_name": "Lee", "email": "ann@lee.example"}, actor=people.owner)
    Client().post(link_of(lead))
    convert_lead(lead, actor=people.owner, choices=Choices(contact=ann, company="none"))
    assert is_unwilling(ann)


def test_the_preview_counts_who_opted_out(people: Cast, ann: Any, news: MailTemplate) -> None:
    record_consent(ann, "newsletter", False, "asked", actor=people.owner)
    create_contact({"first_name": "Bob", "last_name": "Ray", "email": "b@b.example"}, actor=people.owner)
    client, asked = signed_in(people.owner), {"all": "1", "query": "", "confirmed": "1"}
    page = client.post("/contacts/bulk/mail/", {**asked, "template": news.pk}).content.decode()
    assert re.findall(r"<dd>(\d+)</dd>", page)[:4] == ["1", "0", "1", "0"] and "link to unsubscribe" in page
    other = create_template({"name": "Other", "subject": "x", "text": "y"}, actor=None)
    page = client.post("/contacts/bulk/mail/", {**asked, "template": other.pk}).content.decode()
    assert re.findall(r"<dd>(\d+)</dd>", page)[:4] == ["2", "0", "0", "0"] and "link to unsubscribe" not in page


def test_a_round_of_many_asks_as_often_as_one_of_few(people: Cast, news: MailTemplate, django_assert_max_num_queries: Any) -> None:
    ids = [create_contact({"last_name": f"P{number}", "email": f"p{number}@x.example"}, actor=people.owner).pk for number in range(30)]
    with django_assert_max_num_queries(30):
        assert mail_each("contact", ids, actor=people.owner, data={"template": news}) == 30


@pytest.mark.parametrize(("address", "seen"), [("ann@lee.example", "a***@lee.example"), ("x@y.example", "x***@y.example"), ("", "***@")])
def test_masked(address: str, seen: str) -> None:
    assert masked(address) == seen
