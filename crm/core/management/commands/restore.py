"""`manage.py restore FILE.tar --yes`: replaces everything by the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.core.backups import BackupError, restore


class Command(BaseCommand):
    help = "Replaces the database and the uploaded files by those of a backup. Stop web, worker and beat first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="archive that `manage.py backup` made")
        parser.add_argument("--yes", action="store_true", help="yes, everything that is there now goes")

    def handle(self, *, file: Path, yes: bool, **_: Any) -> None:
        if not yes:
            raise CommandError("this replaces all data that is there now: say --yes if you mean it")
        try:
            manifest = restore(file.resolve())
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"restored the backup of {manifest['made_at']}; mail and events that waited are held (admin: outgoing mail, deliveries)")
