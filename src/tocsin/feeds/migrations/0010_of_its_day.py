"""What a report says of its day, and how many findings it shows.

Nothing is filled in: what was read before is judged by its rows, and not by what it says of its day.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feeds", "0009_digests_in_names")]

    operations = [
        migrations.AddField(
            model_name="cycle",
            name="findings",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="cycle",
            name="usual_findings",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="report",
            name="findings",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="report",
            name="newest",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
