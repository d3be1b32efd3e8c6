"""Addresses below /deals/; those of the pipelines' settings are in setup.py."""

from django.urls import path

from crm.core.views import record_urls
from deals.views import BoardView, LostView, MoveView

app_name = "deals"
urlpatterns = [
    path("board/", BoardView.as_view(), name="board"),
    *record_urls("deals"),
    path("<int:pk>/move/", MoveView.as_view(slug="deals"), name="move"),
    path("<int:pk>/lost/", LostView.as_view(slug="deals"), name="lost"),
]
