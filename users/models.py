"""People who sign in, their teams and what their role grants them."""

from __future__ import annotations

import zoneinfo
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from crm.core import dialing
from crm.core.access import GrantPolicy, RecordQuerySet, Scope
from crm.core.audit import audited

COLORS = ("k-violet", "k-teal", "k-blue", "k-amber", "k-pink", "k-green", "k-grey")


def grant_key(label: str) -> str:
    """`contacts.contact` -> `contacts_contact`: JSON keys without dots can be asked for in a query."""
    return label.replace(".", "_")


@cache
def known_zones() -> frozenset[str]:
    """All IANA zones of this machine: reading the directory takes 30 ms, once."""
    return frozenset(zoneinfo.available_timezones())


def validate_zone(value: str) -> None:
    if value not in known_zones():
        raise ValidationError(_("Choose a time zone from the list, such as Europe/Berlin."), code="zone")


@audited()
class Organisation(models.Model):
    """The one business that uses this installation: a single row with pk 1."""

    name = models.CharField(_("name"), max_length=120, default="Rapport")
    logo = models.ImageField(_("logo"), upload_to="organisation/", blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_zone])
    language = models.CharField(_("language"), max_length=8, default="en")
    first_weekday = models.PositiveSmallIntegerField(_("first day of the week"), default=0)  # Monday = 0
    fiscal_year_start = models.PositiveSmallIntegerField(_("fiscal year starts in month"), default=1)
    work_days = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("working days"), default=list)  # Monday = 0
    work_start = models.TimeField(_("work starts"), default=time(9))
    work_end = models.TimeField(_("work ends"), default=time(17))
    response_hours = models.PositiveSmallIntegerField(  # working hours in which somebody answers a new lead; a web form has its own
        _("answer new leads within working hours"), default=4, validators=[MinValueValidator(1), MaxValueValidator(400)]
    )
    dial_with = models.CharField(_("dial phone numbers"), max_length=3, choices=dialing.Way, default=dialing.Way.TEL)
    dial_target = models.CharField(_("domain or address"), max_length=dialing.MAX_TARGET, blank=True)  # as dialing.checked gives it
    set_up_at = models.DateTimeField(null=True, editable=False)  # the first-admin door is shut for ever from then on
    mail_from = models.EmailField(_("sender address"), blank=True)
    mail_from_name = models.CharField(_("sender name"), max_length=120, blank=True)
    mail_reply_to = models.EmailField(_("reply-to address"), blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        verbose_name = _("organisation")
        constraints = [models.CheckConstraint(name="organisation_one_row", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    """A day on which nobody works."""

    day = models.DateField(_("day"), unique=True)
    name = models.CharField(_("name"), max_length=80)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["day"]
        verbose_name = _("holiday")

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


@audited()
class Team(models.Model):
    """A node of the team tree. Its manager sees the rows of the team and of all teams below."""

    name = models.CharField(_("name"), max_length=80)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children", verbose_name=_("parent team"))
    manager = models.ForeignKey("users.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="managed_teams", verbose_name=_("manager"))

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["name"]
        verbose_name, verbose_name_plural = _("team"), _("teams")
        constraints = [models.UniqueConstraint(Lower("name"), name="team_name_unique")]

    def __str__(self) -> str:
        return self.name


@audited()
class Role(models.Model):
    """What its users may do: `grants` maps grant_key(model label) to {action: scope}."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    grants = models.JSONField(default=dict)
    is_admin = models.BooleanField(default=False)  # may open the settings and the Django admin
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["pk"]
        verbose_name, verbose_name_plural = _("role"), _("roles")

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> User:
        return self.select_related("role").get(email__iexact=username)


@audited("password", "last_login", "team_scope", "lists")
class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in, by e-mail."""

    brief_fields = ("name", "email", "photo")  # what rows that link here show

    class Theme(models.TextChoices):
        AUTO = "auto", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="users", verbose_name=_("role"))
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="members", verbose_name=_("team"))
    # Home team and every team below the managed ones: kept by users.services, read on each request without a query.
    team_scope = ArrayField(models.IntegerField(), default=list, editable=False)
    photo = models.ImageField(_("photo"), upload_to="users/", blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_zone])
    second_zone = models.CharField(_("second time zone"), max_length=64, blank=True, validators=[validate_zone])  # beside the hours of the calendar
    language = models.CharField(_("language"), max_length=8, default="en")
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.AUTO)
    signature = models.TextField(_("signature"), max_length=2000, blank=True)
    shortcuts = models.BooleanField(_("single-key shortcuts"), default=True)
    dial_with = models.CharField(_("dial phone numbers"), max_length=3, choices=[("", _("As the organisation does")), *dialing.Way.choices], blank=True)
    dial_target = models.CharField(_("domain or address"), max_length=dialing.MAX_TARGET, blank=True)
    lists = models.JSONField(default=dict, blank=True, editable=False)  # how the user wants lists to look (crm.core.saved.looks)
    away_from = models.DateField(_("away from"), null=True, blank=True)
    away_to = models.DateField(_("away to"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()
    access_policy = GrantPolicy("users")  # colleagues' names are visible to all who are signed in

    class Meta:
        ordering = ["name", "pk"]
        verbose_name, verbose_name_plural = _("user"), _("users")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
            models.CheckConstraint(
                name="user_away_in_order",
                condition=models.Q(away_from__isnull=True) | models.Q(away_to__isnull=True) | models.Q(away_to__gte=models.F("away_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def scope_for(self, label: str, action: str) -> str:
        """The scope (access.Scope) of the user's role for a model label such as "contacts.contact" and an action."""
        if not self.is_active:
            return Scope.NONE
        return self.role.grants.get(grant_key(label), {}).get(action, Scope.NONE)

    is_viewed = False  # an admin looks at Rapport as this user does (selectors.viewed_person)

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def initials(self) -> str:
        words = (self.name or self.email).split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()

    @property
    def color(self) -> str:
        return COLORS[self.pk % 7] if self.pk else COLORS[-1]

    @property
    def photo_url(self) -> str:
        # The file's random name is in the address, so that browsers may keep the picture and still see a new one at once.
        return f"/users/{self.pk}/photo/?v={Path(self.photo.name).stem}" if self.photo else ""

    @property
    def is_admin(self) -> bool:
        return self.is_active and self.role.is_admin

    def is_away(self, day: date) -> bool:
        """True on the days from `away_from` to `away_to`, both included; one empty end is open."""
        if not (self.away_from or self.away_to):
            return False
        return (not self.away_from or self.away_from <= day) and (not self.away_to or day <= self.away_to)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split()[0] if self.name else self.email

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django admin only: everything for admins, nothing for others. Rows are guarded by access.py."""
        return self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_admin


class Invitation(models.Model):
    """A mail that lets somebody set a password once. Only the token's digest is stored."""

    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    role = models.ForeignKey(Role, on_delete=models.PROTECT, verbose_name=_("role"))
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("team"))
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("users", public=False)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("invitation")

    def __str__(self) -> str:
        return self.email
