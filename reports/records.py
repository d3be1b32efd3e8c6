"""The reports there are. docs/add-a-report.md tells how to add one."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from activities.models import Task
from contacts.models import Company, Contact
from deals.models import Deal
from leads.models import Lead
from reports.selectors import activity, leads, pipeline, won
from reports.selectors.results import Report, always, last_thirty_days, last_twelve_months

PIPELINE = Report(
    slug="pipeline",
    title=_("Pipeline by stage"),
    description=_("Open deals as they stand now: how many, how much, and how likely."),
    icon="chart-funnel",
    needs=(Deal,),
    run=pipeline.pipeline_by_stage,
    drill=pipeline.drill,
    period=always,
    period_label=_("Expected close date"),
    definitions=(_("The period, if any, limits the expected close date; deals without one then drop out."),),
)
LEADS = Report(
    slug=leads.SLUG,
    title=_("Leads by source"),
    description=_("Where leads come from, how many become customers, and what they are worth."),
    icon="target-arrow",
    needs=(Lead,),
    run=leads.leads_by_source,
    drill=leads.drill,
    records=leads.records,
    period=last_twelve_months,
    period_label=_("Lead created"),
    definitions=(_("The pipeline limits the won revenue only: leads have no pipeline."),),
)
WON = Report(
    slug="won-by-month",
    title=_("Won by month"),
    description=_("Deals won, month by month."),
    icon="trophy",
    needs=(Deal,),
    run=won.won_by_month,
    drill=won.drill,
    period=last_twelve_months,
    period_label=_("Deal closed"),
    definitions=(_("A month begins and ends at midnight in your time zone."),),
)
ACTIVITY = Report(
    slug=activity.SLUG,
    title=_("Activity by rep"),
    description=_("Notes, calls, meetings, tasks and e-mails of each person."),
    icon="users",
    needs=(Company, Contact, Lead, Deal, Task),  # whose timelines and tasks are counted
    run=activity.activity_by_rep,
    drill=activity.drill,
    records=activity.records,
    period=last_thirty_days,
    period_label=_("Done"),
    definitions=(
        _("Team and owner are those of the person who did it, as of today."),
        _("The pipeline leaves only what was done on its deals."),
    ),
)
REPORTS = (PIPELINE, LEADS, WON, ACTIVITY)
