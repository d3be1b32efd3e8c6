"""A browser in miniature: one signed-in user, kept-alive connections, forms read from the page as people get them."""

from __future__ import annotations

import gzip
import http.client
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from bench.people import PASSWORD, address


@dataclass(frozen=True)
class Reply:
    """One response, with what the server says about its own work."""

    status: int
    ms: float
    queries: int
    sql_ms: float
    cpu_ms: float
    bytes_gz: int
    text: str
    location: str


class Browser:
    """One user's session."""

    def __init__(self, port: int, name: str) -> None:
        self.port, self.name = port, name
        self.cookies: dict[str, str] = {}
        # Two connections in turn, so that both web workers get some of it.
        self.connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for _ in range(2)]
        self.turn = 0

    def request(self, method: str, path: str, fields: list[tuple[str, str]] | None = None, accept: str = "text/html") -> Reply:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Accept": accept, "Accept-Encoding": "gzip"}
        body = None
        if fields is not None:
            body = urlencode([*fields, ("csrfmiddlewaretoken", self.cookies.get("csrftoken", ""))]).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.turn += 1
        connection = self.connections[self.turn % 2]
        try:
            return self._send(connection, method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError, http.client.CannotSendRequest):
            connection.close()  # kept alive too long: once more on a new one
            return self._send(connection, method, path, body, headers)

    def _send(self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        if connection.sock is None:
            connection.connect()
        began = time.perf_counter()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        ms = (time.perf_counter() - began) * 1000
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _sign, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        packed = response.getheader("Content-Encoding") == "gzip"
        plain = gzip.decompress(content) if packed else content
        size = len(content) if packed else len(gzip.compress(content, 6))
        queries = int(response.getheader("X-Bench-Queries") or 0)
        sql, cpu = (float(response.getheader(f"X-Bench-{name}-Ms") or 0) for name in ("Sql", "Cpu"))
        return Reply(response.status, ms, queries, sql, cpu, size, plain.decode("utf-8", "replace"), response.getheader("Location") or "")

    def get(self, path: str, accept: str = "text/html") -> Reply:
        return self.request("GET", path, accept=accept)

    def post(self, path: str, fields: list[tuple[str, str]]) -> Reply:
        return self.request("POST", path, fields)

    def sign_in(self) -> None:
        self.get("/accounts/login/")
        reply = self.post("/accounts/login/", [("login", address(self.name)), ("password", PASSWORD)])
        if reply.status != 302:
            raise SystemExit(f"bench: {self.name} could not sign in ({reply.status}): {reply.text[:300]}")

    def form(self, path: str) -> list[tuple[str, str]]:
        """The fields of the main form of a page as they stand there."""
        reply = self.get(path)
        if reply.status != 200:
            raise LookupError(f"GET {path}: {reply.status}")
        parser = FormReader()
        parser.feed(reply.text)
        fields = parser.best()
        return [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]


def filled(fields: list[tuple[str, str]], **values: str) -> list[tuple[str, str]]:
    """The fields with these values instead of theirs; missing ones are added."""
    kept = [(name, value) for name, value in fields if name not in values]
    return kept + list(values.items())


class FormReader(HTMLParser):
    """Collects the fields of each POST form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[list[tuple[str, str]]] = []
        self.open = False
        self.select = ""
        self.options: list[tuple[str, bool]] = []
        self.area: str | None = None
        self.area_text = ""

    def best(self) -> list[tuple[str, str]]:
        return max(self.forms, key=len, default=[])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method", "").lower() == "post":
            self.forms.append([])
            self.open = True
        if not self.open:
            return
        name = values.get("name", "")
        if tag == "input" and name:
            kind = values.get("type", "text")
            if kind in ("submit", "button", "file") or (kind in ("checkbox", "radio") and "checked" not in values):
                return
            self.forms[-1].append((name, values.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "select" and name:
            self.select, self.options = name, []
        elif tag == "option" and self.select:
            self.options.append((values.get("value", ""), "selected" in values))
        elif tag == "textarea" and name:
            self.area, self.area_text = name, ""

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area_text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = False
        elif tag == "select" and self.select and self.open:
            chosen = next((value for value, selected in self.options if selected), self.options[0][0] if self.options else "")
            self.forms[-1].append((self.select, chosen))
            self.select = ""
        elif tag == "textarea" and self.area is not None and self.open:
            self.forms[-1].append((self.area, self.area_text.removeprefix("\n")))
            self.area = None


def path_of(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
