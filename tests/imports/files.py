"""Files to import, and the shortest way through an import."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from crm.core.imports import services, work
from crm.core.models import ImportJob
from crm.core.records import record_for


def text_of(rows: list[list[str]]) -> bytes:
    target = io.StringIO()
    csv.writer(target).writerows(rows)
    return target.getvalue().encode()


def upload(slug: str, data: bytes | list[list[str]], actor: Any) -> ImportJob:
    body = data if isinstance(data, bytes) else text_of(data)
    return services.begin(record_for(slug), SimpleUploadedFile("people.csv", body), actor=actor)


def options(actor: Any, **more: Any) -> dict[str, Any]:
    return {"owner": actor.pk, "tags": [], "same": "skip", "day_first": True, **more}


def worked(job: ImportJob) -> ImportJob:
    work.run(job.pk)
    return ImportJob.objects.get(pk=job.pk)


def check(job: ImportJob, actor: Any, mapping: dict[str, str] | None = None, **more: Any) -> ImportJob:
    return worked(services.choose(job, mapping or job.mapping, options(actor, **more), actor=actor))


def bring_in(slug: str, data: bytes | list[list[str]], actor: Any, **more: Any) -> ImportJob:
    """Upload, check, import."""
    checked = check(upload(slug, data, actor), actor, **more)
    assert checked.state == "checked", checked.error
    return worked(services.start(checked))


def reasons(job: ImportJob) -> list[tuple[int, str, str]]:
    return list(job.problems.values_list("line", "column", "reason"))
