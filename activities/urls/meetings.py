"""/meetings/"""

from activities.views.meetings import MeetingCreateView, MeetingDeleteView
from crm.core.views import record_urls

app_name = "meetings"
urlpatterns = record_urls("meetings", new=MeetingCreateView, delete=MeetingDeleteView)
