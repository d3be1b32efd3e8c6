"""All addresses."""

from django.contrib import admin
from django.urls import include, path

from crm.core import pick_views, views
from crm.core.bin_views import BinRestoreView, BinView
from crm.core.bulk.views import BulkJobsView, BulkJobView, BulkProblemsView, BulkUndoView
from crm.core.imports.views import ImportJobView, ImportProblemsView, ImportsView
from crm.core.recent import RecentView
from crm.core.settings_pages import settings_urls
from reports.views import team

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("search/", views.SearchView.as_view(), name="search"),
    path("search/recent/", RecentView.as_view(), name="recent"),
    path("pick/<slug:slug>/", pick_views.PickView.as_view(), name="pick"),
    path("bin/", BinView.as_view(), name="bin"),
    path("bin/<uuid:group>/restore/", BinRestoreView.as_view(), name="bin-restore"),
    path("exports/", views.ExportsView.as_view(), name="exports"),
    path("exports/<int:pk>/", views.ExportFileView.as_view(), name="export-file"),
    path("bulk/", BulkJobsView.as_view(), name="bulk-jobs"),
    path("bulk/<int:pk>/", BulkJobView.as_view(), name="bulk-job"),
    path("bulk/<int:pk>/undo/", BulkUndoView.as_view(), name="bulk-undo"),
    path("bulk/<int:pk>/problems/", BulkProblemsView.as_view(), name="bulk-problems"),
    path("imports/", ImportsView.as_view(), name="imports"),
    path("imports/<int:pk>/", ImportJobView.as_view(), name="import-job"),
    path("imports/<int:pk>/problems/", ImportProblemsView.as_view(), name="import-problems"),
    path("contacts/", include("contacts.urls")),
    path("companies/", include("contacts.urls.companies")),
    path("deals/", include("deals.urls")),
    path("settings/fields/", include("crm.core.custom.urls")),
    path("settings/", include("deals.urls.setup")),
    path("leads/", include("leads.urls")),
    path("f/", include("leads.urls.public")),
    path("settings/", include("leads.urls.settings")),
    path("reports/", include("reports.urls")),
    path("team/", team, name="team"),
    path("", include("activities.urls")),
    path("", include("mail.urls")),
    path("", include("users.urls")),
    path("settings/", include(settings_urls())),  # after the settings pages with views of their own
]
