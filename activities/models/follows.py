"""Who follows what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activities.models.base import SUBJECTS, Subjects
from crm.core.access import PersonalPolicy, RecordQuerySet
from crm.core.models import any_subject


class Follow(Subjects):
    """A user hears of what colleagues do with a record: the one that `subject_type` names."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    since = models.DateTimeField(default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy()

    class Meta:
        verbose_name, verbose_name_plural = _("follower"), _("followers")
        constraints = [
            any_subject(*SUBJECTS, name="follow_has_subject"),
            *(models.UniqueConstraint(fields=[name, "user"], name=f"follow_{name}_once", condition=Q(**{f"{name}__isnull": False})) for name in SUBJECTS),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.subject_type}"
