"""Where people work besides the company on their row, and how they relate to each other."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet, ViaChild


class Employment(models.Model):
    """A role at a company that a person has besides the one on their row (Contact.company), or had earlier."""

    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="employments", verbose_name=_("contact"))
    company = models.ForeignKey("contacts.Company", on_delete=models.CASCADE, related_name="employments", verbose_name=_("company"))
    role = models.CharField(_("role"), max_length=120, blank=True)
    started_on = models.DateField(_("from"), null=True, blank=True)
    ended_on = models.DateField(_("until"), null=True, blank=True)
    past = models.BooleanField(_("ended"), default=False)  # also where nobody knows the day
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("contact")

    class Meta:
        ordering = ["past", F("ended_on").desc(nulls_first=True), "-id"]
        verbose_name, verbose_name_plural = _("role at a company"), _("roles at companies")
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "company", "role", "started_on"],
                name="employment_once",
                nulls_distinct=False,
                violation_error_message=_("This is noted already."),
            ),
            models.CheckConstraint(
                name="employment_span",
                condition=Q(started_on__isnull=True) | Q(ended_on__isnull=True) | Q(ended_on__gte=F("started_on")),
                violation_error_message=_("The end is before the start."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.company}".strip()

    def is_past(self, today: date) -> bool:
        return self.past or (self.ended_on is not None and self.ended_on < today)


class RelationshipType(models.Model):
    """How one person relates to another, in words for both directions; the same words where it goes both ways (a sibling)."""

    name = models.CharField(_("wording"), max_length=60)
    inverse = models.CharField(_("wording from the other side"), max_length=60)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("offered"), default=True)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("kind of relationship"), _("kinds of relationships")
        constraints = [
            models.UniqueConstraint(Lower("name"), name="relationshiptype_name_unique", violation_error_message=_("There is one with this wording already."))
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_mutual(self) -> bool:
        return self.name.casefold() == self.inverse.casefold()


class Relationship(models.Model):
    """`contact` relates to `other` as `type.name` says, `other` to `contact` as `type.inverse` does."""

    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="+", verbose_name=_("contact"))
    type = models.ForeignKey(RelationshipType, on_delete=models.PROTECT, related_name="+", verbose_name=_("kind of relationship"))

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("contact")

    class Meta:
        verbose_name, verbose_name_plural = _("relationship"), _("relationships")
        constraints = [
            models.UniqueConstraint(fields=["contact", "other", "type"], name="relationship_once"),
            models.CheckConstraint(name="relationship_with_somebody_else", condition=~Q(contact=F("other"))),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.type_id} {self.other_id}"
