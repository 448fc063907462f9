"""Which run said what of a day, so that it can be taken back."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def note_what_stands(apps: Any, _schema_editor: Any) -> None:
    """Note how days stand, as said by nobody's run: which one said it is not known any more."""
    saying, cycle = apps.get_model("feeds", "Saying"), apps.get_model("feeds", "Cycle")
    here = defaultdict(list)
    for kind, on, digest in apps.get_model("feeds", "Report").objects.filter(state="accepted").values_list(
        "type_id", "on", "digest"
    ):
        here[kind, on].append(digest)
    for row in cycle.objects.filter(closed=False, broken=[], decision=""):
        if not here[row.type_id, row.on]:  # it waited for an archive in which nothing of it was
            row.delete()
    rows = cycle.objects.order_by("pk").iterator(chunk_size=2000)
    made = (
        saying(type_id=row.type_id, on=row.on, what=what, about=about)
        for row in rows
        for what, about in _said_of(row, here.get((row.type_id, row.on), []))
    )
    while batch := list(itertools.islice(made, 2000)):
        saying.objects.bulk_create(batch)


def _said_of(cycle: Any, digests: list[str]) -> Iterator[tuple[str, str]]:
    if cycle.closed and not digests and not cycle.broken:
        # Without a report a day is what a person said of it: that it was empty, or that it counts without what it lacked.
        yield from (("empty", ""),) if cycle.decision == "confirmed" else (("lacks", ""), ("closed", ""))
    elif cycle.closed:
        yield "complete", ""
    for name in cycle.broken:
        yield "lacks", name
    if cycle.decision:
        yield cycle.decision, hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


class Migration(migrations.Migration):

    dependencies = [
        ('feeds', '0011_deliveries'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='delivery',
            options={'ordering': ('run_id', 'id')},
        ),
        migrations.CreateModel(
            name='Saying',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField()),
                ('what', models.CharField(max_length=10)),
                ('about', models.TextField(blank=True)),
                ('is_withdrawn', models.BooleanField(default=False)),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sayings', to='feeds.run')),
                ('type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='feeds.reporttype')),
            ],
            options={
                'ordering': ('id',),
                'indexes': [models.Index(fields=['type', 'on'], name='feeds_saying_by_day')],
            },
        ),
        migrations.RunPython(note_what_stands, migrations.RunPython.noop),
    ]
