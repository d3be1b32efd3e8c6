"""Leads, their statuses, and what their conversions did."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet
from crm.core.audit import audited
from crm.core.models import COLORS, Record, record_indexes
from crm.core.text import digits


class LeadStatus(models.Model):
    """A step of working a lead. Exactly one status has kind `new`, one `converted`, at least one `disqualified`."""

    class Kind(models.TextChoices):
        NEW = "new", _("New")
        WORKING = "working", _("Being worked on")
        CONVERTED = "converted", _("Converted")
        DISQUALIFIED = "disqualified", _("Disqualified")

    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.WORKING)
    color = models.CharField(_("colour"), max_length=8, choices=COLORS, default="blue")
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("lead status"), _("lead statuses")
        constraints = [
            models.UniqueConstraint(Lower("name"), name="leadstatus_name_unique"),
            models.UniqueConstraint(fields=["kind"], name="leadstatus_one_new", condition=Q(kind="new")),
            models.UniqueConstraint(fields=["kind"], name="leadstatus_one_converted", condition=Q(kind="converted")),
        ]

    def __str__(self) -> str:
        return self.name


class DisqualifyReason(models.Model):
    """Why leads are disqualified, as it is offered. Leads keep the words, so that one may be renamed, switched off or deleted."""

    name = models.CharField(_("name"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("offered"), default=True)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("reason to disqualify"), _("reasons to disqualify")
        constraints = [models.UniqueConstraint(Lower("name"), name="disqualifyreason_name_unique")]

    def __str__(self) -> str:
        return self.name


@audited("score", "email_key", "phone_key", "respond_by", "first_response_at", "response_minutes", "consents")
class Lead(Record):
    """Somebody who may become a customer, before we know."""

    brief_fields = ("first_name", "last_name", "company_name", "email", "phone")

    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    company_name = models.CharField(_("company"), max_length=200, blank=True)
    job_title = models.CharField(_("job title"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    email_key = models.CharField(max_length=254, blank=True, editable=False)  # lower case
    phone = models.CharField(_("phone"), max_length=32, blank=True)  # E.164
    phone_key = models.CharField(max_length=32, blank=True, editable=False)  # digits
    website = models.CharField(_("website"), max_length=200, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    status = models.ForeignKey(LeadStatus, on_delete=models.PROTECT, related_name="leads", verbose_name=_("status"))
    source = models.ForeignKey("core.Source", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("source"))
    score = models.SmallIntegerField(_("score"), default=0, editable=False)
    value = models.DecimalField(_("estimated value"), max_digits=18, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal(0))])
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    utm_source = models.CharField(max_length=120, blank=True)
    utm_medium = models.CharField(max_length=120, blank=True)
    utm_campaign = models.CharField(max_length=120, blank=True)
    utm_term = models.CharField(max_length=120, blank=True)
    utm_content = models.CharField(max_length=120, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=10_000)
    disqualified_reason = models.CharField(_("reason"), max_length=200, blank=True)
    recycle_on = models.DateField(_("comes back on"), null=True, blank=True)  # only while disqualified
    respond_by = models.DateTimeField(null=True, blank=True, editable=False)  # null: nobody waits for an answer (an import)
    first_response_at = models.DateTimeField(null=True, blank=True, editable=False)
    response_minutes = models.PositiveIntegerField(null=True, blank=True, editable=False)  # of working time, from arrival to the first response
    # What they allowed or withdrew, oldest first, carried over to the contact: [{"channel", "given", "source", "text", "at", "by"}], `by` a name.
    consents = models.JSONField(default=list, db_default=[], blank=True, editable=False)
    converted_at = models.DateTimeField(null=True, blank=True, editable=False)
    converted_company = models.ForeignKey("contacts.Company", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    converted_contact = models.ForeignKey("contacts.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    converted_deal = models.ForeignKey("deals.Deal", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    form = models.ForeignKey("leads.WebForm", null=True, blank=True, on_delete=models.SET_NULL, related_name="leads", editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("lead"), _("leads")
        indexes = [
            *record_indexes("lead", "score", "company_name", "value", facts=("status", "source", "score", "email", "phone")),
            # "Has no e-mail address": hardly any, and nothing else leads to them.
            models.Index(fields=["id"], name="lead_no_email", condition=Q(deleted_at__isnull=True, email="")),
            models.Index(fields=["id"], name="lead_no_phone", condition=Q(deleted_at__isnull=True, phone="")),
            models.Index(fields=["id"], name="lead_a_phone", condition=Q(deleted_at__isnull=True) & ~Q(phone="")),
            models.Index(fields=["email_key"], name="lead_email_key", condition=~Q(email_key="")),
            models.Index(fields=["phone_key"], name="lead_phone_key", condition=~Q(phone_key="")),
            models.Index(fields=["recycle_on", "id"], name="lead_recycle", condition=Q(deleted_at__isnull=True, recycle_on__isnull=False)),
            models.Index(  # who waits for an answer, the longest first
                fields=["respond_by", "id"],
                name="lead_unanswered",
                condition=Q(deleted_at__isnull=True, respond_by__isnull=False, first_response_at__isnull=True),
            ),
            models.Index(fields=["status", "created_at"], name="lead_status_created", condition=Q(deleted_at__isnull=True)),
            models.Index(  # with what the report by source counts
                fields=["source", "created_at"], include=["status", "owner", "team"], name="lead_source_created", condition=Q(deleted_at__isnull=True)
            ),
            models.Index(
                fields=["converted_deal", "id"],
                include=["created_at", "source", "owner", "team"],
                name="lead_converted",
                condition=Q(deleted_at__isnull=True, converted_deal__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(name="lead_has_a_name", condition=~Q(first_name="", last_name="", company_name="", email="", phone="")),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.company_name or self.email or self.phone

    def get_absolute_url(self) -> str:
        return reverse("leads:detail", args=[self.pk])

    @property
    def current_consents(self) -> dict[str, dict[str, Any]]:
        """{channel: what was said last}; a channel nobody asked about is missing."""
        return {said["channel"]: said for said in self.consents}

    @property
    def refused(self) -> set[str]:
        """The channels that they withdrew."""
        return {channel for channel, said in self.current_consents.items() if not said["given"]}

    @property
    def may_call(self) -> bool:
        return "phone" not in self.refused

    def search_parts(self) -> list[str]:
        return [self.first_name, self.last_name, self.company_name, self.email, digits(self.phone), self.city]


class LeadConversion(models.Model):
    """What one conversion did, so that it can be taken back within a day (docs/decisions/conversion.md).

    `before`: the lead's status id; `made`: {label: id}; `changed`: {label: {"id", "old": {field: value}, "new": {field: value}, "tags": [ids added]}};
    `carried`: what the activities app needs to bring everything back.
    """

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="conversions")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("users.User", null=True, on_delete=models.SET_NULL, related_name="+")
    before = models.JSONField(default=dict)
    made = models.JSONField(default=dict)
    changed = models.JSONField(default=dict)
    carried = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("users.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["lead"], name="leadconversion_one", condition=Q(undone_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.at:%Y-%m-%d %H:%M}"
