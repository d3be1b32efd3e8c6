"""Celery entry points of the leads app."""

from celery import shared_task


@shared_task(ignore_result=True)
def sweep_submissions() -> None:
    from leads import services

    services.sweep()
