"""Addresses of video meetings, which pages and mails show as links: https alone, and nothing in them that misleads."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

_check = URLValidator(schemes=["https"])


def validate_video_url(value: str) -> None:
    """ValidationError for anything but a printable https address without user and password."""
    if not is_video_url(value):
        raise ValidationError(_("Enter a link that begins with https:// and holds no password."), code="video")


def is_video_url(value: str) -> bool:
    if not value.isprintable() or any(letter in value for letter in ' \\"<>'):
        return False
    try:
        _check(value)
        return "@" not in urlsplit(value).netloc
    except (ValidationError, ValueError):
        return False
