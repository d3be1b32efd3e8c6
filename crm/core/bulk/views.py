"""Pages of bulk changes: the question before, progress and result, the rows that were left out, the history."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from crm.core.bulk import services
from crm.core.bulk.models import SMALL, BulkJob, BulkProblem
from crm.core.bulk.selection import Chosen, chosen, first_ids
from crm.core.exports import csv_chunks, safe_text
from crm.core.idempotency import run_once
from crm.core.list_query import BadQuery
from crm.core.records import BulkAction, RecordType, record_for
from crm.core.views import RecordView, bad_request, safe_next

State = BulkJob.State
SHOWN = 100  # reasons on the page; the file has all
HISTORY = 200


class RecordBulkView(RecordView):
    """POST `ids`, or `all` and `query`: asks what is needed, then changes few rows at once and leaves many to the worker."""

    def get(self, request: HttpRequest, action: str) -> HttpResponse:
        self.action(action)
        return redirect(self.record.url("list"))

    def action(self, name: str) -> BulkAction:
        found = self.record.bulk_action(name)
        if found is None:
            raise Http404
        return found

    def post(self, request: HttpRequest, action: str) -> Any:
        bulk = self.action(action)
        self.require(bulk.permission)
        if not bulk.offered(request.user):
            raise PermissionDenied
        try:
            rows = chosen(request, self.record, bulk.permission, SMALL)
        except BadQuery as error:
            return bad_request(request, str(error))
        confirmed = request.POST.get("confirmed") == "1"
        form = bulk.form(request.POST if confirmed else None, user=request.user) if bulk.form else None
        if not confirmed and (form is not None or bulk.danger or request.POST.get("all") == "1"):
            return self.ask(bulk, form, rows)
        if form is not None and not form.is_valid():
            return self.ask(bulk, form, rows, 422)
        if form is not None and bulk.preview and not form.settled:
            return self.show_first(bulk, form, rows)
        return self.answer(bulk, form, rows)

    def show_first(self, bulk: BulkAction, form: Any, rows: Chosen) -> HttpResponse:
        """The question again, with what would be done."""
        assert bulk.preview is not None
        ids = first_ids(self.request.user, self.record, bulk.permission, rows, SMALL)
        try:
            return self.ask(bulk, form, rows, preview=bulk.preview(self.request, ids, form, more=rows.ids is None or len(rows.ids) > len(ids)))
        except ValidationError as error:
            return self.ask(bulk, form, rows, 422, error.messages)

    def ask(self, bulk: BulkAction, form: Any, rows: Chosen, status: int = 200, errors: list[str] | None = None, preview: Any = "") -> HttpResponse:
        key, back = _key(self.request) or uuid.uuid4(), safe_next(self.request, self.record.url("list"))
        ids, whole = rows.ids or [], rows.ids is None
        return self.show(
            "bulk", status, action=bulk, form=form, count=rows.count, ids=ids, some=not whole and len(ids) < rows.count, query=rows.query, all=whole,
            key=key, cancel_url=back, errors=errors or [], preview=preview,
            asks_to_look=bulk.preview is not None,
            later=rows.count > SMALL and bulk.run is not None,
        )  # fmt: skip

    def answer(self, bulk: BulkAction, form: Any, rows: Chosen) -> Any:
        user: Any = self.request.user
        if bulk.respond is not None:
            return bulk.respond(self.request, self.record, rows, form.cleaned_data if form else {})
        change = services.begin if rows.ids is None or len(rows.ids) > SMALL else services.change_now
        made: list[BulkJob] = []
        try:
            url, _first = run_once(user, _key(self.request), self.request.path, lambda: _job_url(made, change(self.record, bulk, rows, form, actor=user)))
        except ValidationError as error:
            return self.ask(bulk, form, rows, 422, error.messages)
        if not made or made[0].large:  # sent twice, or the worker's
            return redirect(url)
        self.tell(made[0], url)
        return redirect(safe_next(self.request, self.record.url("list")))

    def tell(self, job: BulkJob, url: str) -> None:
        """The toast, with Undo where there is something to undo."""
        undo = f"undo:{url}undo/" if services.can_undo(job, self.request.user) else ""
        text = ngettext("%(n)s record changed.", "%(n)s records changed.", job.changed) % {"n": job.changed}
        if job.bad:
            left = ngettext("%(n)s was refused: see bulk changes.", "%(n)s were refused: see bulk changes.", job.bad) % {"n": job.bad}
            messages.warning(self.request, f"{text} {left}", extra_tags=undo)
        else:
            messages.success(self.request, text, extra_tags=undo)


def _key(request: HttpRequest) -> uuid.UUID | None:
    """The hidden key that makes two clicks one change; anything else in its place is no key."""
    try:
        return uuid.UUID(request.POST.get("idempotency_key", ""))
    except ValueError:
        return None


def _job_url(made: list[BulkJob], job: BulkJob) -> str:
    made.append(job)
    return reverse("bulk-job", args=[job.pk])


def _load(request: HttpRequest, pk: int) -> tuple[BulkJob, RecordType]:
    """One's own bulk change, or any for admins; else 404."""
    job = BulkJob.objects.visible_to(request.user).select_related("user", "undone_by").filter(pk=min(pk, 2**63 - 1)).first()
    record = record_for(job.record_slug) if job else None
    if job is None or record is None:
        raise Http404
    return job, record


