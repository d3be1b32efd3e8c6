"""Rules by which tasks and meetings repeat."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Rule(models.Model):
    """The days on which something comes again, from `starts_on` on.

    `weekdays` (Monday = 0) are the days of a weekly rule, or the one day of a monthly rule with `nth` (1 to 4, -1 the last). `month_day` 29 to 31
    means the last day in shorter months; a yearly rule keeps the day and month of `starts_on`. `made` counts what was made, for rules with `times`.
    """

    class Frequency(models.TextChoices):
        DAILY = "daily", _("Every day")
        WEEKLY = "weekly", _("Every week")
        MONTHLY = "monthly", _("Every month")
        YEARLY = "yearly", _("Every year")

    frequency = models.CharField(max_length=8, choices=Frequency)
    interval = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(365)])
    weekdays = ArrayField(models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]), default=list, blank=True)
    month_day = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(31)])
    nth = models.SmallIntegerField(null=True, blank=True, choices=[(number, str(number)) for number in (1, 2, 3, 4, -1)])
    starts_on = models.DateField()
    until = models.DateField(null=True, blank=True)
    times = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1000)])
    made = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    @property
    def ends_on(self) -> date | None:
        """The last day on which it may come; None when the rule does not say."""
        return self.until
