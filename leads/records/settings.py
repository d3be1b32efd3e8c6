"""The leads' part of the settings."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core import cells
from crm.core.settings_pages import SettingsColumn, SettingsLink, SettingsPage
from leads import services
from leads.forms.setup import ReasonForm, RuleForm, ScoreRuleForm, StatusSettingForm, WebFormForm
from leads.models import AssignmentRule, DisqualifyReason, LeadStatus, ScoreRule, WebForm
from leads.services.scoring import Reason

WIDE = "d-none d-lg-table-cell"


LEAD_STATUSES = SettingsPage(
    slug="lead-statuses",
    model=LeadStatus,
    label=gettext_lazy("Lead status"),
    label_plural=gettext_lazy("Lead statuses"),
    label_new=gettext_lazy("New status"),
    icon="route",
    group="leads",
    intro=gettext_lazy("The steps of working a lead, in their order."),
    form=StatusSettingForm,
    create=services.create_status,
    update=services.update_status,
    delete=services.delete_status,
    can_delete=services.can_delete_status,
    movable=True,
    columns=(
        SettingsColumn(gettext_lazy("Name"), lambda status: cells.badge(status.name, status.color)),
        SettingsColumn(gettext_lazy("Kind"), lambda status: status.get_kind_display()),
    ),
)


def _form_links(form: WebForm) -> list[tuple[Any, str]]:
    return [(_("Fields"), reverse("lead_settings:form-fields", args=[form.pk]))]  # from there to its embed codes and entries


WEB_FORMS = SettingsPage(
    slug="forms",
    model=WebForm,
    label=gettext_lazy("Web form"),
    label_plural=gettext_lazy("Web forms"),
    label_new=gettext_lazy("New web form"),
    icon="forms",
    group="leads",
    intro=gettext_lazy("Forms on your website whose entries become leads."),
    form=WebFormForm,
    create=services.create_form_with_usual_fields,
    update=services.update_form,
    delete=services.delete_form,
    links=_form_links,
    relations=("source", "team"),
    columns=(
        SettingsColumn(gettext_lazy("Name"), lambda form: form.name),
        SettingsColumn(gettext_lazy("Address"), lambda form: f"/f/{form.slug}/", WIDE),
        SettingsColumn(gettext_lazy("Accepts entries"), lambda form: _("Yes") if form.active else _("No"), WIDE),
        SettingsColumn(gettext_lazy("Source"), lambda form: form.source or "", WIDE),
    ),
)


def _rule_text(rule: AssignmentRule) -> str:
    return _("Fallback") if rule.is_fallback else _("%(count)s conditions") % {"count": len(rule.conditions)} if rule.conditions else _("All leads")


ASSIGNMENT_RULES = SettingsPage(
    slug="assignment",
    model=AssignmentRule,
    label=gettext_lazy("Assignment rule"),
    label_plural=gettext_lazy("Assignment rules"),
    label_new=gettext_lazy("New rule"),
    icon="switch-horizontal",
    group="leads",
    intro=gettext_lazy("Who gets a lead that comes through a form: the first rule that fits and finds somebody present decides. Who is away is left out."),
    form=RuleForm,
    create=services.create_rule,
    update=services.update_rule,
    delete=services.delete_rule,
    move=services.move_rule,
    movable=True,
    relations=("user", "team"),
    columns=(
        SettingsColumn(gettext_lazy("Name"), lambda rule: rule.name),
        SettingsColumn(gettext_lazy("For"), _rule_text, WIDE),
        SettingsColumn(gettext_lazy("How"), lambda rule: rule.get_mode_display(), WIDE),
        SettingsColumn(gettext_lazy("Who"), lambda rule: rule.user or rule.team or "", WIDE),
        SettingsColumn(gettext_lazy("Active"), lambda rule: _("Yes") if rule.active else _("No"), WIDE),
    ),
)
DISQUALIFY_REASONS = SettingsPage(
    slug="disqualify-reasons",
    model=DisqualifyReason,
    label=gettext_lazy("Reason to disqualify"),
    label_plural=gettext_lazy("Reasons to disqualify"),
    label_new=gettext_lazy("New reason"),
    icon="ban",
    group="leads",
    intro=gettext_lazy("Offered when somebody disqualifies a lead."),
    form=ReasonForm,
    create=services.create_reason,
    update=services.update_reason,
    movable=True,
    columns=(
        SettingsColumn(gettext_lazy("Name"), lambda reason: reason.name),
        SettingsColumn(gettext_lazy("Offered"), lambda reason: _("Yes") if reason.active else _("No")),
    ),
)


def _reason_text(rule: ScoreRule) -> str:
    return Reason(rule.points, rule.label, rule.field, rule.op, rule.value).text


SCORE_RULES = SettingsPage(
    slug="score-rules",
    model=ScoreRule,
    label=gettext_lazy("Score rule"),
    label_plural=gettext_lazy("Score rules"),
    label_new=gettext_lazy("New rule"),
    icon="flame",
    group="leads",
    intro=gettext_lazy("What makes a lead promising. After a change all leads are scored anew in the background, which takes a minute or two."),
    form=ScoreRuleForm,
    create=services.create_score_rule,
    update=services.update_score_rule,
    delete=services.delete_score_rule,
    movable=True,
    columns=(
        SettingsColumn(gettext_lazy("Reason"), _reason_text),
        SettingsColumn(gettext_lazy("Points"), lambda rule: f"{rule.points:+d}"),
        SettingsColumn(gettext_lazy("Active"), lambda rule: _("Yes") if rule.active else _("No"), WIDE),
    ),
)
SETTINGS = (
    LEAD_STATUSES,
    DISQUALIFY_REASONS,
    SCORE_RULES,
    WEB_FORMS,
    ASSIGNMENT_RULES,
    SettingsLink(
        label=gettext_lazy("Form entries"),
        icon="inbox",
        url="/settings/submissions/",
        text=gettext_lazy("What came through the forms: spam to look through, failures to retry."),
        group="leads",
    ),
)
