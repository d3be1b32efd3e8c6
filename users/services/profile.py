"""What people set for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from crm.core import dialing
from crm.core.writes import StaleRecord
from users import images
from users.models import User
from users.services.people import require_self_or_admin

FIELDS = ("name", "time_zone", "second_zone", "language", "theme", "signature", "shortcuts", "away_from", "away_to", "dial_with", "dial_target")


def _locked(user: User, version: int | None = None) -> User:
    row = User.objects.select_for_update(of=("self",)).select_related("role", "team").get(pk=user.pk)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    return row


@transaction.atomic
def update_profile(user: User, values: Mapping[str, Any], *, actor: Any, version: int | None = None) -> User:
    """Set any of FIELDS."""
    require_self_or_admin(user, actor)
    row = _locked(user, version)
    for name in FIELDS:
        if name in values:
            setattr(row, name, values[name])
    row.name = " ".join(row.name.split())
    if row.away_from and row.away_to and row.away_to < row.away_from:
        raise ValidationError({"away_to": _("The last day away can't be before the first.")}, code="order")
    row.dial_target = dialing.checked(row.dial_with, row.dial_target)
    row.full_clean(exclude=["password", "email"])
    row.version += 1
    row.save(update_fields=[*FIELDS, "version"])
    return row


@transaction.atomic
def set_theme(user: User, theme: str, *, actor: Any) -> User:
    """The switch in the top bar: light, dark or as the device. Bumps no version: an open profile form stays good."""
    require_self_or_admin(user, actor)
    if theme not in User.Theme.values:
        raise ValidationError(_("Choose light, dark or auto."), code="theme")
    User.objects.filter(pk=user.pk).update(theme=theme)
    user.theme = theme
    return user


def set_photo(user: User, upload: Any, *, actor: Any) -> User:
    """Replace the photo by an uploaded picture (None takes it away), re-encoded: nothing of the file but its pixels is kept."""
    require_self_or_admin(user, actor)
    stored = ""
    if upload is not None:
        stored = default_storage.save(f"users/{get_random_string(16).lower()}.webp", ContentFile(images.square(upload, 256)))
    with transaction.atomic():
        row = _locked(user)
        old, row.photo = row.photo.name, stored
        row.save(update_fields=["photo"])
        if old:
            transaction.on_commit(lambda: default_storage.delete(old), robust=True)
    return row
