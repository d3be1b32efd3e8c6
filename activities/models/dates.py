"""Which dates of records people are reminded of."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet
from crm.core.custom.definitions import field_named
from crm.core.custom.models import PREFIX
from crm.core.records import record_for

MOST_DAYS_BEFORE = 60


class DateRule(models.Model):
    """Owners of a record type are reminded of one of its dates: each year, or once. `planned_at`: up to when this has been seen to."""

    class Repeats(models.TextChoices):
        YEARLY = "yearly", _("Every year")
        ONCE = "once", _("Once")

    record = models.CharField(max_length=60)  # label of the model: "contacts.contact"
    field = models.CharField(max_length=60)  # name of its field: "birthday", "custom_12"
    repeats = models.CharField(_("how often"), max_length=6, choices=Repeats, default=Repeats.YEARLY)
    days_before = models.PositiveSmallIntegerField(
        _("days before"), default=0, validators=[MaxValueValidator(MOST_DAYS_BEFORE)], help_text=_("0 is the day itself.")
    )
    planned_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings", public=False)

    class Meta:
        ordering = ["record", "field", "-days_before"]
        verbose_name, verbose_name_plural = _("date to remember"), _("dates to remember")
        constraints = [
            models.UniqueConstraint(
                fields=["record", "field", "days_before"], name="daterule_once", violation_error_message=_("There is a reminder for this already.")
            )
        ]

    def __str__(self) -> str:
        """`Contact: Birthday`."""
        record, custom = record_for(self.record), field_named(self.field)
        if record is None or (custom is None and self.field.startswith(PREFIX)):
            return gettext("A field that is gone")
        return f"{record.label}: {capfirst(custom.label if custom else str(record.model._meta.get_field(self.field).verbose_name))}"  # type: ignore[union-attr]

    @property
    def key(self) -> str:
        """Names the date among those that can be chosen."""
        return f"{self.record}:{self.field}"
