"""Celery entry points of the kernel."""

from celery import shared_task


@shared_task(ignore_result=True)
def sweep_outbox() -> None:
    from crm.core import exports, heartbeat, jobs, outbox
    from crm.core.custom import work as fields

    heartbeat.beat("worker")
    outbox.drain()
    exports.sweep()
    jobs.sweep()
    fields.sweep()


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


@shared_task(ignore_result=True, queue="bulk", soft_time_limit=500, time_limit=520)  # an index of ten million rows takes minutes
def work_on_fields() -> None:
    from crm.core.custom import work

    work.run()


@shared_task(ignore_result=True, soft_time_limit=270, time_limit=280)  # words are gathered from all rows once a week
def housekeeping() -> None:
    from crm.core import housekeeping as keeping

    keeping.run()
