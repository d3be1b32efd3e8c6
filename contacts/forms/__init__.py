"""Forms of companies, people and consent."""

from contacts.forms.addresses import AddressesField
from contacts.forms.records import CompanyForm, ConsentForm, ContactForm
from contacts.forms.ties import LeaveForm, PersonRoleForm, RelationshipForm, RelationshipTypeForm, RoleForm

__all__ = [
    "AddressesField",
    "CompanyForm",
    "ConsentForm",
    "ContactForm",
    "LeaveForm",
    "PersonRoleForm",
    "RelationshipForm",
    "RelationshipTypeForm",
    "RoleForm",
]
