"""Celery entry points: doorbells and the sweep. The ledger decides what is sent."""

from __future__ import annotations

from celery import shared_task

from mail import services


@shared_task(ignore_result=True)
def send_due() -> None:
    if services.send_due() and services.waiting():
        send_due.apply_async(queue="mail")  # the time was up before the mails were


@shared_task(ignore_result=True)
def sweep_outgoing() -> None:
    send_due()
