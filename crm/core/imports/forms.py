"""The questions of an import: the file; what becomes what, and what holds for all rows."""

from __future__ import annotations

import uuid
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.fields import PickerField, TagsField
from crm.core.imports.parsers import day_first_of
from crm.core.imports.targets import Target, doubled, missing
from crm.core.models import ImportJob


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        widget=forms.ClearableFileInput({"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
        help_text=gettext_lazy("With the names of the columns in its first row, such as another CRM, Excel or your mailbox exports. Up to 200 MB."),
        error_messages={"empty": gettext_lazy("This file is empty.")},
    )
    idempotency_key = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["idempotency_key"] = uuid.uuid4()
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it


class MappingForm(forms.Form):
    """One choice per column (`c0`, `c1` …), then the options. Cleans to `mapping()` and `options()`."""

    owner = PickerField("users", label=gettext_lazy("Rows without an owner belong to"), required=False, help_text=gettext_lazy("Empty: nobody."))
    tags = TagsField()
    same = forms.ChoiceField(
        label=gettext_lazy("Rows that are probably there already"),
        choices=[("skip", gettext_lazy("Leave them out")), ("import", gettext_lazy("Import them all the same"))],
    )
    dates = forms.ChoiceField(
        label=gettext_lazy("Dates such as 03/04/2026 begin with"),
        choices=[("day", gettext_lazy("the day (3 April)")), ("month", gettext_lazy("the month (4 March)"))],
    )

    def __init__(self, data: Any = None, *, job: ImportJob, targets: dict[str, Target], user: Any) -> None:
        self.job, self.targets = job, targets
        super().__init__(data)
        choices = [("", _("Leave out")), *((key, target.label) for key, target in targets.items())]
        for position, heading in enumerate(job.headings):
            label = _("What becomes of “%(heading)s”") % {"heading": heading or position + 1}
            self.fields[f"c{position}"] = forms.ChoiceField(
                label=label, choices=choices, required=False, widget=forms.Select({"class": "form-select", "aria-label": label})
            )
            self.initial[f"c{position}"] = job.mapping.get(str(position), "")
        self._options(user)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it
        self.helper.form_show_errors = True

    def _options(self, user: Any) -> None:
        known = self.job.options
        picker: Any = self.fields["owner"]
        picker.user = user
        self.initial["owner"] = known.get("owner", user.pk)
        self.initial["tags"] = known.get("tags", [])
        self.initial["same"] = known.get("same", "skip")
        guessed = day_first_of((cell for row in self.job.samples for cell in row), True)
        self.initial["dates"] = "day" if known.get("day_first", guessed) else "month"
        for name in ("owner", "tags"):
            if name not in self.targets:
                del self.fields[name]

    def columns(self) -> list[tuple[str, list[str], Any]]:
        """(heading, its first values, the choice) for the page."""
        rows = []
        for position, heading in enumerate(self.job.headings):
            values = [row[position] for row in self.job.samples if position < len(row) and row[position].strip()]
            rows.append((heading or _("Column %(n)s") % {"n": position + 1}, values, self[f"c{position}"]))
        return rows

    def option_fields(self) -> list[Any]:
        return [self[name] for name in ("owner", "tags", "same", "dates") if name in self.fields]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        mapping = self.mapping()
        if not mapping:
            self.add_error(None, _("Choose what at least one column becomes."))
            return cleaned
        for label in missing(self.targets, mapping):
            self.add_error(None, _("Choose the column for “%(label)s”: every record needs it.") % {"label": label})
        for label in doubled(self.targets, mapping):
            self.add_error(None, _("Several columns become “%(label)s”. Choose one of them.") % {"label": label})
        return cleaned

    def mapping(self) -> dict[str, str]:
        chosen = ((str(position), self.cleaned_data.get(f"c{position}", "")) for position in range(len(self.job.headings)))
        return {position: key for position, key in chosen if key}

    def options(self) -> dict[str, Any]:
        data = self.cleaned_data
        owner = data.get("owner")
        return {"owner": owner.pk if owner else None, "tags": data.get("tags", []), "same": data["same"], "day_first": data["dates"] == "day"}
