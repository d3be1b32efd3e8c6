"""The mail settings."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.core.settings_pages import SettingsForm
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


class TestMailForm(forms.Form):
    """Where the test mail goes."""

    __test__ = False  # not a test case
    address = forms.EmailField(label=_("Send a test mail to"), max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
