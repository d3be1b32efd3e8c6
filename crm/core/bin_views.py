"""The bin's pages."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views import View

from crm.core.bin import bin_groups, in_bin, restore_group
from crm.core.bulk import services as bulk_services
from crm.core.models import BulkJob
from crm.core.records import record_types
from crm.core.views import safe_next


class BinView(View):
    """What was deleted: one's own, and everything for admins."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "bin.html", {"groups": bin_groups(request.user)})


class BinRestoreView(View):
    def post(self, request: HttpRequest, group: uuid.UUID) -> HttpResponse:
        owned = [record for record in record_types() if in_bin(record, request.user).filter(deletion_group=group).exists()]
        if not owned:
            raise Http404
        job = BulkJob.objects.visible_to(request.user).filter(deletion_group=group, state__in=BulkJob.ENDED).first()
        if job is not None and job.large:  # too many for a request: the worker takes them out
            bulk_services.undo(job, actor=request.user)
            return redirect("bulk-job", job.pk)
        models = [record.model for record in record_types()]
        try:
            with transaction.atomic():
                restored = restore_group(group, actor=request.user, models_with_bin=models)
        except ValidationError as error:  # a value that must be unique has been given away meanwhile
            messages.error(request, " ".join(error.messages))
            return redirect("bin")
        messages.success(request, ngettext("%(n)s record is back.", "%(n)s records are back.", restored) % {"n": restored})
        return redirect(safe_next(request, "/bin/"))
