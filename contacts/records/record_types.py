"""Companies and people as record types."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.utils.html import format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from contacts import imports, panels, selectors
from contacts.filters import CompanyFilterSet, ContactFilterSet
from contacts.forms import CompanyForm, ContactForm
from contacts.models import Company, Consent, Contact
from contacts.services import (
    change_companies,
    change_contacts,
    country_name,
    create_company,
    create_contact,
    delete_companies,
    delete_contacts,
    language_name,
    update_company,
    update_contact,
)
from crm.core import cells, dialing
from crm.core.access import reaches
from crm.core.bulk.actions import EXPORT, assign_action, delete_action, fields_action, tag_action
from crm.core.columns import TAGS, created_html, text_column, yearly_column, yearly_html
from crm.core.names import split_name
from crm.core.records import Action, Column, Fact, RecordType, Section, View
from crm.core.steps import step_cell, step_html

WIDE = "d-none d-lg-table-cell"
WIDER = "d-none d-xl-table-cell"
WIDEST = "d-none d-xxl-table-cell"
LIFECYCLES = {"prospect": "blue", "customer": "green", "former": "grey", "partner": "violet", "other": "grey"}


# ---- shared ----


def link(obj: Any) -> SafeString | str:
    return format_html('<a href="{}">{}</a>', obj.get_absolute_url(), str(obj)) if obj else ""


def owner_html(obj: Any, ctx: Any) -> SafeString:
    owner = ctx.linked(obj, "owner")
    return cells.person(owner.name, owner.pk) if owner else format_html('<span class="t3">{}</span>', gettext("Unassigned"))


def tags_html(obj: Any, ctx: Any) -> SafeString | str:
    return cells.tags_html(obj.tags.all())


def address_html(obj: Any, ctx: Any) -> SafeString | str:
    town = f"{obj.postal_code} {obj.city}".strip()
    lines = [line for line in (obj.street, town, obj.region, country_name(obj.country) if obj.country else "") if line]
    return format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines))


def text_html(value: str) -> SafeString | str:
    return format_html('<div class="prose">{}</div>', SafeString(linebreaks(value, autoescape=True))) if value else ""


def own_strip(obj: Any, ctx: Any) -> list[tuple[Any, Any]]:
    """What the record itself knows for the summary strip; the timeline and deals add theirs in crm.wiring."""
    return [(_("Next step"), step_html(obj, ctx)), (_("Owner"), owner_html(obj, ctx))]


def tag_badges(obj: Any, ctx: Any) -> list[Any]:
    return [cells.tag(tag.name, tag.color) for tag in obj.tags.all()]


COMMON_COLUMNS = (
    Column(name="next", label=_("Next step"), cell=step_cell, export=lambda obj, ctx: obj.next_step_at, sort="next_step_at", css="c-last"),
    Column(
        name="owner",
        label=_("Owner"),
        cell=lambda obj, ctx: cells.person_cell(ctx.linked(obj, "owner"), WIDE),
        export=lambda obj, ctx: str(ctx.linked(obj, "owner") or ""),
        css=WIDE,
        links=("owner",),
        edit=("owner",),
    ),
    Column(
        name="active",
        label=_("Last activity"),
        cell=lambda obj, ctx: cells.datetime_cell(obj.last_activity_at, ctx, WIDEST, empty=gettext_noop("Never")),
        export=lambda obj, ctx: obj.last_activity_at,
        sort="last_activity_at",
        css=WIDEST,
    ),
    Column(
        name="created",
        label=_("Created"),
        cell=lambda obj, ctx: cells.datetime_cell(obj.created_at, ctx, WIDE),
        export=lambda obj, ctx: obj.created_at,
        sort="created_at",
        css=WIDE,
        shown=False,
    ),
    TAGS,
)
COMMON_VIEWS = (
    View("all", _("All")),
    View("mine", _("Mine"), (("owner", "me"),)),
    View("unassigned", _("Unassigned"), (("owner", "none"),)),
    View("new", _("New this week"), (("created", "7d"),)),
    View("no_step", _("No next step"), (("next", "none"),)),
)


def email_cell(obj: Any, ctx: Any) -> SafeString:
    """A long address would push the next step out of the window: it is cut, whole on hover."""
    if len(obj.email) <= 28:
        return cells.email_cell(obj.email, WIDE)
    whole = cells.escape(obj.email)
    return cells.td(f'<a href="mailto:{whole}" title="{whole}">{cells.escape(obj.email[:27])}…</a>', WIDE)


# ---- companies ----


def company_actions(obj: Company, ctx: Any) -> list[Action]:
    """The button that opens the telephone; the one that writes a mail comes from crm.wiring."""
    return [dialing.call_action(obj.phone)] if obj.phone else []


def domain_html(obj: Company, ctx: Any) -> SafeString | str:
    return format_html('<a href="https://{}" rel="noopener noreferrer">{}</a>', obj.domain, obj.domain) if obj.domain else ""


def contact_addresses(user: Any, contact: Contact) -> list[tuple[str, str]]:
    """All of a person's addresses, the primary first."""
    return [(each.address, str(contact)) for each in contact.emails.all()]


