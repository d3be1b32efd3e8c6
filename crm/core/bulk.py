"""Bulk actions that every record type has: assign, add tags, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.fields import PickerField, TagsField
from crm.core.records import BulkAction
from crm.core.writes import add_tags, change_records, tags_named


class BulkForm(forms.Form):
    """Base of the questions of bulk actions: `user` limits what can be chosen; extra names in the request are not fields."""

    def __init__(self, data: Any = None, *, user: Any) -> None:
        self.user = user
        super().__init__(data)
        for field in self.fields.values():
            if isinstance(field, PickerField):
                field.user = user
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it


class AssignForm(BulkForm):
    """Who takes over."""

    owner = PickerField("users", label=_("New owner"))


class TagForm(BulkForm):
    """Which tags to add."""

    tags = TagsField()

    def __init__(self, data: Any = None, *, user: Any) -> None:
        super().__init__(data, user=user)
        self.fields["tags"].required = True


def assign_rows(model: Any, ids: Iterable[int], *, actor: Any, data: dict[str, Any]) -> int:
    """Give the rows to `data["owner"]`; returns how many changed hands."""
    return change_records(model, ids, {"owner": data["owner"]}, actor=actor)


def tag_rows(model: Any, ids: Iterable[int], *, actor: Any, data: dict[str, Any]) -> int:
    """Put the tags named in `data["tags"]` on the rows; returns how many got a new one."""
    return add_tags(model, ids, tags_named(data["tags"]), actor=actor)


def delete_rows(model: Any, delete: Callable[..., Any], ids: Iterable[int], *, actor: Any, data: dict[str, Any]) -> int:
    """Into the bin as one group; returns how many went."""
    group = delete(ids, actor=actor)
    return model._base_manager.filter(deletion_group=group).count()


def standard_actions(model: Any, delete: Callable[..., Any]) -> tuple[BulkAction, ...]:
    """Assign, add tags, delete. `delete(ids, *, actor)` is the record type's service."""
    return (
        BulkAction(name="assign", label=_("Assign"), icon="user-share", run=partial(assign_rows, model), form=AssignForm),
        BulkAction(name="tag", label=_("Add tags"), icon="tag", run=partial(tag_rows, model), form=TagForm),
        BulkAction(name="delete", label=_("Delete"), icon="trash", run=partial(delete_rows, model, delete), permission="delete", danger=True),
    )
