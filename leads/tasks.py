"""Celery entry points of the leads app."""

from celery import shared_task


@shared_task(ignore_result=True)
def sweep_submissions() -> None:
    from leads import services

    services.sweep()


@shared_task(ignore_result=True)
def recycle_leads() -> None:
    from leads import services

    services.recycle_due_leads()


@shared_task(ignore_result=True)
def score_leads() -> None:
    from leads import services

    services.score_on()
