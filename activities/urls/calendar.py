"""/calendar/"""

from django.urls import path, register_converter

from activities.views import calendar, feeds


class KindConverter:
    """What can be moved on the calendar."""

    regex = "task|meeting"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KindConverter, "entry")
calendar_urls = [
    path("", calendar.CalendarView.as_view(), name="page"),
    path("move/<entry:kind>/<int:pk>/", calendar.MoveView.as_view(), name="move"),
    path("feed/", feeds.FeedView.as_view(), name="feed_page"),
    path("feed/<str:secret>.ics", feeds.feed, name="feed"),
    path("import/", feeds.ImportFileView.as_view(), name="import"),
    path("import/<int:pk>/", feeds.ImportPreviewView.as_view(), name="import_preview"),
]
