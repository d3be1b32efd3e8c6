"""Forms of accounts and of the settings about people."""

from users.forms.account import AcceptInvitationForm, ProfileForm, SetUpForm
from users.forms.organisation import HolidayForm, OrganisationForm
from users.forms.people import DeactivationForm, InvitationForm, NewRoleForm, RoleForm, TeamForm, UserForm

__all__ = [
    "AcceptInvitationForm",
    "DeactivationForm",
    "HolidayForm",
    "InvitationForm",
    "NewRoleForm",
    "OrganisationForm",
    "ProfileForm",
    "RoleForm",
    "SetUpForm",
    "TeamForm",
    "UserForm",
]
