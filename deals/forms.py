"""The forms of deals, and of what is set up for them."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.bulk.actions import BulkForm
from crm.core.fields import MoneyField, PickerField, TagsField
from crm.core.forms import RecordForm
from crm.core.models import Source
from crm.core.settings_pages import SettingsForm
from crm.core.widgets import MoneyInput
from deals.models import Deal, LostReason, Pipeline, Stage
from deals.selectors import catalog, first_open_stage
from users.selectors import organisation


class StageField(forms.ChoiceField):
    """A stage out of the pipelines in use; cleans to the Stage."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=lambda: grouped_stages(), **kwargs)

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, Stage) else super().to_python(value)

    def clean(self, value: Any) -> Stage | None:
        text = super().clean(value)
        return catalog().stage(int(text)) if text else None

    def prepare_value(self, value: Any) -> Any:
        return value.pk if isinstance(value, Stage) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(str(self.prepare_value(initial) or ""), data)  # the form sends a text, the deal has a number


def grouped_stages(archived: int | None = None) -> list[Any]:
    """Choices by pipeline: those in use, and the archived one with this id. One group needs no heading."""
    found = catalog()
    groups = [
        (each.name, [(stage.pk, stage.name) for stage in found.stages_of(each.pk)])
        for each in found.pipelines
        if each.archived_at is None or each.pk == archived
    ]
    return groups[0][1] if len(groups) == 1 else groups


def reason_rows(user: Any, keep: int | None = None) -> Any:
    """The reasons that are offered, and the one that a deal has already."""
    rows = LostReason.objects.visible_to(user)
    return rows.filter(active=True) | rows.filter(pk=keep)


