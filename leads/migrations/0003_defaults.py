"""A new installation starts with six statuses."""

from typing import Any

from django.db import migrations


def add_defaults(apps: Any, schema_editor: Any) -> None:
    from leads.services.setup import ensure_defaults

    ensure_defaults(apps.get_model("leads", "LeadStatus"))


class Migration(migrations.Migration):
    dependencies = [("leads", "0002_initial")]
    operations = [migrations.RunPython(add_defaults, migrations.RunPython.noop)]
