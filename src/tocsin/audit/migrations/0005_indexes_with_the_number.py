"""Indexes by actor and by code hold the number, too: pages go on from a row.

The table is not made anew, as altering a field on SQLite would: its triggers would go with the old one.
"""

from django.db import migrations, models

from tocsin.audit.append_only import ROWS


def drop(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, ROWS)
    for name, each in found.items():
        if each["index"] and not each["unique"] and each["columns"] in (["actor_key"], ["code"]):
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_signed_head")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField("auditrow", "actor_key", models.CharField(max_length=200)),
                migrations.AlterField("auditrow", "code", models.CharField(max_length=100)),
            ],
        ),
        migrations.AddIndex(
            "auditrow", models.Index(fields=("actor_key", "sequence"), name="audit_row_by_actor")
        ),
        migrations.AddIndex("auditrow", models.Index(fields=("code", "sequence"), name="audit_row_by_code")),
    ]
