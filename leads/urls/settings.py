"""Settings pages of leads with views of their own: `path("settings/", include("leads.urls.settings"))`, before the declared ones."""

from django.urls import path

from leads.views import setup

app_name = "lead_settings"
urlpatterns = [
    path("forms/<int:pk>/fields/", setup.form_fields, name="form-fields"),
    path("forms/<int:pk>/preview/", setup.form_preview, name="form-preview"),
    path("forms/<int:pk>/embed/", setup.form_embed, name="form-embed"),
    path("submissions/", setup.submission_list, name="submissions"),
    path("submissions/<int:pk>/", setup.submission_page, name="submission"),
    path("submissions/<int:pk>/not-spam/", setup.submission_not_spam, name="submission-not-spam"),
    path("submissions/<int:pk>/retry/", setup.submission_retry, name="submission-retry"),
    path("submissions/<int:pk>/delete/", setup.submission_delete, name="submission-delete"),
]
