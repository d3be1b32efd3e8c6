"""Files that hang on records."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activities.models.base import SUBJECTS, Subjects, subject_indexes
from activities.models.story import Activity
from crm.core.access import RecordQuerySet, ViaChild, ViaSubject
from crm.core.models import any_subject


class Attachment(Subjects):
    """One file on a record: as visible as that. It lies under a random name; what it was called is a column."""

    file = models.FileField(upload_to="attachments/")
    name = models.CharField(_("name"), max_length=200)
    size = models.PositiveBigIntegerField(_("size"))  # bytes
    picture = models.CharField(max_length=4, blank=True)  # png | jpeg | webp | gif, by its first bytes: what a browser may show; "" for the rest
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("added by"))
    created_at = models.DateTimeField(default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaSubject(SUBJECTS)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name, verbose_name_plural = _("file"), _("files")
        indexes = subject_indexes("attachment", "created_at")
        constraints = [
            any_subject(*SUBJECTS, name="attachment_has_subject"),
            models.CheckConstraint(name="attachment_subject_type", condition=~Q(subject_type="")),
        ]

    def __str__(self) -> str:
        return self.name


class MailFile(models.Model):
    """A file that goes, or went, with the mail of a line. The file itself is the record's; once that is deleted, its name stays here."""

    line = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(Attachment, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()  # bytes
    uploaded = models.BooleanField(default=False)  # it came with this mail, and goes when the mail is taken back

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("line")

    class Meta:
        ordering = ["id"]
        verbose_name, verbose_name_plural = _("file of a mail"), _("files of mails")

    def __str__(self) -> str:
        return self.name
