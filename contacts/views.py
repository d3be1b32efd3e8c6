"""Pages of people and companies besides list, page, create, edit and delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import selectors, services
from contacts.forms import ConsentForm, LeaveForm, PersonRoleForm, RelationshipForm, RoleForm
from contacts.models import Employment, Relationship
from crm.core.access import can
from crm.core.parts import PartFormView, PartRemoveView
from crm.core.related import linked
from crm.core.views import RecordFormView, RecordView
from crm.core.writes import StaleRecord


class ConsentView(RecordFormView):
    """What a person allowed: the log, and for who may change the person a form to note more."""

    slug = "contacts"
    record_consent: Callable[..., Any] = staticmethod(services.record_consent)

    def log(self, person: Any) -> Iterable[Any]:
        """Rows with at, channel, given, source, text and by, newest first."""
        return selectors.consent_log(self.request.user, person)

    def page(self, person: Any, form: ConsentForm | None, status: int = 200) -> HttpResponse:
        context = {"record": self.record, "person": person, "form": form, "log": self.log(person)}
        return render(self.request, "contacts/consent.html", context, status=status)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        contact = self.load(pk)
        return self.page(contact, ConsentForm(user=request.user) if "change" in contact.may else None)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        contact = self.load(pk, "change")
        form = ConsentForm(request.POST, user=request.user)
        if not self.check(form):
            return self.page(contact, form, 422)
        given = form.cleaned_data
        try:
            self.record_consent(contact, given["channel"], given["given"] == "yes", given["source"], actor=request.user, text=given["text"])
        except ValidationError as error:
            self.fail(form, error)
            return self.page(contact, form, 422)
        messages.success(request, _("Saved."))
        return redirect(contact.get_absolute_url())


class VCardView(RecordView):
    """GET: the person as a file for an address book, for whoever may export them."""

    slug = "contacts"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        contact, user = self.load(pk), request.user
        if not can(user, "export", contact):
            raise PermissionDenied
        card = services.vcard(contact, linked(user, contact, "company"), selectors.email_rows(contact), selectors.phone_rows(contact))
        names = f"filename=\"contact-{pk}.vcf\"; filename*=UTF-8''{quote(str(contact)[:80], safe='')}.vcf"
        return HttpResponse(card, content_type="text/vcard; charset=utf-8", headers={"Content-Disposition": f"attachment; {names}"})


# ---- roles at companies ----


def _version(form: Any) -> int:
    if form.cleaned_data["version"] is None:
        raise ValidationError(_("Open the form again: it does not say which version you edited."))
    return form.cleaned_data["version"]


class AddRoleView(PartFormView):
    slug = "contacts"
    title = gettext_lazy("Add a company")
    submit = gettext_lazy("Add")

    def form(self, data: Any = None, files: Any = None) -> RoleForm:
        return RoleForm(data, user=self.request.user)

    def save(self, form: RoleForm) -> None:
        services.add_employment(self.obj, form.values(), actor=self.request.user)


class AddPersonView(PartFormView):
    """From the company's side. Who sees the company may add people whom they may change: the role is part of the person."""

    slug = "companies"
    needs = "view"
    title = gettext_lazy("Add somebody who is in Rapport")
    submit = gettext_lazy("Add")

    def form(self, data: Any = None, files: Any = None) -> PersonRoleForm:
        return PersonRoleForm(data, user=self.request.user)

    def save(self, form: PersonRoleForm) -> None:
        values = form.values()
        services.add_employment(values.pop("contact"), {**values, "company": self.obj}, actor=self.request.user)


class RoleMixin:
    """Finds the role that the address names."""

    slug = "contacts"
    request: HttpRequest
    obj: Any
    row: Employment

    def find(self, **kwargs: Any) -> None:
        row = selectors.employment_of(self.request.user, self.obj, kwargs["part"])
        if row is None:
            raise Http404
        self.row = row


class EditRoleView(RoleMixin, PartFormView):
    title = gettext_lazy("Change the role")

    def form(self, data: Any = None, files: Any = None) -> RoleForm:
        initial = {name: getattr(self.row, name) for name in ("company", "role", "started_on", "ended_on", "past", "version")}
        return RoleForm(data, user=self.request.user, initial=initial)

    def save(self, form: RoleForm) -> None:
        services.change_employment(self.row, form.values(), actor=self.request.user, version=_version(form))


class RemoveRoleView(RoleMixin, PartRemoveView):
    text = gettext_lazy("As if it had never been noted. If it is over, end it instead: then it stays among the earlier ones.")
    done_text = gettext_lazy("Removed.")

    def find(self, **kwargs: Any) -> None:
        super().find(**kwargs)
        self.title = _("Remove the role at %(name)s?") % {"name": str(self.row.company)}

    def remove(self) -> None:
        services.remove_employment(self.row, actor=self.request.user)


class RoleStepView(RoleMixin, PartFormView):
    """POST: one click on a role. What the service refuses is said on the person's page."""

    http_method_names = ["post", "options"]

    def step(self, version: int | None) -> None:
        raise NotImplementedError

    def post(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("version", "")
        try:
            self.step(int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None)
        except StaleRecord:
            return render(request, "409.html", {"message": _("Somebody changed this person meanwhile. Reload the page and look again.")}, status=409)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("Saved."))
        return redirect(self.obj.get_absolute_url())


class EndRoleView(RoleStepView):
    def step(self, version: int | None) -> None:
        services.end_employment(self.row, actor=self.request.user)


class PrimaryRoleView(RoleStepView):
    def step(self, version: int | None) -> None:
        services.make_primary(self.row, actor=self.request.user, version=version)


class LeaveView(PartFormView):
    slug = "contacts"
    title = gettext_lazy("Has left the company")

    def form(self, data: Any = None, files: Any = None) -> LeaveForm:
        return LeaveForm(data, user=self.request.user, initial={"version": self.obj.version})

    def save(self, form: LeaveForm) -> None:
        services.leave_company(self.obj, actor=self.request.user, ended_on=form.cleaned_data["ended_on"], version=_version(form))


# ---- relationships ----


class AddRelationshipView(PartFormView):
    slug = "contacts"
    title = gettext_lazy("Add a relationship")
    submit = gettext_lazy("Add")

    def form(self, data: Any = None, files: Any = None) -> RelationshipForm:
        return RelationshipForm(data, user=self.request.user)

    def save(self, form: RelationshipForm) -> None:
        kind, inverse = form.cleaned_data["kind"]
        services.add_relationship(self.obj, form.cleaned_data["other"], kind, actor=self.request.user, inverse=inverse)


class RemoveRelationshipView(PartRemoveView):
    slug = "contacts"
    text = gettext_lazy("It goes from both people's pages.")
    done_text = gettext_lazy("Removed.")
    row: Relationship

    def find(self, **kwargs: Any) -> None:
        row = selectors.relationship_of(self.request.user, self.obj, kwargs["part"])
        if row is None:
            raise Http404
        self.row = row
        other = row.other if row.contact_id == self.obj.pk else row.contact
        self.title = _("Remove the relationship with %(name)s?") % {"name": str(other)}

    def remove(self) -> None:
        services.remove_relationship(self.row, of=self.obj, actor=self.request.user)