def company_addresses(user: Any, company: Company) -> list[tuple[str, str]]:
    return [(company.email, str(company))] if company.email else []


COMPANY = RecordType(
    slug="companies",
    model=Company,
    icon="building",
    label=_("Company"),
    label_plural=_("Companies"),
    label_new=_("New company"),
    quick=lambda name: {"name": name},
    square=True,
    form=CompanyForm,
    filterset=CompanyFilterSet,
    create=create_company,
    update=update_company,
    delete=delete_companies,
    importing=imports.COMPANY,
    search_placeholder=_("Name, domain, city, phone"),
    columns=(
        Column(
            name="name",
            label=_("Company"),
            cell=lambda obj, ctx: cells.link_cell(ctx.url_of(obj), obj.name, obj.domain or obj.city, obj.pk, square=True),
            export=lambda obj, ctx: obj.name,
            sort="sort_name",
            edit=("name",),
        ),
        text_column("domain", _("Website"), shown=False),
        text_column("industry", _("Industry"), sort="industry"),
        text_column("city", _("City"), sort="city"),
        Column(
            name="phone",
            label=_("Phone"),
            cell=lambda obj, ctx: cells.phone_cell(obj.phone, WIDER),
            export=lambda obj, ctx: obj.phone,
            css=WIDER,
        ),
        *COMMON_COLUMNS,
    ),
    views=COMMON_VIEWS,
    bulk_actions=(
        assign_action(Company),
        fields_action(CompanyForm, ("industry", "employees", "city", "region", "country"), change_companies),
        tag_action(Company),
        EXPORT,
        delete_action(Company, delete_companies),
    ),
    hit=lambda obj: ", ".join(part for part in (obj.domain, obj.city) if part),
    hit_columns=("domain", "city"),
    subtitle=lambda obj, ctx: format_html("{}", ", ".join(part for part in (obj.industry, obj.city) if part)),
    badges=tag_badges,
    actions=company_actions,
    strip=own_strip,
    mail_to=company_addresses,
    duplicates=lambda user, values: selectors.look_alikes(user, Company, values),
    duplicate=lambda obj: {"domain": None, "email": None, "phone": None},
    consequences=lambda obj: [gettext("Its people and deals stay; they show no company until you restore it.")],
    panels=(panels.PEOPLE, panels.SUBSIDIARIES),
    sections=(
        Section(
            _("Company"),
            (
                Fact(_("Website"), domain_html, "domain"),
                Fact(_("E-mail"), lambda obj, ctx: cells.email_link(obj.email) if obj.email else "", "email"),
                Fact(_("Phone"), lambda obj, ctx: cells.phone_link(obj.phone) if obj.phone else "", "phone"),
                Fact(_("Industry"), lambda obj, ctx: format_html("{}", obj.industry), "industry"),
                Fact(_("Employees"), lambda obj, ctx: cells.format_number(obj.employees, ctx.locale) if obj.employees is not None else "", "employees"),
                Fact(_("Parent company"), lambda obj, ctx: link(ctx.linked(obj, "parent")), "parent"),
                Fact(_("Owner"), owner_html, "owner"),
                Fact(_("Tags"), tags_html, "tags"),
            ),
        ),
        Section(_("Address"), (Fact(_("Address"), address_html, "street", ("street", "postal_code", "city", "region", "country")),)),
        Section(
            _("About"),
            (
                Fact(_("Description"), lambda obj, ctx: text_html(obj.description), "description"),
                Fact(_("Created"), created_html),
                Fact(_("Last changed"), lambda obj, ctx: cells.time_html(obj.updated_at, ctx)),
            ),
        ),
    ),
)


