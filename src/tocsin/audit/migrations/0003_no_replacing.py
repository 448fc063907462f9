"""The database refuses to replace an audit row, too."""

from django.db import migrations

from tocsin.audit import append_only


def forbid(apps, schema_editor):
    append_only.forbid(schema_editor.connection, [append_only.ROWS])


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [migrations.RunPython(forbid, migrations.RunPython.noop)]
