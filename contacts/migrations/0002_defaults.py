"""A new installation starts with the usual kinds of relationships."""

from typing import Any

from django.db import migrations


def add_defaults(apps: Any, schema_editor: Any) -> None:
    from contacts.services.ties import ensure_relationship_types

    ensure_relationship_types(apps.get_model("contacts", "RelationshipType"))


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]
    operations = [migrations.RunPython(add_defaults, migrations.RunPython.noop)]
