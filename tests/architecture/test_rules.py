"""Rules of the house that a linter does not know. Each message says what to do instead."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).resolve().parents[2]
APPS = ("users", "mail", "contacts", "deals", "leads", "activities", "reports")
ORDER = ("core", "users", "mail", "contacts", "deals", "leads", "activities", "reports")
READING_ROOMS = ("views", "forms", "filters", "panels", "records")
SQL_MODULES = {"crm/core/listing.py", "users/backends.py"}


def sources(*places):
    for place in places:
        base = ROOT / place
        for path in [base] if base.is_file() else sorted(base.rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def room(path):
    parts = path.relative_to(ROOT).parts
    return parts[1].removesuffix(".py") if len(parts) > 1 else ""


def is_objects(node):
    return isinstance(node, ast.Attribute) and node.attr in ("objects", "_base_manager", "_default_manager")


def test_reading_rooms_ask_only_for_what_is_visible():
    """In views, forms, filters, panels and records `.objects` is followed by `.visible_to(`; all else is a selector."""
    wrong = []
    for path, tree in sources(*APPS):
        if room(path) not in READING_ROOMS:
            continue
        allowed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "visible_to"}
        wrong += [f"{path.relative_to(ROOT)}:{node.lineno}" for node in ast.walk(tree) if is_objects(node) and id(node) not in allowed]
    assert not wrong, wrong


def test_views_do_not_write():
    """Views, forms, filters, panels, records and selectors call no .save(), .create(), .delete(), .bulk_create() on rows."""
    verbs = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "select_for_update"}
    wrong = []
    for path, tree in sources(*APPS):
        if room(path) not in (*READING_ROOMS, "selectors"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in verbs and ast.unparse(node.func.value) != "self":
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} .{node.func.attr}()")
    assert not wrong, wrong


def test_services_know_no_request_and_publish_nothing():
    wrong = []
    for path, tree in sources(*APPS):
        if room(path) not in ("services", "selectors", "models", "handlers"):
            continue
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            module = getattr(node, "module", "") or ""
            if isinstance(node, ast.ImportFrom) and (
                module.startswith(("django.contrib.messages", "django.shortcuts", "django.views")) or "HttpRequest" in names or "HttpResponse" in names
            ):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} imports {module}")
    assert not wrong, wrong


def test_raw_sql_lives_in_reviewed_places():
    """Cursors, raw() and extra() only in kernel listing, selectors and services that say why."""
    wrong = []
    for path, tree in sources("crm", *APPS):
        where = str(path.relative_to(ROOT))
        if where in SQL_MODULES or room(path) in ("selectors", "services") or where.startswith(("crm/core/", "crm/local/", "reports/demo")):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("raw", "extra", "cursor"):
                wrong.append(f"{where}:{node.lineno}")
    assert not wrong, wrong


def test_no_signals_and_no_evaluation_of_data():
    wrong = []
    for path, tree in sources("crm", *APPS):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals":
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} signals")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "compile"):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.func.id}")
            if isinstance(node, ast.Import) and any(alias.name in ("pickle", "shelve", "marshal") for alias in node.names):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} pickle")
    assert not wrong, wrong


def test_templates_hold_no_script_style_or_handler():
    import re

    # A JSON block is data: no browser runs it, and the policy lets it pass.
    bad = re.compile(r"<script(?![^>]*(?:\bsrc|application/json))[^>]*>|\sstyle=|\son[a-z]+=|javascript:|\|safe\b|{% autoescape off|hx-on", re.I)
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if {"emails", "email"} & set(path.parts):
            continue  # mails have no CSP and need their style attributes
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if bad.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {bad.search(line).group(0)}")
    assert not wrong, wrong


@pytest.mark.parametrize("label", ORDER)
def test_foreign_keys_point_downwards(label):
    """String foreign keys are invisible to import-linter. The kernel may point to users: everything is somebody's."""
    for model in apps.get_app_config(label).get_models():
        for field in model._meta.get_fields():
            if not getattr(field, "remote_field", None) or field.auto_created or not field.concrete:
                continue
            target = field.related_model._meta.app_label
            if target not in ORDER or (label == "core" and target == "users"):
                continue
            assert ORDER.index(target) <= ORDER.index(label), f"{model._meta.label}.{field.name} points up to {target}"


def patterns(resolver=None, prefix=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + str(entry.pattern), entry


OPEN_TO_ALL = (
    "accounts/", "f/<slug:slug>/", "invitation/", "setup/", "organisation/logo/", "healthz", "readyz", "admin/login/", "admin/logout/", "reminders/",
    "invited/", "calendar/feed/<str:secret>.ics", "unsubscribe/",
)  # fmt: skip
CSRF_EXEMPT = ("f/<slug:slug>/", "invited/", "unsubscribe/")


def test_anonymous_addresses_are_the_reviewed_ones():
    found = [route for route, entry in patterns() if not getattr(entry.callback, "login_required", True) and not route.startswith(OPEN_TO_ALL)]
    assert not found, found


def test_csrf_exempt_addresses_are_the_reviewed_ones():
    found = [route for route, entry in patterns() if getattr(entry.callback, "csrf_exempt", False) and not route.startswith(CSRF_EXEMPT)]
    assert not found, found
