"""Set-up, invitation, profile and the settings about people."""

from django.urls import path

from users.views import account, organisation, people

urlpatterns = [
    path("setup/", account.set_up, name="setup"),
    path("invitation/<str:token>/", account.invitation, name="invitation"),
    path("profile/", account.profile, name="profile"),
    path("profile/theme/", account.theme, name="profile-theme"),
    path("users/<int:pk>/photo/", account.photo, name="user-photo"),
    path("organisation/logo/", account.logo, name="logo"),
    path("settings/", people.hub, name="settings-hub"),
    path("settings/users/", people.user_list, name="settings-users"),
    path("settings/users/invite/", people.invite, name="settings-user-invite"),
    path("settings/users/<int:pk>/edit/", people.user_edit, name="settings-user-edit"),
    path("settings/users/<int:pk>/deactivate/", people.user_deactivate, name="settings-user-deactivate"),
    path("settings/users/<int:pk>/view-as/", people.user_view_as, name="settings-user-view-as"),
    path("view-as/stop/", people.view_as_stop, name="view-as-stop"),
    path("settings/users/<int:pk>/reactivate/", people.user_reactivate, name="settings-user-reactivate"),
    path("settings/users/<int:pk>/end-sessions/", people.user_end_sessions, name="settings-user-end-sessions"),
    path("settings/users/invitations/<int:pk>/resend/", people.invitation_resend, name="settings-invitation-resend"),
    path("settings/users/invitations/<int:pk>/withdraw/", people.invitation_withdraw, name="settings-invitation-withdraw"),
    path("settings/organisation/", organisation.organisation, name="settings-organisation"),
    path("settings/organisation/holidays/add/", organisation.holiday_add, name="settings-holiday-add"),
    path("settings/organisation/holidays/<int:pk>/remove/", organisation.holiday_remove, name="settings-holiday-remove"),
    path("settings/teams/", organisation.team_list, name="settings-teams"),
    path("settings/teams/new/", organisation.team_new, name="settings-team-new"),
    path("settings/teams/<int:pk>/edit/", organisation.team_edit, name="settings-team-edit"),
    path("settings/teams/<int:pk>/delete/", organisation.team_delete, name="settings-team-delete"),
    path("settings/roles/", organisation.role_list, name="settings-roles"),
    path("settings/roles/new/", organisation.role_new, name="settings-role-new"),
    path("settings/roles/<int:pk>/edit/", organisation.role_edit, name="settings-role-edit"),
    path("settings/roles/<int:pk>/delete/", organisation.role_delete, name="settings-role-delete"),
]
