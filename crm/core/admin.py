"""The kernel's tables in the Django admin: to look at, and to retry what failed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.core import outbox
from crm.core.models import BulkJob, Delivery, ExportJob, Heartbeat, IdempotencyKey, ImportJob, OutboxEvent


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows are written by services only; the admin shows them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "subject_type", "subject_ids", "actor_id", "occurred_at")
    list_filter = ("name",)
    search_fields = ("name", "request_id")
    exclude = ("payload",)  # holds what was changed, also of records that are their owner's alone
    show_full_result_count = False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "handler", "status", "attempts", "next_attempt_at", "last_error")
    list_filter = ("status", "handler")
    list_select_related = ("event",)
    show_full_result_count = False
    actions = ("retry",)

    @admin.action(description=_("Retry the selected deliveries"))
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        number = outbox.retry(list(queryset.values_list("pk", flat=True)))
        messages.success(request, ngettext("%(n)s delivery will be tried again.", "%(n)s deliveries will be tried again.", number) % {"n": number})


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("key", "user", "path", "result", "created_at")
    show_full_result_count = False


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "record_slug", "file_name", "state", "rows", "good", "bad", "same", "attempts", "created_at", "error")
    list_filter = ("state",)


@admin.register(BulkJob)
class BulkJobAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "user",
        "record_slug",
        "action",
        "state",
        "rows",
        "changed",
        "same",
        "skipped",
        "bad",
        "undone",
        "kept",
        "attempts",
        "created_at",
        "error",
    )
    list_filter = ("state",)


@admin.register(ExportJob)
class ExportJobAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "record_slug", "format", "state", "rows", "created_at", "error")
    list_filter = ("state",)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at")
