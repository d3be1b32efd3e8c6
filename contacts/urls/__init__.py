"""Addresses below /contacts/; those below /companies/ are in companies.py."""

from django.urls import path

from contacts.views import ConsentView
from crm.core.views import record_urls

app_name = "contacts"
urlpatterns = [*record_urls("contacts"), path("<int:pk>/consent/", ConsentView.as_view(), name="consent")]
