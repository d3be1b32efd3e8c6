"""The Rapport project. Importing it makes the Celery app the current one, so that `shared_task` binds to it."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]
