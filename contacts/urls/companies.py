"""Addresses below /companies/."""

from crm.core.views import record_urls

app_name = "companies"
urlpatterns = record_urls("companies")
