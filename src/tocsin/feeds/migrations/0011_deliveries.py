"""Which run delivered which report under which name, so that a correction can be taken back."""

from __future__ import annotations

import itertools
from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def note_what_counts(apps: Any, _schema_editor: Any) -> None:
    """Note the names of the reports that count: what they had replaced before is not here any more."""
    report, delivery = apps.get_model("feeds", "Report"), apps.get_model("feeds", "Delivery")
    rows = report.objects.filter(state="accepted").order_by("pk")
    named = ((row, name) for row in rows.iterator(chunk_size=2000) for name in (row.name, *row.also))
    made = (
        delivery(run_id=row.run_id, type_id=row.type_id, on=row.on, name=name, digest=row.digest) for row, name in named
    )
    while batch := list(itertools.islice(made, 2000)):
        delivery.objects.bulk_create(batch)


class Migration(migrations.Migration):

    dependencies = [
        ('feeds', '0010_of_its_day'),
    ]

    operations = [
        migrations.AlterField(
            model_name='report',
            name='state',
            field=models.CharField(choices=[('accepted', 'Accepted'), ('superseded', 'Read again as another'), ('replaced', 'Replaced by a correction'), ('withdrawn', 'Withdrawn')], default='accepted', max_length=10),
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField()),
                ('name', models.CharField(max_length=255)),
                ('digest', models.CharField(max_length=64)),
                ('is_withdrawn', models.BooleanField(default=False)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='feeds.run')),
                ('type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='feeds.reporttype')),
            ],
            options={
                'ordering': ('id',),
                'indexes': [models.Index(fields=['type', 'on'], name='feeds_delivery_by_day')],
            },
        ),
        migrations.RunPython(note_what_counts, migrations.RunPython.noop),
    ]
