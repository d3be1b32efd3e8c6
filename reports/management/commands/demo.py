"""`manage.py demo`: fills an empty database with a believable business."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports.demo import DataExists, is_loaded, load


class Command(BaseCommand):
    help = "Fill an empty database with demo data: users, companies, people, leads, deals, activities."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_loaded():
            self.stdout.write("The demo data is there already.")
            return
        try:
            counts = load()
        except DataExists:
            raise CommandError("There is data already: the demo is for an empty database.") from None
        self.stdout.write(", ".join(f"{count} {name.partition('.')[2]}" for name, count in counts.items()))
