"""What all admins must see at once: reminders and mails would be late (hook "banners")."""

from __future__ import annotations

from typing import Any

from django.core.cache import caches
from django.utils.translation import gettext as _

from crm.core import heartbeat
from crm.core.context import Banner
from crm.core.health import STALE_SECONDS

KEEP_SECONDS = 5


def background_banners(user: Any) -> list[Banner]:
    """One banner when the worker or the scheduler has not been heard of for a minute. For admins only; at most KEEP_SECONDS old."""
    ages: dict[str, float] = caches["fragments"].get_or_set("heartbeat.ages", heartbeat.ages, KEEP_SECONDS) or {}
    late = [name for name in ("worker", "beat") if ages.get(name, float("inf")) > STALE_SECONDS]
    if not late:
        return []
    names = {"worker": _("the worker"), "beat": _("the scheduler")}
    who = " & ".join(names[name] for name in late)
    return [
        Banner(
            "danger",
            _("Reminders and mails are late: %(who)s does not answer. What is waiting is kept; start it again.") % {"who": who},
            "/settings/background/",
            _("Details"),
        )
    ]