class DealForm(RecordForm):
    extra_keys = ("pipeline", "lost_reason", "lost_note")
    owner = PickerField("users", label=_("Owner"), required=False)
    company = PickerField("companies", label=_("Company"), required=False)
    contact = PickerField("contacts", label=_("Contact"), required=False)
    stage = StageField(label=_("Stage"))
    amount = MoneyField(label=_("Amount"), required=False)
    source = forms.ModelChoiceField(label=_("Source"), queryset=None, required=False, empty_label="–")
    lost_reason = forms.ModelChoiceField(label=_("Lost reason"), queryset=None, required=False, empty_label="–")
    tags = TagsField()
    layout = (
        (_("Deal"), "name", ("company", "contact"), ("amount", "close_date"), ("stage", "source")),
        (_("More"), ("owner", "tags"), "description"),
    )
    loss = (_("Why it was lost"), "lost_reason", "lost_note")

    class Meta:
        model = Deal
        fields = ["name", "company", "contact", "stage", "amount", "close_date", "source", "lost_reason", "lost_note", "description", "owner", "tags"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        deal = self.instance
        self.fields["amount"].widget = MoneyInput(currency=deal.currency if deal.pk else organisation().currency)
        self.fields["source"].queryset = Source.objects.visible_to(self.user).filter(active=True) | Source.objects.visible_to(self.user).filter(
            pk=deal.source_id
        )
        self.fields["lost_reason"].queryset = reason_rows(self.user, deal.lost_reason_id)
        if deal.pk:
            self.fields["stage"].choices = grouped_stages(deal.pipeline_id)
        elif not self.is_bound:
            self._first_stage()
        if self._about_loss():
            self.layout = (*self.layout[:1], self.loss, *self.layout[1:])
        else:
            del self.fields["lost_reason"], self.fields["lost_note"]

    def _first_stage(self) -> None:
        """`?pipeline=` opens the form at that pipeline's first stage, `?stage=` at that stage."""
        wanted = str(self.initial.get("pipeline", ""))
        pipeline = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else next((each.pk for each in catalog().active()), None)
        first = first_open_stage(pipeline) if pipeline else None
        self.initial.setdefault("stage", first.pk if first else None)

    def _about_loss(self) -> bool:
        """Why it was lost is asked when it is, or is about to be."""
        if self.is_bound:
            text = str(self.data.get("stage", ""))
        else:
            text = str(self.initial.get("stage") or "")
        stage = catalog().stage(int(text)) if text.isdecimal() and len(text) < 18 else None
        return (stage is not None and stage.kind == Stage.Kind.LOST) or self.instance.status == Deal.Status.LOST

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        stage, posted = cleaned.get("stage"), str(self.data.get("pipeline", "") or "")
        if stage is not None and posted and posted != str(stage.pipeline_id):
            self.add_error("stage", gettext("Choose a stage of this pipeline."))
        if (
            stage is not None
            and stage.kind == Stage.Kind.LOST
            and "lost_reason" in self.fields
            and not cleaned.get("lost_reason")
            and "lost_reason" not in self.errors
        ):
            self.add_error("lost_reason", gettext("Say why the deal was lost."))
        return cleaned


class LostForm(forms.Form):
    """Why a deal is lost."""

    lost_reason = forms.ModelChoiceField(label=_("Why was it lost?"), queryset=None, empty_label=None, widget=forms.RadioSelect)
    lost_note = forms.CharField(label=_("Note"), required=False, max_length=500, widget=forms.Textarea({"rows": 3}), help_text=_("What would have won it?"))
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, user: Any, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["lost_reason"].queryset = reason_rows(user)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it

    def clean_lost_note(self) -> str:
        note = self.cleaned_data["lost_note"]
        if "\x00" in note:
            raise ValidationError(gettext("Remove the invisible characters."))
        return note


class MoveForm(forms.Form):
    """What a move sends. Cleans `stage` to the Stage."""

    stage = forms.IntegerField(min_value=1, max_value=2**31 - 1, error_messages={"required": _("Choose a stage."), "invalid": _("Choose a stage.")})
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    lost_reason = forms.ModelChoiceField(queryset=None, required=False)
    lost_note = forms.CharField(required=False, max_length=500)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        self.fields["lost_reason"].queryset = reason_rows(user)

    def clean_stage(self) -> Stage:
        stage = catalog().stage(self.cleaned_data["stage"])
        if stage is None:
            raise ValidationError(gettext("This stage is not there any more. Reload the page."))
        return stage


class BulkMoveForm(BulkForm):
    """Where ticked deals go."""

    stage = StageField(label=_("Stage"))
    lost_reason = forms.ModelChoiceField(label=_("Lost reason"), queryset=None, required=False, empty_label="–", help_text=_("Needed when the deals are lost."))
    lost_note = forms.CharField(label=_("Note"), required=False, max_length=500)

    def __init__(self, data: Any = None, *, user: Any) -> None:
        super().__init__(data, user=user)
        self.fields["lost_reason"].queryset = reason_rows(user)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        stage = cleaned.get("stage")
        if stage is not None and stage.kind == Stage.Kind.LOST and not cleaned.get("lost_reason"):
            self.add_error("lost_reason", gettext("Say why the deal was lost."))
        return cleaned


class PipelineForm(SettingsForm):
    class Meta:
        model = Pipeline
        fields = ["name"]


class StageForm(SettingsForm):
    class Meta:
        model = Stage
        fields = ["pipeline", "name", "kind", "probability", "stalled_after_days", "color"]
        help_texts = {
            "probability": _("How many of a hundred deals in this stage are won."),
            "stalled_after_days": _("Deals that stay longer are marked. Empty: never."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pipeline"].queryset = Pipeline.objects.visible_to(self.user, "change")
        if self.instance.pk:
            del self.fields["pipeline"]


class LostReasonForm(SettingsForm):
    class Meta:
        model = LostReason
        fields = ["name", "active"]
        help_texts = {"active": _("Old reasons stay on old deals; take the tick away to stop offering one.")}


class StageRemovalForm(forms.Form):
    """Where the deals of a stage go when it is deleted."""

    move_to = forms.ModelChoiceField(label=_("Its deals and their history go to"), queryset=None, required=False, empty_label=_("Choose a stage"))
    lost_reason = forms.ModelChoiceField(
        label=_("Lost reason"), queryset=None, required=False, empty_label="–", help_text=_("Needed when the deals go to the lost stage.")
    )

    def __init__(self, data: Any = None, *, user: Any, stage: Stage) -> None:
        super().__init__(data)
        self.fields["move_to"].queryset = Stage.objects.visible_to(user, "change").filter(pipeline=stage.pipeline_id).exclude(pk=stage.pk)
        self.fields["lost_reason"].queryset = reason_rows(user)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it
