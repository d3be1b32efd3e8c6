"""The public web forms: `path("f/", include("leads.urls.public"))`."""

from django.urls import path

from leads.views import public

app_name = "forms"
urlpatterns = [
    path("<slug:slug>/", public.web_form, name="form"),
    path("<slug:slug>/thanks/", public.thanks, name="thanks"),
]
