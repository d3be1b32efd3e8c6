"""Addresses below /companies/."""

from django.urls import path

from contacts.views import AddPersonView
from crm.core.views import record_urls

app_name = "companies"
urlpatterns = [*record_urls("companies"), path("<int:pk>/people/new/", AddPersonView.as_view(), name="person_new")]
