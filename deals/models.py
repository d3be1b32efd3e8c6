"""Pipelines, stages, deals and how deals moved."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet, ViaChild
from crm.core.audit import audited
from crm.core.models import COLORS, Record, record_indexes


class Pipeline(models.Model):
    """An ordered set of stages that a kind of deal goes through."""

    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("pipeline"), _("pipelines")
        constraints = [models.UniqueConstraint(Lower("name"), name="pipeline_name_unique")]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """A step of a pipeline. Open, won or lost; `probability` in percent weighs the forecast."""

    class Kind(models.TextChoices):
        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages", verbose_name=_("pipeline"))
    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(_("kind"), max_length=4, choices=Kind, default=Kind.OPEN)
    probability = models.PositiveSmallIntegerField(_("probability in %"), default=0, validators=[MaxValueValidator(100)])
    stalled_after_days = models.PositiveSmallIntegerField(_("stalled after days"), null=True, blank=True)
    color = models.CharField(_("colour"), max_length=8, choices=COLORS, default="blue")

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["pipeline", "position", "pk"]
        verbose_name, verbose_name_plural = _("stage"), _("stages")
        constraints = [
            models.UniqueConstraint("pipeline", Lower("name"), name="stage_name_unique"),
            models.UniqueConstraint(fields=["pipeline"], name="stage_one_won", condition=Q(kind="won")),
            models.UniqueConstraint(fields=["pipeline"], name="stage_one_lost", condition=Q(kind="lost")),
            models.CheckConstraint(name="stage_probability", condition=Q(probability__lte=100)),
        ]

    def __str__(self) -> str:
        return self.name


class LostReason(models.Model):
    """Why a deal was lost; old ones stay on old deals and are no longer offered."""

    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("offered"), default=True)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("lost reason"), _("lost reasons")
        constraints = [models.UniqueConstraint(Lower("name"), name="lostreason_name_unique")]

    def __str__(self) -> str:
        return self.name


@audited()
class Deal(Record):
    """A possible sale. `status` follows the stage's kind (deals.services.move_deal is the only way to change either)."""

    brief_fields = ("name",)
    custom_stage = "stage"

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    name = models.CharField(_("name"), max_length=200)
    company = models.ForeignKey("contacts.Company", null=True, blank=True, on_delete=models.SET_NULL, related_name="deals", verbose_name=_("company"))
    contact = models.ForeignKey("contacts.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="deals", verbose_name=_("contact"))
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="deals", verbose_name=_("pipeline"))
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="deals", verbose_name=_("stage"))
    status = models.CharField(_("status"), max_length=4, choices=Status, default=Status.OPEN, editable=False)
    stage_since = models.DateTimeField(default=timezone.now, editable=False)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2, default=Decimal(0), validators=[MinValueValidator(Decimal(0))])
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    amount_home = models.DecimalField(max_digits=18, decimal_places=2, default=Decimal(0), editable=False)  # in the organisation's currency
    rate_on = models.DateField(null=True, blank=True, editable=False)  # the day of the rate behind amount_home
    close_date = models.DateField(_("expected close date"), null=True, blank=True)
    close_date_pushes = models.PositiveSmallIntegerField(default=0, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    lost_reason = models.ForeignKey(LostReason, null=True, blank=True, on_delete=models.PROTECT, related_name="deals", verbose_name=_("lost reason"))
    lost_note = models.CharField(_("note on the loss"), max_length=500, blank=True)
    source = models.ForeignKey("core.Source", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("source"))
    description = models.TextField(_("description"), blank=True, max_length=10_000)

    class Meta:
        verbose_name, verbose_name_plural = _("deal"), _("deals")
        indexes = [
            *record_indexes(
                "deal",
                "amount_home",
                "close_date",
                "stage_since",
                facts=("pipeline", "stage", "stage_since", "status", "company", "contact", "lost_reason", "amount_home", "close_date", "closed_at"),
            ),
            models.Index(fields=["stage", "next_step_at", "id"], name="deal_board", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["status", "closed_at"], name="deal_closed", condition=Q(deleted_at__isnull=True)),
            # Sums of the board and of the pipeline report, without the rows; the won column and what was won, newest first.
            models.Index(
                fields=["pipeline", "stage"],
                include=["owner", "team", "amount_home", "close_date", "next_step_at", "next_step_kind"],
                name="deal_open_sums",
                condition=Q(deleted_at__isnull=True, status="open"),
            ),
            models.Index(
                fields=["stage", "closed_at", "id"],
                include=["owner", "team", "pipeline", "amount_home"],
                name="deal_won_sums",
                condition=Q(deleted_at__isnull=True, status="won"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="deal_closed_at_matches_status",
                condition=Q(status="open", closed_at__isnull=True) | Q(status__in=["won", "lost"], closed_at__isnull=False),
            ),
            models.CheckConstraint(name="deal_amount_not_negative", condition=Q(amount__gte=0)),
            models.CheckConstraint(name="deal_reason_only_when_lost", condition=Q(status="lost") | Q(lost_reason__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("deals:detail", args=[self.pk])


class StageChange(models.Model):
    """One move of a deal. The first row of a deal has no `old_stage`."""

    deal = models.ForeignKey(Deal, on_delete=models.CASCADE, related_name="stage_changes")
    old_stage = models.ForeignKey(Stage, null=True, on_delete=models.PROTECT, related_name="+")
    new_stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="+")
    amount_home = models.DecimalField(max_digits=18, decimal_places=2, default=Decimal(0))
    by = models.ForeignKey("users.User", null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("deal")

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["deal", "at"], name="stagechange_deal"), models.Index(fields=["new_stage", "at"], name="stagechange_stage")]
        constraints = [models.CheckConstraint(name="stagechange_moves", condition=Q(old_stage__isnull=True) | ~Q(old_stage=F("new_stage")))]

    def __str__(self) -> str:
        return f"{self.old_stage} → {self.new_stage}"
