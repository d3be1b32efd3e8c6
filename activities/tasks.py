"""Celery entry points."""

from __future__ import annotations

from celery import shared_task

from activities import services


@shared_task(ignore_result=True)
def fire_due_reminders() -> None:
    services.fire_due_reminders()
    services.close_past_meetings()
