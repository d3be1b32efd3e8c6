"""The tests' own PostgreSQL (one throwaway cluster per run, shared by all workers) and the browser."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from crm.local.paths import Paths, make_private
from crm.local.process import Process
from crm.local.servers import database_url, initialise_postgres, postgres, wait_ready
from tests.e2e.checks import launch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FAST = "fsync=off synchronous_commit=off full_page_writes=off autovacuum=off wal_level=minimal max_wal_senders=0 checkpoint_timeout=1h max_wal_size=4GB"
# The template is kept between runs, keyed by all that makes the tables (see _kept_cluster).
TEMPLATE = "template_of_tests"
_cluster: Process | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the cluster in the first process; xdist's workers find it by the environment variable."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    global _cluster
    directory = Path(os.environ["CRM_TEST_CLUSTER"])
    _remove_leftovers()
    make_private(directory)
    for name in ("data", "static"):
        (directory / name).mkdir(exist_ok=True)
    paths = _ClusterPaths(directory)
    kept = _kept_cluster()
    if (kept / "PG_VERSION").exists():
        shutil.copytree(kept, paths.postgres)
        (directory / "template.done").touch()
    else:
        initialise_postgres(paths.postgres, "--no-sync", "--no-data-checksums")
    options = tuple(part for setting in FAST.split() for part in ("-c", setting))
    _cluster = postgres(paths, connections=100, options=options)
    _cluster.quiet = True
    _cluster.start()
    wait_ready(_cluster)


def pytest_unconfigure(config: pytest.Config) -> None:
    global _cluster
    if _cluster is None:
        return
    directory = Path(os.environ["CRM_TEST_CLUSTER"])
    if (directory / "template.done").exists() and not _kept_cluster().exists():
        _keep(directory, _cluster)
    else:
        _cluster.stops = ()  # nothing to save: kill it
        _cluster.stop()
    _cluster = None
    shutil.rmtree(directory, ignore_errors=True)


def _kept_cluster() -> Path:
    """Where the migrated cluster of an earlier run lies, if nothing that makes the tables has changed since."""
    base = Path(__file__).resolve().parent.parent
    migrations = sorted([*base.glob("*/migrations/*.py"), *base.glob("crm/*/migrations/*.py")])
    # Data migrations call our own code: what they import counts as well.
    imported = {name.replace(".", "/") for path in migrations for name in re.findall(r"^\s*from ([\w.]+) import", path.read_text(), re.M)}
    called = [path for name in sorted(imported) for path in (base / f"{name}.py", base / name / "__init__.py") if path.exists()]
    digest = hashlib.sha256((base / "requirements-dev.txt").read_bytes() + repr(settings.INSTALLED_APPS).encode())
    for path in [*migrations, *called]:
        digest.update(os.fsencode(path.relative_to(base)) + path.read_bytes())
    directory = Path(tempfile.gettempdir()) / f"crm-tests-of-{os.getuid()}"
    make_private(directory)
    return directory / digest.hexdigest()[:16]


def _keep(directory: Path, cluster: Process) -> None:
    """Stop the cluster in order, with only the template in it, and put it where the next run looks."""
    import psycopg2

    server = psycopg2.connect(host=str(directory), user="crm", dbname="postgres")
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%' OR datname = 'crm'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.close()
    cluster.stop()
    kept = _kept_cluster()
    with suppress(OSError):  # another run was quicker
        (directory / "pg").rename(kept)
    old = sorted((path for path in kept.parent.iterdir() if path != kept), key=lambda path: path.stat().st_mtime)
    for path in old[:-3]:
        shutil.rmtree(path, ignore_errors=True)


class _ClusterPaths(Paths):
    """The cluster's directory is its socket directory: settings_test names it before it exists."""

    @property
    def sockets(self) -> Path:
        return self.data


def _remove_leftovers() -> None:
    """Directories of runs that were killed."""
    for directory in Path(tempfile.gettempdir()).glob("crm-test-*"):
        pid = directory.name.removeprefix("crm-test-")
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> None:
    """Migrate once per run into a template; each worker's database is a copy of it (0.1 s instead of all migrations)."""
    from django.db import connection
    from django.test import TransactionTestCase

    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    cluster = Path(os.environ["CRM_TEST_CLUSTER"])
    with django_db_blocker.unblock(), (cluster / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cluster / "template.done").exists():
            connection.settings_dict["TEST"]["NAME"] = TEMPLATE
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            (cluster / "template.done").touch()
        connection.settings_dict["NAME"] = name
        _copy_template(name)
    # A test that committed gets its database back as the migrations left it, what they put in included.
    clean = _Clean(name)
    TransactionTestCase._fixture_teardown = lambda test_case: clean.restore()  # type: ignore[method-assign]


def _server(database: str) -> Any:
    import psycopg2

    server = psycopg2.connect(host=os.environ["CRM_TEST_CLUSTER"], user="crm", dbname=database)
    server.autocommit = True
    return server


def _copy_template(name: str) -> None:
    from django.db import connection

    connection.close()
    with closing(_server("postgres")) as server, server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")