def label_of(job: BulkJob, record: RecordType) -> Any:
    action = record.bulk_action(job.action)
    return action.label if action else job.action  # of a version that knew it


class BulkJobView(View):
    """One bulk change. POST `do`: cancel, undo."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        job, record = _load(request, pk)
        htmx: Any = request.htmx  # type: ignore[attr-defined]
        if htmx and htmx.target == "bulk-state":  # the page asks how far it is
            if job.state in BulkJob.WORKING:
                return render(request, "bulk/job.html#working", {"job": job, **progress(job)})
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        context = {"job": job, "record": record, "label": label_of(job, record), "working": job.state in BulkJob.WORKING, **progress(job)}
        if not context["working"]:
            context |= {"problems": _named(job, request.user), "shown": SHOWN, "can_undo": services.can_undo(job, request.user)}
        return render(request, "bulk/job.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        job, _record = _load(request, pk)
        match request.POST.get("do", ""):
            case "cancel":
                services.cancel(job)
            case "undo":
                services.undo(job, actor=request.user)
            case _other:
                return bad_request(request, _("Choose what to do with this change."))
        return redirect("bulk-job", job.pk)


class BulkUndoView(View):
    """POST: the Undo of the toast."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        job, record = _load(request, pk)
        done = services.undo(job, actor=request.user) if services.can_undo(job, request.user) else None
        if done is None or done.large:
            return redirect("bulk-job", job.pk)
        text = ngettext("%(n)s record is as it was.", "%(n)s records are as they were.", done.undone) % {"n": done.undone}
        if done.kept:
            left = ngettext("%(n)s was changed since and stays.", "%(n)s were changed since and stay.", done.kept) % {"n": done.kept}
            messages.warning(request, f"{text} {left}")
        else:
            messages.success(request, text)
        return redirect(safe_next(request, record.url("list")))


def progress(job: BulkJob) -> dict[str, Any]:
    """How far the running phase is: rows, rows a second, and the time left (None while nobody can know)."""
    done = job.undone + job.kept if job.state == State.UNDOING else job.handled
    whole = job.changed if job.state == State.UNDOING else job.rows
    spent = (timezone.now() - job.started_at).total_seconds() if job.started_at else 0
    rate = done / spent if spent > 1 else 0
    left = timedelta(seconds=round((whole - done) / rate)) if rate and whole > done else None
    percent = min(99, done * 100 // whole) if whole else 0
    return {"done": done, "whole": whole, "rate": round(rate), "left": _short(left), "percent": percent, "url": reverse("bulk-job", args=[job.pk])}


def _short(left: timedelta | None) -> str:
    if left is None:
        return ""
    seconds = int(left.total_seconds())
    if seconds < 60:
        return ngettext("%(n)s second left", "%(n)s seconds left", seconds) % {"n": seconds}
    minutes = round(seconds / 60)
    return ngettext("%(n)s minute left", "%(n)s minutes left", minutes) % {"n": minutes}


def _named(job: BulkJob, user: Any) -> list[tuple[BulkProblem, Any]]:
    """The first reasons, each with its record if the reader may see that."""
    if not job.bad and not job.kept and job.state != State.UNDONE:
        return []
    return [pair for part in _problems(job, user, SHOWN, job.problems.all()[:SHOWN]) for pair in part]


def _problems(job: BulkJob, user: Any, size: int, rows: Any) -> Iterator[list[tuple[BulkProblem, Any]]]:
    part: list[BulkProblem] = []
    for problem in rows:
        part.append(problem)
        if len(part) == size:
            yield _with_records(part, user)
            part = []
    yield _with_records(part, user)


def _with_records(problems: list[BulkProblem], user: Any) -> list[tuple[BulkProblem, Any]]:
    known: dict[tuple[str, int], Any] = {}
    for label in {problem.label for problem in problems}:
        record = record_for(label)
        ids = [problem.subject_id for problem in problems if problem.label == label]
        for obj in record.visible(user).filter(pk__in=ids) if record else ():
            known[label, obj.pk] = obj
    return [(problem, known.get((problem.label, problem.subject_id))) for problem in problems]


class BulkProblemsView(View):
    """The rows that were refused or left alone, with the reasons, as CSV."""

    def get(self, request: HttpRequest, pk: int) -> Any:
        job, _record = _load(request, pk)
        rows = job.problems.all().iterator(chunk_size=1000)
        body = csv_chunks(_lines(job, request.user, rows))
        name = f"{job.record_slug}-{job.pk}-problems.csv"
        return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _lines(job: BulkJob, user: Any, rows: Any) -> Iterator[list[Any]]:
    yield [_("Number"), _("Name"), _("When"), _("Reason")]
    for part in _problems(job, user, 1000, rows):
        for problem, obj in part:
            yield [problem.subject_id, safe_text(str(obj)) if obj else "", _("Undo") if problem.undoing else _("Change"), safe_text(problem.reason)]


class BulkJobsView(View):
    """One's own bulk changes, all of them for admins."""

    def get(self, request: HttpRequest) -> HttpResponse:
        jobs = BulkJob.objects.visible_to(request.user).select_related("user").defer("data", "query")[:HISTORY]
        rows = [(job, record, label_of(job, record)) for job in jobs if (record := record_for(job.record_slug)) is not None]
        return render(request, "bulk/list.html", {"rows": rows})
