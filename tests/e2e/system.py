"""The whole product as a user starts it (`python -m crm.local` with the demo data), its database, its Redis and the mails it sends."""

from __future__ import annotations

import email
import email.policy
import http.client
import json
import secrets
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg2
import redis

from crm.local.paths import Paths
from tests.local.conftest import Running, free_port
from tests.mail.sinks import Sink, SinkController

PASSWORD = "rapport-demo"
DEMO_USERS = ("admin", "manager", "rep", "rep2", "other", "agent")
FORM = "/f/contact/"
RUN = secrets.token_hex(3)  # in names and addresses: a kept system (E2E_DATA) has seen earlier runs


def address_of(user: str) -> str:
    return f"{user}@demo.example"


class System:
    """One running product. What it stores is read by SQL: its database is another one than that of the other tests."""

    def __init__(self, data: Path) -> None:
        self.sink = Sink()
        self.smtp = SinkController(self.sink)
        self.smtp.start()
        self.paths = Paths(data)
        self.running = Running(data, free_port(), DEMO="1", WEB_WORKERS="2", EMAIL_URL=f"smtp://127.0.0.1:{self.smtp.port}")

    @property
    def port(self) -> int:
        return self.running.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> int:
        try:
            return self.running.stop()
        finally:
            self.smtp.stop()

    # ---- what it stores ----

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, or none for a change, which is committed."""
        connection = psycopg2.connect(host=str(self.paths.sockets), user="crm", dbname="crm", connect_timeout=5)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        return self.rows(query, *values)[0][0]

    def redis(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.paths.sockets / "redis.sock"))

    # ---- the public form ----

    def set_limits(self, *, per_address: int = 20, per_form: int = 120) -> None:
        """The limits of the demo's form (by default those it comes with), counted from now on."""
        self.rows("DELETE FROM leads_ratebucket")
        self.rows("UPDATE leads_webform SET per_address_per_hour = %s, per_form_per_minute = %s WHERE slug = 'contact'", per_address, per_form)

    def send(self, values: Mapping[str, str], connection: http.client.HTTPConnection | None = None) -> tuple[int, Mapping[str, str]]:
        """Post one entry as another site's program would; status and headers."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            own.request("POST", FORM, json.dumps(values), {"Content-Type": "application/json"})
            answer = own.getresponse()
            answer.read()
            return answer.status, answer.headers
        finally:
            if connection is None:
                own.close()

    # ---- mail ----

    def mails(self, recipient: str = "", containing: str = "") -> list[EmailMessage]:
        """What the SMTP server has accepted for one recipient, with a word in its subject or text."""
        found = [email.message_from_bytes(content, policy=email.policy.default) for content in list(self.sink.contents)]
        return [mail for mail in found if (not recipient or recipient in str(mail["To"])) and (not containing or containing in words_of(mail))]

    def all_mail_left(self) -> bool:
        return not self.value("SELECT count(*) FROM mail_outgoingmail WHERE state IN ('queued', 'sending')")

    def is_ready(self) -> bool:
        return self.running.get("/readyz")[0] == 200


def words_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return f"{mail['Subject']}\n{body.get_content() if body else ''}"


def wait_for(what: Callable[[], Any], seconds: float, message: Callable[[], Any] = lambda: "") -> Any:
    """Ask until the answer is true, and give it back; a test failure when the time is up."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, message() or f"still not after {seconds:.0f} s"
        time.sleep(0.05)
    return answer
