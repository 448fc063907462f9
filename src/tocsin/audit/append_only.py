"""The database itself refuses to change or delete audit rows.

`forbid` may be called at any time and leaves the triggers as they belong, also after somebody lifted some.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

WORDS = "the audit trail is append-only"
_TRIGGERS = {
    "sqlite": {
        "audit_row_no_update": "BEFORE UPDATE ON audit_auditrow",
        "audit_row_no_delete": "BEFORE DELETE ON audit_auditrow",
        # INSERT OR REPLACE deletes the row before without asking the trigger on deleting.
        "audit_row_no_replace": "BEFORE INSERT ON audit_auditrow"
        " WHEN EXISTS (SELECT 1 FROM audit_auditrow WHERE sequence = NEW.sequence)",
    },
    "postgresql": {
        "audit_row_no_change": "BEFORE UPDATE OR DELETE ON audit_auditrow FOR EACH ROW",
        "audit_row_no_truncate": "BEFORE TRUNCATE ON audit_auditrow FOR EACH STATEMENT",
    },
}
_REFUSE = (
    "CREATE OR REPLACE FUNCTION audit_row_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)


def holds(connection: BaseDatabaseWrapper) -> bool:
    """Say whether every trigger stands and is switched on."""
    catalogue = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_auditrow'::regclass AND tgenabled = 'O'"
    )
    with connection.cursor() as cursor:
        cursor.execute(catalogue)
        return set(_TRIGGERS[connection.vendor]) <= {name for (name,) in cursor.fetchall()}


def forbid(connection: BaseDatabaseWrapper) -> None:
    """Have the database refuse every change of a row that stands."""
    permit(connection)
    does = f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    if connection.vendor == "postgresql":
        does = "EXECUTE FUNCTION audit_row_refuse()"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_REFUSE)
        for name, when in _TRIGGERS[connection.vendor].items():
            cursor.execute(f"CREATE TRIGGER {name} {when} {does}")


def permit(connection: BaseDatabaseWrapper) -> None:
    """Lift the triggers; for migrations and tests."""
    table = " ON audit_auditrow" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in _TRIGGERS[connection.vendor]:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{table}")
