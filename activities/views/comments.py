"""Comments on lines of the timeline, and lines pinned on top."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from activities import forms, panels, selectors, services
from activities.models import Activity, Comment, Mentioned, Task
from activities.selectors.wording import word
from activities.views.entries import put_errors
from crm.core.access import may_add
from crm.core.idempotency import run_once
from crm.core.lists import row_context
from crm.core.views import safe_next


class OnLineView(View):
    """Base: 404 for lines that are not visible; whoever may not make entries may read, and gets 403 for anything else."""

    line: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        pk = kwargs["pk"]
        self.line = Activity.objects.visible_to(request.user).filter(pk=pk).select_related("actor").first() if pk <= 2**63 - 1 else None
        if self.line is None:
            raise Http404
        self.may_write = may_add(request.user, Task)
        if request.method == "POST" and not self.may_write:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def back(self) -> str:
        return f"{self.line.subject.get_absolute_url()}#timeline"


class CommentsView(OnLineView):
    """A line with its comments and the form for one more: a page, or with htmx what stands below the line. POST adds one; 422 keeps what was typed."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(forms.CommentForm(user=request.user) if self.may_write else None)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = forms.CommentForm(request.POST, user=request.user)
        if not form.is_valid():
            return self.page(form, 422)
        try:
            _url, fresh = run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self.add(form.cleaned_data["body"]))
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, 422)
        text = _("Comment added.") if fresh else _("This was saved already.")
        if not request.htmx:  # type: ignore[attr-defined]
            messages.success(request, text)
            return redirect(safe_next(request, request.path))
        response = self.page(None)
        response["HX-Trigger"] = json.dumps({"toast": {"message": text}})
        return response

    def add(self, body: str) -> str:
        services.add_comment(self.line, body=body, actor=self.request.user)
        return self.request.path

    def page(self, form: forms.CommentForm | None, status: int = 200) -> HttpResponse:
        part = bool(self.request.htmx)  # type: ignore[attr-defined]
        ctx, line = row_context(self.request.user), self.line
        comments = selectors.comments_of([line], **({} if part else {"newest": services.MOST_COMMENTS}))
        maker = panels.LineMaker(self.request, ctx, comments)
        if form is not None:
            form.auto_id = f"comment{line.pk}_%s"  # several may be open at once
            form.fields["body"].widget.attrs["data-mentions"] = json.dumps(selectors.may_be_mentioned(line.subject))
        back_to = "/" if "/" in (self.request.GET.get("next"), self.request.POST.get("next")) else ""  # who answers from Today goes on there
        context = {"form": form, "line": line, "back": self.back(), "next": back_to, "talk": maker.talk(line.pk), "told": maker.told(word(line, ctx))}
        return render(self.request, f"activities/comments.html{'#talk' if part else ''}", context, status=status)


class PinView(OnLineView):
    """POST `pinned=1|0`: the line on top of its record, or not."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        wanted = request.POST.get("pinned")
        if wanted not in ("0", "1"):
            return render(request, "400.html", {"message": _("Say whether to pin the entry or not.")}, status=422)
        try:
            services.pin_line(self.line, pinned=wanted == "1", actor=request.user)
        except ValidationError as error:
            messages.warning(request, " ".join(error.messages))
        return redirect(self.back())


class CommentDeleteView(View):
    """POST: the author takes a comment back. 404 for comments that are not visible, 403 for others'."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        comment = Comment.objects.visible_to(request.user).filter(pk=pk).first() if pk <= 2**63 - 1 else None
        if comment is None:
            raise Http404
        if comment.author_id != request.user.pk:
            raise PermissionDenied
        services.delete_comment(comment, actor=request.user)
        messages.success(request, _("The comment is deleted."), extra_tags=f"undo:/activities/comments/{pk}/restore/")
        return redirect(safe_next(request, f"/activities/{comment.line_id}/comments/"))


class CommentRestoreView(View):
    """Undo: the author takes a deleted comment back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        comment = services.restore_comment(pk, actor=request.user) if pk <= 2**63 - 1 else None
        if comment is None:
            raise Http404
        messages.success(request, _("The comment is back."))
        return redirect(safe_next(request, f"/activities/{comment.line_id}/comments/"))


class MentionView(View):
    """Base: POST about a mention of the reader's own; 404 for all others."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = Mentioned.objects.visible_to(request.user).filter(pk=pk) if pk <= 2**63 - 1 else None
        if not found:
            raise Http404
        self.act(found)
        return redirect(safe_next(request, "/"))

    def act(self, found: Any) -> None:
        raise NotImplementedError


class MentionDoneView(MentionView):
    def act(self, found: Any) -> None:
        services.settle_mentions(found, actor=self.request.user)
        messages.success(self.request, _("Done, without an answer."), extra_tags=f"undo:/activities/mentions/{found[0].pk}/reopen/")


class MentionReopenView(MentionView):
    def act(self, found: Any) -> None:
        services.reopen_mention(found[0], actor=self.request.user)
        messages.success(self.request, _("It waits for you again."))
