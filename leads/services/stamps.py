"""The signed time stamp and the honeypot of our own form page. Entries from elsewhere carry neither, and need neither."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core import signing

from leads.models import WebForm
from leads.services.entries import STAMP, TRAP

SALT = "leads.form"
FASTEST = timedelta(seconds=2)  # nobody reads and fills a form in less
OLDEST = timedelta(days=7)


def make_stamp(form: WebForm) -> str:
    """Form, one-time token and time, signed."""
    return signing.TimestampSigner(salt=SALT).sign(f"{form.pk}.{uuid.uuid4().hex}")


def judge(form: WebForm, data: Mapping[str, Any]) -> tuple[uuid.UUID | None, str]:
    """(token of the page that was filled in, why it looks like spam or "")."""
    token, reason = _read_stamp(form, data[STAMP]) if STAMP in data else (None, "")
    if data.get(TRAP):
        return token, "honeypot"
    return token, reason


def _read_stamp(form: WebForm, stamp: Any) -> tuple[uuid.UUID | None, str]:
    signer = signing.TimestampSigner(salt=SALT)
    try:
        number, _dot, token = signer.unsign(str(stamp), max_age=OLDEST).partition(".")
    except signing.SignatureExpired:
        return None, "stamp too old"
    except signing.BadSignature:
        return None, "stamp forged"
    if number != str(form.pk):
        return None, "stamp of another form"
    try:
        signer.unsign(str(stamp), max_age=FASTEST)
    except signing.SignatureExpired:
        return uuid.UUID(token), ""
    return uuid.UUID(token), "too fast"
