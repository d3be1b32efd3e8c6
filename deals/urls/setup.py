"""Addresses below /settings/ that the generic settings pages do not cover."""

from django.urls import path

from deals.views import PipelineArchiveView, StageRemovalView

app_name = "deals_settings"
urlpatterns = [
    path("stages/<int:pk>/remove/", StageRemovalView.as_view(), name="remove_stage"),
    path("pipelines/<int:pk>/archive/", PipelineArchiveView.as_view(), name="archive"),
]