# ---- people ----


def contact_subtitle(obj: Contact, ctx: Any) -> SafeString | str:
    """Role and company, and what time it is there."""
    company, clock = link(ctx.linked(obj, "company")), cells.clock_there(ctx, zone=obj.time_zone, phone=obj.phone, place=obj.city)
    role = format_html(gettext("{title} at {company}"), title=obj.job_title, company=company) if obj.job_title and company else company or obj.job_title
    return format_html_join(SafeString(' <span class="t3">·</span> '), "{}", ((part,) for part in (role, clock) if part))


def contact_badges(obj: Contact, ctx: Any) -> list[Any]:
    """Where the person stands, what they do not want, and their tags."""
    consents = selectors.current_consents(obj)
    refused = panels.refusals(channel for channel, said in consents.items() if not said.given)
    return [cells.badge(str(obj.get_lifecycle_display()), LIFECYCLES.get(obj.lifecycle, "grey")), *refused, *tag_badges(obj, ctx)]


def contact_actions(obj: Contact, ctx: Any) -> list[Action]:
    label, said = _("Record consent") if ctx.can("change", obj) else _("Consent log"), selectors.current_consents(obj).get("phone")
    call = [dialing.call_action(obj.phone, wanted=said is None or said.given)] if obj.phone else []
    card = [Action(_("vCard"), "download", f"{obj.get_absolute_url()}vcard/", menu=True)] if reaches(ctx.user, "export", obj) else []
    return [*call, Action(label, "shield-check", f"{obj.get_absolute_url()}consent/", menu=True), *card]


def emails_html(obj: Contact, ctx: Any) -> SafeString | str:
    rows = selectors.reach_of(obj)[0]
    return format_html_join(SafeString("<br>"), "{}{}", ((cells.email_link(row.address), _kind(row, rows)) for row in rows))


def phones_html(obj: Contact, ctx: Any) -> SafeString | str:
    rows = selectors.reach_of(obj)[1]
    return format_html_join(SafeString("<br>"), "{}{}", ((cells.phone_link(row.number), _kind(row, rows)) for row in rows))


def _kind(row: Any, rows: list[Any]) -> SafeString | str:
    return format_html(' <span class="t3">{}</span>', row.get_kind_display()) if len(rows) > 1 else ""


def consent_html(channel: str, obj: Contact, ctx: Any) -> SafeString:
    consent = selectors.current_consents(obj).get(channel)
    return panels.consent_badge(consent.given, consent.at, ctx) if consent is not None else panels.consent_badge(None, None, ctx)


