"""Signed heads, which the database refuses to change like the rows."""

from django.db import migrations, models

from tocsin.audit import append_only


def forbid(apps, schema_editor):
    append_only.forbid(schema_editor.connection, [append_only.HEADS])


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_no_replacing")]
    operations = [
        migrations.CreateModel(
            name="SignedHead",
            fields=[
                ("on", models.DateField(primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField()),
                ("hash", models.CharField(max_length=64)),
                ("key", models.CharField(max_length=64)),
                ("signature", models.CharField(max_length=88)),
            ],
            options={"ordering": ("on",)},
        ),
        migrations.RunPython(forbid, migrations.RunPython.noop),
    ]
