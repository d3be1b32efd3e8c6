"""The texts of the code and their translations, read from the code itself, not by xgettext: that one overlooks texts inside f-strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
PO = ROOT / "locale/de/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
APPS = ("activities", "contacts", "crm", "deals", "leads", "mail", "reports", "users")
# Function -> positions of context, text and plural among its arguments.
FUNCTIONS: dict[str, tuple[int | None, int, int | None]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
compiled = pytest.mark.skipif(
    not MO.exists() or MO.stat().st_mtime < PO.stat().st_mtime,
    reason="locale/de is not compiled: `make test` does it, or `make locale/de/LC_MESSAGES/django.mo`",
)


class Text(NamedTuple):
    """What stands in the code; `where` is not compared."""

    context: str | None
    text: str
    plural: str | None


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, list[Any], tuple[int | None, int, int | None]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in FUNCTIONS:
                yield node, [value.value if isinstance(value, ast.Constant) else None for value in node.args], FUNCTIONS[name]


def python_files() -> Iterator[Path]:
    for app in APPS:
        yield from sorted((ROOT / app).rglob("*.py"))


def template_files() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))


@lru_cache(1)
def texts_of_the_code() -> dict[Text, str]:
    """Every marked text and one file that has it."""
    found: dict[Text, str] = {}
    for path in python_files():
        for _node, values, (context, text, plural) in calls(ast.parse(path.read_text())):
            if isinstance(values[text], str):
                key = Text(None if context is None else values[context], values[text], None if plural is None else values[plural])
                found.setdefault(key, str(path.relative_to(ROOT)))
    string = r"u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    for path in template_files():
        for name, arguments in re.findall(rf"\b(n?p?gettext)\(((?:(?:{string}),?\s*)+)(?:count)?\)", templatize(path.read_text())):
            values = [ast.literal_eval(part) for part in re.findall(string, arguments)]
            context, text, plural = FUNCTIONS[name]
            found.setdefault(
                Text(None if context is None else values[context], values[text], None if plural is None else values[plural]), str(path.relative_to(ROOT))
            )
    return found


@lru_cache(1)
def messages() -> dict[Text, Message]:
    with PO.open("rb") as file:
        catalogue = read_po(file, locale="de", abort_invalid=True)
    return {Text(m.context, *(m.id if isinstance(m.id, tuple) else (m.id, None))): m for m in catalogue if m.id}


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|<[^>]+>", text))
