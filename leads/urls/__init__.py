"""Addresses of leads: `path("leads/", include("leads.urls"))`; see also `leads.urls.public` and `leads.urls.settings`."""

from django.urls import path

from crm.core.views import record_urls
from leads.views.leads import ConvertView, LeadConsentView, MatchesView, StatusView, UnconvertView

app_name = "leads"
urlpatterns = [
    *record_urls("leads"),
    path("<int:pk>/status/", StatusView.as_view(), name="status"),
    path("<int:pk>/consent/", LeadConsentView.as_view(), name="consent"),
    path("<int:pk>/matches/", MatchesView.as_view(), name="matches"),
    path("<int:pk>/convert/", ConvertView.as_view(), name="convert"),
    path("<int:pk>/convert/undo/", UnconvertView.as_view(), name="unconvert"),
]
