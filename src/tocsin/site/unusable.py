"""What is said when the database or the data directory cannot be used: a sentence, whatever the command.

Only errors of their state are known here: no connection, a damaged file, no permission. An error in a question to the
database is one of the software, and stays what it is.
"""

from __future__ import annotations

import errno
import pwd
import sys
from pathlib import Path

ASK = "Run `tocsin doctor`: it says what mends it."
LACKS_TABLES = "The database lacks its tables. Run `tocsin upgrade` if it was never used, else restore the last backup."
_OF_THE_QUESTION = 1
"""SQLITE_ERROR: what is asked cannot be answered, by a database that works."""
_BARRED = (8, 14)
"""SQLITE_READONLY, SQLITE_CANTOPEN."""
_DAMAGED = (11, 26)
"""SQLITE_CORRUPT, SQLITE_NOTADB."""
_NO_TABLE = "42P01"
"""PostgreSQL's number of it."""
_STATES = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EIO)


def sentence(error: BaseException, home: Path) -> str | None:
    """Return what to say of an error of the database, or of a file of the data directory; None for any other."""
    if isinstance(error, OSError):
        return _of_files(error, home.absolute())
    # Who has not loaded Django has no error of it.
    database = sys.modules.get("django.db.utils")
    return _of_database(error) if database and isinstance(error, database.Error) else None


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


def by_its_owner(path: Path) -> str:
    """Return how to be allowed to use a file or folder: as who owns it."""
    number = path.stat().st_uid
    try:
        owner = pwd.getpwuid(number).pw_name
    except KeyError:
        owner = f"#{number}"
    return f"It belongs to {owner}. Run commands as that user: sudo -u {owner} tocsin doctor"


def _of_files(error: OSError, home: Path) -> str | None:
    if error.errno not in _STATES or not isinstance(error.filename, str):
        return None
    path = Path(error.filename).absolute()
    return f"{path} cannot be used ({error.strerror}). {ASK}" if path.is_relative_to(home) else None


def _of_database(error: BaseException) -> str | None:
    from django.db import DatabaseError, InterfaceError, OperationalError

    if getattr(error.__cause__, "sqlstate", None) == _NO_TABLE or str(error).startswith("no such table"):
        return LACKS_TABLES
    if type(error) not in (DatabaseError, InterfaceError, OperationalError):
        return None  # of what was asked: ProgrammingError, DataError, IntegrityError …
    if _sqlite_number(error) == _OF_THE_QUESTION:
        return None
    return f"The database cannot be used ({first_line(error)}). {ASK}"


def _sqlite_number(error: BaseException) -> int | None:
    number: int | None = getattr(error.__cause__, "sqlite_errorcode", None)
    return None if number is None else number & 0xFF
