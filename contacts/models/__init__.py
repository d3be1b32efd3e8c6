"""Companies and people, their addresses, numbers and consent."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.ties import Employment, Relationship, RelationshipType
from crm.core.access import RecordQuerySet, ViaChild
from crm.core.audit import audited
from crm.core.models import Record, filter_indexes, record_indexes
from crm.core.text import digits
from crm.core.yearly import YearlyDayColumn, yearly_index

__all__ = ["Company", "Consent", "Contact", "ContactEmail", "ContactPhone", "Employment", "Relationship", "RelationshipType"]


def name_trigrams(table: str) -> GinIndex:
    """Finds look-alike names while somebody types a new record."""
    return GinIndex(OpClass(F("sort_name"), name="gin_trgm_ops"), name=f"{table}_names", condition=Q(deleted_at__isnull=True))


@audited()
class Company(Record):
    """An organisation that one sells to, buys from or works with."""

    brief_fields = ("name",)

    name = models.CharField(_("name"), max_length=200)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="subsidiaries", verbose_name=_("parent company"))
    domain = models.CharField(_("website domain"), max_length=200, blank=True)  # lower case, without www
    industry = models.CharField(_("industry"), max_length=80, blank=True)
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)  # E.164, with ;ext=
    street = models.CharField(_("street"), max_length=200, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)  # ISO 3166-1
    description = models.TextField(_("description"), blank=True, max_length=10_000)

    class Meta:
        verbose_name, verbose_name_plural = _("company"), _("companies")
        indexes = [
            *record_indexes("company", "city", "industry", facts=("parent", "city", "country", "industry", "email", "phone")),
            *filter_indexes("company", prefix=("city", "industry"), equal=("country",)),
            models.Index(fields=["domain"], name="company_domain", condition=Q(deleted_at__isnull=True) & ~Q(domain="")),
            models.Index(Lower("email"), name="company_email_key", condition=Q(deleted_at__isnull=True) & ~Q(email="")),
            models.Index(fields=["phone"], name="company_phone_key", condition=Q(deleted_at__isnull=True) & ~Q(phone="")),
            name_trigrams("company"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("companies:detail", args=[self.pk])

    def search_parts(self) -> list[str]:
        return [self.name, self.domain, self.email, digits(self.phone), self.city]


@audited("other_addresses")
class Contact(Record):
    """A person. The primary e-mail and phone also stand on the row; all of them are in the child tables."""

    brief_fields = ("first_name", "last_name", "email", "phone")

    class Lifecycle(models.TextChoices):
        PROSPECT = "prospect", _("Prospect")
        CUSTOMER = "customer", _("Customer")
        FORMER = "former", _("Former customer")
        PARTNER = "partner", _("Partner")
        OTHER = "other", _("Other")

    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    job_title = models.CharField(_("job title"), max_length=120, blank=True)
    company = models.ForeignKey(Company, null=True, blank=True, on_delete=models.SET_NULL, related_name="contacts", verbose_name=_("company"))
    lifecycle = models.CharField(_("lifecycle"), max_length=12, choices=Lifecycle, default=Lifecycle.PROSPECT)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    birthday = YearlyDayColumn(_("birthday"), default="", db_default="")
    street = models.CharField(_("street"), max_length=200, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=10_000)
    # The e-mails and phone digits besides the primary ones: what the row is found by must stand on the row.
    other_addresses = models.TextField(default="", blank=True, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("contact"), _("contacts")
        indexes = [
            *record_indexes("contact", "city", "email", "lifecycle", facts=("company", "lifecycle", "city", "country", "email", "phone")),
            *filter_indexes("contact", prefix=("city",), equal=("country",)),
            name_trigrams("contact"),
            yearly_index("contact", "birthday"),
        ]
        constraints = [models.CheckConstraint(name="contact_has_a_name", condition=~Q(first_name="", last_name="", email=""))]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email

    def get_absolute_url(self) -> str:
        return reverse("contacts:detail", args=[self.pk])

    def search_parts(self) -> list[str]:
        return [self.first_name, self.last_name, self.email, digits(self.phone), self.other_addresses, self.city]


class ContactEmail(models.Model):
    """One address of a person. Not unique: families and info@ share."""

    class Kind(models.TextChoices):
        WORK = "work", _("Work")
        PRIVATE = "private", _("Private")
        OTHER = "other", _("Other")

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="emails")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.WORK)
    address = models.EmailField(_("e-mail"))
    key = models.CharField(max_length=254, db_index=True, editable=False)  # lower case
    primary = models.BooleanField(_("primary"), default=False)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("contact")

    class Meta:
        ordering = ["-primary", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contact", "key"], name="contactemail_once"),
            models.UniqueConstraint(fields=["contact"], name="contactemail_one_primary", condition=Q(primary=True)),
        ]

    def __str__(self) -> str:
        return self.address


class ContactPhone(models.Model):
    """One number of a person, in E.164."""

    class Kind(models.TextChoices):
        WORK = "work", _("Work")
        MOBILE = "mobile", _("Mobile")
        PRIVATE = "private", _("Private")
        OTHER = "other", _("Other")

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="phones")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.WORK)
    number = models.CharField(_("phone"), max_length=32)
    key = models.CharField(max_length=32, db_index=True, editable=False)  # digits only
    primary = models.BooleanField(_("primary"), default=False)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("contact")

    class Meta:
        ordering = ["-primary", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contact", "key"], name="contactphone_once"),
            models.UniqueConstraint(fields=["contact"], name="contactphone_one_primary", condition=Q(primary=True)),
        ]

    def __str__(self) -> str:
        return self.number


class Consent(models.Model):
    """What a person allowed or withdrew, on which channel, when, and how we know. Append-only: the newest row per channel counts."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        NEWSLETTER = "newsletter", _("Newsletter")

        @property
        def refusal(self) -> Any:
            """What somebody who withdrew it does not want."""
            return {"email": _("No e-mails"), "phone": _("No calls"), "newsletter": _("No newsletter")}[self.value]

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(_("channel"), max_length=12, choices=Channel)
    given = models.BooleanField(_("given"))
    source = models.CharField(_("source"), max_length=120, blank=True)
    text = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("users.User", null=True, on_delete=models.SET_NULL, related_name="+")

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("contact")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["contact", "channel", "-at"], name="consent_latest")]

    def __str__(self) -> str:
        return f"{self.channel} {self.given}"
