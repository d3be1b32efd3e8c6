"""The organisation's row and the default roles: every fresh database has them."""

from datetime import time

from django.db import migrations

from users.grants import DEFAULT_ROLES


def make_defaults(apps, schema_editor):
    organisation, role = apps.get_model("users", "Organisation"), apps.get_model("users", "Role")
    organisation.objects.get_or_create(pk=1, defaults={"work_days": [0, 1, 2, 3, 4], "work_start": time(9), "work_end": time(17)})
    for values in DEFAULT_ROLES:
        role.objects.get_or_create(slug=values["slug"], defaults=values)


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]
    operations = [migrations.RunPython(make_defaults, migrations.RunPython.noop)]
