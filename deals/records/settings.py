"""The settings of pipelines, their stages and the reasons of losses."""

from __future__ import annotations

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.core import cells
from crm.core.models import COLORS
from crm.core.settings_pages import SettingsColumn, SettingsPage
from deals.forms import LostReasonForm, PipelineForm, StageForm
from deals.models import LostReason, Pipeline, Stage
from deals.services import (
    create_lost_reason,
    create_pipeline,
    create_stage,
    delete_pipeline,
    update_lost_reason,
    update_pipeline,
    update_stage,
)


def stage_color(stage: Stage) -> SafeString:
    return cells.badge(str(dict(COLORS).get(stage.color, stage.color)), stage.color)


PIPELINES = SettingsPage(
    slug="pipelines",
    model=Pipeline,
    label=_("Pipeline"),
    label_plural=_("Pipelines"),
    label_new=_("New pipeline"),
    icon="layout-kanban",
    group="sales",
    intro=_("Each pipeline is a board of its own. A new one starts with the usual stages."),
    form=PipelineForm,
    create=create_pipeline,
    update=update_pipeline,
    delete=delete_pipeline,
    movable=True,
    columns=(
        SettingsColumn(_("Name"), lambda pipeline: pipeline.name),
        SettingsColumn(_("Offered"), lambda pipeline: gettext("Archived") if pipeline.archived_at else gettext("Yes")),
    ),
    links=lambda pipeline: [
        (_("Stages"), "/settings/stages/"),
        (_("Offer again") if pipeline.archived_at else _("Archive"), reverse("deals_settings:archive", args=[pipeline.pk])),
    ],
    consequences=lambda pipeline: [gettext("Its stages go with it. A pipeline that held deals can only be archived.")],
)
STAGES = SettingsPage(
    slug="stages",
    model=Stage,
    label=_("Stage"),
    label_plural=_("Stages"),
    label_new=_("New stage"),
    icon="list-details",
    group="sales",
    intro=_("The steps that a deal goes through, with how likely it is won there and after how many days it counts as stalled."),
    form=StageForm,
    create=create_stage,
    update=update_stage,
    movable=True,
    within="pipeline",
    can_delete=lambda stage: False,
    links=lambda stage: [(_("Delete"), reverse("deals_settings:remove_stage", args=[stage.pk]))],
    columns=(
        SettingsColumn(_("Name"), lambda stage: stage.name),
        SettingsColumn(_("Kind"), lambda stage: stage.get_kind_display()),
        SettingsColumn(_("Probability"), lambda stage: f"{stage.probability} %", "num"),
        SettingsColumn(
            _("Stalled after"),
            lambda stage: (
                ngettext("%(n)s day", "%(n)s days", stage.stalled_after_days) % {"n": stage.stalled_after_days} if stage.stalled_after_days is not None else "–"
            ),
        ),
        SettingsColumn(_("Colour"), stage_color),
    ),
)
LOST_REASONS = SettingsPage(
    slug="lost-reasons",
    model=LostReason,
    label=_("Lost reason"),
    label_plural=_("Lost reasons"),
    label_new=_("New lost reason"),
    icon="thumb-down",
    group="sales",
    intro=_("Offered when somebody marks a deal as lost; the reports count by them."),
    form=LostReasonForm,
    create=create_lost_reason,
    update=update_lost_reason,
    movable=True,
    columns=(
        SettingsColumn(_("Name"), lambda reason: reason.name),
        SettingsColumn(_("Offered"), lambda reason: gettext("Yes") if reason.active else gettext("No")),
    ),
)
SETTINGS = (PIPELINES, STAGES, LOST_REASONS)
