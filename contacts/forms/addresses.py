"""Several e-mails or phones in one form field: repeated inputs that need no JavaScript, with spare rows at the end."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.models.rules import MAX_ADDRESSES
from crm.core import cells

SPARE = 2
MOST = 60  # posted rows; a browser sends what there are plus the spare ones


class Entry(dict[str, Any]):
    """One row: {value key: text, "kind": kind, "primary": bool}; as text it is its value, for comparisons that people read."""

    def __str__(self) -> str:
        return str(next(iter(self.values()), ""))


class AddressesWidget(forms.Widget):
    """Rows of input, kind and "primary". Posts `name` and `name_kind` once per row and `name_primary` with the row's number."""

    def __init__(self, attrs: dict[str, Any] | None = None, *, input_type: str, key: str, kinds: Any, labels: tuple[Any, Any]) -> None:
        super().__init__(attrs)
        self.input_type, self.key, self.kinds, self.labels = input_type, key, kinds, labels

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Entry]:
        get = data.getlist if hasattr(data, "getlist") else lambda key: [data[key]] if key in data else []
        values, kinds, primary = get(name), get(f"{name}_kind"), (get(f"{name}_primary") or [""])[0]
        return [
            Entry({self.key: str(value).strip(), "kind": str(kinds[index]) if index < len(kinds) else "", "primary": primary == str(index)})
            for index, value in enumerate(values)
        ]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0"

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        id_ = (attrs or {}).get("id", f"id_{name}")
        invalid = " is-invalid" if "is-invalid" in (attrs or {}).get("class", "") else ""
        entries = [entry for entry in value or [] if entry.get(self.key)][:MOST]
        entries += [Entry({self.key: "", "kind": "", "primary": not entries and index == 0}) for index in range(SPARE)]
        rows = format_html_join("", "{}", ((self._row(name, f"{id_}_{index}", index, entry, invalid),) for index, entry in enumerate(entries)))
        return format_html('<div class="addresses{}">{}</div>', invalid, rows)

    def _row(self, name: str, id_: str, index: int, entry: Any, invalid: str) -> SafeString:
        options = format_html_join(
            "", '<option value="{}"{}>{}</option>', ((value, " selected" if entry.get("kind") == value else "", label) for value, label in self.kinds)
        )
        label = self.labels[0] if index == 0 else _("%(what)s %(number)s") % {"what": self.labels[0], "number": index + 1}
        return format_html(
            '<div class="d-flex gap-2 mb-2 align-items-center">'
            '<input class="form-control flex-fill{}" type="{}" name="{}" value="{}" id="{}" maxlength="254" autocomplete="off" aria-label="{}">'
            '<select class="form-select w-auto flex-shrink-0" name="{}_kind" aria-label="{}">{}</select>'
            '<label class="d-flex gap-1 align-items-center sm flex-shrink-0">'
            '<input class="form-check-input mt-0" type="radio" name="{}_primary" value="{}"{}> {}</label></div>',
            invalid,
            self.input_type,
            name,
            self._shown(entry),
            id_,
            label,
            name,
            _("Kind of %(what)s") % {"what": label},
            options,
            name,
            index,
            SafeString(" checked") if entry.get("primary") else "",
            self.labels[1],
        )

    def _shown(self, entry: Any) -> str:
        value = str(entry.get(self.key) or "")
        return cells.format_phone(value) if self.key == "number" and value.startswith("+") else value


class AddressesField(forms.Field):
    """Cleans to a list of entries without empty ones; what the values must be is the service's rule."""

    large = True  # see crm.core.profile

    def __init__(self, *, input_type: str, key: str, kinds: Any, labels: tuple[Any, Any], **kwargs: Any) -> None:
        self.key, self.kinds = key, kinds
        super().__init__(required=False, widget=AddressesWidget(input_type=input_type, key=key, kinds=kinds, labels=labels), **kwargs)

    def to_python(self, value: Any) -> list[Entry]:
        rows = [entry for entry in value or [] if entry.get(self.key)]
        if len(rows) > MAX_ADDRESSES:
            raise ValidationError(_("At most %(count)s are possible."), code="too_many", params={"count": MAX_ADDRESSES})
        if any(entry["kind"] and entry["kind"] not in dict(self.kinds) for entry in rows):
            raise ValidationError(_("Choose a kind from the list."), code="kind")
        if any("\x00" in entry[self.key] for entry in rows):
            raise ValidationError(_("Remove the invisible characters."), code="nul")
        return rows

    def clean(self, value: Any) -> list[Entry]:
        rows = self.to_python(value)
        for entry in rows:
            entry["kind"] = entry["kind"] or self.kinds[0][0]
        if rows and not any(entry["primary"] for entry in rows):
            rows[0]["primary"] = True
        return rows

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            new = [dict(entry) for entry in self.clean(data)]
        except ValidationError:
            return True
        shown = AddressesWidget(input_type="", key=self.key, kinds=self.kinds, labels=("", ""))
        old = [{**entry, self.key: shown._shown(entry)} for entry in initial or []]
        return new != old and new != [dict(entry) for entry in initial or []]
