"""The roles of a new installation: what each grants. Plain data, used by the migration and by `services.ensure_defaults`."""

from __future__ import annotations

from typing import Any

from crm.core.access import ACTIONS, Scope

NONE, OWN, TEAM, ALL = Scope.NONE.value, Scope.OWN.value, Scope.TEAM.value, Scope.ALL.value

PEOPLE = ("contacts_company", "contacts_contact")
SALES = ("leads_lead", "deals_deal")
WORK = ("activities_task", "activities_meeting")
RECORDS = (*PEOPLE, *SALES, *WORK)
REPORTS = "reports"  # `view` alone counts: whether there are reports; what they show are the rows that the user may see
AREAS = ("settings", "users", "mail")  # what only admins may touch
ADMIN = "admin"

Grants = dict[str, dict[str, str]]


def scopes(view: str, add: str = NONE, change: str = NONE, delete: str = NONE, export: str = NONE) -> dict[str, str]:
    return dict(zip(ACTIONS, (view, add, change, delete, export), strict=True))


def _for(labels: tuple[str, ...], granted: dict[str, str]) -> Grants:
    return {label: dict(granted) for label in labels}


def everything() -> Grants:
    """The grants of an admin; they can't be taken away."""
    return _for((*RECORDS, *AREAS, REPORTS), scopes(ALL, ALL, ALL, ALL, ALL))


def reports(view: str) -> Grants:
    return {REPORTS: scopes(view)}


DEFAULT_ROLES: tuple[dict[str, Any], ...] = (
    {"slug": "rep", "name": "Sales rep", "is_admin": False, "grants": _for(RECORDS, scopes(TEAM, TEAM, OWN, OWN, OWN)) | reports(TEAM)},
    {"slug": "manager", "name": "Sales manager", "is_admin": False, "grants": _for(RECORDS, scopes(TEAM, TEAM, TEAM, TEAM, TEAM)) | reports(TEAM)},
    {"slug": ADMIN, "name": "Administrator", "is_admin": True, "grants": everything()},
    {
        "slug": "agent",
        "name": "Support agent",
        "is_admin": False,
        "grants": _for(PEOPLE, scopes(ALL, TEAM, OWN)) | _for(SALES, scopes(NONE)) | _for(WORK, scopes(OWN, OWN, OWN, OWN)) | reports(OWN),
    },
    {"slug": "viewer", "name": "Viewer", "is_admin": False, "grants": _for(RECORDS, scopes(TEAM)) | reports(TEAM)},
)
