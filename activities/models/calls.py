"""Call lists: people to be called one by one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import PersonalPolicy, RecordQuerySet, ViaChild


class CallList(models.Model):
    """Whom one wants to call, and what to say. It is its owner's alone; whom it holds is asked of the records each time."""

    name = models.CharField(_("name"), max_length=80)
    script = models.TextField(_("script"), blank=True, max_length=10_000)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("owner_id")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="calllist_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("calls:list", args=[self.pk])


class CallListEntry(models.Model):
    """One of them: a contact or a lead. `done_at` without `called`: passed over for good."""

    call_list = models.ForeignKey(CallList, on_delete=models.CASCADE, related_name="entries")
    contact = models.ForeignKey("contacts.Contact", null=True, on_delete=models.CASCADE, related_name="+")
    lead = models.ForeignKey("leads.Lead", null=True, on_delete=models.CASCADE, related_name="+")
    done_at = models.DateTimeField(null=True)
    called = models.BooleanField(default=False)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("call_list")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="callentry_one_person", condition=Q(contact__isnull=False, lead=None) | Q(contact=None, lead__isnull=False)),
            models.UniqueConstraint(fields=["call_list", "contact"], name="callentry_contact_once", condition=Q(contact__isnull=False)),
            models.UniqueConstraint(fields=["call_list", "lead"], name="callentry_lead_once", condition=Q(lead__isnull=False)),
        ]
        indexes = [models.Index(fields=["call_list", "id"], name="callentry_open", condition=Q(done_at__isnull=True))]

    def __str__(self) -> str:
        return str(self.pk)
