"""Bulk actions that every record type has: assign, tags, fields, export, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.bulk.fields import PeopleField
from crm.core.bulk.selection import export_chosen
from crm.core.bulk.turns import in_turn
from crm.core.fields import PickerField, TagsField
from crm.core.records import BulkAction
from crm.core.tagging import tags_named
from crm.core.writes import change_each, change_tags


class BulkForm(forms.Form):
    """Base of the questions of bulk actions: `user` limits what can be chosen; extra names in the request are not fields."""

    def __init__(self, data: Any = None, *, user: Any) -> None:
        self.user = user
        super().__init__(data)
        for field in self.fields.values():
            if isinstance(field, (PickerField, PeopleField)):
                field.user = user
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and "\x00" in value:
                self.add_error(name, ValidationError(gettext("Remove the invisible characters."), code="nul"))
        return cleaned


class AssignForm(BulkForm):
    """Who takes over: one colleague, or several in turn. Cleans to `owners`, never empty."""

    owner = PickerField("users", label=_("New owner"), required=False)
    team: Any = forms.ModelChoiceField(label=_("Or in turn to the members of"), queryset=None, required=False, empty_label="–")
    people = PeopleField(label=_("Or in turn to"), help_text=_("Names or e-mail addresses, separated by commas."))

    def __init__(self, data: Any = None, *, user: Any) -> None:
        super().__init__(data, user=user)
        teams: Any = get_user_model()._meta.get_field("team").related_model
        self.fields["team"].queryset = teams.objects.visible_to(user)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        given = [name for name in ("owner", "team", "people") if cleaned.get(name)]
        if len(given) > 1:
            self.add_error(given[-1], gettext("Choose one colleague or several in turn, not both."))
        elif not given and not self.errors:
            self.add_error("owner", gettext("Choose who takes over."))
        elif given:
            cleaned["owners"] = self._owners(cleaned, given[0])
        return cleaned

    def _owners(self, cleaned: dict[str, Any], way: str) -> list[Any]:
        if way != "team":
            return cleaned["people"] if way == "people" else [cleaned["owner"]]
        members = get_user_model().objects.visible_to(self.user).filter(is_active=True, team=cleaned["team"]).order_by("pk")
        present = [each for each in members if not each.is_away(timezone.localdate())]
        if not present:
            self.add_error("team", gettext("Nobody in this team is there."))
        return present


class TagForm(BulkForm):
    """Which tags to put on, which to take off."""

    tags = TagsField(label=_("Add tags"))
    remove = TagsField(label=_("Remove tags"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("tags") and not cleaned.get("remove") and not self.errors:
            self.add_error("tags", gettext("Enter at least one tag."))
        return cleaned


class FieldsForm(BulkForm):
    """Some fields of the record's own form: what is filled in is set, what is ticked under `empty` is emptied, the rest stays. Cleans to `changes`."""

    def __init__(self, data: Any = None, *, user: Any, form: type, names: Sequence[str]) -> None:
        super().__init__(data, user=user)
        whole = form(user=user)
        model = whole.instance._meta
        for name in names:
            field = self.fields[name] = whole.fields[name]
            field.required, field.help_text = False, ""
            if isinstance(field, forms.ModelChoiceField):
                field.empty_label = "–"
            elif isinstance(field, forms.ChoiceField):
                choices: list[Any] = list(field.choices)  # type: ignore[arg-type]
                field.choices = choices if any(key == "" for key, _label in choices) else [("", "–"), *choices]
        self.names = tuple(names)
        may = [name for name in names if model.get_field(name).blank]
        labels = [(name, capfirst(str(self.fields[name].label))) for name in may]
        self.fields["empty"] = forms.MultipleChoiceField(label=_("Empty these fields"), choices=labels, required=False, widget=forms.CheckboxSelectMultiple)
        self.blank = {name: None if model.get_field(name).null else "" for name in may}
        self.initial = dict.fromkeys(names)

    def _is_filled(self, name: str) -> bool:
        value = self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        return bool(value.strip() if isinstance(value, str) else value)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        filled = {name: cleaned[name] for name in self.names if name in cleaned and self._is_filled(name)}
        emptied = {name: self.blank[name] for name in cleaned.get("empty", ())}
        for name in filled.keys() & emptied.keys():
            self.add_error(name, gettext("Fill it in or empty it, not both."))
        if not filled and not emptied and not self.errors:
            self.add_error(None, gettext("Fill in what is to change."))
        cleaned["changes"] = filled | emptied
        return cleaned


def assign_rows(model: Any, ids: Iterable[int], *, actor: Any, data: dict[str, Any]) -> int:
    """Give the rows to `data["owners"]`, in turn if there are several; returns how many changed hands."""
    return change_each(model, {pk: {"owner": owner} for pk, owner in in_turn(ids, data).items()}, actor=actor)


def tag_rows(model: Any, ids: Iterable[int], *, actor: Any, data: dict[str, Any]) -> int:
    """Put the tags named in `data["tags"]` on the rows and take those in `data["remove"]` off; returns how many differ."""
    wanted = tags_named(data["tags"]), tags_named(data.get("remove", ()))
    return change_tags(model, dict.fromkeys(ids, wanted), actor=actor)


def delete_rows(model: Any, delete: Callable[..., Any], ids: Iterable[int], *, actor: Any, data: dict[str, Any]) -> int:
    """Into the bin as one group; returns how many went."""
    ids = list(ids)
    group = delete(ids, actor=actor)
    return model._base_manager.filter(pk__in=ids, deletion_group=group).count()


def assign_action(model: Any) -> BulkAction:
    return BulkAction(name="assign", label=_("Assign"), icon="user-share", run=partial(assign_rows, model), form=AssignForm)


def tag_action(model: Any) -> BulkAction:
    return BulkAction(name="tag", label=_("Tags"), icon="tag", run=partial(tag_rows, model), form=TagForm)


def fields_action(form: type, names: Sequence[str], run: Callable[..., int]) -> BulkAction:
    """Change fields of the record's form. `run` gets `data["changes"]`, values by field name, and keeps the rules of the form's own service."""
    return BulkAction(name="fields", label=_("Change fields"), icon="pencil", run=run, form=partial(FieldsForm, form=form, names=names))


def delete_action(model: Any, delete: Callable[..., Any]) -> BulkAction:
    """`delete(ids, *, actor)` is the record type's service."""
    return BulkAction(name="delete", label=_("Delete"), icon="trash", run=partial(delete_rows, model, delete), permission="delete", danger=True)


class ExportForm(BulkForm):
    """As what kind of file."""

    format = forms.ChoiceField(label=_("File"), choices=[("csv", "CSV"), ("xlsx", "Excel")], widget=forms.RadioSelect, initial="csv")


EXPORT = BulkAction(name="export", label=_("Export"), icon="download", respond=export_chosen, form=ExportForm, permission="export")
