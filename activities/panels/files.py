"""The card with a record's files."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from activities import selectors
from activities.models import Task
from activities.panels.composer import slug_of
from crm.core.access import may_add
from crm.core.records import Panel, PanelContent


def files(request: Any, obj: Any) -> PanelContent:
    """The newest files, and the way to all of them."""
    found, address = selectors.files_of(request.user, obj), [slug_of(obj), obj.pk]
    context = {"files": found.rows, "all_url": reverse("activities:files", args=address)}
    new_url = reverse("activities:files_new", args=address) if may_add(request.user, Task) else ""
    return PanelContent(render_to_string("activities/files_panel.html", context, request=request), found.count, new_url)


FILES = Panel("files", _("Files"), "paperclip", files)
