"""Reminders and notifications in the Django admin: to look at."""

from __future__ import annotations

from django.contrib import admin

from activities.models import Notification, Reminder
from crm.core.admin import ReadOnlyAdmin


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "task", "meeting", "rule", "remind_at", "sent_at", "seen_at", "cancelled_at")
    list_filter = ("sent_at", "cancelled_at")
    list_select_related = ("user", "task", "meeting", "rule")
    date_hierarchy = "remind_at"
    show_full_result_count = False


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "kind", "text", "created_at", "read_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    show_full_result_count = False
