"""/meetings/"""

from django.urls import path

from activities.views.free import FreeView
from activities.views.meetings import MeetingCreateView, MeetingDeleteView
from crm.core.views import record_urls

app_name = "meetings"
urlpatterns = [
    *record_urls("meetings", new=MeetingCreateView, delete=MeetingDeleteView),
    path("free/", FreeView.as_view(), name="free"),
    path("<int:pk>/free/", FreeView.as_view(), name="free_for"),
]
