"""Forms of mails: one to one, and one to each of many."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Field, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from activities.forms.work import EntryForm, LocalDateTimeField
from activities.services.lines import MAX_BODY
from crm.core.bulk.actions import BulkForm
from mail.models import MailTemplate


class MailForm(EntryForm):
    """A mail to one of a record's addresses."""

    to = forms.ChoiceField(label=_("To"))
    subject = forms.CharField(label=_("Subject"), max_length=250)
    text = forms.CharField(label=_("Text"), max_length=MAX_BODY, widget=forms.Textarea({"rows": 12}))
    at = LocalDateTimeField(label=_("Send later"), required=False, help_text=_("Empty: now. You can take it back for ten seconds."))

    def __init__(self, *args: Any, addresses: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [(address, f"{name} <{address}>" if name else address) for address, name in addresses]  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it
        self.helper.layout = Layout(
            Row(Column("to", css_class="col-md-6"), Column("at", css_class="col-md-6")), Field("subject"), Field("text"), Field("idempotency_key")
        )


class MailEachForm(BulkForm):
    """The template that each of the records gets, filled with what it says of itself."""

    template: Any = forms.ModelChoiceField(
        queryset=None,
        label=_("Mail template"),
        help_text=_("Each gets a mail of its own. Records without an address, and people who withdrew their consent, are left out and listed."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].queryset = MailTemplate.objects.visible_to(self.user)
