"""The database itself refuses to change or delete audit rows and signed heads.

`forbid` may be called at any time and leaves the triggers as they belong, also after somebody lifted some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

WORDS = "the audit trail is append-only"
ROWS, HEADS = "audit_auditrow", "audit_signedhead"
TABLES: Mapping[str, tuple[str, str]] = {ROWS: ("audit_row", "sequence"), HEADS: ("audit_head", '"on"')}
"""Table → what the names of its triggers begin with, and its key."""
_TRIGGERS = {
    "sqlite": {
        "no_update": "BEFORE UPDATE ON {table}",
        "no_delete": "BEFORE DELETE ON {table}",
        # INSERT OR REPLACE deletes the row before without asking the trigger on deleting.
        "no_replace": "BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})",
    },
    "postgresql": {
        "no_change": "BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW",
        "no_truncate": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
    },
}
_REFUSE = (
    "CREATE OR REPLACE FUNCTION audit_row_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)


def holds(connection: BaseDatabaseWrapper) -> bool:
    """Say whether every trigger stands and is switched on."""
    catalogue = (
        "name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgenabled = 'O'"
        " AND relnamespace = ANY (SELECT oid FROM pg_namespace WHERE nspname = ANY (current_schemas(false)))"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {catalogue}")
        return {(name, table) for table in TABLES for name, _ in _wanted(connection, table)} <= set(cursor.fetchall())


def forbid(connection: BaseDatabaseWrapper, tables: Sequence[str] = tuple(TABLES)) -> None:
    """Have the database refuse every change of a row that stands."""
    permit(connection, tables)
    does = f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    if connection.vendor == "postgresql":
        does = "EXECUTE FUNCTION audit_row_refuse()"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_REFUSE)
        for table in tables:
            for name, when in _wanted(connection, table):
                cursor.execute(f"CREATE TRIGGER {name} {when} {does}")


def permit(connection: BaseDatabaseWrapper, tables: Sequence[str] = tuple(TABLES)) -> None:
    """Lift the triggers; for migrations and tests."""
    with connection.cursor() as cursor:
        for table in tables:
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            for name, _ in _wanted(connection, table):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def _wanted(connection: BaseDatabaseWrapper, table: str) -> list[tuple[str, str]]:
    """Return the triggers of a table: the name of each, and when it is set off."""
    begins, key = TABLES[table]
    wanted = _TRIGGERS[connection.vendor].items()
    return [(f"{begins}_{name}", when.format(table=table, key=key)) for name, when in wanted]
