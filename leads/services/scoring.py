"""How promising a lead is, 0 to 100, by plain rules that can be read out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from contacts.services import company_domain

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
SHORT_MESSAGE, LONG_MESSAGE = 40, 200  # characters
HIGHEST = 100


@dataclass(frozen=True, eq=False)
class Reason:
    """Points and what they are for. The reasons below are the only ones, so each is equal to itself alone."""

    points: int
    text: Any

    def __str__(self) -> str:
        return f"+{self.points} {self.text}"


BUSINESS_EMAIL = Reason(25, _("business e-mail address"))
EMAIL = Reason(10, _("e-mail address"))
PHONE_NUMBER = Reason(15, _("phone number"))
COMPANY = Reason(15, _("company"))
JOB_TITLE = Reason(10, _("job title"))
FULL_NAME = Reason(5, _("full name"))
WEBSITE = Reason(5, _("website"))
DETAILED_MESSAGE = Reason(15, _("detailed message"))
MESSAGE = Reason(10, _("message"))
KNOWN_SOURCE = Reason(5, _("known source"))
CAMPAIGN = Reason(5, _("came through a campaign"))


def reasons_for(lead: Any) -> list[Reason]:
    """Why a lead (or anything with its fields) has its score, highest points first."""
    found = [*_reachable(lead), *_known(lead), *_interest(lead)]
    return sorted(found, key=lambda reason: -reason.points)


def score_of(lead: Any) -> int:
    """The sum of the reasons, at most 100."""
    return min(HIGHEST, sum(reason.points for reason in reasons_for(lead)))


def _reachable(lead: Any) -> list[Reason]:
    found = []
    if lead.email and company_domain(lead.email):
        found.append(BUSINESS_EMAIL)
    elif lead.email:
        found.append(EMAIL)
    if lead.phone:
        found.append(PHONE_NUMBER)
    return found


def _known(lead: Any) -> list[Reason]:
    found = []
    if lead.company_name:
        found.append(COMPANY)
    if lead.job_title:
        found.append(JOB_TITLE)
    if lead.first_name and lead.last_name:
        found.append(FULL_NAME)
    if lead.website:
        found.append(WEBSITE)
    return found


def _interest(lead: Any) -> list[Reason]:
    found = []
    length = len(lead.description.strip())
    if length >= LONG_MESSAGE:
        found.append(DETAILED_MESSAGE)
    elif length >= SHORT_MESSAGE:
        found.append(MESSAGE)
    if lead.source_id:
        found.append(KNOWN_SOURCE)
    if any(getattr(lead, name) for name in UTM):
        found.append(CAMPAIGN)
    return found
