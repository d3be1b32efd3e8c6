"""Reminders and notifications in the Django admin: to look at whether and when, not at what they say, which is their user's alone."""

from __future__ import annotations

from django.contrib import admin

from activities.models import Notification, Reminder
from crm.core.admin import ReadOnlyAdmin


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "task", "meeting_id", "rule", "remind_at", "sent_at", "seen_at", "cancelled_at")
    list_filter = ("sent_at", "cancelled_at")
    list_select_related = ("user", "task", "rule")
    exclude = ("meeting",)
    date_hierarchy = "remind_at"
    show_full_result_count = False


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "kind", "created_at", "read_at")
    list_filter = ("kind",)
    exclude = ("text", "url", "reminder")
    list_select_related = ("user",)
    show_full_result_count = False
