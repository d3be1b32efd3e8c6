"""Writing a mail about a record, looking at it, and taking it back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from activities import forms, selectors, services
from activities.models import Activity, Task
from activities.services.files import clean_name
from activities.views.entries import load_subject, put_errors
from crm.core import merge
from crm.core.access import may_add
from crm.core.idempotency import run_once
from crm.core.records import record_for
from mail.models import MailTemplate, OutgoingMail


class WriteMailView(View):
    """GET: the form, filled from a template (`?template=`) or from a mail that was taken back (`?draft=`). POST sends it. 422 keeps what was typed."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.obj = load_subject(request.user, kwargs["slug"], kwargs["pk"])
        if not may_add(request.user, Task):
            raise PermissionDenied
        self.addresses = services.addresses_of(self.obj, request.user)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        user: Any = request.user
        initial: dict[str, Any] = {"text": services.signed("", user.signature)}
        told: list[str] = []
        if draft := selectors.own_mail(user, request.GET.get("draft", "")):
            initial, told = self.taken_back(draft)
        elif (number := request.GET.get("template", "")).isdecimal() and len(number) < 19:
            template = self.templates().filter(pk=int(number)).first()
            if template is None:
                raise Http404
            try:
                initial, told = self.filled(template)
            except ValidationError as error:
                told = [_("This template does not fit: %(why)s") % {"why": " ".join(error.messages)}]
        return self.page(self.form(initial=initial), told=told)

    def templates(self) -> Any:
        """Marketing is for those who can unsubscribe."""
        rows = MailTemplate.objects.visible_to(self.request.user)
        return rows if self.obj._meta.model_name in services.PEOPLE else rows.filter(marketing=False)

    def form(self, *args: Any, **kwargs: Any) -> forms.MailForm:
        kept = selectors.files_to_send(self.request.user, self.obj)
        return forms.MailForm(*args, user=self.request.user, addresses=self.addresses, kept=kept, **kwargs)

    def filled(self, template: MailTemplate) -> tuple[dict[str, Any], list[str]]:
        """What the form begins with, and what its writer should know. ValidationError when the record does not have what the template asks for."""
        user: Any = self.request.user
        record: Any = record_for(type(self.obj))
        texts = [template.subject, template.text]
        (values,) = merge.values_of(record, [self.obj], user, merge.check(texts, merge.fields_of(record, user)))
        subject, text = (merge.filled(each, values) for each in texts)
        gaps = merge.unfilled(texts, values)
        told = [_("Nothing fills these gaps, they are left empty: %(gaps)s") % {"gaps": ", ".join(gaps)}] if gaps else []
        return {"subject": subject, "text": services.signed(text, user.signature), "template": template.pk, "marketing": template.marketing}, told

    def taken_back(self, draft: OutgoingMail) -> tuple[dict[str, Any], list[str]]:
        files = selectors.files_of_draft(draft)
        gone = [each.name for each in files if each.file_id is None]
        told = [_("Add these files again: %(names)s") % {"names": ", ".join(gone)}] if gone else []
        values = {"to": draft.to_address, "subject": draft.subject, "text": draft.text, "marketing": bool(draft.unsubscribe)}
        return {**values, "kept": [each.file_id for each in files if each.file_id]}, told

    def post(self, request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        form = self.form(request.POST, files=request.FILES)
        if not form.is_valid():
            return self.again(form)
        try:
            url, fresh = run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self.send(form))
        except ValidationError as error:
            put_errors(form, error)
            return self.again(form)
        if fresh:
            text = _("It will be sent then.") if form.cleaned_data["at"] else _("The mail leaves in ten seconds.")
            messages.success(request, text, extra_tags=f"undo:{url}take-back/")
        else:
            messages.info(request, _("This was sent already."))
        return redirect(f"{self.obj.get_absolute_url()}#timeline")

    def send(self, form: forms.MailForm) -> str:
        line = services.send_mail(self.obj, actor=self.request.user, **form.values())
        return reverse("activities:mail", args=[line.pk])

    def again(self, form: forms.MailForm) -> HttpResponse:
        """What is wrong, with all that was typed; a browser does not send files twice by itself."""
        names = [clean_name(each.name or "") for each in self.request.FILES.getlist("files")]
        told = [_("Add these files again: %(names)s") % {"names": ", ".join(names)}] if names else []
        return self.page(form, 422, told)

    def page(self, form: forms.MailForm, status: int = 200, told: list[str] | None = None) -> HttpResponse:
        context = {
            "form": form,
            "object": self.obj,
            "addresses": self.addresses,
            "templates": self.templates(),
            "chosen": self.request.GET.get("template", "") or self.request.POST.get("template", ""),
            "told": told or [],
            "marketing": form["marketing"].value() in (True, "True", "on", "1"),
            "opted_out": services.is_unwilling(self.obj),
        }
        return render(self.request, "activities/write_mail.html", context, status=status)


class MailView(View):
    """A mail as it left, or will; whoever sees its line on the timeline sees it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        line = _line(request, pk)
        waits = line.mail.state == line.mail.State.QUEUED and line.mail.attempts == 0 and line.actor_id == request.user.pk
        files = selectors.files_of_mail(line)
        openable = selectors.openable(request.user, files)
        context = {
            "line": line,
            "mail": line.mail,
            "subject": line.subject,
            "may_take_back": waits,
            "files": [(each, each.file_id in openable) for each in files],
        }
        return render(request, "activities/mail.html", context)


class TakeBackView(View):
    """POST: the writer takes a mail back while it waits, and goes on writing it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        line = _line(request, pk)
        if line.actor_id != request.user.pk:
            raise PermissionDenied
        subject: Any = line.subject
        record: Any = record_for(type(subject))
        try:
            mail = services.unsend(line, actor=request.user)
        except ValidationError as error:
            messages.warning(request, " ".join(error.messages))
            return redirect(f"{subject.get_absolute_url()}#timeline")
        messages.success(request, _("The mail is taken back. Change it, or leave it."))
        return redirect(f"{reverse('activities:write_mail', args=[record.slug, subject.pk])}?{urlencode({'draft': mail.pk})}")


def _line(request: HttpRequest, pk: int) -> Any:
    line = Activity.objects.visible_to(request.user).filter(pk=pk, kind=Activity.Kind.EMAIL).select_related("mail").first() if pk <= 2**63 - 1 else None
    if line is None or line.mail is None:
        raise Http404
    return line
