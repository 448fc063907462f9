"""Why a cycle is held: until now there was one reason, far fewer rows than usual.

What counted goes on counting: a cycle without a list that came in each of those before is taken for confirmed, once.
Otherwise a list that ended long ago would hold all the cycles since, and what they made gone would be open again.
"""

from collections import defaultdict
from typing import Any

from django.db import migrations, models

from tocsin.engine.lists import list_of, missing


def fill(apps: Any, schema: Any) -> None:
    """Say of held cycles why they are, and of counted ones without a list that they are confirmed."""
    cycles = apps.get_model("feeds", "Cycle").objects
    cycles.filter(held=True).update(doubts={"few": []})
    lists = defaultdict(set)
    reports = apps.get_model("feeds", "Report").objects.filter(state="accepted")
    for kind, on, name, also in reports.values_list("type_id", "on", "name", "also").iterator():
        lists[kind, on].update(filter(None, map(list_of, (name, *also))))
    history = defaultdict(list)
    for cycle in cycles.filter(counts=True).order_by("on").iterator():
        came = frozenset(lists[cycle.type_id, cycle.on])
        if not cycle.decision and missing(history[cycle.type_id], came):
            cycles.filter(pk=cycle.pk).update(decision="confirmed")
        history[cycle.type_id].append(came)


class Migration(migrations.Migration):
    dependencies = [("feeds", "0007_retention")]

    operations = [
        migrations.AddField(
            model_name="cycle",
            name="doubts",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="report",
            name="cut",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
