"""German is complete: each text of the code has its translation."""

from __future__ import annotations

import ast
import re

import pytest
from babel.messages.pofile import read_po

from tests.core.texts import PO, ROOT, calls, messages, placeholders, python_files, texts_of_the_code


def test_texts_are_written_out() -> None:
    """`_(f"…")` and `_("a" + b)` reach no translator: fill placeholders in afterwards."""
    wrong = []
    for path in python_files():
        for node, _values, (_context, text, _plural) in calls(ast.parse(path.read_text())):
            if isinstance(node.args[text], (ast.JoinedStr, ast.BinOp, ast.Call)):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)[:80]}")
    assert not wrong, wrong


def test_every_text_is_in_the_catalogue_and_no_other() -> None:
    code, known = texts_of_the_code(), messages()
    # A text used both alone and with a plural is one entry, with the plural.
    singulars = {(context, text) for context, text, _plural in known}
    missing = [f"{where}: {text.text}" for text, where in code.items() if (text.context, text.text) not in singulars]
    assert not missing, f"run `make messages` (a text inside an f-string: give it a name first) and translate: {missing}"
    gone = [text.text for text in known if (text.context, text.text) not in {(one.context, one.text) for one in code}]
    assert not gone, f"run `make messages`; no longer used: {gone}"


@pytest.mark.parametrize("what", ["empty", "fuzzy", "placeholders", "ends"])
def test_every_text_is_german(what: str) -> None:
    wrong = []
    for text, message in messages().items():
        germans = message.string if isinstance(message.string, tuple) else (message.string,)
        bad = {
            "empty": not all(germans) or len(germans) != (2 if text.plural else 1),
            "fuzzy": message.fuzzy,
            "placeholders": any(placeholders(german) != placeholders(text.plural or text.text) for german in germans),
            # A sentence stays a sentence, and spaces around a text are the page's.
            "ends": any(german.strip() != german or (text.text[-1:] in ".?!" and german[-1:] not in ".?!") for german in germans),
        }
        if bad[what]:
            wrong.append((text.text, germans))
    assert not wrong, wrong


def test_plural_forms() -> None:
    with PO.open("rb") as file:
        catalogue = read_po(file)
    assert (catalogue.num_plurals, catalogue.plural_expr) == (2, "(n != 1)") and not catalogue.fuzzy and not catalogue.obsolete


def test_the_script_takes_its_words_from_the_page() -> None:
    script, page = (ROOT / "static/crm/crm.js").read_text(), (ROOT / "templates/components/texts.html").read_text()
    used = set(re.findall(r"\btexts\.(\w+)", script)) | {key for part in re.findall(r"\bsay\(([^;]*?)\)", script) for key in re.findall(r'"([a-z]\w*)"', part)}
    offered = {re.sub(r"-(\w)", lambda match: match[1].upper(), name) for name in re.findall(r"\bdata-([a-z-]+)=\"\{% translate", page)}
    assert used and used <= offered, used - offered
    code = re.sub(r"(?m)(^|\s)//.*$|/\*.*?\*/", "", script)
    assert not re.findall(r"[\"'`]([A-Z][a-z]+(?: [a-z]+)+[.?!]?)[\"'`]", code)
