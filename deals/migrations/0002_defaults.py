"""A new installation starts with one pipeline and the usual reasons for losing a deal."""

from typing import Any

from django.db import migrations


def add_defaults(apps: Any, schema_editor: Any) -> None:
    from deals.services.defaults import ensure_defaults

    ensure_defaults(apps.get_model("deals", "Pipeline"), apps.get_model("deals", "Stage"), apps.get_model("deals", "LostReason"))


class Migration(migrations.Migration):
    dependencies = [("deals", "0001_initial")]
    operations = [migrations.RunPython(add_defaults, migrations.RunPython.noop)]
