"""Users, teams and roles, as admins edit them."""

from __future__ import annotations

from typing import Any

from crispy_forms.layout import Column, Field, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.access import ACTIONS, Scope
from crm.core.records import record_types
from crm.core.settings_pages import SettingsForm
from users import selectors
from users.forms.account import plain_helper
from users.grants import REPORTS
from users.models import Role, Team, User, grant_key

SCOPES = [(Scope.NONE.value, _("none")), (Scope.OWN.value, _("own")), (Scope.TEAM.value, _("team")), (Scope.ALL.value, _("all"))]
ACTION_LABELS = {"view": _("View"), "add": _("Add"), "change": pgettext_lazy("verb", "Change"), "delete": _("Delete"), "export": _("Export")}


class VersionedForm(SettingsForm):
    """A settings form that tells when somebody else was faster."""

    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version if self.instance.pk else None

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class UserForm(VersionedForm):
    """What an admin sets of somebody else."""

    class Meta:
        model = User
        fields = ["name", "email", "role", "team"]
        help_texts = {"email": _("They sign in with it."), "team": _("Their home team: records that they own belong to it.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit_to_visible(self)


def limit_to_visible(form: Any) -> None:
    """Roles and teams to choose from, without a query per option."""
    form.fields["role"].queryset = Role.objects.visible_to(form.user)
    form.fields["team"].queryset = Team.objects.visible_to(form.user)
    form.fields["team"].required = False


class InvitationForm(forms.Form):
    """Whom to invite as what."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=120, required=False, help_text=_("They can correct it."))
    role = forms.ModelChoiceField(label=_("Role"), queryset=None, empty_label="–")
    team = forms.ModelChoiceField(label=_("Team"), queryset=None, required=False, empty_label="–")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        limit_to_visible(self)
        self.helper = plain_helper()

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class DeactivationForm(forms.Form):
    """Who takes over."""

    successor = forms.ModelChoiceField(
        label=_("Who takes over?"), queryset=None, empty_label="–", help_text=_("Records, open tasks and managed teams go to this person.")
    )

    def __init__(self, *args: Any, user: Any, leaving: User, must: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["successor"].queryset = selectors.successors(user, leaving)  # type: ignore[attr-defined]
        self.fields["successor"].required = must
        self.helper = plain_helper()


class TeamForm(SettingsForm):
    """Name and place in the tree."""

    class Meta:
        model = Team
        fields = ["name", "parent", "manager"]
        help_texts = {
            "parent": _("The manager of a team sees the teams below it as well."),
            "manager": _("Sees the records of this team and of all teams below."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nodes = selectors.team_tree(self.user)
        below = selectors.subtree([self.instance.pk], {node.team.pk: node.team.parent_id for node in nodes}) if self.instance.pk else set()
        self.fields["parent"].queryset = Team.objects.visible_to(self.user).exclude(pk__in=below)  # type: ignore[attr-defined]
        self.fields["manager"].queryset = User.objects.visible_to(self.user).filter(is_active=True)  # type: ignore[attr-defined]


class NewRoleForm(forms.Form):
    """A role starts as a copy of another."""

    name = forms.CharField(label=_("Name"), max_length=80)
    like = forms.ModelChoiceField(label=_("Start with the rights of"), queryset=None, required=False, empty_label="–")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["like"].queryset = Role.objects.visible_to(user).filter(is_admin=False)  # type: ignore[attr-defined]
        self.helper = plain_helper()


def matrix_rows() -> list[tuple[str, Any, tuple[str, ...]]]:
    """(grant key, name, actions) of everything that a role's rights are set for: the record types, and the reports."""
    rows = [(grant_key(record.model_label), record.label_plural, ACTIONS) for record in record_types()]
    return [*rows, (REPORTS, _("Reports"), ("view",))]


class RoleForm(VersionedForm):
    """Name and the matrix of rights: one select per record type and action, named `<grant key>__<action>`."""

    class Meta:
        model = Role
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.matrix = [] if self.instance.is_admin else matrix_rows()
        for key, label, actions in self.matrix:
            for action in actions:
                self.fields[f"{key}__{action}"] = forms.ChoiceField(
                    label=f"{label}: {ACTION_LABELS[action]}",
                    choices=SCOPES,
                    required=False,
                    widget=forms.Select(attrs={"class": "form-select form-select-sm w-auto", "aria-label": f"{label}: {ACTION_LABELS[action]}"}),
                )
                self.initial[f"{key}__{action}"] = self.instance.grants.get(key, {}).get(action, Scope.NONE.value)
        self.helper.layout = Layout(Row(Column("name", css_class="col-md-6")), Field("version"))
        self.helper.render_unmentioned_fields = False

    def table(self) -> list[tuple[Any, list[Any]]]:
        """(record type, bound selects or None where there is nothing to choose) for the template."""
        return [(label, [self[f"{key}__{action}"] if action in actions else None for action in ACTIONS]) for key, label, actions in self.matrix]

    def heads(self) -> list[Any]:
        return [ACTION_LABELS[action] for action in ACTIONS]

    def grants(self) -> dict[str, dict[str, str]]:
        """The whole matrix as posted; a select that was left out keeps what it was."""
        found: dict[str, dict[str, str]] = {}
        for key, _label, actions in self.matrix:
            old = self.instance.grants.get(key, {})
            found[key] = {action: self.cleaned_data.get(f"{key}__{action}") or old.get(action, Scope.NONE.value) for action in actions}
        return found
