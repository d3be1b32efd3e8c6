"""Django admin of people: to look at, and to mend the little that the settings pages can't. Admins only, behind the same sign-in."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from users.models import Holiday, Invitation, Organisation, Role, Team, User

admin.site.login = secure_admin_login(admin.site.login)  # rate limits and two-factor hold here too
admin.site.site_header = admin.site.site_title = "Rapport"
if admin.site.is_registered(Group):
    admin.site.unregister(Group)  # rights come from roles


class LookOnly(admin.ModelAdmin):
    """Rows to look at; they are changed on the settings pages, through the services."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(LookOnly):
    list_display = ("name", "email", "role", "team", "is_active", "last_login")
    list_filter = ("is_active", "role")
    list_select_related = ("role", "team")
    search_fields = ("name", "email")
    exclude = ("password", "groups", "user_permissions", "is_superuser")


@admin.register(Team)
class TeamAdmin(LookOnly):
    list_display = ("name", "parent", "manager")
    list_select_related = ("parent", "manager")
    search_fields = ("name",)


@admin.register(Role)
class RoleAdmin(LookOnly):
    list_display = ("name", "slug", "is_admin")


@admin.register(Organisation)
class OrganisationAdmin(LookOnly):
    list_display = ("name", "currency", "time_zone", "language", "set_up_at")


@admin.register(Holiday)
class HolidayAdmin(LookOnly):
    list_display = ("day", "name")


@admin.register(Invitation)
class InvitationAdmin(LookOnly):
    list_display = ("email", "role", "team", "created_at", "expires_at", "accepted_at", "withdrawn_at")
    list_select_related = ("role", "team")
    search_fields = ("email", "name")
    exclude = ("token_digest",)
