"""The ledger of outgoing mail: queued with the transaction, sent once, whatever the server answers."""

from __future__ import annotations

import email
import threading
from datetime import timedelta
from email import policy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from mail import services
from mail.models import OutgoingMail
from mail.services import ledger
from mail.services.transport import FileTransport, Later, Letter, Refused, SmtpTransport, Uncertain, Unreachable
from tests.factories import make_user

pytestmark = pytest.mark.django_db
State = OutgoingMail.State


def queue(**values: Any) -> OutgoingMail | None:
    defaults = {"purpose": "notice", "to_address": "ann@example.com", "subject": "Hello", "text": "Text"}
    with transaction.atomic():
        return services.queue_mail(**(defaults | values))


class Scripted:
    """A transport that answers from a list: None accepts, an exception is raised."""

    def __init__(self, *answers: Any, has_log: bool = False, accepted: tuple[str, ...] = (), batch: int = 1, open_errors: int = 0) -> None:
        self.answers, self.has_log, self.log, self.batch, self.open_errors = list(answers), has_log, set(accepted), batch, open_errors
        self.sent: list[tuple[str, Any]] = []

    def open(self) -> None:
        if self.open_errors:
            self.open_errors -= 1
            raise Unreachable("connection refused")

    def close(self) -> None: ...

    def accepted(self, message_id: str) -> bool:
        return message_id in self.log

    def deliver(self, letters: Any) -> list[Any]:
        answers = []
        for letter in letters:
            answers.append(self.answers.pop(0) if self.answers else None)
            if answers[-1] is None:
                self.sent.append((letter.recipient, email.message_from_bytes(letter.content)))
        return answers


@pytest.fixture
def folder(tmp_path: Path) -> FileTransport:
    return FileTransport(tmp_path / "mail")


def read(transport: FileTransport) -> list[Any]:
    return [email.message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(transport.directory.glob("*.eml"))]


@pytest.mark.django_db(transaction=True)
def test_queueing_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError):
        services.queue_mail(purpose="notice", to_address="ann@example.com", subject="Hello", text="Text")


def test_a_key_is_queued_once() -> None:
    first = queue(key="lead:1")
    assert first is not None
    assert queue(key="lead:1") is None
    assert OutgoingMail.objects.count() == 1


def test_many_with_known_keys_leave_out_those() -> None:
    queue(key="a")
    row = {"purpose": "notice", "to_address": "ann@example.com", "subject": "Hello", "text": "Text"}
    with transaction.atomic():
        mails = services.queue_mails([{**row, "key": "a"}, {**row, "key": "b"}, {**row}])
    assert [mail.key for mail in mails] == ["b", None]


def test_headers_can_not_be_injected() -> None:
    mail = queue(subject="Hello\r\nBcc: everybody@example.com", to_name="Ann\nBcc: x@example.com", headers={"X-A": "1\r\nX-B: 2"})
    assert mail is not None
    message = ledger.build(mail)
    assert message["Bcc"] is None
    assert message["X-B"] is None
    assert "\n" not in mail.subject


@pytest.mark.parametrize("address", ["", "nobody", "a@b\nBcc: c@d.example", "x" * 300 + "@example.com"])
def test_a_bad_address_is_refused_when_queued(address: str) -> None:
    with pytest.raises(ValidationError):
        queue(to_address=address)


def test_the_folder_gets_one_whole_file_per_mail(folder: FileTransport) -> None:
    user = make_user(name="Zoë Müller")
    mail = queue(subject="Grüße 😀", text="Zeile 1\n.Punkt\nZeile 3", html="<p>Grüße</p>", to_name="Ann Ä", user=user)
    assert mail is not None
    assert services.send_due(transport=folder) == 1
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.lease_until) == (State.SENT, 1, None)
    [message] = read(folder)
    assert message["Message-ID"] == mail.message_id
    assert message["Subject"] == "Grüße 😀"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Rapport-Resend"] is None
    assert ".Punkt" in message.get_body(("plain",)).get_content()
    assert [path.suffix for path in folder.directory.iterdir()] == [".eml"]


