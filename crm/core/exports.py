"""CSV and XLSX of what a list shows, under the export grant, at constant memory."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import chain
from typing import Any, ClassVar

import xlsxwriter
from django.core.files import File
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone, translation

from crm.core import replica
from crm.core.access import arms_for
from crm.core.courtesy import give_way, streaming
from crm.core.custom.showing import shaped
from crm.core.events import Event, emit
from crm.core.list_query import BadQuery, ListQuery
from crm.core.lists import row_context
from crm.core.models import ExportJob
from crm.core.records import record_for
from crm.core.related import see

XLSX_INLINE = 10_000  # larger workbooks are made by the worker
XLSX_MAX = 1_048_575  # rows of a worksheet, less the head
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")
LEASE = timedelta(minutes=10)
CHUNK, PIECE = 500, 50  # rows that are read at once, and that are made into text before others have their turn


@dataclass(frozen=True, kw_only=True)
class ExportFinished(Event):
    """A large export is ready, or has failed; the subject is the user who asked."""

    name: ClassVar[str] = "core.export_finished"
    subject_type: ClassVar[str] = "users.user"


def safe_text(value: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before anything that could start one.

    A phone number such as +4366212345 stays as it is: digits alone can't be a harmful formula.
    """
    if value[:1].isalnum():
        return value  # nearly every text
    lead = value.lstrip(" \"'")
    if lead.startswith(FORMULA) and not lead.lstrip("+-").replace(" ", "").replace(".", "").isdigit():
        return "'" + value
    return value


def plain_cell(value: Any, zone: tzinfo | None = None) -> Any:
    """A value as a file holds it: local time as ISO text, decimals as numbers, text defused."""
    if type(value) is str:
        return safe_text(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.isoformat(sep=" ")
        return value.astimezone(zone or timezone.get_current_timezone()).replace(tzinfo=None).isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal)):
        return value
    return safe_text(str(value))


def rows_of(query: ListQuery) -> Iterator[list[Any]]:
    """Head, then every matching row, read in chunks."""
    return chain.from_iterable(replica.each(query.user, _chunks(query)))


def _chunks(query: ListQuery) -> Iterator[list[list[Any]]]:
    columns = query.record.columns
    links, many = [name for column in columns for name in column.links], dict.fromkeys(name for column in columns for name in column.many)
    yield [[str(column.label) for column in columns]]
    for chunk in query.listing.iterate(query.order, CHUNK):
        context = row_context(query.user, see(query.user, chunk, links))
        prefetch_related_objects(chunk, *many)
        for start in range(0, len(chunk), PIECE):
            yield [[plain_cell(column.export(row, context), context.zone) for column in columns] for row in chunk[start : start + PIECE]]


def stream_csv(query: ListQuery) -> Iterator[bytes]:
    """The file piece by piece, for a web process."""
    rows = rows_of(query)

    def pieces() -> Iterator[bytes]:
        with streaming(query.user.pk):
            yield from csv_chunks(rows)

    return pieces()


def csv_chunks(rows: Iterable[list[Any]]) -> Iterator[bytes]:
    """UTF-8 with a byte-order mark (Excel needs it), CRLF, quoted where needed."""
    yield b"\xef\xbb\xbf"
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for number, row in enumerate(rows, 1):
        writer.writerow(row)
        if number % PIECE == 0:
            give_way()
        if number % CHUNK == 0:
            yield _emptied(buffer)
    yield _emptied(buffer)


def _emptied(buffer: io.StringIO) -> bytes:
    data = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return data


def write_xlsx(rows: Iterable[list[Any]], target: Any, title: str) -> int:
    """Write a workbook to a file or path, row by row; returns the number of rows without the head."""
    book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("".join(char for char in title if char not in "[]:*?/\\'")[:31] or "Export")
    bold = book.add_format({"bold": True})
    number = 0
    for number, row in enumerate(rows):
        if number > XLSX_MAX:
            break
        for position, value in enumerate(row):
            if isinstance(value, (int, float, Decimal)):
                sheet.write_number(number, position, value)
            else:
                sheet.write_string(number, position, str(value)[:32_767], bold if number == 0 else None)
    sheet.freeze_panes(1, 0)
    book.close()
    return number


@transaction.atomic
def request_export(query: ListQuery, kind: str, *, actor: Any) -> ExportJob:
    """Leave a large export to the worker."""
    job = ExportJob.objects.create(user=actor, record_slug=query.record.slug, format=kind, query=query.question)
    transaction.on_commit(lambda: replica.note(actor.pk), robust=True)  # the worker has no cookie of theirs
    transaction.on_commit(lambda: _ring(job.pk), robust=True)
    return job


def _ring(job_id: int) -> None:
    from crm.core.tasks import make_export

    make_export.delay(job_id)


def sweep() -> None:
    """Ring for the exports that nobody is making: the message was lost or the worker was killed."""
    from crm.core.tasks import make_export

    for pk in ExportJob.objects.filter(state__in=["queued", "running"], lease_until__lt=timezone.now()).values_list("pk", flat=True)[:3]:
        make_export.delay(pk)  # a job of its own: the sweep itself must stay short


def _claim(job_id: int) -> ExportJob | None:
    with transaction.atomic():
        job = (
            ExportJob.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("user__role")
            .filter(pk=job_id, state__in=["queued", "running"])
            .first()
        )
        if job is None or (job.state == "running" and job.lease_until > timezone.now()):
            return None
        job.state = ExportJob.State.FAILED if job.attempts >= 3 else ExportJob.State.RUNNING
        job.attempts += 1
        job.lease_until = timezone.now() + LEASE
        job.save(update_fields=["state", "attempts", "lease_until"])
        return job if job.state == "running" else None


def run_job(job_id: int) -> None:
    """Make one file under the asker's rights as they are now. Twice does no harm."""
    job = _claim(job_id)
    if job is None:
        return
    with translation.override(job.user.language), timezone.override(job.user.zone), tempfile.TemporaryFile() as target:
        try:
            record = record_for(job.record_slug)
            if record is None or not arms_for(job.user, "export", record.model):
                raise BadQuery("The export is no longer allowed.")
            query = ListQuery.stored(shaped(record, job.user), job.user, job.query, "export")
            rows = write_xlsx(rows_of(query), target, str(record.label_plural))
        except BadQuery as error:
            _finish(job, error=str(error))
            return
        target.seek(0)
        job.file.save(f"{job.record_slug}-{job.pk}.xlsx", File(target), save=False)
        _finish(job, rows=rows)


@transaction.atomic
def _finish(job: ExportJob, *, rows: int = 0, error: str = "") -> None:
    job.state = ExportJob.State.FAILED if error else ExportJob.State.DONE
    job.rows, job.error = rows, error
    job.save(update_fields=["state", "rows", "error", "file"])
    emit(ExportFinished(subject_ids=(job.user_id,), actor_id=None))
