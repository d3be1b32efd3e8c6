"""All writes about people, teams, roles and the organisation."""

from users.selectors import organisation
from users.services.account_mail import queue_account_mail, queue_test_mail
from users.services.deactivation import deactivate_user, end_sessions, reactivate_user
from users.services.defaults import ensure_defaults
from users.services.invitations import accept_invitation, invite_user, resend_invitation, withdraw_invitation
from users.services.organisation import add_holiday, remove_holiday, set_logo, set_up, update_mail_sender, update_organisation
from users.services.people import create_user, update_user
from users.services.profile import set_photo, set_theme, update_profile
from users.services.roles import create_role, delete_role, update_role
from users.services.teams import create_team, delete_team, recompute_team_scopes, update_team
from users.services.viewing import stop_viewing, view_as

__all__ = [
    "accept_invitation",
    "add_holiday",
    "create_role",
    "create_team",
    "create_user",
    "deactivate_user",
    "delete_role",
    "delete_team",
    "end_sessions",
    "ensure_defaults",
    "invite_user",
    "organisation",
    "queue_account_mail",
    "queue_test_mail",
    "reactivate_user",
    "recompute_team_scopes",
    "remove_holiday",
    "resend_invitation",
    "set_logo",
    "set_photo",
    "set_theme",
    "set_up",
    "stop_viewing",
    "update_mail_sender",
    "update_organisation",
    "update_profile",
    "update_role",
    "update_team",
    "update_user",
    "view_as",
    "withdraw_invitation",
]
