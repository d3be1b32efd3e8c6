"""What an SMTP server may do, and what the ledger makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mail import services
from mail.models import OutgoingMail
from mail.services import transport as transports
from mail.services.transport import SmtpTransport
from tests.mail.sinks import Sink, SinkController
from tests.mail.test_ledger import queue

pytestmark = pytest.mark.django_db
State = OutgoingMail.State


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Sink, SmtpTransport]]]:
    running = []

    def start(**options: Any) -> tuple[Sink, SmtpTransport]:
        sink = Sink(**options)
        controller = SinkController(sink)
        controller.start()
        running.append(controller)
        return sink, SmtpTransport(controller.config)

    yield start
    for controller in running:
        controller.stop()


def test_mails_share_a_connection_and_arrive_as_written(serve: Any) -> None:
    sink, transport = serve()
    mails = [queue(to_address=f"p{number}@example.com", text="Zeile\n.Punkt\n..Zwei\nÄ") for number in range(5)]
    assert services.send_due(transport=transport) == 5
    assert [entry[0] for entry in sink.accepted] == [mail.message_id for mail in mails]  # type: ignore[union-attr]
    import email
    from email import policy

    text = email.message_from_bytes(sink.contents[0], policy=policy.default).get_content()
    assert text.replace("\r\n", "\n").strip() == "Zeile\n.Punkt\n..Zwei\nÄ"


@pytest.mark.parametrize(
    ("behave", "state", "accepted"),
    [
        ({"mail": "421 closing"}, State.QUEUED, 0),
        ({"mail": "451 later"}, State.QUEUED, 0),
        ({"mail": "553 sender refused"}, State.FAILED, 0),
        ({"rcpt": "450 greylisted"}, State.QUEUED, 0),
        ({"rcpt": "452 too many"}, State.QUEUED, 0),
        ({"rcpt": "550 no such user"}, State.FAILED, 0),
        ({"rcpt": "551 moved"}, State.FAILED, 0),
        ({"data": "451 disk full"}, State.QUEUED, 0),
        ({"data": "552 too large"}, State.FAILED, 0),
        ({"data": "554 spam"}, State.FAILED, 0),
        ({"data": "drop"}, State.UNCERTAIN, 2),
    ],
    ids=lambda value: str(value),
)
def test_each_behaviour_has_its_state(serve: Any, behave: dict[str, str], state: str, accepted: int) -> None:
    sink, transport = serve(behave=behave)
    mail = queue()
    assert mail is not None
    services.send_due(transport=transport)
    mail.refresh_from_db()
    assert mail.state == state
    assert len(sink.accepted) == accepted
    if accepted == 2:  # once, and once more with the mark
        assert sink.accepted == [(mail.message_id, ""), (mail.message_id, "1")]


def test_silence_after_the_content_is_uncertain(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "REPLY_SECONDS", 0.3)
    _sink, transport = serve(behave={"data": "hang"})
    mail = queue(purpose="bulk")
    assert mail is not None
    services.send_due(transport=transport)
    mail.refresh_from_db()
    assert mail.state == State.UNCERTAIN


def test_a_poisoned_address_in_a_hundred(serve: Any) -> None:
    sink, transport = serve(behave={"p50@example.com": "554 poison"})
    for number in range(100):
        queue(to_address=f"p{number}@example.com")
    assert services.send_due(transport=transport) == 99
    assert len({entry[0] for entry in sink.accepted}) == 99
    assert OutgoingMail.objects.filter(state=State.FAILED).count() == 1
