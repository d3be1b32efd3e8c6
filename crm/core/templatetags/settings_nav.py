"""The second-level navigation of the settings."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from crm.core.settings_pages import CardGroup, hub_groups

register = template.Library()


@register.simple_tag
def settings_groups() -> list[CardGroup]:
    """All settings pages in their groups."""
    return hub_groups()


@register.simple_tag(takes_context=True)
def is_here(context: Context, url: Any) -> bool:
    """Is the page that is being shown this address, or below it?"""
    return context["request"].path.startswith(str(url))
