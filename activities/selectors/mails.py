"""Mails that the reader wrote."""

from __future__ import annotations

from typing import Any

from mail.models import OutgoingMail


def own_mail(user: Any, number: str) -> OutgoingMail | None:
    """A mail that the user has taken back, by its id; None for any other."""
    if not number.isdecimal() or len(number) > 18:
        return None
    return OutgoingMail.objects.filter(pk=int(number), user=user, state=OutgoingMail.State.CANCELLED).first()
