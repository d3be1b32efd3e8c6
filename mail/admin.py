"""The ledger of outgoing mail in the Django admin: to look at, and to send again what failed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.core.admin import ReadOnlyAdmin
from mail import services
from mail.models import OutgoingMail


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    list_display = ("id", "to_address", "shown_subject", "purpose", "state", "attempts", "resends", "created_at", "sent_at", "error")
    list_filter = ("state", "purpose")
    search_fields = ("to_address", "message_id", "key")
    show_full_result_count = False
    actions = ("retry",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Of a private mail to which address it left, and not what it says."""
        names = list(super().get_fields(request, obj))
        said = {"subject", "text", "html", "calendar", "headers", "to_name", "key"} if obj is not None and obj.is_private else set()
        return [name for name in names if name not in said]

    @admin.action(description=_("Send the selected mails again"))
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        number = services.retry(list(queryset.values_list("pk", flat=True)))
        messages.success(request, ngettext("%(n)s mail will be sent again.", "%(n)s mails will be sent again.", number) % {"n": number})
