"""Form widgets: the searching picker for links to records, and inputs with the right native types.

They build their html here, because the form renderer does not look into the project's templates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from crm.core import cells


class PickerValue(NamedTuple):
    """What a picker sends: the id that was picked, and what stands in the box.

    `pk` is empty when the text was typed and nothing picked (no JavaScript, or no suggestion taken): then the server looks for `text`."""

    pk: str
    text: str

    def __bool__(self) -> bool:
        return bool(self.pk or self.text)


class PickerWidget(forms.Widget):
    """A text box that searches: `<name>_text` is typed, `<name>` holds the id.

    `crm.js` turns it into a combobox that asks `url` (`/pick/<slug>/?q=` answering `{"results": [{"id", "label", "sub"}]}`).
    Without JavaScript the server resolves the text; if several fit, it sets `candidates` and the form shows them to choose from.
    The value may be a `PickerValue`, a model instance, or an id with `label_for` set to a function that gives its label.
    """

    def __init__(self, url: str = "", attrs: dict[str, Any] | None = None, *, placeholder: str = "", label_for: Callable[[Any], str] | None = None) -> None:
        super().__init__(attrs)
        self.url, self.placeholder, self.label_for = url, placeholder, label_for
        self.candidates: Sequence[tuple[Any, str, str]] = ()

    def value_from_datadict(self, data: Any, files: Any, name: str) -> PickerValue:
        """An id is believed only while the text beside it is the one it was rendered with."""
        pk, text, was = (str(data.get(key) or "").strip() for key in (name, f"{name}_text", f"{name}_was"))
        if f"{name}_text" in data and text != was:
            pk = ""
        return PickerValue(pk, text)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}_text" not in data

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        return id_

    def format_value(self, value: Any) -> PickerValue:
        if isinstance(value, PickerValue):
            if value.pk and not value.text and self.label_for:
                return PickerValue(value.pk, str(self.label_for(value.pk)))
            return value
        if value in (None, ""):
            return PickerValue("", "")
        if hasattr(value, "pk"):
            return PickerValue(str(value.pk), str(value))
        return PickerValue(str(value), str(self.label_for(value)) if self.label_for else str(value))

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        chosen = self.format_value(value)
        final = self.build_attrs(self.attrs, attrs)
        final.setdefault("id", f"id_{name}")
        final["class"] = " ".join(["form-control", *(word for word in final.get("class", "").split() if word != "form-control")])
        final |= {"type": "text", "name": f"{name}_text", "value": chosen.text, "autocomplete": "off", "spellcheck": "false", "data-picker-text": True}
        final.setdefault("placeholder", self.placeholder or gettext("Type to search"))
        final.setdefault("maxlength", "200")
        return format_html(
            '<div class="picker" data-picker data-url="{}">{}<input{}><input type="hidden" name="{}" value="{}" data-picker-id>'
            '<input type="hidden" name="{}_was" value="{}" data-picker-was>'
            '<button class="btn btn-ghost btn-sm btn-icon" type="button" data-picker-clear hidden aria-label="{}">{}</button>{}</div>',
            self.url,
            cells.icon("search", "i-sm"),
            flatatt(final),
            name,
            chosen.pk,
            name,
            chosen.text,
            gettext("Clear"),
            cells.icon("x", "i-sm"),
            self._candidates(name, final["id"]),
        )

    def _candidates(self, name: str, id_: str) -> SafeString | str:
        if not self.candidates:
            return ""
        radios = format_html_join(
            "",
            '<div class="form-check"><input class="form-check-input" type="radio" name="{}" value="{}" id="{}_c{}">'
            '<label class="form-check-label" for="{}_c{}">{} <span class="t3">{}</span></label></div>',
            ((name, pk, id_, number, id_, number, label, sub) for number, (pk, label, sub) in enumerate(self.candidates)),
        )
        return format_html('<fieldset class="picker-candidates"><legend>{}</legend>{}</fieldset>', gettext("Which one do you mean?"), radios)


class MoneyInput(forms.TextInput):
    """An amount: text with the decimal keyboard, because `type=number` ignores the reader's separators. `currency` stands before it."""

    def __init__(self, attrs: dict[str, Any] | None = None, *, currency: str = "") -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", "maxlength": "24", **(attrs or {})})
        self.currency = currency

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        final = self.build_attrs(self.attrs, attrs)
        final["class"] = f"{final.get('class', 'form-control')} num"
        text = self.format_value(value)
        box = format_html("<input{}>", flatatt({**final, "type": "text", "name": name, "value": "" if text is None else text}))
        if not self.currency:
            return box
        return format_html('<div class="input-group"><span class="input-group-text">{}</span>{}</div>', self.currency, box)


