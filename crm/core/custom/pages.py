"""The settings of custom fields: a list per record type, and forms that ask only what the kind needs. Plain links and forms."""

from __future__ import annotations

from typing import Any

from crispy_forms.layout import Column, Field, Fieldset, Layout, Row
from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.core.custom import services
from crm.core.custom.definitions import definitions
from crm.core.custom.forms import form_field, form_value
from crm.core.custom.models import UNIQUE, CustomField
from crm.core.records import RecordType, record_types
from crm.core.settings_pages import SettingsForm, admin_only
from crm.core.settings_services import add_errors
from crm.core.writes import StaleRecord

Kind, Index = CustomField.Kind, CustomField.Index
HINTS = {
    Kind.TEXT: _("A line of up to 255 characters."),
    Kind.LONG_TEXT: _("Several lines."),
    Kind.NUMBER: _("Whole or with up to six decimals."),
    Kind.MONEY: _("An amount in your currency."),
    Kind.DATE: _("A day."),
    Kind.TIME: _("A time of day."),
    Kind.CHOICE: _("One of a list."),
    Kind.CHOICES: _("Any number of a list."),
    Kind.YES_NO: _("Yes, no, or not known."),
    Kind.USER: _("Somebody in your organisation."),
    Kind.LINK: _("A company, contact, lead, deal or other record."),
    Kind.URL: _("A link to a page."),
}
DEFAULTS = set(Kind) - {Kind.USER, Kind.LINK, Kind.LONG_TEXT}
INDEXED = set(Kind) - {Kind.LONG_TEXT, Kind.CHOICES}


