"""The database itself refuses to change or delete audit rows."""

from django.db import migrations

WORDS = "the audit trail is append-only"

SQLITE = [
    f"CREATE TRIGGER audit_row_no_update BEFORE UPDATE ON audit_auditrow BEGIN SELECT RAISE(ABORT, '{WORDS}'); END",
    f"CREATE TRIGGER audit_row_no_delete BEFORE DELETE ON audit_auditrow BEGIN SELECT RAISE(ABORT, '{WORDS}'); END",
]
SQLITE_BACK = ["DROP TRIGGER audit_row_no_update", "DROP TRIGGER audit_row_no_delete"]

POSTGRESQL = [
    "CREATE FUNCTION audit_row_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER audit_row_no_change BEFORE UPDATE OR DELETE ON audit_auditrow "
    "FOR EACH ROW EXECUTE FUNCTION audit_row_refuse()",
    "CREATE TRIGGER audit_row_no_truncate BEFORE TRUNCATE ON audit_auditrow "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_row_refuse()",
]
POSTGRESQL_BACK = [
    "DROP TRIGGER audit_row_no_truncate ON audit_auditrow",
    "DROP TRIGGER audit_row_no_change ON audit_auditrow",
    "DROP FUNCTION audit_row_refuse()",
]


def forbid(apps, schema_editor):
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def permit(apps, schema_editor):
    for statement in {"sqlite": SQLITE_BACK, "postgresql": POSTGRESQL_BACK}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(forbid, permit)]
