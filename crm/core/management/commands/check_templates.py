"""`manage.py check_templates`: every template compiles and keeps to the content security policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template import TemplateSyntaxError
from django.template.loader import get_template

# Mails need inline styles (their readers know no style sheets) and are no pages of ours.
MAILS = ("emails/", "account/email/", "mfa/email/")
FORBIDDEN = {
    r"<style[\s>]": "an inline style sheet",
    r"\sstyle\s*=": "a style attribute",
    r"\son[a-z]+\s*=\s*[\"']": "a script in an attribute",
    r"<script(?![^>]*\s(?:src=|type=\"application/json\"))[^>]*>": "an inline script",
    r"javascript:": "a javascript: address",
    r"\|\s*safe\b": "the filter safe",
    r"{%\s*autoescape\s+off": "autoescape off",
}


class Command(BaseCommand):
    help = "Compiles every template and looks for what the content security policy would block."
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        problems: list[str] = []
        count = 0
        roots: list[Path] = [settings.BASE_DIR / "templates", *settings.BASE_DIR.glob("*/templates")]
        for root in roots:
            for path in sorted(root.rglob("*.*")):
                name = path.relative_to(root).as_posix()
                count += 1
                problems += self._problems(path, name)
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write(f"{count} templates are fine")

    @staticmethod
    def _problems(path: Path, name: str) -> list[str]:
        problems = []
        try:
            get_template(name)
        except TemplateSyntaxError as error:
            problems.append(f"{name}: {error}")
        source = re.sub(r"{%\s*comment.*?endcomment\s*%}|{#.*?#}", "", path.read_text(), flags=re.S)
        if path.suffix == ".html" and not name.startswith(MAILS):
            problems += [f"{name}: {what}" for pattern, what in FORBIDDEN.items() if re.search(pattern, source, re.I)]
        return problems
