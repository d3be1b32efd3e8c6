"""What tasks, meetings and lines of the timeline have in common: the records that they are about."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

LONG = 20_000  # characters of a text that it is found by
SUBJECTS = ("company", "contact", "lead", "deal")


def _link(model: str, label: Any) -> Any:
    return models.ForeignKey(model, null=True, blank=True, on_delete=models.CASCADE, related_name="+", verbose_name=label, db_index=False)


class Subjects(models.Model):
    """Links to the records that a row is about; `subject_type` is the most specific one and decides who may see the row."""

    company = _link("contacts.Company", _("company"))
    contact = _link("contacts.Contact", _("contact"))
    lead = _link("leads.Lead", _("lead"))
    deal = _link("deals.Deal", _("deal"))
    subject_type = models.CharField(max_length=8, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def subject(self) -> models.Model | None:
        return getattr(self, self.subject_type) if self.subject_type else None


def subject_indexes(table: str, key: str) -> list[models.Index]:
    return [models.Index(fields=[name, f"-{key}", "-id"], name=f"{table}_{name}", condition=Q(**{f"{name}__isnull": False})) for name in SUBJECTS]
