"""Rules of admins: who gets a lead, and what makes one promising."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet


class AssignmentRule(models.Model):
    """Who gets a new lead. Rules are tried in order; the first whose conditions all hold and that finds a present user decides."""

    class Mode(models.TextChoices):
        USER = "user", _("One user")
        ROUND_ROBIN = "round_robin", _("In turn in a team")
        LEAST_BUSY = "least_busy", _("Least busy in a team")

    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("active"), default=True)
    conditions = models.JSONField(default=list, blank=True)  # [{"field": "country", "op": "is", "value": "DE"}]
    mode = models.CharField(_("how"), max_length=12, choices=Mode, default=Mode.ROUND_ROBIN)
    user = models.ForeignKey("users.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("user"))
    team = models.ForeignKey("users.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("team"))
    is_fallback = models.BooleanField(default=False, editable=False)  # tried last, without conditions, may choose someone away
    last_user_id = models.BigIntegerField(null=True, editable=False)  # where the turn stands

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["is_fallback", "position", "pk"]
        verbose_name, verbose_name_plural = _("assignment rule"), _("assignment rules")
        constraints = [
            models.CheckConstraint(
                name="assignmentrule_has_target",
                condition=Q(mode="user", user__isnull=False) | (~Q(mode="user") & Q(team__isnull=False)),
            ),
            models.UniqueConstraint(fields=["is_fallback"], name="assignmentrule_one_fallback", condition=Q(is_fallback=True)),
        ]

    def __str__(self) -> str:
        return self.name


class ScoreRule(models.Model):
    """Points for a lead of which one condition holds. The sum of all, from 0 to 100, is its score (docs/decisions/scoring.md)."""

    class Operation(models.TextChoices):
        FILLED = "filled", _("is filled")
        EMPTY = "empty", _("is empty")
        IS = "is", _("is")
        IS_NOT = "is_not", _("is not")
        CONTAINS = "contains", _("contains")
        IN = "in", _("is one of (a, b, c)")
        AT_LEAST = "at_least", _("is at least")

    label = models.CharField(_("name"), max_length=80, blank=True)  # empty: the condition in words
    field = models.CharField(_("field"), max_length=40)  # a key of leads.services.scoring.FACTS
    op = models.CharField(_("comparison"), max_length=8, choices=Operation, default=Operation.FILLED)
    value = models.CharField(_("value"), max_length=500, blank=True)
    points = models.SmallIntegerField(_("points"), default=10, validators=[MinValueValidator(-100), MaxValueValidator(100)])
    active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("score rule"), _("score rules")
        constraints = [models.CheckConstraint(name="scorerule_points", condition=Q(points__gte=-100, points__lte=100))]

    def __str__(self) -> str:
        return self.label or self.field


class ScoreRun(models.Model):
    """How far the leads have been scored anew after the rules changed. A single row with pk 1; `cursor` null: nothing is left to do."""

    cursor = models.BigIntegerField(null=True)  # leads up to this id have their new score

    class Meta:
        constraints = [models.CheckConstraint(name="scorerun_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.cursor)