def test_nothing_leaves_when_the_transaction_is_rolled_back(folder: FileTransport) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        services.queue_mail(purpose="notice", to_address="ann@example.com", subject="Hello", text="Text")
        raise ZeroDivisionError
    assert services.send_due(transport=folder) == 0


def test_a_claim_counts_and_leases_before_anything_leaves() -> None:
    mail = queue()
    [claimed] = services.claim(5)
    assert mail is not None
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (State.SENDING, 1)
    assert mail.lease_until == claimed.lease_until
    assert services.claim(5) == []


@pytest.mark.parametrize(
    ("answer", "state", "resends"),
    [
        (Later("451 try again"), State.QUEUED, 0),
        (Refused("550 no such user"), State.FAILED, 0),
        (Unreachable("421 closing"), State.QUEUED, 0),
    ],
)
def test_each_answer_leads_to_its_state(answer: Exception, state: str, resends: int) -> None:
    mail = queue()
    assert mail is not None
    assert services.send_due(transport=Scripted(answer)) == 0
    mail.refresh_from_db()
    assert (mail.state, mail.resends, mail.error) == (state, resends, str(answer))
    if state == State.QUEUED:
        assert timedelta(seconds=25) < mail.next_attempt_at - timezone.now() <= timedelta(seconds=30)


def test_waits_grow_and_end_after_three_days() -> None:
    mail = queue()
    assert mail is not None
    waits = []
    for _try in range(20):
        mail.refresh_from_db()
        if mail.state != State.QUEUED:
            break
        OutgoingMail.objects.update(next_attempt_at=timezone.now())
        services.send_due(transport=Scripted(Later("450 busy")))
        mail.refresh_from_db()
        waits.append((mail.next_attempt_at - timezone.now()).total_seconds())
    assert mail.state == State.FAILED
    assert waits[:4] == [pytest.approx(each, abs=5) for each in (30, 120, 480, 1800)]
    assert 60 * 3600 < sum(waits) < 90 * 3600


def test_an_uncertain_mail_goes_out_once_more_with_the_same_id_and_a_mark() -> None:
    mail = queue()
    assert mail is not None
    transport = Scripted(Uncertain("timed out"))
    assert services.send_due(transport=transport) == 1
    mail.refresh_from_db()
    assert (mail.state, mail.resends, mail.attempts) == (State.SENT, 1, 2)
    [(_recipient, message)] = transport.sent
    assert (message["Message-ID"], message["X-Rapport-Resend"]) == (mail.message_id, "1")


def test_a_second_uncertainty_waits_for_a_person() -> None:
    mail = queue()
    assert mail is not None
    services.send_due(transport=Scripted(Uncertain("timed out"), Uncertain("timed out")))
    mail.refresh_from_db()
    assert mail.state == State.UNCERTAIN
    assert services.retry([mail.pk]) == 1
    transport = Scripted()
    services.send_due(transport=transport)
    assert transport.sent[0][1]["X-Rapport-Resend"] == "2"


def test_bulk_mail_is_parked_at_once() -> None:
    mail = queue(purpose="bulk")
    assert mail is not None
    services.send_due(transport=Scripted(Uncertain("timed out")))
    mail.refresh_from_db()
    assert (mail.state, mail.resends) == (State.UNCERTAIN, 0)


