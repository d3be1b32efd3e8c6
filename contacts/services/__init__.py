"""All writes to companies and people, and the rules about their addresses."""

from contacts.services.companies import change_companies, create_companies, create_company, delete_companies, update_company
from contacts.services.consent import record_consent
from contacts.services.people import change_contacts, create_contact, create_contacts, delete_contacts, update_contact
from contacts.services.rules import (
    company_domain,
    country_choices,
    country_name,
    email_key,
    find_country,
    language_choices,
    language_name,
    normal_domain,
    normal_phone,
    phone_key,
    zone_names,
)

__all__ = [
    "change_companies",
    "change_contacts",
    "company_domain",
    "country_choices",
    "country_name",
    "create_companies",
    "create_company",
    "create_contact",
    "create_contacts",
    "delete_companies",
    "delete_contacts",
    "email_key",
    "find_country",
    "language_choices",
    "language_name",
    "normal_domain",
    "normal_phone",
    "phone_key",
    "record_consent",
    "update_company",
    "update_contact",
    "zone_names",
]
