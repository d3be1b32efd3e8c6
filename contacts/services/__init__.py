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
from contacts.services.ties import (
    add_employment,
    add_relationship,
    change_employment,
    create_relationship_type,
    end_employment,
    leave_company,
    make_primary,
    remove_employment,
    remove_relationship,
    update_relationship_type,
)
from contacts.services.vcard import vcard

__all__ = [
    "add_employment",
    "add_relationship",
    "change_companies",
    "change_contacts",
    "change_employment",
    "company_domain",
    "country_choices",
    "country_name",
    "create_companies",
    "create_company",
    "create_contact",
    "create_contacts",
    "create_relationship_type",
    "delete_companies",
    "delete_contacts",
    "email_key",
    "end_employment",
    "find_country",
    "language_choices",
    "language_name",
    "leave_company",
    "make_primary",
    "normal_domain",
    "normal_phone",
    "phone_key",
    "record_consent",
    "remove_employment",
    "remove_relationship",
    "update_company",
    "update_contact",
    "update_relationship_type",
    "vcard",
    "zone_names",
]
