"""All addresses."""

from django.contrib import admin
from django.urls import include, path

from crm.core.settings_pages import settings_urls

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("users.urls")),
    path("settings/", include(settings_urls())),  # after the settings pages with views of their own
]
