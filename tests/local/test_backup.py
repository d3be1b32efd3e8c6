"""backup and restore: a real round trip, and every kind of archive that must be refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from crm.local.servers import database_url

from .conftest import BASE, clean_environment

Manage = Callable[..., subprocess.CompletedProcess[str]]
CLUSTER = Path(os.environ["CRM_TEST_CLUSTER"])
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture
def database(django_db_setup: None) -> Iterator[str]:
    """A database of its own, with all tables, that no other test is connected to."""
    name = f"backup_{WORKER}"
    server = psycopg2.connect(host=str(CLUSTER), user="crm", dbname="postgres")
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template_of_tests STRATEGY file_copy")
        yield name
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.close()


@pytest.fixture
def sql(database: str) -> Callable[[str], list[tuple]]:
    def run(statement: str) -> list[tuple]:
        connection = psycopg2.connect(host=str(CLUSTER), user="crm", dbname=database)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    return run


@pytest.fixture
def manage(database: str, tmp_path: Path) -> Manage:
    """Runs manage.py as an operator would."""
    environment = clean_environment(
        DATABASE_URL=database_url(CLUSTER, database),
        REDIS_URL="redis://127.0.0.1:1/0",
        DATA_DIR=str(tmp_path / "data"),
        SECRET_KEY="x" * 60,
        ALLOWED_HOSTS="localhost",
        BASE_URL="http://localhost",
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "manage.py", *arguments], cwd=BASE, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_round_trip(manage, sql, tmp_path):
    media = tmp_path / "data" / "media"
    (media / "photos").mkdir(parents=True)
    (media / "photos" / "ann.png").write_bytes(b"\x89PNG picture")
    sql("INSERT INTO core_tag (name, key, color) VALUES ('Ünïcode ☂', 'unicode', 'red')")
    sql("INSERT INTO django_session VALUES ('key', 'data', now() + interval '1 day')")
    triggers = sql("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")

    made = manage("backup", str(tmp_path / "b.tar"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0

    sql("DELETE FROM core_tag WHERE key = 'unicode'")
    sql("INSERT INTO core_tag (name, key, color) VALUES ('Later', 'later', 'red')")
    sql("CREATE TABLE left_over (id int REFERENCES core_tag)")
    (media / "photos" / "ann.png").unlink()
    (media / "later.txt").write_text("later")

    done = manage("restore", str(tmp_path / "b.tar"), "--yes")
    assert done.returncode == 0, done.stderr
    assert sql("SELECT name FROM core_tag WHERE key IN ('unicode', 'later')") == [("Ünïcode ☂",)]
    assert sql("SELECT to_regclass('left_over')") == [(None,)]
    assert sql("SELECT count(*) FROM django_session") == [(0,)]
    assert sql("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == triggers
    assert (media / "photos" / "ann.png").read_bytes() == b"\x89PNG picture"
    assert not (media / "later.txt").exists()
    assert not [path.name for path in (tmp_path / "data").iterdir() if path.name.startswith(("restore-", "backup-"))]
    # And what was restored can be backed up and restored again.
    assert manage("backup", str(tmp_path / "c.tar")).returncode == 0


def test_mail_that_had_not_left_is_held_after_a_restore(manage, sql, tmp_path):
    from mail.models import OutgoingMail

    filler = {"UUIDField": "gen_random_uuid()", "BooleanField": "false", "JSONField": "'{}'", "ArrayField": "'{}'", "DateTimeField": "now()"}
    values = {
        field.column: "0" if "Integer" in type(field).__name__ else filler.get(type(field).__name__, "''")
        for field in OutgoingMail._meta.concrete_fields
        if not field.primary_key and not field.null and field.column not in ("state", "message_id")
    }
    for state in ("queued", "sending", "failed"):
        sql(f"INSERT INTO mail_outgoingmail (state, message_id, {', '.join(values)}) VALUES ('{state}', '<{state}@x>', {', '.join(values.values())})")
    assert manage("backup", str(tmp_path / "b.tar")).returncode == 0
    done = manage("restore", str(tmp_path / "b.tar"), "--yes")
    assert done.returncode == 0, done.stderr
    assert sorted(sql("SELECT message_id, state FROM mail_outgoingmail")) == [("<failed@x>", "failed"), ("<queued@x>", "held"), ("<sending@x>", "held")]


def test_nothing_happens_without_yes(manage, sql, tmp_path):
    assert manage("backup", str(tmp_path / "b.tar")).returncode == 0
    sql("INSERT INTO core_tag (name, key, color) VALUES ('Kept', 'kept', 'red')")
    refused = manage("restore", str(tmp_path / "b.tar"))
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert sql("SELECT count(*) FROM core_tag WHERE key = 'kept'") == [(1,)]


def test_a_running_rapport_is_not_pulled_away(manage, database, tmp_path):
    assert manage("backup", str(tmp_path / "b.tar")).returncode == 0
    somebody = psycopg2.connect(host=str(CLUSTER), user="crm", dbname=database)
    try:
        refused = manage("restore", str(tmp_path / "b.tar"), "--yes")
    finally:
        somebody.close()
    assert refused.returncode == 1
    assert "in use" in refused.stderr


def rewrite(source: Path, target: Path, change: Callable[[str, bytes], bytes | None], **more: bytes) -> None:
    """Copy an archive; `change` gives each file's new content, or None to leave it out."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        members = [(member.name, old.extractfile(member).read()) for member in old]
        for name, content in [*members, *more.items()]:
            changed = change(name, content)
            if changed is not None:
                info = tarfile.TarInfo(name)
                info.size = len(changed)
                new.addfile(info, io.BytesIO(changed))


def newer(name: str, content: bytes) -> bytes:
    if name != "manifest.json":
        return content
    manifest = json.loads(content)
    manifest["migrations"].append("core.9999_from_the_future")
    return json.dumps(manifest).encode()


def test_wrong_archives_are_refused_and_change_nothing(manage, sql, tmp_path):
    good = tmp_path / "good.tar"
    assert manage("backup", str(good)).returncode == 0
    assert manage("backup", str(good)).returncode == 1, "an archive is never overwritten"
    sql("INSERT INTO core_tag (name, key, color) VALUES ('Kept', 'kept', 'red')")
    (tmp_path / "text.tar").write_text("no archive")
    (tmp_path / "short.tar").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    rewrite(good, tmp_path / "no-manifest.tar", lambda name, content: None if name == "manifest.json" else content)
    rewrite(
        good, tmp_path / "flipped.tar", lambda name, content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:] if name == "database.dump" else content
    )
    rewrite(good, tmp_path / "newer.tar", newer)
    rewrite(good, tmp_path / "outside.tar", lambda name, content: content, **{"media/../../evil.txt": b"x"})
    rewrite(good, tmp_path / "extra.tar", lambda name, content: content, **{"media/extra.txt": b"x"})
    for name in ("text", "short", "no-manifest", "flipped", "newer", "outside", "extra", "missing"):
        refused = manage("restore", str(tmp_path / f"{name}.tar"), "--yes")
        assert refused.returncode == 1, name
        assert refused.stderr.startswith("CommandError: "), (name, refused.stderr)
        assert "Traceback" not in refused.stderr, name
    assert sql("SELECT count(*) FROM core_tag WHERE key = 'kept'") == [(1,)]
    assert not (tmp_path / "evil.txt").exists()
