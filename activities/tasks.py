"""Celery entry points."""

from __future__ import annotations

from celery import shared_task

from activities import services


@shared_task(ignore_result=True)
def fire_due_reminders() -> None:
    services.fire_due_reminders()
    services.close_past_meetings()


@shared_task(ignore_result=True)
def plan_date_reminders() -> None:
    services.plan_date_reminders()


@shared_task(ignore_result=True)
def send_digests() -> None:
    services.send_digests()


@shared_task(ignore_result=True)
def drop_ended_series() -> None:
    services.drop_ended_series()


@shared_task(ignore_result=True)
def carry_on_meetings() -> None:
    services.carry_on_meetings()
