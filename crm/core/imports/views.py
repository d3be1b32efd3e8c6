"""Pages of imports: upload on each list, then one page per import that shows the step it is at; the history."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from crm.core.access import may_add
from crm.core.idempotency import run_once
from crm.core.imports import report, services, work
from crm.core.imports.forms import MappingForm, UploadForm
from crm.core.imports.targets import targets_of
from crm.core.models import ImportJob
from crm.core.records import RecordType, record_for, record_types
from crm.core.views import RecordView, bad_request

State = ImportJob.State
LINKS = 5  # records that the result page names


class ImportStartView(RecordView):
    """`<list>/import/`: which file."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not may_add(request.user, self.record.model):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(UploadForm())

    def page(self, form: UploadForm, status: int = 200) -> HttpResponse:
        return render(self.request, "imports/upload.html", {"record": self.record, "form": form}, status=status)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(form, 422)
        try:
            url, _first = run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self._begin(form))
        except ValidationError as error:
            form.add_error("file", error)
            return self.page(form, 422)
        return redirect(url)

    def _begin(self, form: UploadForm) -> str:
        job = services.begin(self.record, form.cleaned_data["file"], actor=self.request.user)
        return reverse("import-job", args=[job.pk])


def _load(request: HttpRequest, pk: int) -> tuple[ImportJob, RecordType]:
    """One's own import, or any for admins; else 404."""
    job = ImportJob.objects.visible_to(request.user).select_related("user").filter(pk=min(pk, 2**63 - 1)).first()
    record = record_for(job.record_slug) if job else None
    if job is None or record is None:
        raise Http404
    return job, record


class ImportJobView(View):
    """One import at the step it is at. POST `do`: check, run, change, undo, discard."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        job, record = _load(request, pk)
        htmx: Any = request.htmx  # type: ignore[attr-defined]
        if htmx and htmx.target == "import-state":  # the page asks how far it is
            if job.state in ImportJob.WORKING:
                return render(request, "imports/job.html#working", {"job": job, **_progress(job)})
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return self.page(job, record)

    def page(self, job: ImportJob, record: RecordType, form: MappingForm | None = None, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {"job": job, "record": record, "form": form, "working": job.state in ImportJob.WORKING}
        if job.state == State.MAPPING or form is not None:
            context |= {"form": form or self.form(job, record), "step": "mapping"}
        else:
            context |= {**_progress(job), **_result(job, record, self.request.user), "step": job.state}
        return render(self.request, "imports/job.html", context, status=status)

    def form(self, job: ImportJob, record: RecordType, data: Any = None) -> MappingForm:
        return MappingForm(data, job=job, targets=targets_of(record, self.request.user), user=self.request.user)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        job, record = _load(request, pk)
        todo = {"check": self.check, "run": self.run, "change": self.change, "undo": self.undo, "discard": self.discard}.get(request.POST.get("do", ""))
        if todo is None:
            return bad_request(request, _("Choose what to do with this import."))
        return todo(job, record) or redirect("import-job", job.pk)

    def check(self, job: ImportJob, record: RecordType) -> HttpResponse | None:
        self.require(job, record)
        form = self.form(job, record, self.request.POST)
        if not form.is_valid():
            return self.page(job, record, form, 422)
        services.choose(job, form.mapping(), form.options(), actor=self.request.user)
        return None

    def change(self, job: ImportJob, record: RecordType) -> HttpResponse | None:
        self.require(job, record)
        return self.page(job, record, self.form(job, record)) if job.state in (State.CHECKED, State.FAILED) else None

    def run(self, job: ImportJob, record: RecordType) -> HttpResponse | None:
        self.require(job, record)
        services.start(job)
        return None

    def undo(self, job: ImportJob, record: RecordType) -> HttpResponse | None:
        services.undo(job, actor=self.request.user)
        return None

    def discard(self, job: ImportJob, record: RecordType) -> HttpResponse | None:
        if services.discard(job):
            messages.success(self.request, _("The import is discarded. Nothing was written."))
            return redirect("imports")
        return None

    def require(self, job: ImportJob, record: RecordType) -> None:
        """Rows are made in the name and with the rights of who uploaded them: admins may look and undo, not run."""
        if job.user_id != self.request.user.pk or not may_add(self.request.user, record.model):
            raise PermissionDenied


def _progress(job: ImportJob) -> dict[str, Any]:
    """How far the running phase is."""
    done, whole = job.position, job.size
    if job.state == State.RUNNING:
        good, bad, same = work.totals(job)
        done, whole = good + bad + same, job.rows
        job.rows, job.bad = done, bad
    elif job.state == State.UNDOING:
        done, whole = job.undone + job.kept, sum(len(ids) for ids in job.made.values_list("ids", flat=True))
    return {"percent": min(99, done * 100 // whole) if whole else 0, "url": reverse("import-job", args=[job.pk])}


def _result(job: ImportJob, record: RecordType, user: Any) -> dict[str, Any]:
    """What the pages after a phase show."""
    made = list(job.made.all()) if job.state in (State.DONE, State.UNDONE, State.FAILED) else []
    counts = [(other, sum(len(row.ids) for row in made if row.record_slug == other.slug)) for other in record_types()]
    ids = next((row.ids[:LINKS] for row in made if row.record_slug == record.slug), [])
    return {
        "problems": list(job.problems.all()[: report.SHOWN]) if job.bad or job.same else [],
        "shown": report.SHOWN,
        "made": [(other.label_plural, count, other.icon) for other, count in counts if count],
        "first": list(record.visible(user).filter(pk__in=ids)) if ids and job.state == State.DONE else [],
        "can_undo": services.can_undo(job, user),
        "own": job.user_id == user.pk,
        "total": job.good + job.bad + job.same,
    }


class ImportProblemsView(View):
    """The rows that were left out, with the reasons, as CSV."""

    def get(self, request: HttpRequest, pk: int) -> Any:
        job, _record = _load(request, pk)
        if not job.file:
            raise Http404
        name = f"{job.record_slug}-{job.pk}-problems.csv"
        body = report.problem_file(job)
        return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})


class ImportsView(View):
    """One's own imports, all of them for admins."""

    def get(self, request: HttpRequest) -> HttpResponse:
        jobs = ImportJob.objects.visible_to(request.user).select_related("user").defer("samples", "headings", "mapping")[:200]
        rows = [(job, record) for job in jobs if (record := record_for(job.record_slug)) is not None]
        starts = [record for record in record_types() if may_add(request.user, record.model)]
        return render(request, "imports/list.html", {"rows": rows, "starts": starts})
