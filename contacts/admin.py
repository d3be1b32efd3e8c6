"""Companies and people in the Django admin: to look at, with a link to their page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from contacts.models import Company, Consent, Contact, ContactEmail, ContactPhone
from crm.core.admin import ReadOnlyAdmin


class RecordAdmin(ReadOnlyAdmin):
    """A record, with a link to where it is worked on."""

    show_full_result_count = False
    list_select_related = ("owner", "team")
    search_fields = ("search_text",)

    @admin.display(description=_("Page"))
    def page(self, obj: Any) -> SafeString | str:
        return format_html('<a href="{}">{}</a>', obj.get_absolute_url(), pgettext("verb", "Open")) if obj.deleted_at is None else gettext("In the bin")


@admin.register(Company)
class CompanyAdmin(RecordAdmin):
    list_display = ("id", "name", "domain", "city", "owner", "team", "created_at", "page")


@admin.register(Contact)
class ContactAdmin(RecordAdmin):
    list_display = ("id", "first_name", "last_name", "email", "phone", "owner", "team", "created_at", "page")


@admin.register(ContactEmail)
class ContactEmailAdmin(ReadOnlyAdmin):
    list_display = ("id", "contact", "kind", "address", "primary")
    list_select_related = ("contact",)
    search_fields = ("key",)
    show_full_result_count = False


@admin.register(ContactPhone)
class ContactPhoneAdmin(ReadOnlyAdmin):
    list_display = ("id", "contact", "kind", "number", "primary")
    list_select_related = ("contact",)
    search_fields = ("key",)
    show_full_result_count = False


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("id", "contact", "channel", "given", "source", "at", "by")
    list_select_related = ("contact", "by")
    list_filter = ("channel", "given")
    show_full_result_count = False