class _Clean:
    """A worker's database as the template has it, again and again.

    Emptying the tables that a test wrote to takes a tenth of the time of a new copy. No dead rows stay and no sizes that VACUUM wrote down: the
    planner goes by them. TRUNCATE would have to empty all tables with a key to these as well, of which each index is a file. Whoever changed
    more than rows (a table, an index, statistics, settings of the database) gets a new copy.
    """

    WRITTEN = """
        SELECT oid::regclass::text FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0 ORDER BY 1
    """
    SIZES = "SELECT oid::regclass::text, relpages, reltuples FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    KNOWN = """
        UPDATE pg_class SET relpages = known.pages, reltuples = known.tuples
        FROM unnest(%s::regclass[], %s::int[], %s::real[]) AS known(oid, pages, tuples) WHERE pg_class.oid = known.oid
    """
    SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences ORDER BY 1"
    SHAPE = """
        SELECT
            (SELECT md5(string_agg(concat_ws(' ', oid, relname, relnatts, relkind, reloptions, relhastriggers), ',' ORDER BY oid)) FROM pg_class),
            (SELECT md5(string_agg(pg_index::text, ',' ORDER BY indexrelid)) FROM pg_index),
            (SELECT md5(string_agg(pg_constraint::text, ',' ORDER BY oid)) FROM pg_constraint),
            (SELECT md5(string_agg(pg_trigger::text, ',' ORDER BY oid)) FROM pg_trigger),
            (SELECT md5(string_agg(pg_proc::text, ',' ORDER BY oid)) FROM pg_proc WHERE oid >= 16384),
            (SELECT md5(string_agg(concat_ws(' ', attrelid, attnum, attname, atttypid, attnotnull, attstattarget), ',' ORDER BY attrelid, attnum))
             FROM pg_attribute WHERE attrelid >= 16384),
            (SELECT count(*) FROM pg_statistic), (SELECT count(*) FROM pg_statistic_ext), (SELECT count(*) FROM pg_extension),
            (SELECT md5(string_agg(setconfig::text, ',')) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database())
    """

    def __init__(self, name: str) -> None:
        self.name = name
        with closing(_server(name)) as server, server.cursor() as cursor:
            self.shape = self._read(cursor, self.SHAPE)
            self.sequences = dict(self._sequences(cursor))
            self.sizes = {table: sizes for table, *sizes in self._read(cursor, self.SIZES)}
            self.rows = {table: self._copy_out(cursor, table) for (table,) in self._read(cursor, self.WRITTEN)}

    def restore(self) -> None:
        from django.db import connection

        connection.close()
        with closing(_server(self.name)) as server, server.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            as_before = self._read(cursor, self.SHAPE) == self.shape
            if as_before:
                self._empty(cursor)
        if not as_before:
            _copy_template(self.name)

    def _empty(self, cursor: Any) -> None:
        written = [table for (table,) in self._read(cursor, self.WRITTEN)]
        stale = [table for table in written if table not in self.rows or self._copy_out(cursor, table) != self.rows[table]]
        cursor.execute("SET session_replication_role = replica")  # no foreign keys, no history of what is put back
        for table in stale:
            cursor.execute(f"DELETE FROM {table}")
        if stale:
            cursor.execute(f"VACUUM {', '.join(stale)}")
        for table in self.rows:
            if table in stale or table not in written:
                cursor.copy_expert(f"COPY {table} FROM STDIN", io.BytesIO(self.rows[table]))
        cursor.execute(self.KNOWN, [stale, *([self.sizes[table][number] for table in stale] for number in (0, 1))])
        for sequence, state in self._sequences(cursor):
            if state != self.sequences[sequence]:
                cursor.execute("SELECT setval(%s, %s, %s)", [sequence, *self.sequences[sequence]])

    @staticmethod
    def _read(cursor: Any, statement: str) -> list[tuple]:
        cursor.execute(statement)
        return cursor.fetchall()

    def _sequences(self, cursor: Any) -> Iterator[tuple[str, tuple[int, bool]]]:
        for name, value, called in self._read(cursor, self.SEQUENCES):
            yield name, (value, called)

    @staticmethod
    def _copy_out(cursor: Any, table: str) -> bytes:
        rows = io.BytesIO()
        cursor.copy_expert(f"COPY {table} TO STDOUT", rows)
        return rows.getvalue()


@pytest.fixture
def database_address(transactional_db: None) -> str:
    """DATABASE_URL of this worker's test database, for processes that a test starts."""
    from django.db import connection

    return database_url(Path(os.environ["CRM_TEST_CLUSTER"]), connection.settings_dict["NAME"])


@pytest.fixture(autouse=True)
def fresh_caches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees what another one cached or counted, and none counts a reading that only a slow machine repeats."""
    from django.core.cache import caches

    from crm.core.custom import definitions

    monkeypatch.setattr(definitions, "KEEP_SECONDS", 3600.0)
    yield
    definitions._forget()
    for cache in caches.all(initialized_only=True):
        cache.clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        instance = launch(playwright)
        yield instance
        instance.close()


@pytest.fixture
def new_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Makes pages of own sessions (keyword arguments as of Playwright's new_context).

    A console error, an exception in a script or a violation of the content security policy on any of them fails the test.
    """
    problems: list[str] = []
    contexts = []

    def make(**options: Any) -> Page:
        context = browser.new_context(**{"base_url": live_server.url, "viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"exception on {page.url}: {error}"))
        page.on(
            "console",
            lambda message: problems.append(f"console on {page.url}: {message.text}") if message.type == "error" else None,
        )
        return page

    make.problems = problems  # type: ignore[attr-defined]
    yield make
    for context in contexts:
        context.close()
    # A 4xx that a test provokes on purpose is logged by the browser as an error as well: that is no fault of the page.
    assert not [problem for problem in problems if "the server responded with a status of 4" not in problem]


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def sign_in() -> Callable[..., None]:
    """Signs a page in through the real form."""

    def through_the_form(page: Page, email: str, password: str = "rapport-demo") -> None:
        page.goto("/accounts/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", password)
        page.locator("form:has(input[name=password]) button[type=submit]").first.click()
        page.wait_for_url(lambda url: "/accounts/login" not in url)

    return through_the_form
