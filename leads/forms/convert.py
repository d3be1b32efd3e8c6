"""The form that turns a lead into a person, a company and a deal."""

from __future__ import annotations

from typing import Any

from crispy_forms.layout import HTML, Column, Field, Fieldset, Layout, Row
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Company, Contact
from contacts.services import country_name
from crm.core import cells
from crm.core.access import can, may_add
from crm.core.fields import MoneyField, PickerField
from crm.core.widgets import DateInput
from deals.models import Deal, Stage
from leads.forms.leads import PlainForm
from leads.models import Lead
from leads.selectors import Matches
from leads.services import Choices, differences

NEW, NONE, OTHER = "new", "none", "other"
KEEP, TAKE = "keep", "take"
KINDS: dict[str, Any] = {"company": Company, "contact": Contact}


def _shown(name: str, value: str) -> str:
    return country_name(value) if name == "country" else cells.format_phone(value) if name == "phone" else value


class ConvertForm(PlainForm):
    """Matches as radio buttons, "make a new one", or another one by search; then the deal. Works without JavaScript."""

    company = forms.ChoiceField(label=gettext_lazy("Which company is it?"), widget=forms.RadioSelect)
    company_other = PickerField("companies", label=gettext_lazy("Another company"), required=False)
    company_name = forms.CharField(label=gettext_lazy("Name of the new company"), max_length=200, required=False)
    contact = forms.ChoiceField(label=gettext_lazy("Who is it?"), widget=forms.RadioSelect)
    contact_other = PickerField("contacts", label=gettext_lazy("Another contact"), required=False)
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=100, required=False)
    make_deal = forms.BooleanField(label=gettext_lazy("Make a deal"), required=False)
    deal_name = forms.CharField(label=gettext_lazy("Name of the deal"), max_length=200, required=False)
    deal_amount = MoneyField(label=gettext_lazy("Amount"), required=False)
    deal_stage = forms.ChoiceField(label=gettext_lazy("Stage"), required=False)
    deal_close_date = forms.DateField(label=gettext_lazy("Expected close date"), required=False, widget=DateInput())

    def __init__(self, data: Any = None, *, user: Any, lead: Lead, matches: Matches, stages: list[Stage], **kwargs: Any) -> None:
        self.lead, self.matches, self.stages = lead, matches, {str(stage.pk): stage for stage in stages}
        super().__init__(data, user=user, **kwargs)
        self._offer_company()
        self._offer_contact()
        self._offer_deal()
        self.asked: dict[str, list[str]] = {kind: self._ask_differences(kind) for kind in KINDS}
        self.helper.layout = self._layout()

    def _offer_company(self) -> None:
        choices = [(str(each.pk), _("Use %(name)s") % {"name": self._described(each, each.domain, each.city)}) for each in self.matches.companies]
        if may_add(self.user, Company):
            choices.append((NEW, _("Make a new company")))
        choices += [(OTHER, _("Use another company")), (NONE, _("No company"))]
        self.fields["company"].choices = choices  # type: ignore[attr-defined]
        wanted = NEW if self.lead.company_name and may_add(self.user, Company) else NONE
        self.initial.setdefault("company", choices[0][0] if self.matches.sure_company else wanted)
        self.initial.setdefault("company_name", self.lead.company_name)

    def _offer_contact(self) -> None:
        choices = [(str(each.pk), _("Use %(name)s") % {"name": self._described(each, each.email, each.job_title)}) for each in self.matches.contacts]
        if may_add(self.user, Contact):
            choices.append((NEW, _("Make a new contact")))
        choices += [(OTHER, _("Use another contact")), (NONE, _("No contact"))]
        self.fields["contact"].choices = choices  # type: ignore[attr-defined]
        named = self.lead.first_name or self.lead.last_name or self.lead.email
        wanted = NEW if named and may_add(self.user, Contact) else NONE
        self.initial.setdefault("contact", choices[0][0] if self.matches.sure_contact else wanted)
        self.initial |= {"first_name": self.lead.first_name, "last_name": self.lead.last_name}

    def _ask_differences(self, kind: str) -> list[str]:
        """A question for each field in which the chosen record and the lead differ; the names of the questions. A record found by search is asked about
        once it has been posted."""
        record = self._named(kind)
        self.fields[f"{kind}_compared"] = forms.CharField(required=False, widget=forms.HiddenInput)
        self.initial[f"{kind}_compared"] = str(record.pk) if record is not None else ""
        if record is None or not can(self.user, "change", record):
            return []
        asked = []
        for name, (theirs, ours) in differences(self.lead, record).items():
            choices = [(KEEP, _("Keep: %(value)s") % {"value": _shown(name, theirs)}), (TAKE, _("Take: %(value)s") % {"value": _shown(name, ours)})]
            label = str(record._meta.get_field(name).verbose_name)
            field = forms.ChoiceField(label=label[:1].upper() + label[1:], choices=choices, required=False, widget=forms.RadioSelect, initial=KEEP)
            self.fields[f"{kind}_take_{name}"] = field
            asked.append(f"{kind}_take_{name}")
        return asked

    def _named(self, kind: str) -> Any:
        """The visible record that is chosen at the moment: posted, else offered first."""
        value = str(self.data.get(kind, "") if self.is_bound else self.initial.get(kind, ""))
        if value == OTHER and self.is_bound:
            picker = self.fields[f"{kind}_other"]
            try:
                return picker.clean(picker.widget.value_from_datadict(self.data, self.files, f"{kind}_other"))
            except ValidationError:
                return None
        if not value.isdecimal() or len(value) > 18:
            return None
        return KINDS[kind].objects.visible_to(self.user).filter(pk=int(value)).first()

    def unasked(self) -> bool:
        """Was another record chosen than the one whose differences stood on the page, and does it differ?"""
        return any(self.asked[kind] and self.cleaned_data.get(f"{kind}_compared", "") != self.initial[f"{kind}_compared"] for kind in KINDS)

    def ask(self) -> None:
        """Show the questions about what was chosen, with everything else as it was posted."""
        compared = {f"{kind}_compared": self.initial[f"{kind}_compared"] for kind in KINDS}
        self.data = {**{name: KEEP for names in self.asked.values() for name in names}, **self.data.dict(), **compared}  # type: ignore[attr-defined]

    def _offer_deal(self) -> None:
        names = ("make_deal", "deal_name", "deal_amount", "deal_stage", "deal_close_date")
        if not may_add(self.user, Deal) or not self.stages:
            for name in names:
                del self.fields[name]
            return
        groups: dict[str, list[tuple[str, str]]] = {}
        for pk, stage in self.stages.items():
            groups.setdefault(stage.pipeline.name, []).append((pk, stage.name))
        grouped: list[Any] = list(groups.items()) if len(groups) > 1 else next(iter(groups.values()))
        self.fields["deal_stage"].choices = grouped  # type: ignore[attr-defined]
        self.fields["deal_amount"].widget.currency = self.lead.currency  # type: ignore[attr-defined]
        self.initial |= {"make_deal": True, "deal_name": self.lead.company_name or str(self.lead), "deal_amount": self.lead.value}

    @staticmethod
    def _described(obj: Any, *more: str) -> str:
        return ", ".join([str(obj), *[text for text in more if text]])

    def _layout(self) -> Layout:
        titles = {"company": _("Where the company and the lead differ"), "contact": _("Where the contact and the lead differ")}
        differing = {kind: [Fieldset(titles[kind], *map(Field, names))] if names else [] for kind, names in self.asked.items()}
        hidden = [Field(f"{kind}_compared") for kind in KINDS]
        parts = [
            Fieldset(
                _("Company"),
                Field("company"),
                Row(Column("company_name", css_class="col-md-6"), Column("company_other", css_class="col-md-6")),
                *differing["company"],
            ),
            Fieldset(
                _("Contact"),
                Field("contact"),
                Row(Column("first_name", css_class="col-md-6"), Column("last_name", css_class="col-md-6")),
                Field("contact_other"),
                *differing["contact"],
                *hidden,
            ),
        ]
        if "make_deal" in self.fields:
            deal = [
                Field("make_deal"),
                Field("deal_name"),
                Row(Column("deal_amount", css_class="col-md-6"), Column("deal_close_date", css_class="col-md-6")),
                Field("deal_stage"),
            ]
            parts.append(Fieldset(_("Deal"), *deal))
        else:
            parts.append(HTML(""))
        return Layout(*parts)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ("company", "contact"):
            if cleaned.get(name) == OTHER and not cleaned.get(f"{name}_other") and f"{name}_other" not in self.errors:
                self.add_error(f"{name}_other", _("Search for the one you mean."))
        if cleaned.get("company") == NEW and not cleaned.get("company_name"):
            self.add_error("company_name", _("Enter a name, or choose “No company”."))
        if cleaned.get("contact") == NEW and not (cleaned.get("first_name") or cleaned.get("last_name") or self.lead.email):
            self.add_error("last_name", _("Enter a name."))
        if cleaned.get("contact") == NONE and cleaned.get("company") == NONE:
            self.add_error("contact", _("Choose or make a contact or a company."))
        if cleaned.get("make_deal") and not cleaned.get("deal_name"):
            self.add_error("deal_name", _("Enter a name for the deal."))
        return cleaned

    def choices(self) -> Choices:
        """What was chosen, as the service takes it."""
        cleaned = self.cleaned_data
        deal = cleaned.get("make_deal", False)
        return Choices(
            company=self._chosen("company", self.matches.companies),
            contact=self._chosen("contact", self.matches.contacts),
            company_name=cleaned.get("company_name", ""),
            first_name=cleaned.get("first_name", ""),
            last_name=cleaned.get("last_name", ""),
            deal_name=cleaned.get("deal_name", "") if deal else "",
            deal_amount=cleaned.get("deal_amount") if deal else None,
            deal_stage=self.stages.get(cleaned.get("deal_stage", "")) if deal else None,
            deal_close_date=cleaned.get("deal_close_date") if deal else None,
            take=frozenset(name.replace("_take_", ".", 1) for names in self.asked.values() for name in names if cleaned.get(name) == TAKE),
        )

    def _chosen(self, name: str, offered: list[Any]) -> Any:
        value = self.cleaned_data[name]
        if value == OTHER:
            return self.cleaned_data[f"{name}_other"]
        return value if value in (NEW, NONE) else next(each for each in offered if str(each.pk) == value)
