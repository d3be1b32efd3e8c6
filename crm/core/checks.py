"""Start-up checks: a record model that nobody guards stops the start."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core import checks

from crm.core.access import RecordQuerySet


@checks.register()
def every_guarded_model_has_a_policy(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Each model read through `visible_to` says who may see its rows."""
    return [
        checks.Error(f"{model._meta.label} has no access_policy", obj=model, id="crm.E001")
        for model in apps.get_models()
        if issubclass(getattr(model._default_manager, "_queryset_class", type(None)), RecordQuerySet) and not hasattr(model, "access_policy")
    ]
