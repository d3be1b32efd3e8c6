"""A new installation starts with six statuses, the usual reasons to disqualify, and rules for the score."""

from typing import Any

from django.db import migrations


def add_defaults(apps: Any, schema_editor: Any) -> None:
    from leads.services.setup import ensure_defaults, ensure_reasons_and_scores

    ensure_defaults(apps.get_model("leads", "LeadStatus"))
    ensure_reasons_and_scores(apps.get_model("leads", "DisqualifyReason"), apps.get_model("leads", "ScoreRule"))


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]
    operations = [migrations.RunPython(add_defaults, migrations.RunPython.noop)]
