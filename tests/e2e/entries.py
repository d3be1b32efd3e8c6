"""Entries of the public form in numbers, and the proof that each was worked in once."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.system import RUN, System, wait_for

WORKED_IN = """
SELECT submission.data ->> 'email', count(DISTINCT submission.id), count(DISTINCT lead.id), count(DISTINCT lead.owner_id),
       count(DISTINCT task.id), count(DISTINCT reminder.id), count(DISTINCT mail.id) FILTER (WHERE mail.to_address = owner.email AND mail.state = 'sent'),
       min(submission.state), bool_and(task.owner_id = lead.owner_id)
FROM leads_submission submission
LEFT JOIN leads_lead lead ON lead.email_key = submission.data ->> 'email'
LEFT JOIN users_user owner ON owner.id = lead.owner_id
LEFT JOIN activities_task task ON task.lead_id = lead.id
LEFT JOIN activities_reminder reminder ON reminder.task_id = task.id
LEFT JOIN mail_outgoingmail mail ON mail.key = 'submission:' || submission.uuid || ':owner'
WHERE submission.data ->> 'email' = ANY (%s) GROUP BY 1
"""
ONCE = (1, 1, 1, 1, 1, 1, "done", True)
UNSETTLED = """
SELECT (SELECT count(*) FROM leads_submission WHERE state = 'stored') + (SELECT count(*) FROM mail_outgoingmail WHERE state IN ('queued', 'sending'))
"""


def entry(address: str) -> dict[str, str]:
    name = address.partition("@")[0].title()
    return {"name": f"Person {name}", "email": address, "company": f"Company {name}", "message": "Please call me."}


def addresses(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{index:05}@{RUN}.example" for index in range(number)]


@dataclass
class Sent:
    """What the clients were told, by address."""

    statuses: dict[str, int] = field(default_factory=dict)
    retry_after: list[str] = field(default_factory=list)

    def accepted(self) -> list[str]:
        return [address for address, status in self.statuses.items() if status == 201]


def send_all(system: System, people: Sequence[str], clients: int, *, stop: threading.Event | None = None) -> Sent:
    """Each client sends its share over one kept connection; 0 stands for a connection that broke."""
    sent = Sent()

    def work(share: Sequence[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=60)
        for address in share:
            if stop is not None and stop.is_set():
                break
            try:
                status, headers = system.send(entry(address), connection)
            except (OSError, http.client.HTTPException):
                connection.close()
                status, headers = 0, {}
            sent.statuses[address] = status
            if status == 429:
                sent.retry_after.append(headers.get("Retry-After", ""))
        connection.close()

    threads = [threading.Thread(target=work, args=(people[number::clients],)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sent


def wait_until_settled(system: System, seconds: float = 120) -> None:
    """All stored entries are worked in, all mails have left."""
    wait_for(
        lambda: _unsettled(system) == 0, seconds, lambda: f"{_unsettled(system)} entries and mails wait after {seconds:.0f} s\n{system.running.text[-3000:]}"
    )


def _unsettled(system: System) -> Any:
    return system.value(UNSETTLED)


def assert_worked_in_once(system: System, people: Sequence[str], *, resends: bool = False) -> None:
    """Each address: one entry, one lead with one owner, one task of that owner with one reminder, one mail that the SMTP server took.

    `resends`: a process died that may have been sending. Nobody can ask the server what it has, so a mail may have come a second time:
    then it is the same one (Message-ID) and marked.
    """
    found = {row[0]: tuple(row[1:]) for row in system.rows(WORKED_IN, list(people))}
    wrong = {address: found.get(address) for address in people if found.get(address) != ONCE}
    assert not wrong, f"entries, leads, owners, tasks, reminders, mails, state, same owner: {wrong}"
    arrived: dict[str, list[tuple[str, bool]]] = {address: [] for address in people}
    for mail in system.mails():
        if str(mail["Reply-To"]) in arrived:
            arrived[str(mail["Reply-To"])].append((str(mail["Message-ID"]), "X-Rapport-Resend" in mail))
    wrong = {address: mails for address, mails in arrived.items() if not _is_one(mails, resends)}
    assert not wrong, f"mails by address, with Message-ID and mark of a resend: {wrong}"


def _is_one(mails: list[tuple[str, bool]], resends: bool) -> bool:
    if not resends:
        return len(mails) == 1 and not mails[0][1]
    return len({number for number, _marked in mails}) == 1 and [marked for _number, marked in mails] in ([False], [True], [False, True])