class DateInput(forms.DateInput):
    """The browser's date field; its value is always ISO, whatever the reader's language."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")

    def format_value(self, value: Any) -> str | None:
        return value.isoformat()[:10] if isinstance(value, date) else (value or None)


class DateTimeInput(forms.DateTimeInput):
    """The browser's date and time field, in the reader's zone."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")

    def format_value(self, value: Any) -> str | None:
        return value.strftime("%Y-%m-%dT%H:%M") if hasattr(value, "strftime") else (value or None)


class TimeInput(forms.TimeInput):
    """The browser's time field."""

    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%H:%M")

    def format_value(self, value: Any) -> str | None:
        return value.strftime("%H:%M") if hasattr(value, "strftime") else (value or None)


class PhoneInput(forms.TextInput):
    """A phone number with the phone keyboard."""

    input_type = "tel"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "off", "maxlength": "40", **(attrs or {})})


class TagWidget(forms.TextInput):
    """Names separated by commas. `suggestions` become a datalist; `crm.js` completes the last name only."""

    def __init__(self, attrs: dict[str, Any] | None = None, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__({"autocomplete": "off", "maxlength": "1000", **(attrs or {})})
        self.suggestions = suggestions

    def format_value(self, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return ", ".join(str(item) for item in value)

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        final = self.build_attrs(self.attrs, attrs)
        final.setdefault("id", f"id_{name}")
        final["class"] = final.get("class") or "form-control"
        list_id = f"{final['id']}_list"
        final |= {"type": "text", "name": name, "value": self.format_value(value) or "", "list": list_id, "data-tags": True}
        options = format_html_join("", '<option value="{}"></option>', ((item,) for item in self.suggestions))
        return format_html('<input{}><datalist id="{}">{}</datalist>', flatatt(final), list_id, options)


# ---- widgets without a template per option ----


def widget_html(widget: forms.Widget, name: str, value: Any, attrs: dict[str, Any]) -> SafeString | None:
    """What Django's own template of the widget renders, built directly; None for a widget that has html of its own.

    A list shows a dozen filters, one of them with 250 countries: through the form renderer that took three quarters of the page's time.
    """
    if type(widget).render is not forms.Widget.render:
        return None  # it builds its html itself
    if isinstance(widget, forms.Select) and widget.template_name == "django/forms/widgets/select.html":
        return _select(widget, name, value, attrs)
    if isinstance(widget, forms.widgets.Input) and widget.template_name in _INPUTS:
        return _input(widget.get_context(name, value, attrs)["widget"])
    return None


_INPUTS = frozenset(
    f"django/forms/widgets/{name}.html"
    for name in ("text", "number", "email", "url", "tel", "search", "date", "datetime", "time", "checkbox", "hidden", "input")
)


class LongSelect(forms.Select):
    """A select of hundreds of choices, built directly."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        return _select(self, name, value, attrs or {})


def _select(widget: forms.Select, name: str, value: Any, attrs: dict[str, Any]) -> SafeString:
    chosen = {str(each) for each in widget.format_value(value)}
    final = widget.build_attrs(widget.attrs, attrs)
    if widget.allow_multiple_selected:
        final["multiple"] = True
    parts = [f'<select name="{cells.escape(name)}"{flatatt(final)}>\n']
    for key, label in widget.choices:
        if isinstance(label, (list, tuple)):
            parts.append(f'<optgroup label="{cells.escape(str(key))}">\n')
            parts += [_option(each, text, chosen) for each, text in label]
            parts.append("</optgroup>\n")
        else:
            parts.append(_option(key, label, chosen))
    parts.append("</select>")
    return SafeString("".join(parts))


def _option(key: Any, label: Any, chosen: set[str]) -> str:
    text = "" if key is None else str(key)
    return f'<option value="{cells.escape(text)}"{" selected" if text in chosen else ""}>{cells.escape(str(label))}</option>\n'


def _input(context: dict[str, Any]) -> SafeString:
    value = "" if context["value"] is None else f' value="{cells.escape(str(context["value"]))}"'
    return SafeString(f'<input type="{context["type"]}" name="{cells.escape(context["name"])}"{value}{flatatt(context["attrs"])}>')
