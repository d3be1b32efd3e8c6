"""How one finished mail leaves: into a folder, or to an SMTP server. Knows nothing of the ledger (mail.services)."""

from __future__ import annotations

import os
import re
import smtplib
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from django.conf import settings
from django.core.mail.message import sanitize_address

LINE_END, LINE_START_DOT = re.compile(rb"\r\n|\r|\n"), re.compile(rb"^\.", re.MULTILINE)
WRITERS = 8
CONNECT_SECONDS, COMMAND_SECONDS, REPLY_SECONDS = 10, 5, 20  # one mail takes at most 35 s: less than the ledger's lease


class SendingError(Exception):
    """Base: the mail is not known to have been accepted."""


class Unreachable(SendingError):
    """No conversation with the server at all; says nothing about this mail."""


class Later(SendingError):
    """The server refused for now (4xx), or the connection broke before the content was handed over."""


class Refused(SendingError):
    """The server refused for good (5xx), or the mail can't be written."""


class Uncertain(SendingError):
    """The content was handed over and no answer came: the server may have it."""


class Letter(NamedTuple):
    """A finished mail and where it goes."""

    message_id: str
    sender: str
    recipient: str
    content: bytes


Answer = SendingError | None  # None: accepted


class Transport(Protocol):
    """`has_log`: `accepted(message_id)` can be asked afterwards. `batch`: how many mails may be claimed at once."""

    has_log: bool
    batch: int

    def open(self) -> None: ...
    def close(self) -> None: ...
    def deliver(self, letters: Sequence[Letter]) -> list[Answer]: ...
    def accepted(self, message_id: str) -> bool: ...


class FileTransport:
    """One `<uuid>.eml` per mail. The folder is its own accept log: a mail is there whole or not at all."""

    has_log = True
    batch = 50

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def open(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unreachable(f"{self.directory}: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is held open."""

    def path(self, message_id: str) -> Path:
        return self.directory / f"{message_id.strip('<>').partition('@')[0]}.eml"

    def accepted(self, message_id: str) -> bool:
        return self.path(message_id).exists()

    def deliver(self, letters: Sequence[Letter]) -> list[Answer]:
        """Several at a time: each waits for the disk, and the disk can serve them together."""
        with ThreadPoolExecutor(max_workers=min(WRITERS, len(letters)) or 1) as pool:
            return list(pool.map(self._write, letters))

    def _write(self, letter: Letter) -> Answer:
        final = self.path(letter.message_id)
        draft = self.directory / f".{final.stem}.{uuid4().hex[:8]}.tmp"
        try:
            with draft.open("wb") as file:
                file.write(letter.content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(final)  # the moment of acceptance: atomic, and the same file if it is done twice
        except OSError as error:
            draft.unlink(missing_ok=True)
            return Later(f"{self.directory}: {error.strerror}")
        return None


class SmtpTransport:
    """A plain SMTP server: at least once, nothing to ask afterwards. One connection serves many mails."""

    has_log = False
    batch = 1  # only the mail in flight is uncertain when the process dies

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.connection: smtplib.SMTP | None = None

    def open(self) -> None:
        if self.connection is not None:
            return
        config, context = self.config, ssl.create_default_context()
        connect_seconds = min(CONNECT_SECONDS, config.get("timeout") or CONNECT_SECONDS)
        try:
            connection: smtplib.SMTP
            if config.get("ssl"):
                connection = smtplib.SMTP_SSL(config["host"], config["port"], timeout=connect_seconds, context=context)
            else:
                connection = smtplib.SMTP(config["host"], config["port"], timeout=connect_seconds)
            if config.get("starttls"):
                connection.starttls(context=context)
            if config.get("username"):
                connection.login(config["username"], config["password"])
            connection.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(_words(error)) from error
        self.connection = connection

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is None:
            return
        try:
            if connection.sock is not None:
                connection.sock.settimeout(COMMAND_SECONDS)
            connection.quit()
        except (OSError, smtplib.SMTPException):
            connection.close()

    def accepted(self, message_id: str) -> bool:
        raise NotImplementedError("a bare SMTP server can't be asked")

    def deliver(self, letters: Sequence[Letter]) -> list[Answer]:
        answers: list[Answer] = []
        for letter in letters:
            try:
                self._send(letter)
                answers.append(None)
            except SendingError as error:
                answers.append(error)
        return answers

    def _send(self, letter: Letter) -> None:
        self.open()
        assert self.connection is not None
        assert self.connection.sock is not None
        try:
            self.connection.sock.settimeout(COMMAND_SECONDS)
            self._envelope(letter.sender, letter.recipient)
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            self._drop()
            raise Later(_words(error)) from error
        self._content(letter.content)

    def _envelope(self, sender: str, recipient: str) -> None:
        """MAIL, RCPT and DATA: until 354 the server has nothing, so that every fault here is safe to repeat."""
        assert self.connection is not None
        for command in (lambda c: c.mail(sender), lambda c: c.rcpt(recipient), lambda c: c.docmd("DATA")):
            code, reply = command(self.connection)
            if not 200 <= code < 400:
                self._reset(code)
                raise _refusal(code, reply)

    def _content(self, content: bytes) -> None:
        assert self.connection is not None
        assert self.connection.sock is not None
        lines = LINE_START_DOT.sub(b"..", LINE_END.sub(b"\r\n", content))
        try:
            self.connection.sock.settimeout(REPLY_SECONDS)
            self.connection.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
        except (OSError, smtplib.SMTPException) as error:  # without the last dot it has no mail (RFC 5321, 4.1.1.4)
            self._drop()
            raise Later(_words(error)) from error
        try:
            self.connection.send(b".\r\n")
            code, reply = self.connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Uncertain(_words(error)) from error
        if not 200 <= code < 300:
            self._reset(code)
            raise _refusal(code, reply)

    def _reset(self, code: int) -> None:
        """After a refusal the connection serves the next mail; 421 means that the server is closing it."""
        try:
            if code == 421 or self.connection is None:
                self._drop()
            else:
                self.connection.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _refusal(code: int, reply: bytes) -> SendingError:
    words = f"{code} {reply.decode('utf-8', 'replace')}"[:1000]
    if code == 421:
        return Unreachable(words)
    return Refused(words) if code >= 500 else Later(words)


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:1000]


def envelope_address(address: str) -> str:
    """The bare address as SMTP wants it: an international domain in its ASCII form."""
    return sanitize_address(address, "utf-8")


def configured() -> Transport:
    """The transport of settings.MAIL_TRANSPORT (crm.env.mail)."""
    config = settings.MAIL_TRANSPORT
    return SmtpTransport(config) if config["kind"] == "smtp" else FileTransport(config["directory"])
