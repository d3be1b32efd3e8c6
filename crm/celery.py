"""The Celery app and its whole schedule. A message is only a doorbell: the work is a row in PostgreSQL (docs/decisions/events.md)."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery, Task, signals
from django.conf import settings
from kombu import Queue

from crm.env import celery_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

# A Redis that accepts and never answers must not hold up a request: one try, one second.
PUBLISH_TRANSPORT = {
    "visibility_timeout": 600,  # far above task_time_limit, or a second copy would run beside the first
    "unacked_restore_throttle": 1,
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
    "retry_on_timeout": False,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
WORKER_TRANSPORT = {**PUBLISH_TRANSPORT, "socket_timeout": 5, "socket_connect_timeout": 2}


class Doorbell(Task):
    """Base of all tasks: an unheard ring is worthless after a minute, the sweep has come by then."""

    expires = 60


app = Celery("crm", task_cls=Doorbell)


def _every(seconds: int, task: str, queue: str = "default") -> dict[str, Any]:
    """A periodic doorbell that goes stale before the one after next, so that nothing piles up while no worker runs."""
    return {"task": task, "schedule": float(seconds), "options": {"queue": queue, "expires": 2 * seconds}}


# Every job is idempotent (claims and unique keys in PostgreSQL): a second beat by mistake does no harm.
SCHEDULE = {
    "outbox": _every(5, "crm.core.tasks.sweep_outbox"),
    "heartbeat": _every(10, "crm.core.tasks.beat_heartbeat"),
    "reminders": _every(10, "activities.tasks.fire_due_reminders"),
    "dates": _every(300, "activities.tasks.plan_date_reminders"),
    "digests": _every(60, "activities.tasks.send_digests"),
    "series": _every(3600, "activities.tasks.drop_ended_series", "bulk"),
    "repeating": _every(3600, "activities.tasks.carry_on_meetings", "bulk"),
    "submissions": _every(5, "leads.tasks.sweep_submissions"),
    "recycling": _every(60, "leads.tasks.recycle_leads"),
    "scoring": _every(10, "leads.tasks.score_leads", "bulk"),
    "mail": _every(10, "mail.tasks.sweep_outgoing", "mail"),
    "housekeeping": _every(3600, "crm.core.tasks.housekeeping", "bulk"),
}


def _configuration() -> dict[str, Any]:
    broker, more = celery_broker(settings.REDIS_URL)
    return {
        "broker_url": broker,
        "broker_transport_options": {**PUBLISH_TRANSPORT, **more},
        "broker_connection_timeout": 1,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,  # safe: every effect is claimed and counted in the database
        "task_time_limit": 60,
        "task_soft_time_limit": 45,
        "task_publish_retry": False,
        "task_queues": [Queue("default"), Queue("mail"), Queue("bulk")],  # a worker takes all unless told by -Q
        "task_default_queue": "default",
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_soft_shutdown_timeout": 5,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "timezone": "UTC",
        "enable_utc": True,
        "beat_max_loop_interval": 5,
        "beat_schedule": SCHEDULE,
    }


app.add_defaults(_configuration)  # a callable: settings are read when first needed, not when `crm` is imported
app.autodiscover_tasks()


@signals.setup_logging.connect
def use_django_logging(**_: Any) -> None:
    """Keep Celery from adding handlers of its own: settings.LOGGING is in force already."""


@signals.celeryd_init.connect
def wait_longer_in_the_worker(**_: Any) -> None:
    """A worker blocks in Redis for its next message: there a second without an answer is no fault."""
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, **WORKER_TRANSPORT}
    app.conf.broker_connection_timeout = 4


@signals.worker_ready.connect
def start_with_a_sweep(**_: Any) -> None:
    """What was left over while no worker ran is taken up at once, not at the next tick of beat."""
    app.send_task("crm.core.tasks.sweep_outbox", queue="default", expires=10)


@signals.worker_process_init.connect
def leave_the_code_alone(**_: Any) -> None:
    """What was loaded to begin with stays: the collector need not walk it again and again while an import makes objects by the thousand."""
    gc.collect()
    gc.freeze()


@signals.beat_init.connect
def beat_at_once(**_: Any) -> None:
    """A fresh beat counts its periods from now; its first sign of life must not wait for them."""
    app.send_task("crm.core.tasks.beat_heartbeat", queue="default", expires=10)


@signals.task_prerun.connect
def name_the_task_in_logs(task_id: str = "", **_: Any) -> None:
    from crm.core.logs import set_request_id

    set_request_id(task_id)
