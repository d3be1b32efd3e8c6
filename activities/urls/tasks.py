"""/tasks/"""

from django.urls import path

from activities.views import work
from crm.core.views import record_urls

app_name = "tasks"
urlpatterns = [
    *record_urls("tasks"),
    path("<int:pk>/complete/", work.CompleteView.as_view(), name="complete"),
    path("<int:pk>/reopen/", work.ReopenView.as_view(), name="reopen"),
    path("<int:pk>/snooze/", work.SnoozeView.as_view(), name="snooze"),
    path("<int:pk>/repeat/", work.RepeatView.as_view(), name="repeat"),
    path("<int:pk>/skip/", work.SkipView.as_view(), name="skip"),
    path("<int:pk>/items/", work.ItemsView.as_view(), name="items"),
    path("<int:pk>/items/<int:item>/", work.ItemView.as_view(), name="item"),
]
