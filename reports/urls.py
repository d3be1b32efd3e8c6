from django.urls import path

from reports import views
from reports.records import REPORTS

app_name = "reports"
urlpatterns = [
    path("", views.index, {"reports": REPORTS}, name="index"),
    path("<slug:slug>/", views.report, {"reports": REPORTS}, name="report"),
    path("<slug:slug>/records/", views.records, {"reports": REPORTS}, name="records"),
]
