"""Built without keeping writers from the tables."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0007_custom_fields")]

    operations = [
        AddIndexConcurrently(
            model_name='lead',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('custom'), name='jsonb_path_ops'), condition=models.Q(('deleted_at__isnull', True), models.Q(('custom', {}), _negated=True)), name='lead_custom'),
        ),
    ]
