"""Leads, forms and their entries in the Django admin: to look at, with a link to their page; failed entries can be retried."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext

from crm.core.admin import ReadOnlyAdmin
from leads import services
from leads.models import AssignmentRule, DisqualifyReason, FormField, Lead, LeadStatus, ScoreRule, Submission, WebForm


@admin.register(Lead)
class LeadAdmin(ReadOnlyAdmin):
    list_display = ("id", "__str__", "company_name", "email", "status", "owner", "created_at", "deleted_at", "page")
    list_filter = ("status",)
    list_select_related = ("status", "owner")
    search_fields = ("search_text",)
    show_full_result_count = False
    view_on_site = False

    @admin.display(description=_("Page"))
    def page(self, lead: Lead) -> SafeString | str:
        return "" if lead.deleted_at else format_html('<a href="{}">{}</a>', lead.get_absolute_url(), pgettext("verb", "Open"))


@admin.register(LeadStatus)
class LeadStatusAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "color", "position")


class FormFieldInline(admin.TabularInline):
    model = FormField
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(WebForm)
class WebFormAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "active", "source", "team", "page")
    list_select_related = ("source", "team")
    inlines = (FormFieldInline,)

    @admin.display(description=_("Page"))
    def page(self, form: WebForm) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("settings:edit", args=["forms", form.pk]), pgettext("verb", "Open"))


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("id", "form", "state", "spam_reason", "attempts", "received_at", "error", "page")
    list_filter = ("state", "form")
    list_select_related = ("form",)
    show_full_result_count = False
    actions = ("retry",)

    @admin.display(description=_("Page"))
    def page(self, entry: Submission) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("lead_settings:submission", args=[entry.pk]), pgettext("verb", "Open"))

    @admin.action(description=_("Try the selected entries again"))
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        number = sum(services.retry_submission(entry, actor=request.user) for entry in queryset)
        messages.success(request, ngettext("%(n)s entry has been worked in.", "%(n)s entries have been worked in.", number) % {"n": number})


@admin.register(AssignmentRule)
class AssignmentRuleAdmin(ReadOnlyAdmin):
    list_display = ("name", "position", "is_fallback", "mode", "user", "team", "active")
    list_select_related = ("user", "team")


@admin.register(DisqualifyReason)
class DisqualifyReasonAdmin(ReadOnlyAdmin):
    list_display = ("name", "position", "active")


@admin.register(ScoreRule)
class ScoreRuleAdmin(ReadOnlyAdmin):
    list_display = ("field", "op", "value", "points", "label", "active", "position")
