"""Deals and their history in the Django admin: to look at, with a link to their page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from crm.core.admin import ReadOnlyAdmin
from deals.models import Deal, LostReason, Pipeline, Stage, StageChange


@admin.register(Deal)
class DealAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "pipeline", "stage", "status", "amount", "currency", "owner", "team", "created_at", "page")
    list_select_related = ("pipeline", "stage", "owner", "team")
    list_filter = ("status", "pipeline")
    search_fields = ("search_text",)
    show_full_result_count = False

    @admin.display(description=_("Page"))
    def page(self, obj: Any) -> SafeString | str:
        return format_html('<a href="{}">{}</a>', obj.get_absolute_url(), pgettext("verb", "Open")) if obj.deleted_at is None else gettext("In the bin")


@admin.register(StageChange)
class StageChangeAdmin(ReadOnlyAdmin):
    list_display = ("id", "deal", "old_stage", "new_stage", "amount_home", "by", "at")
    list_select_related = ("deal", "old_stage", "new_stage", "by")
    show_full_result_count = False


@admin.register(Pipeline)
class PipelineAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "position", "archived_at")


@admin.register(Stage)
class StageAdmin(ReadOnlyAdmin):
    list_display = ("id", "pipeline", "name", "kind", "probability", "position")
    list_select_related = ("pipeline",)


@admin.register(LostReason)
class LostReasonAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "active", "position")
