"""Making the rooms that use the database ready, for commands that need them."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path


def set_up_django() -> None:
    """Load the settings and the rooms. Costs a third of a second: pure commands do without."""
    import django
    from django.db import connections

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.site.settings")
    django.setup()
    # The last to close a SQLite database takes the files beside it away. Nobody else closes it: `__main__` lets Python
    # end without looking for what nothing refers to any more.
    atexit.register(connections.close_all)


def require_server() -> None:
    """Raise ModuleNotFoundError where the engine is installed alone: before anything is made that needs the rest."""
    importlib.import_module("django")


def open_instance() -> None:
    """Do so for the instance in the data directory, and keep restores and upgrades off it until the process ends.

    Raises Conflict when it is not set up, or of another version, and Busy while it is being restored or upgraded.
    """
    from django.apps import apps

    from tocsin.site import instance
    from tocsin.site.config import load

    if not apps.ready:  # else somebody has chosen the instance already: a test, a web process
        home = load().home
        instance.stay_at_work(home)
        instance.require_ready(home)
        set_up_django()
        read_on_full_disk()
        _require_steps()


ALONE = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA foreign_keys=ON;"
"""How SQLite opens a database in WAL mode without a file beside it for memory that processes share."""


def read_on_full_disk() -> None:
    """Let the database be read by this process where the disk has no room for the files that SQLite puts beside it.

    As long as the process lasts no other one can open it; whoever has it open already has those files, and then this is
    not needed. What is in the write-ahead log is seen. Writing ends as on any full disk.
    """
    from django.db import connection

    from tocsin.kernel.disk import is_filled

    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and is_filled(Path(name).parent) and not _opens(name):
        connection.settings_dict["OPTIONS"]["init_command"] = ALONE


def _opens(database: str) -> bool:
    """Say whether SQLite can read a database as it does otherwise.

    By a connection of our own, which is closed at once: one of Django's that failed would keep its lock until its
    exception is forgotten.
    """
    with contextlib.closing(sqlite3.connect(database)) as probe:
        try:
            probe.execute("SELECT 1 FROM sqlite_master LIMIT 1")
        except sqlite3.OperationalError:
            return False
    return True


def require_answer() -> None:
    """Connect, so that a database that cannot be used is named before anything is written."""
    from django.db import connection

    connection.ensure_connection()


GONE = (
    "The database is gone, but the store holds what was imported. Restore the last backup: tocsin restore FILE --force."
)


def is_gone(store: Path) -> bool:
    """Say whether the database has no table at all while the store holds files: to make tables would hide the loss."""
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    if MigrationRecorder(connection).has_table():
        return False
    return any(any((store / kind).glob("*/*.parquet")) for kind in ("observations", "state"))


def _require_steps() -> None:
    """Refuse a database that lacks steps of this version: a command would fail in the middle of its work.

    By the names of the files alone: loading every step, as an upgrade does, costs a tenth of a second.
    """
    from django.apps import apps
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    from tocsin.kernel.counting import counted
    from tocsin.kernel.refusals import Conflict

    ours = [app for app in apps.get_app_configs() if app.name.startswith("tocsin.")]
    steps = {(app.label, path.stem) for app in ours for path in Path(app.path, "migrations").glob("[0-9]*.py")}
    if lacking := len(steps - set(MigrationRecorder(connection).applied_migrations())):
        if is_gone(settings.TOCSIN.store):
            raise Conflict(GONE)
        raise Conflict(f"The database lacks {counted(lacking, 'step')} of this version. Run `tocsin upgrade` first.")


@contextlib.contextmanager
def left_alone(home: Path, work: str) -> Iterator[None]:
    """Have the instance to oneself: no server, no import, no other command. Raises Busy, naming who is there.

    `work` is that of `feeds.holding`. Needs Django.
    """
    from tocsin.feeds import holding
    from tocsin.site import instance

    with (
        instance.serving_lock(home, alone=True),
        holding.lock(work, wait_s=0),  # before the other one: it knows the run
        instance.command_lock(home, alone=True),
    ):
        yield
