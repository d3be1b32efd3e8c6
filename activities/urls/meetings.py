"""/meetings/"""

from django.urls import path

from activities.views.meetings import FreeView
from crm.core.views import record_urls

app_name = "meetings"
urlpatterns = [
    *record_urls("meetings"),
    path("free/", FreeView.as_view(), name="free"),
    path("<int:pk>/free/", FreeView.as_view(), name="free_for"),
]
