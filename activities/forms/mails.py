"""Forms of mails: one to one, and one to each of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Field, Layout, Row
from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from activities.forms.base import EntryForm
from activities.forms.files import FilesField
from activities.forms.work import LocalDateTimeField
from activities.models import Attachment
from activities.services import MOST_MAIL_BYTES, MOST_MAIL_FILES, PEOPLE
from activities.services.lines import MAX_BODY
from crm.core.bulk.actions import BulkForm
from mail.models import MailTemplate


class MailForm(EntryForm):
    """A mail to one of a record's addresses; `kept`: the files on the record that may go along. Which template it began with, and that this was marketing,
    comes back hidden: a template that is deleted meanwhile takes no way to unsubscribe with it."""

    to = forms.ChoiceField(label=pgettext_lazy("mail", "To"))
    subject = forms.CharField(label=_("Subject"), max_length=250)
    text = forms.CharField(label=_("Text"), max_length=MAX_BODY, widget=forms.Textarea({"rows": 12}))
    kept = forms.TypedMultipleChoiceField(label=_("Files on the record"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple)
    files = FilesField(label=_("Add files"), required=False, max_length=1000, allow_empty_file=True)
    at = LocalDateTimeField(label=_("Send later"), required=False, help_text=_("Empty: now. You can take it back for ten seconds."))
    template: Any = forms.ModelChoiceField(queryset=None, required=False, widget=forms.HiddenInput)
    marketing = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, addresses: list[tuple[str, str]], kept: Sequence[Attachment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [(address, f"{name} <{address}>" if name else address) for address, name in addresses]  # type: ignore[attr-defined]
        self.fields["kept"].choices = [(file.pk, f"{file.name} ({filesizeformat(file.size)})") for file in kept]  # type: ignore[attr-defined]
        self.fields["kept"].error_messages["invalid_choice"] = _("One of these files is not there any more. Choose again.")
        self.fields["files"].help_text = gettext("At most %(n)s files, %(mb)s MB together. What is added here is kept on the record.") % {
            "n": MOST_MAIL_FILES,
            "mb": MOST_MAIL_BYTES >> 20,
        }
        self.fields["template"].queryset = MailTemplate.objects.visible_to(self.user)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it
        self.helper.layout = Layout(
            Row(Column("to", css_class="col-md-6"), Column("at", css_class="col-md-6")),
            *(Field(name) for name in ("subject", "text", *(["kept"] if kept else []), "files", "idempotency_key", "template", "marketing")),
        )

    def clean(self) -> dict[str, Any]:
        self.errors.pop("template", None)  # deleted while the mail was written: nobody misses it
        if wrong := self.errors.pop("kept", None):  # there may be none to choose from any more
            self.add_error("files", wrong.as_data())
        return super().clean()

    def values(self) -> dict[str, Any]:
        """As `send_mail` takes them."""
        values = super().values()
        template, marketing = values.pop("template", None), values.pop("marketing")
        return {
            **{name: values[name] for name in ("to", "subject", "text", "at")},
            "files": values["kept"],
            "uploads": values["files"],
            "marketing": marketing or (template is not None and template.marketing),
        }


class MailEachForm(BulkForm):
    """The template that each of the records gets, filled with what it says of itself. `seen`: the template, and its version, of which a preview was shown."""

    template: Any = forms.ModelChoiceField(
        queryset=None,
        label=_("Mail template"),
        help_text=_("Each gets a mail of its own. Records without an address, and people who withdrew their consent, are left out and listed."),
    )
    seen = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        templates = MailTemplate.objects.visible_to(self.user)
        self.fields["template"].queryset = templates if name in PEOPLE else templates.filter(marketing=False)
        self.helper.layout = Layout(Field("template"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        template, seen = cleaned.get("template"), cleaned.get("seen", "")
        if template is not None and seen.startswith(f"{template.pk}.") and seen != mark_of(template):
            self.add_error("template", gettext("This template has been changed meanwhile. Look at the preview again."))
        return cleaned

    @property
    def settled(self) -> bool:
        """Has the sender seen what will be sent?"""
        return self.cleaned_data.get("seen") == mark_of(self.cleaned_data["template"])


def mark_of(template: MailTemplate) -> str:
    return f"{template.pk}.{template.version}"
