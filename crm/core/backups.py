"""One archive with everything: a dump of the database, the uploaded files, and a manifest with the SHA-256 of each.

The archive is an uncompressed tar (the dump inside is compressed): `database.dump`, `media/...`, `manifest.json` at the end.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils.module_loading import import_string

from crm.local.paths import CannotStart, postgres_program

FORMAT = "rapport-backup-1"
DUMP, MANIFEST, MEDIA = "database.dump", "manifest.json", "media/"
# Whoever was signed in signs in again; counters of attempts start anew.
LEFT_OUT = ("django_session", "cache_entries", "usersessions_usersession")
BLOCK = 1 << 20


class BackupError(Exception):
    """The text is one line for the operator."""


# --- making ----------------------------------------------------------------------------------------------------------


def back_up(target: Path) -> dict[str, Any]:
    """Write the archive; it appears under its name only when it is whole. Returns the manifest."""
    if target.exists():
        raise BackupError(f"{target} exists already: choose another name")
    unfinished = target.with_name(target.name + ".part")
    try:
        with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as out:
            manifest = _write_archive(out)
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def _write_archive(out: IO[bytes]) -> dict[str, Any]:
    files: dict[str, dict[str, Any]] = {}
    with tarfile.open(fileobj=out, mode="w") as archive:
        with _working_directory("backup-") as directory:
            dump = Path(directory) / DUMP
            _run(
                [
                    _program("pg_dump"),
                    "--format=custom",
                    "--no-owner",
                    "--no-privileges",
                    *(f"--exclude-table-data={name}" for name in LEFT_OUT),
                    f"--file={dump}",
                ]
            )
            _add(archive, dump, DUMP, files)
        for path in sorted(Path(settings.MEDIA_ROOT).rglob("*")):
            if path.is_file() and not path.is_symlink():
                _add(archive, path, MEDIA + path.relative_to(settings.MEDIA_ROOT).as_posix(), files)
        manifest = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "postgresql": _server_version(),
            "migrations": sorted(_applied_migrations()),
            "files": files,
        }
        _add_bytes(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
    return manifest


def _working_directory(prefix: str) -> tempfile.TemporaryDirectory[str]:
    """On the disk of the data: there is room for it, and files move into place by renaming."""
    Path(settings.DATA_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=prefix)


def _add(archive: tarfile.TarFile, path: Path, name: str, files: dict[str, dict[str, Any]]) -> None:
    try:
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            source.seek(0)
            info = archive.gettarinfo(arcname=name, fileobj=source)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            archive.addfile(info, source)
    except FileNotFoundError:
        return  # deleted since the directory was read
    files[name] = {"sha256": digest, "size": info.size}


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


# --- restoring -------------------------------------------------------------------------------------------------------


def restore(source: Path) -> dict[str, Any]:
    """Replace the database and the files by those of the archive. Nothing is touched before the archive has proved whole."""
    with _working_directory("restore-") as directory:
        manifest = _unpack(source, Path(directory))
        unknown = set(manifest["migrations"]) - _known_migrations()
        if unknown:
            raise BackupError(f"the archive was made by a newer version (it knows {sorted(unknown)[0]}): update Rapport first")
        _refuse_if_in_use()
        connection.close()
        _replace_database(Path(directory) / DUMP)
        _replace_media(Path(directory) / "media")
    connection.close()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    for path in settings.AFTER_RESTORE:
        import_string(path)()
    (Path(settings.DATA_DIR) / "run" / "demo.pending").unlink(missing_ok=True)
    return manifest


def _unpack(source: Path, directory: Path) -> dict[str, Any]:
    """Unpack into an empty directory and compare every file with the manifest."""
    found: dict[str, str] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(source, mode="r:") as archive:
            for member in archive:
                if not member.isfile() or not _is_ours(member.name):
                    raise BackupError(f"{source} is not a backup of Rapport: it holds {member.name!r}")
                stream = archive.extractfile(member)
                assert stream is not None
                if member.name == MANIFEST:
                    manifest = json.loads(stream.read())
                else:
                    found[member.name] = _copy(stream, directory / member.name)
    except (OSError, tarfile.TarError, ValueError) as error:
        raise BackupError(f"{source} can't be read as a backup: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BackupError(f"{source} is not a whole backup of Rapport: it has no manifest")
    if {name: facts["sha256"] for name, facts in manifest["files"].items()} != found or DUMP not in found:
        raise BackupError(f"{source} is damaged: its files are not those of its manifest")
    return manifest


def _is_ours(name: str) -> bool:
    path = PurePosixPath(name)
    return name in (DUMP, MANIFEST) or (name.startswith(MEDIA) and ".." not in path.parts and not path.is_absolute())


def _copy(stream: IO[bytes], target: Path) -> str:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while block := stream.read(BLOCK):
            digest.update(block)
            out.write(block)
    target.chmod(0o600)
    return digest.hexdigest()


def _refuse_if_in_use() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        others = cursor.fetchone()[0]
    if others:
        raise BackupError(f"the database is in use ({others} other connections): stop web, worker and beat first")


def _replace_database(dump: Path) -> None:
    """Drop and refill in one transaction: when anything fails, the old data is still there."""
    dump_reader = [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(dump)]
    with tempfile.TemporaryFile() as errors:
        psql = subprocess.Popen(
            [_program("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-"],
            env=_client_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        reader = subprocess.Popen(dump_reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert psql.stdin
        assert reader.stdout
        assert reader.stderr
        try:
            psql.stdin.write(b"SET client_min_messages = warning;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n")
            shutil.copyfileobj(reader.stdout, psql.stdin, BLOCK)
        except BrokenPipeError:
            pass  # psql has stopped at an error, told below
        complaint = reader.stderr.read().decode("utf-8", "replace").strip()
        if reader.wait() and psql.poll() is None:
            psql.kill()  # before the end of its input: it must not commit half a dump
        with suppress(BrokenPipeError):
            psql.stdin.close()
        if psql.wait() or reader.returncode:
            errors.seek(0)
            told = errors.read().decode("utf-8", "replace").strip() or complaint
            raise BackupError(f"the database was left as it was: {(told.splitlines() or ['the restore was interrupted'])[0]}")


def _replace_media(new: Path) -> None:
    current = Path(settings.MEDIA_ROOT)
    old = new.with_name("media.before")
    new.mkdir(exist_ok=True)
    current.parent.mkdir(parents=True, exist_ok=True)
    if current.exists():
        current.rename(old)  # goes with the temporary directory
    new.rename(current)


# --- PostgreSQL's programs -------------------------------------------------------------------------------------------


def _applied_migrations() -> set[str]:
    return {f"{app}.{name}" for app, name in MigrationLoader(connection).applied_migrations}


def _known_migrations() -> set[str]:
    loader = MigrationLoader(connection)
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    return {f"{app}.{name}" for app, name in (*loader.disk_migrations, *replaced)}


def _program(name: str) -> str:
    """The program of the server's own major version if there is one, else a newer one: embedded or on the path."""
    server = _server_version() // 10_000
    candidates = []
    with suppress(CannotStart):
        candidates.append(postgres_program(name))
    if on_path := shutil.which(name):
        candidates.append(on_path)
    versions = sorted((version, path) for path in candidates if (version := _major(path)) >= server)
    if not versions:
        raise BackupError(f"{name} of PostgreSQL {server} or newer is needed: on Debian, apt-get install postgresql-client")
    return versions[0][1]


def _server_version() -> int:
    return int(connection.pg_version)  # type: ignore[attr-defined]  # PostgreSQL's connection has it


def _major(program: str) -> int:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"(\d+)", told)
    return int(match[1]) if match else 0


def _client_environment() -> dict[str, str]:
    """libpq's variables for our database; the password is never on a command line."""
    database = connection.settings_dict
    options = database.get("OPTIONS", {})
    values = {
        "PGHOST": database["HOST"],
        "PGPORT": database["PORT"],
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
        "PGDATABASE": database["NAME"],
        "PGSSLMODE": options.get("sslmode", ""),
        "PGSSLROOTCERT": options.get("sslrootcert", ""),
        "PGAPPNAME": "rapport-backup",
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return kept | {key: str(value) for key, value in values.items() if value}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=_client_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{Path(command[0]).name} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
