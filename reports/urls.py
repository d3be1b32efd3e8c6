from django.urls import path

from reports import views
from reports.records import REPORTS

app_name = "reports"
urlpatterns = [
    path("", views.index, {"reports": REPORTS}, name="index"),
    path("build/<slug:slug>/", views.build, name="build"),
    path("<slug:slug>/", views.report, {"reports": REPORTS}, name="report"),
    path("<slug:slug>/records/", views.records, {"reports": REPORTS}, name="records"),
]
