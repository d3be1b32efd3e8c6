"""How much a form takes, counted in PostgreSQL so that the limits hold over all processes and without Redis."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from leads.models import RateBucket, WebForm

# One statement: the form's minute is counted only for a sender who is under their own limit, so that one sender can't use it
# up for all others. A full bucket is not written to again. Values are parameters.
COUNT = """
WITH sender AS (
    INSERT INTO leads_ratebucket AS bucket (form_id, kind, "key", "window", count)
    SELECT %(form)s, 'address', %(key)s, %(hour)s, 1 WHERE %(per_hour)s > 0
    ON CONFLICT (kind, "key", form_id, "window") DO UPDATE SET count = bucket.count + 1 WHERE bucket.count < %(per_hour)s
    RETURNING 1
), form AS (
    INSERT INTO leads_ratebucket AS bucket (form_id, kind, "key", "window", count)
    SELECT %(form)s, 'form', '', %(minute)s, 1 WHERE %(per_minute)s > 0 AND EXISTS (SELECT FROM sender)
    ON CONFLICT (kind, "key", form_id, "window") DO UPDATE SET count = bucket.count + 1 WHERE bucket.count < %(per_minute)s
    RETURNING 1
)
SELECT EXISTS (SELECT FROM sender), EXISTS (SELECT FROM form)
"""
MISS = """
INSERT INTO leads_ratebucket AS bucket (form_id, kind, "key", "window", count) VALUES (NULL, 'link', %(key)s, %(hour)s, 1)
ON CONFLICT (kind, "key", form_id, "window") DO UPDATE SET count = bucket.count + 1 WHERE bucket.count < %(most)s RETURNING 1
"""
MOST_MISSES = 60  # an hour and network: more than a person with a cut link needs
KEEP = timedelta(days=1)
CONFIRMATION_EVERY = timedelta(hours=1)


class TooMany(Exception):
    """A limit is reached: try again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"try again after {seconds} s")


def count_entry(form: WebForm, address: str | None, *, at: datetime | None = None) -> None:
    """Count one entry against the form's limits; TooMany when one is reached.

    An entry whose sender is unknown (a server behind a socket that passes no address on) counts for the form alone.
    """
    at = at or timezone.now()
    hour, minute = at.replace(minute=0, second=0, microsecond=0), at.replace(second=0, microsecond=0)
    values = {
        "form": form.pk,
        "key": network(address) if address else f"?{at.timestamp()}",
        "hour": hour,
        "minute": minute,
        "per_hour": form.per_address_per_hour,
        "per_minute": form.per_form_per_minute,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
        sender_ok, form_ok = cursor.fetchone()
    if not sender_ok:
        raise TooMany(_seconds_left(at, hour + timedelta(hours=1)))
    if not form_ok:
        raise TooMany(_seconds_left(at, minute + timedelta(minutes=1)))


def count_miss(address: str | None, *, at: datetime | None = None) -> None:
    """Count a public link that leads nowhere against who opened it; TooMany when they try many."""
    at = at or timezone.now()
    hour = at.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(MISS, {"key": network(address) if address else "?", "hour": hour, "most": MOST_MISSES})
        if cursor.fetchone() is None:
            raise TooMany(_seconds_left(at, hour + timedelta(hours=1)))


def _seconds_left(at: datetime, end: datetime) -> int:
    return max(1, round((end - at).total_seconds()))


def network(address: str) -> str:
    """What counts as one sender: an IPv4 address, or the /64 of an IPv6 address, of which everybody has billions."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)


def may_confirm(address: str, *, at: datetime | None = None) -> bool:
    """May a confirmation go to this address now? At most one an hour; True takes it. The caller holds the lock on the address."""
    at = at or timezone.now()
    key = hashlib.sha256(address.strip().lower().encode()).hexdigest()
    if RateBucket.objects.filter(kind="confirmation", key=key, form=None, window__gt=at - CONFIRMATION_EVERY).exists():
        return False
    RateBucket.objects.create(kind="confirmation", key=key, window=at, count=1)
    return True


def forget_old_counts() -> int:
    """Addresses of senders are not kept longer than the limits need."""
    return RateBucket.objects.filter(window__lt=timezone.now() - KEEP).delete()[0]
