"""Settings of pipelines that the generic settings pages do not cover."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views import View

from deals.forms import StageRemovalForm
from deals.models import Pipeline, Stage
from deals.services import archive_pipeline, delete_stage, is_used, reopen_pipeline

STAGES_URL, PIPELINES_URL = "/settings/stages/", "/settings/pipelines/"


class AdminView(View):
    """403 for everybody but admins, whatever the method."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_admin:  # type: ignore[union-attr]
            raise PermissionDenied(_("Only administrators may open the settings."))
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]


class StageRemovalView(AdminView):
    """Deletes a stage; asks first where its deals go."""

    def find(self, request: HttpRequest, pk: int) -> Stage:
        return get_object_or_404(Stage.objects.visible_to(request.user, "change").select_related("pipeline"), pk=pk)

    def page(self, request: HttpRequest, stage: Stage, form: StageRemovalForm, status: int = 200) -> HttpResponse:
        used = is_used(stage)
        context = {
            "title": _("Delete the stage %(name)s?") % {"name": stage.name},
            "consequences": [_("Deals are or were in this stage. Choose the stage that takes them over.")] if used else [],
            "form": form if used else None,
            "error": "" if used else " ".join(text for texts in form.errors.values() for text in texts),
            "cancel_url": STAGES_URL,
            "back_label": _("Stages"),
            "back_url": STAGES_URL,
        }
        return render(request, "settings/confirm.html", context, status=status)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        stage = self.find(request, pk)
        return self.page(request, stage, StageRemovalForm(user=request.user, stage=stage))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        stage = self.find(request, pk)
        form = StageRemovalForm(request.POST, user=request.user, stage=stage)
        if not form.is_valid():
            return self.page(request, stage, form, 422)
        try:
            delete_stage(stage, actor=request.user, **form.cleaned_data)
        except ValidationError as error:
            for name, texts in (error.message_dict if hasattr(error, "error_dict") else {"": error.messages}).items():
                form.add_error(name if name in form.fields else None, texts)
            return self.page(request, stage, form, 422)
        messages.success(request, _("Deleted %(name)s.") % {"name": stage.name})
        return redirect(STAGES_URL)


class PipelineArchiveView(AdminView):
    """Archives a pipeline, or brings an archived one back."""

    def page(self, request: HttpRequest, pipeline: Pipeline, error: str = "") -> HttpResponse:
        archived = pipeline.archived_at is not None
        title = _("Offer the pipeline %(name)s again?") if archived else _("Archive the pipeline %(name)s?")
        context = {
            "title": title % {"name": pipeline.name},
            "consequences": [] if archived else [_("No new deals can be added to it. Its deals stay and can still be worked and closed.")],
            "error": error,
            "submit_label": _("Offer again") if archived else _("Archive"),
            "submit_icon": "archive-off" if archived else "archive",
            "cancel_url": PIPELINES_URL,
            "back_label": _("Pipelines"),
            "back_url": PIPELINES_URL,
        }
        return render(request, "settings/confirm.html", context, status=422 if error else 200)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(request, find_pipeline(request, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        pipeline = find_pipeline(request, pk)
        change = archive_pipeline if pipeline.archived_at is None else reopen_pipeline
        try:
            change(pipeline, actor=request.user)
        except ValidationError as error:
            return self.page(request, pipeline, " ".join(error.messages))
        messages.success(request, _("Saved %(name)s.") % {"name": pipeline.name})
        return redirect(PIPELINES_URL)


def find_pipeline(request: HttpRequest, pk: int) -> Pipeline:
    return get_object_or_404(Pipeline.objects.visible_to(request.user, "change"), pk=pk)
