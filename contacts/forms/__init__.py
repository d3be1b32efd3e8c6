"""Forms of companies, people and consent."""

from contacts.forms.addresses import AddressesField
from contacts.forms.records import CompanyForm, ConsentForm, ContactForm

__all__ = ["AddressesField", "CompanyForm", "ConsentForm", "ContactForm"]