CONTACT = RecordType(
    slug="contacts",
    model=Contact,
    icon="users",
    label=_("Contact"),
    label_plural=_("Contacts"),
    label_new=_("New contact"),
    quick=lambda name: dict(zip(("first_name", "last_name"), split_name(name), strict=True)),
    form=ContactForm,
    filterset=ContactFilterSet,
    create=create_contact,
    update=update_contact,
    delete=delete_contacts,
    importing=imports.CONTACT,
    search_placeholder=_("Name, company, e-mail, phone"),
    search_links=("company",),
    columns=(
        Column(
            name="name",
            label=_("Name"),
            cell=lambda obj, ctx: cells.link_cell(ctx.url_of(obj), str(obj), str(ctx.linked(obj, "company") or "") or obj.job_title, obj.pk),
            export=lambda obj, ctx: str(obj),
            sort="sort_name",
            links=("company",),
            edit=("first_name", "last_name"),
        ),
        Column(
            name="company",
            label=_("Company"),
            cell=lambda obj, ctx: (
                cells.ref_cell(ctx.url_of(company), str(company), WIDE) if (company := ctx.linked(obj, "company")) else cells.td(cells.DASH, WIDE)
            ),
            export=lambda obj, ctx: str(ctx.linked(obj, "company") or ""),
            css=WIDE,
            links=("company",),
            edit=("company",),
        ),
        text_column("title", _("Job title"), field="job_title", limit=40, shown=False),
        Column(name="email", label=_("E-mail"), cell=email_cell, export=lambda obj, ctx: obj.email, sort="email", css=WIDE),
        Column(name="phone", label=_("Phone"), cell=lambda obj, ctx: cells.phone_cell(obj.phone, WIDER), export=lambda obj, ctx: obj.phone, css=WIDER),
        text_column("city", _("City"), sort="city", shown=False),
        Column(
            name="lifecycle",
            label=_("Lifecycle"),
            cell=lambda obj, ctx: cells.badge_cell(cells.choice_label(obj, "lifecycle"), LIFECYCLES.get(obj.lifecycle, "grey"), WIDE),
            export=lambda obj, ctx: cells.choice_label(obj, "lifecycle"),
            sort="lifecycle",
            css=WIDE,
            shown=False,
            edit=("lifecycle",),
        ),
        yearly_column("birthday", _("Birthday")),
        *COMMON_COLUMNS,
    ),
    views=COMMON_VIEWS,
    bulk_actions=(
        assign_action(Contact),
        fields_action(ContactForm, ("lifecycle", "company", "job_title", "city", "region", "country", "language", "time_zone"), change_contacts),
        tag_action(Contact),
        EXPORT,
        delete_action(Contact, delete_contacts),
    ),
    hit=lambda obj: ", ".join(part for part in (obj.job_title, obj.email, obj.city) if part),
    hit_columns=("job_title", "city"),
    subtitle=contact_subtitle,
    badges=contact_badges,
    actions=contact_actions,
    strip=own_strip,
    mail_to=contact_addresses,
    duplicates=lambda user, values: selectors.look_alikes(user, Contact, values),
    duplicate=lambda obj: {"email": None, "phone": None},
    consequences=lambda obj: [gettext("Deals of this person stay; they show nobody until you restore the contact.")],
    panels=(panels.COMPANIES, panels.COLLEAGUES, panels.RELATIONSHIPS),
    sections=(
        Section(
            _("Contact"),
            (
                Fact(_("E-mail"), emails_html, "email"),
                Fact(_("Phone"), phones_html, "phone"),
                Fact(_("Language"), lambda obj, ctx: format_html("{}", language_name(obj.language)) if obj.language else "", "language"),
                Fact(_("Birthday"), lambda obj, ctx: yearly_html(obj.birthday, ctx), "birthday"),
                Fact(_("Owner"), owner_html, "owner"),
                Fact(_("Tags"), tags_html, "tags"),
            ),
        ),
        Section(
            _("Company"),
            (
                Fact(_("Company"), lambda obj, ctx: link(ctx.linked(obj, "company")), "company"),
                Fact(_("Industry"), lambda obj, ctx: format_html("{}", company.industry) if (company := ctx.linked(obj, "company")) else ""),
                Fact(_("Website"), lambda obj, ctx: domain_html(company, ctx) if (company := ctx.linked(obj, "company")) else ""),
                Fact(_("Phone"), lambda obj, ctx: cells.phone_link(company.phone) if (company := ctx.linked(obj, "company")) and company.phone else ""),
            ),
        ),
        Section(_("Address"), (Fact(_("Address"), address_html, "street", ("street", "postal_code", "city", "region", "country")),)),
        Section(_("Consent"), tuple(Fact(Consent.Channel(channel).label, partial(consent_html, channel)) for channel in selectors.CONSENTS)),
        Section(
            _("About"),
            (
                Fact(_("Description"), lambda obj, ctx: text_html(obj.description), "description"),
                Fact(_("Created"), created_html),
                Fact(_("Last changed"), lambda obj, ctx: cells.time_html(obj.updated_at, ctx)),
            ),
        ),
    ),
)