def lose(mail: OutgoingMail) -> None:
    """As if the process had died after the claim, longer than a lease ago."""
    services.claim(5)
    OutgoingMail.objects.filter(pk=mail.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_lost_claim_is_settled_by_the_accept_log(folder: FileTransport) -> None:
    sent, unsent = queue(), queue()
    assert sent is not None
    assert unsent is not None
    lose(sent)
    OutgoingMail.objects.filter(pk=unsent.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    folder.open()
    folder.deliver([Letter(sent.message_id, "a@example.com", sent.to_address, b"Subject: Hello\n\nText")])
    assert services.reconcile(folder) == 2
    sent.refresh_from_db()
    unsent.refresh_from_db()
    assert (sent.state, unsent.state, unsent.resends) == (State.SENT, State.QUEUED, 0)


def test_a_lost_claim_without_a_log_is_resent_marked() -> None:
    mail = queue()
    assert mail is not None
    lose(mail)
    transport = Scripted()
    services.send_due(transport=transport)
    assert transport.sent[0][1]["X-Rapport-Resend"] == "1"


def test_an_outcome_counts_only_while_the_claim_is_ours() -> None:
    queue()
    [claimed] = services.claim(1)
    OutgoingMail.objects.update(lease_until=timezone.now() + timedelta(minutes=5))  # another worker took it over
    assert not ledger._mark(claimed, state=State.SENT, sent_at=timezone.now())
    assert OutgoingMail.objects.get().state == State.SENDING


def test_the_breaker_stops_a_round_after_three_dead_connections() -> None:
    for _number in range(10):
        queue()
    transport = Scripted(open_errors=99)
    assert services.send_due(transport=transport) == 0
    assert OutgoingMail.objects.filter(attempts=1).count() == 3
    assert OutgoingMail.objects.filter(attempts=0, state=State.QUEUED).count() == 7


def test_one_bad_address_does_not_stop_the_others() -> None:
    mails = [queue(to_address=f"person{number}@example.com") for number in range(5)]
    OutgoingMail.objects.filter(pk=mails[2].pk).update(headers={"X-Bad": "a\nb"})  # type: ignore[union-attr]
    transport = Scripted(None, Refused("550"))
    services.send_due(transport=transport)
    assert len(transport.sent) == 3
    assert OutgoingMail.objects.filter(state=State.FAILED).count() == 2


def test_after_a_restore_nothing_leaves_until_a_person_says_so(folder: FileTransport) -> None:
    queue()
    lose(queue())  # type: ignore[arg-type]
    assert services.hold_unsent() == 2
    assert services.send_due(transport=folder) == 0
    assert services.retry(OutgoingMail.objects.values_list("pk", flat=True)) == 2
    assert services.send_due(transport=folder) == 2
    assert {message["X-Rapport-Resend"] for message in read(folder)} == {"1"}


def test_the_sender_is_the_organisations(settings: Any) -> None:
    from users.models import Organisation
    from users.selectors import forget_organisation

    Organisation.objects.update_or_create(
        pk=1, defaults={"name": "Acme", "mail_from": "crm@acme.example", "mail_from_name": "Acme Sales", "mail_reply_to": "hello@acme.example"}
    )
    forget_organisation()
    mail = queue()
    assert mail is not None
    message = ledger.build(mail)
    assert message["From"] == "Acme Sales <crm@acme.example>"
    assert message["Reply-To"] == "hello@acme.example"
    forget_organisation()


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_mail_once(folder: FileTransport) -> None:
    for number in range(40):
        queue(to_address=f"person{number}@example.com")
    errors: list[BaseException] = []
    counts: list[int] = []

    def work() -> None:
        try:
            counts.append(services.send_due(transport=FileTransport(folder.directory)))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sum(counts) == 40
    assert len(read(folder)) == 40
    assert set(OutgoingMail.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_rung_once_per_transaction_and_a_dead_broker_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rings = []

    def ring(name: str, **_options: Any) -> None:
        rings.append(name)
        raise OSError("no broker")

    monkeypatch.setattr(ledger.current_app, "send_task", ring, raising=False)
    with transaction.atomic():
        for _number in range(3):
            services.queue_mail(purpose="notice", to_address="ann@example.com", subject="Hello", text="Text")
    assert rings == ["mail.tasks.send_due"]
    assert OutgoingMail.objects.count() == 3


def test_smtp_is_unreachable_when_nobody_listens() -> None:
    with pytest.raises(Unreachable):
        SmtpTransport({"host": "127.0.0.1", "port": 1}).open()
