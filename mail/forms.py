"""The mail settings."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from crm.core.settings_pages import SettingsForm
from mail.models import MailTemplate
from mail.services.templates import known_fields
from users.models import Organisation


class SenderForm(SettingsForm):
    """From whom Rapport's mails come, and where answers go."""

    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    class Meta:
        model = Organisation
        fields = ["mail_from_name", "mail_from", "mail_reply_to"]
        help_texts = {
            "mail_from": _("Your mail server must accept it as a sender."),
            "mail_reply_to": _("Where answers go, when it is another address."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version
        self.fields["mail_from"].widget.attrs["placeholder"] = settings.DEFAULT_FROM_EMAIL
        self.fields["mail_from_name"].widget.attrs["placeholder"] = self.instance.name

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class TemplateForm(SettingsForm):
    """A mail template, with the gaps that it may have."""

    class Meta:
        model = MailTemplate
        fields = ["name", "subject", "text", "marketing"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs["rows"] = 12
        gaps = format_html_join(", ", "<code>{}</code> {}", ((f"{{{{{name}}}}}", field.label) for name, field in known_fields(self.user).items()))
        hint = _("The record fills these gaps. A text after a stroke stands in for an empty value: {{first_name|there}}.")
        self.fields["text"].help_text = format_html("{} {}", hint, gaps)


class TestMailForm(forms.Form):
    """Where the test mail goes."""

    __test__ = False  # not a test case
    address = forms.EmailField(label=_("Send a test mail to"), max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
