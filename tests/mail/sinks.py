"""An SMTP server for the tests: keeps what it accepts, answers as told."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Sink:
    """Handler: `behave` names what happens at which step; delays are random up to `delay` seconds before and after acceptance."""

    def __init__(self, *, delay: float = 0.0, seed: int = 1, behave: dict[str, str] | None = None) -> None:
        self.accepted: list[tuple[str, str]] = []  # (Message-ID, X-Rapport-Resend)
        self.contents: list[bytes] = []
        self.delay, self.random, self.behave = delay, random.Random(seed), behave or {}

    async def _pause(self) -> None:
        if self.delay:
            await asyncio.sleep(self.random.uniform(0, self.delay))

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        return self.behave.get("mail", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.behave.get(address) or self.behave.get("rcpt", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        how = self.behave.get("data", "250 OK")
        await self._pause()
        if how == "drop":  # taken in, but the answer never arrives
            self._keep(envelope.content)
            server.transport.abort()
            return "250 OK"
        if how == "hang":
            self._keep(envelope.content)
            await asyncio.sleep(30)
        if how.startswith("250"):
            self._keep(envelope.content)
            await self._pause()
        return how

    def _keep(self, content: bytes) -> None:
        import email

        message = email.message_from_bytes(content)
        self.accepted.append((message["Message-ID"], message.get("X-Rapport-Resend", "")))
        self.contents.append(content)


class SinkController(Controller):
    """Listens on a free port of the loopback."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        return SMTP(self.handler, timeout=60)

    def _trigger_server(self) -> None:
        """aiosmtpd pokes the port it was given; ours is known only when it listens."""
        import socket

        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        socket.create_connection((self.hostname, self.port), 5).close()

    @property
    def config(self) -> dict[str, Any]:
        return {"kind": "smtp", "host": "127.0.0.1", "port": self.port, "username": "", "password": "", "starttls": False, "ssl": False, "timeout": 20}
