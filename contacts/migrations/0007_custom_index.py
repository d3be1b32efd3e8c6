"""Built without keeping writers from the tables."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0006_custom_fields")]

    operations = [
        AddIndexConcurrently(
            model_name='company',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('custom'), name='jsonb_path_ops'), condition=models.Q(('deleted_at__isnull', True), models.Q(('custom', {}), _negated=True)), name='company_custom'),
        ),
        AddIndexConcurrently(
            model_name='contact',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('custom'), name='jsonb_path_ops'), condition=models.Q(('deleted_at__isnull', True), models.Q(('custom', {}), _negated=True)), name='contact_custom'),
        ),
    ]
