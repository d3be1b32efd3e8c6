"""`manage.py backup FILE.tar`: database and uploaded files in one archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.core.backups import BackupError, back_up


class Command(BaseCommand):
    help = "Writes the database and the uploaded files into one archive. Rapport may go on running meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="archive to make, for example rapport-2026-11-23.tar")

    def handle(self, *, file: Path, **_: Any) -> None:
        try:
            manifest = back_up(file.resolve())
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        size = file.stat().st_size / 2**20
        self.stdout.write(f"{file}: {size:.1f} MB, the database and {len(manifest['files']) - 1} uploaded files")
