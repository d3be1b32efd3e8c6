"""Saved views: a list's query under a name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import RecordQuerySet

PREFIX = "s"  # in front of a view's id in addresses: `?view=s12`
LONGEST_QUERY = 4000


class SharedPolicy:
    """One's own rows, and those that others share with one's team or with all. Only the owner changes them, or an admin what is shared."""

    def arms(self, user: Any, action: str, model: type[models.Model]) -> list[Q]:
        if action == "add":
            return [Q()]
        shared = Q(shared="all") | Q(shared="team", team__in=user.team_scope)
        if action == "view":
            return [Q(owner_id=user.pk) | shared]
        return [Q(owner_id=user.pk) | ~Q(shared="")] if user.is_admin else [Q(owner_id=user.pk)]

    def key(self, user: Any, action: str, model: type[models.Model]) -> tuple[Any, ...]:
        return (action, user.pk, user.is_admin, *user.team_scope)


class SavedView(models.Model):
    """A list's query under a name: filters, search, sort, columns, grouping. It shows each reader what they may see, no more."""

    class Shared(models.TextChoices):
        NOBODY = "", _("Only me")
        TEAM = "team", _("My team")
        ALL = "all", _("Everybody")

    record_slug = models.CharField(max_length=60, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False, db_index=False)
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(max_length=LONGEST_QUERY, blank=True, editable=False)  # validated; neither page mark nor view
    shared = models.CharField(_("shared with"), max_length=4, choices=Shared, blank=True, default=Shared.NOBODY)
    team = models.BigIntegerField(null=True, editable=False)  # id of the team that it is shared with: the kernel knows no teams
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = SharedPolicy()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name, verbose_name_plural = _("saved view"), _("saved views")
        constraints = [
            models.UniqueConstraint("owner", "record_slug", Lower("name"), name="savedview_name_once"),
            models.CheckConstraint(name="savedview_team", condition=Q(team__isnull=False) | ~Q(shared="team")),
        ]
        indexes = [models.Index(fields=["record_slug"], name="savedview_shared", condition=~Q(shared=""))]

    def __str__(self) -> str:
        return self.name

    def is_changed_by(self, user: Any) -> bool:
        """What buttons to show: the policy's rule for "change" above, read from the row without a query. The service asks the database."""
        return self.owner_id == user.pk or (user.is_admin and bool(self.shared))

    @property
    def key(self) -> str:
        """Its name in addresses."""
        return f"{PREFIX}{self.pk}"
