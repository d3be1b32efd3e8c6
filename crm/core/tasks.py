"""Celery entry points of the kernel."""

from celery import shared_task


@shared_task(ignore_result=True)
def sweep_outbox() -> None:
    from crm.core import exports, heartbeat, jobs, outbox

    heartbeat.beat("worker")
    outbox.drain()
    exports.sweep()
    jobs.sweep()


@shared_task(ignore_result=True)
def beat_heartbeat() -> None:
    from crm.core import heartbeat

    heartbeat.beat("beat")


@shared_task(ignore_result=True, queue="bulk", soft_time_limit=270, time_limit=280)  # a file of a million rows takes minutes
def make_export(job_id: int) -> None:
    from crm.core import exports

    exports.run_job(job_id)


@shared_task(ignore_result=True, queue="bulk", soft_time_limit=270, time_limit=280)
def run_import(job_id: int) -> None:
    from crm.core.imports import work

    work.run(job_id)


@shared_task(ignore_result=True, queue="bulk", soft_time_limit=270, time_limit=280)
def run_bulk(job_id: int) -> None:
    from crm.core.bulk import work

    work.run(job_id)


@shared_task(ignore_result=True)
def housekeeping() -> None:
    from crm.core import housekeeping as keeping

    keeping.run()
