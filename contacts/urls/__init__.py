"""Addresses below /contacts/; those below /companies/ are in companies.py."""

from django.urls import path

from contacts import views
from crm.core.views import record_urls

app_name = "contacts"
urlpatterns = [
    *record_urls("contacts"),
    path("<int:pk>/consent/", views.ConsentView.as_view(), name="consent"),
    path("<int:pk>/vcard/", views.VCardView.as_view(), name="vcard"),
    path("<int:pk>/left/", views.LeaveView.as_view(), name="left"),
    path("<int:pk>/roles/new/", views.AddRoleView.as_view(), name="role_new"),
    path("<int:pk>/roles/<int:part>/edit/", views.EditRoleView.as_view(), name="role_edit"),
    path("<int:pk>/roles/<int:part>/delete/", views.RemoveRoleView.as_view(), name="role_delete"),
    path("<int:pk>/roles/<int:part>/end/", views.EndRoleView.as_view(), name="role_end"),
    path("<int:pk>/roles/<int:part>/primary/", views.PrimaryRoleView.as_view(), name="role_primary"),
    path("<int:pk>/relationships/new/", views.AddRelationshipView.as_view(), name="relationship_new"),
    path("<int:pk>/relationships/<int:part>/delete/", views.RemoveRelationshipView.as_view(), name="relationship_delete"),
]