class FieldForm(SettingsForm):
    """One field. What its kind does not know is not asked."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = CustomField
        fields = ["label", "group", "help_text", "required", "unique", "in_list", "indexed"]
        help_texts = {
            "group": _("The heading it stands under. Fields of one group stand together."),
            "required": _("Forms and imports ask for it. Records that have no value stay as they are until somebody edits them."),
            "unique": _("No two records may have the same value; capitals and accents make no difference."),
            "in_list": _("Other fields are in the filters and in the export."),
            "indexed": _("For long lists that you often sort or filter by this field. The index is built in the background."),
        }

    def __init__(self, *args: Any, record: RecordType, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.record, self.kind = record, kind
        self.definition = self.instance if self.instance.pk else CustomField(record=record.model_label, kind=kind)
        self.old_choices = {f"choice_{each['key']}": each for each in self.instance.choices} if self.instance.pk else {}
        self.initial["version"] = self.instance.version if self.instance.pk else None
        self._add_choices()
        self._add_targets()
        self._add_default()
        self._add_reach()
        for name, kinds in (("unique", UNIQUE), ("indexed", INDEXED)):
            if kind not in kinds:
                del self.fields[name]
        if record.model_label in definitions().layouts:
            del self.fields["group"]  # the layout says where it stands
        self.helper.layout = self._layout()

    def _add_choices(self) -> None:
        if self.kind not in (Kind.CHOICE, Kind.CHOICES):
            return
        for name, each in self.old_choices.items():
            self.fields[name] = forms.CharField(label=_("Choice"), required=False, max_length=120)
            self.initial[name] = each["label"] if each["offered"] else ""
            self.fields[name].help_text = "" if each["offered"] else gettext("No longer offered: “%(label)s”.") % {"label": each["label"]}
        more = _("More choices") if self.old_choices else _("Choices")
        hint = _("One a line. Empty a choice above to stop offering it; records keep it.") if self.old_choices else _("One a line.")
        self.fields["more"] = forms.CharField(label=more, required=not self.old_choices, max_length=30_000, widget=forms.Textarea({"rows": 4}), help_text=hint)

    def _add_targets(self) -> None:
        if self.kind == Kind.LINK and not self.instance.pk:
            choices = [("", "–"), *((record.slug, record.label_plural) for record in record_types())]
            self.fields["link_to"] = forms.ChoiceField(label=_("Links to"), choices=choices)

    def _add_default(self) -> None:
        if self.kind not in DEFAULTS or (self.kind in (Kind.CHOICE, Kind.CHOICES) and not self.old_choices):
            return
        field = form_field(self.definition, self.definition.default)
        field.label, field.required, field.help_text = _("Default"), False, _("Stands in forms of new records, and in those that come without a value.")
        field.validators = []  # the service says it
        self.fields["default"] = field
        self.initial["default"] = form_value(self.definition, self.definition.default)

    def _add_reach(self) -> None:
        stages = self.record.stage_choices()
        if stages:
            self.fields["stages"] = _ticks(_("Required in these stages"), stages)
        roles: Any = get_user_model()._meta.get_field("role").related_model
        self.fields["roles"] = _ticks(
            _("Only for these roles"),
            [(role.pk, role.name) for role in roles.objects.visible_to(self.user).filter(is_admin=False)],
            _("None ticked: everybody sees the field. Administrators always do. Who does not see it finds it nowhere."),
        )
        self.initial["stages"], self.initial["roles"] = self.definition.stages, self.definition.roles

    def _layout(self) -> Layout:
        rest = [name for name in ("link_to", *self.old_choices, "more", "default", "required", "unique") if name in self.fields]
        reach = [name for name in ("stages", "roles") if name in self.fields]
        where = [name for name in ("in_list", "indexed") if name in self.fields]
        return Layout(
            Fieldset(_("Field"), Row(*[Column(name, css_class="col-md-6") for name in ("label", "group") if name in self.fields]), Field("help_text")),
            Fieldset(_("Values"), *map(Field, rest)),
            Fieldset(_("Where"), *map(Field, [*where, *reach])),
            Field("version"),
        )

    def values(self) -> dict[str, Any]:
        cleaned = dict(self.cleaned_data)
        found = {name: value for name, value in cleaned.items() if name not in self.old_choices and name not in ("more", "version")}
        lines = (cleaned.get("more") or "").splitlines()
        if self.old_choices:
            found["choices"] = {each["key"]: cleaned.get(name, "") for name, each in self.old_choices.items()}
            found["more_choices"] = lines
        elif "more" in self.fields:
            found["choices"] = lines
        return found


def _ticks(label: Any, choices: Any, help_text: Any = "") -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(label=label, choices=choices, coerce=int, required=False, help_text=help_text, widget=forms.CheckboxSelectMultiple)


# ---- pages ----


def record_type(slug: str) -> RecordType:
    """The record type of this address, if it can have custom fields."""
    for record in services.customised_types():
        if record.slug == slug:
            return record
    raise Http404


def _field(request: HttpRequest, slug: str, pk: int) -> CustomField:
    if pk > 2**63 - 1:
        raise Http404
    rows = CustomField.objects.visible_to(request.user, "change").exclude(job=CustomField.Job.DELETE)
    return get_object_or_404(rows, pk=pk, record=record_type(slug).model_label)


def _list_url(slug: str) -> str:
    return reverse("custom_fields:type", args=[slug])


@admin_only
@require_GET
def field_list(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The fields of one record type, by groups, and those that are archived."""
    types = services.customised_types()
    record = record_type(slug) if slug else types[0]
    rows = list(CustomField.objects.visible_to(request.user).filter(record=record.model_label).exclude(job=CustomField.Job.DELETE))
    used = [row for row in rows if row.archived_at is None]
    context = {
        "title": gettext("Fields"),
        "record": record,
        "tabs": [(each.label_plural, _list_url(each.slug), each.slug == record.slug) for each in types],
        "fields": [_row(record, row, index == 0, index == len(used) - 1) for index, row in enumerate(used)],
        "archived": [_row(record, row, True, True) for row in rows if row.archived_at is not None],
        "new_url": reverse("custom_fields:new", args=[record.slug]),
        "layout_url": reverse("custom_fields:layout", args=[record.slug]),
    }
    return render(request, "settings/fields.html", context)


def _row(record: RecordType, field: CustomField, first: bool, last: bool) -> dict[str, Any]:
    names = ("edit", "move", "archive", "delete", "index")
    return {
        "field": field,
        "kind": field.get_kind_display(),
        "facts": _facts(field),
        "index": _index_text(field),
        "first": first,
        "last": last,
        **{f"{name}_url": reverse(f"custom_fields:{name}", args=[record.slug, field.pk]) for name in names},
    }


def _facts(field: CustomField) -> str:
    told = (
        (field.required, _("Required")),
        (bool(field.stages), _("Required in some stages")),
        (field.unique, _("Unique")),
        (field.in_list, _("In the list")),
        (bool(field.roles), _("For some roles")),
    )
    return ", ".join(str(text) for is_so, text in told if is_so)


