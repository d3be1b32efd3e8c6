"""Files on records: the list, adding, opening, deleting."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from activities import forms, selectors, services
from activities.models import Attachment, Task
from activities.views.entries import load_subject
from crm.core.access import may_add
from crm.core.parts import PartFormView, PartRemoveView
from crm.core.records import record_for

LISTED = 500


class FilesView(View):
    """GET: all files of a record that the reader may see, pictures shown."""

    def get(self, request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        obj = load_subject(request.user, slug, pk)
        found = selectors.files_of(request.user, obj, LISTED)
        context = {
            "record": record_for(slug),
            "object": obj,
            "files": found.rows,
            "count": found.count,
            "removable": selectors.removable(request.user, found.rows),
            "may_add": may_add(request.user, Task),
        }
        return render(request, "activities/files.html", context)


class AddFilesView(PartFormView):
    needs = "view"  # who sees a record may make entries on it, if the role allows entries at all
    title = gettext_lazy("Add files")
    submit = gettext_lazy("Add")

    def find(self, **kwargs: Any) -> None:
        load_subject(self.request.user, self.slug, self.obj.pk)  # tasks and meetings have no files
        if not may_add(self.request.user, Task):
            raise PermissionDenied

    def form(self, data: Any = None, files: Any = None) -> forms.FilesForm:
        return forms.FilesForm(data, files, user=self.request.user)

    def save(self, form: Any) -> None:
        services.add_files(self.obj, form.cleaned_data["files"], actor=self.request.user)


def _file(user: Any, pk: int) -> Attachment:
    row = selectors.file_at(user, pk)
    if row is None:
        raise Http404
    return row


def _sent(row: Attachment, kind: str, *, inline: bool = False) -> FileResponse:
    try:
        handle = row.file.open("rb")
    except OSError:
        raise Http404 from None
    response = FileResponse(handle, as_attachment=not inline, filename=row.name, content_type=kind)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"  # whatever it is, it does nothing here
    response["Cache-Control"] = "private, no-store"
    return response


class FileView(View):
    """GET: the file to be saved, whatever it is: never shown as a page of ours."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        return _sent(_file(request.user, pk), "application/octet-stream")


class PictureView(View):
    """GET: a picture to be looked at, as the kind that its first bytes say; 404 for everything else."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        row = _file(request.user, pk)
        if not row.picture:
            raise Http404
        return _sent(row, f"image/{row.picture}", inline=True)


class RemoveFileView(PartRemoveView):
    """The question and the deletion: for who added the file and whoever may change its record."""

    needs = "view"
    text = gettext_lazy("It can't be brought back.")
    done_text = gettext_lazy("The file is deleted.")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.row = _file(request.user, kwargs["pk"])
        record: Any = record_for(Attachment._meta.get_field(self.row.subject_type).related_model)
        return super().dispatch(request, slug=record.slug, pk=getattr(self.row, f"{self.row.subject_type}_id"))

    def find(self, **kwargs: Any) -> None:
        if not services.may_remove_file(self.row, self.request.user):
            raise PermissionDenied
        self.title = _("Delete “%(name)s”?") % {"name": self.row.name}
        if selectors.mails_that_wait(self.row):
            self.text = _("It can't be brought back. A mail that has not left yet carries it: that mail will not be sent.")

    def remove(self) -> None:
        services.remove_file(self.row, actor=self.request.user)
