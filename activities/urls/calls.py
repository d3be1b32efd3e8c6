"""/calls/"""

from django.urls import path

from activities.views import calls

call_urls = [
    path("", calls.CallListsView.as_view(), name="lists"),
    path("<int:pk>/", calls.CallListView.as_view(), name="list"),
]