def _index_text(field: CustomField) -> str:
    if field.index_state == Index.FAILED:
        return gettext(field.index_error) if field.index_error else gettext("Failed")
    return str(field.get_index_state_display()) if field.index_state else ""


@admin_only
def field_new(request: HttpRequest, slug: str) -> HttpResponse:
    """First the kind, then what it needs (`?kind=text`)."""
    record, kind = record_type(slug), request.GET.get("kind", "")
    if not kind:
        kinds = [(value, label, HINTS[Kind(value)]) for value, label in Kind.choices]
        return render(request, "settings/field_kinds.html", {"title": gettext("New field"), "record": record, "kinds": kinds, "back_url": _list_url(slug)})
    if kind not in Kind.values:
        raise Http404
    form: Any = FieldForm(_posted(request), instance=None, record=record, kind=kind, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            field = services.create_field(record, kind, form.values(), actor=request.user)
        except ValidationError as error:
            add_errors(form, _at_form(form, error))
        else:
            messages.success(request, gettext("Saved %(name)s.") % {"name": field})
            return redirect(_list_url(slug))
    return _form_page(request, slug, form, gettext("New field: %(kind)s") % {"kind": Kind(kind).label}, gettext("Add"))


@admin_only
def field_edit(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    field = _field(request, slug, pk)
    form: Any = FieldForm(_posted(request), instance=field, record=record_type(slug), kind=field.kind, user=request.user)
    conflict = ""
    if request.method == "POST" and form.is_valid():
        try:
            services.update_field(field, form.values(), actor=request.user, version=form.cleaned_data["version"])
        except StaleRecord:
            conflict = gettext("Somebody changed this field meanwhile. Open it again.")
        except ValidationError as error:
            add_errors(form, _at_form(form, error))
        else:
            messages.success(request, gettext("Saved %(name)s.") % {"name": field})
            return redirect(_list_url(slug))
    return _form_page(request, slug, form, gettext("Edit %(name)s") % {"name": field}, gettext("Save"), conflict)


def _posted(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _at_form(form: Any, error: ValidationError) -> ValidationError:
    """Complaints about choices stand where choices are written."""
    if not hasattr(error, "error_dict"):
        return error
    return ValidationError({("more" if name in ("choices", "more_choices") else name): texts for name, texts in error.message_dict.items()})


def _form_page(request: HttpRequest, slug: str, form: Any, title: str, label: str, conflict: str = "") -> HttpResponse:
    context = {"form": form, "form_title": title, "submit_label": label, "cancel_url": _list_url(slug), "conflict": conflict}
    status = 409 if conflict else 422 if form.errors else 200
    return render(request, "settings/form.html", {**context, "back_label": gettext("Fields"), "back_url": _list_url(slug)}, status=status)


@admin_only
@require_POST
def field_move(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """POST with `direction` up or down."""
    return _done(request, slug, lambda: services.move_field(_field(request, slug, pk), request.POST.get("direction", ""), actor=request.user))


@admin_only
@require_POST
def field_archive(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Archive, or take out of the archive."""
    field = _field(request, slug, pk)
    change = services.archive_field if field.archived_at is None else services.restore_field
    return _done(request, slug, lambda: change(field, actor=request.user))


@admin_only
@require_POST
def field_index(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Try again to build what failed."""
    return _done(request, slug, lambda: services.retry_index(_field(request, slug, pk), actor=request.user))


def _done(request: HttpRequest, slug: str, work: Any) -> HttpResponse:
    try:
        work()
    except ValidationError as error:
        return render(request, "400.html", {"message": " ".join(error.messages)}, status=400)
    return redirect(_list_url(slug))


@admin_only
def field_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """GET asks, POST deletes."""
    field = _field(request, slug, pk)
    if request.method == "POST":
        services.delete_field(field, actor=request.user)
        messages.success(request, gettext("%(name)s is deleted. Its values are taken out of the records in the background.") % {"name": field})
        return redirect(_list_url(slug))
    context = {
        "title": gettext("Delete %(name)s?") % {"name": field},
        "consequences": [gettext("Its values are deleted from all records, for good."), gettext("To keep them, archive the field instead.")],
        "cancel_url": _list_url(slug),
        "back_label": gettext("Fields"),
        "back_url": _list_url(slug),
    }
    return render(request, "settings/confirm.html", context)
