"""What is said when the database or the data directory cannot be used: a sentence, whatever the command.

Only errors of their state are known here: no connection, a damaged file, no permission. An error in a question to the
database is one of the software, and stays what it is.
"""

from __future__ import annotations

import errno
import os
import pwd
import shlex
import sys
from pathlib import Path

from tocsin.kernel.disk import is_full

ASK = "Run `tocsin doctor`: it says what mends it."
A_FOLDER = "Set TOCSIN_HOME to the folder of the instance."
LACKS_TABLES = "The database lacks its tables. Run `tocsin upgrade` if it was never used, else restore the last backup."
AWAY, BARRED, DAMAGED = "away", "barred", "damaged"
_OF_THE_QUESTION = 1
"""SQLITE_ERROR: what is asked cannot be answered, by a database that works."""
_BARRED = (8, 14)
"""SQLITE_READONLY, SQLITE_CANTOPEN."""
_UNREADABLE = 10
"""SQLITE_IOERR."""
_DAMAGED = (11, 26)
"""SQLITE_CORRUPT, SQLITE_NOTADB."""
_NO_TABLE = "42P01"
"""What PostgreSQL says of a table that is not there."""
_SERVER_STATES = ("08", "28", "3D", "53", "57P", "58")
"""How PostgreSQL's numbers begin that speak of the server: no connection, nobody let in, no such database, no memory or
disk or connection left, shutting down or starting up, an error of its system. What it says without a number is of the
connection, too. Others, as of two that wait for each other, are of the question."""
_STATES = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EIO)


def sentence(error: BaseException, home: Path) -> str | None:
    """Return what to say of an error of the database, or of a file of the data directory; None for any other."""
    if isinstance(error, OSError):
        return _of_files(error, home.absolute())
    # Who has not loaded Django has no error of it.
    database = sys.modules.get("django.db.utils")
    return _of_database(error, home.absolute()) if database and isinstance(error, database.Error) else None


def outage(error: BaseException, home: Path) -> str | None:
    """Return the same in a process that goes on; also for a full disk, of which a command says what to do again."""
    return f"The disk of {home} is full." if is_full(error, home) else sentence(error, home)


def state_of_database(error: BaseException) -> str | None:
    """Return `away`, `barred` or `damaged` when that is why a question was not answered; None for any other error."""
    if _lacks_table(error) or is_damaged(error) or _sqlite_number(error) == _UNREADABLE:
        return DAMAGED
    if is_barred(error):
        return BARRED
    return AWAY if _is_away(error) else None


def first_line(error: BaseException) -> str:
    """Return the first line of what a database says. Drivers do not repeat the password in it."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__


def is_damaged(error: BaseException) -> bool:
    """Say whether SQLite says that its file is damaged, or is none of its files."""
    return _sqlite_number(error) in _DAMAGED


def is_barred(error: BaseException) -> bool:
    """Say whether SQLite says that it may not open or write its file."""
    return _sqlite_number(error) in _BARRED


def by_its_owner(path: Path, home: Path) -> str:
    """Return how to be allowed to use a file or folder of the data directory: as who owns it, or by owning it."""
    barred, me = end_of_way(path), os.geteuid()
    owner = barred.stat().st_uid
    if owner == me:
        return f"It is yours, and its mode forbids it. Run: chmod -R u+rwX {_quoted(barred)}"
    if _owner_of(home) == me:
        return f"It belongs to {name_of(owner)}, the data directory to you. {give_back(home)}"
    command = f"sudo -u {name_of(owner)} TOCSIN_HOME={_quoted(home)} tocsin doctor"
    return f"It belongs to {name_of(owner)}. Run commands as that user, for instance: {command}"


def barrier(folder: Path) -> Path | None:
    """Return what keeps this user from a folder: itself, or one on the way to it; None where nothing does."""
    last = end_of_way(folder)
    wanted = os.R_OK | os.X_OK if last == folder else os.X_OK
    return last if last.is_dir() and not os.access(last, wanted) else None


def end_of_way(path: Path) -> Path:
    """Return the first folder on the way to a path that this user may not enter, else the last of it that is there."""
    last = path
    for each in (*reversed(path.parents), path):
        if not os.access(each, os.F_OK):
            break
        last = each
        if not os.access(each, os.X_OK):
            break
    return last


def give_back(home: Path) -> str:
    """Return the command by which everything in the data directory is again of who owns that."""
    return f"Run: sudo chown -R {name_of(home.stat().st_uid)}: {_quoted(home)}"


def name_of(user: int) -> str:
    """Return the name of a user by its number; `#1000` where it has none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"#{user}"


def _owner_of(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:  # there is none, or nobody lets this user look
        return None


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _of_files(error: OSError, home: Path) -> str | None:
    if error.errno not in _STATES or not isinstance(error.filename, str):
        return None
    path = Path(error.filename).absolute()
    if not path.is_relative_to(home):
        return None
    return f"{path} cannot be used ({error.strerror}). {_remedy(error, path, home)}"


def _remedy(error: OSError, path: Path, home: Path) -> str:
    if isinstance(error, PermissionError):
        return by_its_owner(path, home)
    return ASK if home.is_dir() else A_FOLDER


def _of_database(error: BaseException, home: Path) -> str | None:
    from django.db import DatabaseError, InterfaceError, OperationalError

    if _lacks_table(error):
        return LACKS_TABLES
    if is_barred(error) and (path := _barred_file()):
        return f"{path} cannot be used ({os.strerror(errno.EACCES)}). {by_its_owner(path, home)}"
    if type(error) not in (DatabaseError, InterfaceError, OperationalError):
        return None  # of what was asked: ProgrammingError, DataError, IntegrityError …
    if _sqlite_number(error) == _OF_THE_QUESTION:
        return None
    return f"The database cannot be used ({first_line(error)}). {ASK}"


def _barred_file() -> Path | None:
    """Return which of the files of a SQLite database, or the folder that they are in, this user may not use."""
    from django.db import connection

    name = Path(str(connection.settings_dict["NAME"]))
    files = (name.with_name(f"{name.name}{end}") for end in ("", "-wal", "-shm"))
    wanted = [(name.parent, os.R_OK | os.W_OK | os.X_OK), *((file, os.R_OK | os.W_OK) for file in files)]
    return next((path for path, mode in wanted if path.exists() and not os.access(path, mode)), None)


def _lacks_table(error: BaseException) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == _NO_TABLE or str(error).startswith("no such table")


def _is_away(error: BaseException) -> bool:
    """Say whether a database server did not do its part."""
    from django.db import InterfaceError, OperationalError

    number: str | None = getattr(error.__cause__, "sqlstate", "")
    is_state = number is None or number.startswith(_SERVER_STATES)
    return is_state and isinstance(error, InterfaceError | OperationalError)


def _sqlite_number(error: BaseException) -> int | None:
    number: int | None = getattr(error.__cause__, "sqlite_errorcode", None)
    return None if number is None else number & 0xFF
