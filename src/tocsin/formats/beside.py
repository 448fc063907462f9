"""What lies beside reports, in a folder or an archive, and by its name is none: a log, a note, half a download.

Only names that leave no doubt. Any other file is tried, and one that cannot be read is broken: a report that was lost
without a word would make findings gone.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence

from tocsin.formats.delimited import Feed
from tocsin.kernel.counting import counted

NAMED = 10
"""Files that are passed over and named without being asked for."""
_NOT_DONE = "part partial filepart crdownload download opdownload aria2 tmp temp swp lock lck"
_COPIES = "bak old orig"
_CHECKS = "md5 sha1 sha256 sha512 sig"
_OTHER = "log md rst html htm pdf sh py pl ps1 bat toml yaml yml ini cfg conf service db pid"
ENDINGS = frozenset(f"{_NOT_DONE} {_COPIES} {_CHECKS} {_OTHER}".split())
NAMES = frozenset({"readme", "license", "licence", "copying", "changelog", "makefile"})
"""Without an ending, or with `.txt`."""
_ENDING = re.compile(r"\.log\.[0-9]+\Z|\.[a-z0-9]+\Z|~\Z")


def is_no_report(name: str, feeds: Iterable[Feed] = ()) -> bool:
    """Say whether a file is no report by its name alone.

    A mapping file whose pattern names the very ending (`*.log`) says otherwise; one that covers everything does not.
    """
    word = name.lower()
    found = _ENDING.search(word)
    ending = found[0] if found else ""
    is_none = ending == "~" or ending.startswith(".log.") or ending.removeprefix(".") in ENDINGS
    if not is_none and not (ending in ("", ".txt") and word.removesuffix(".txt") in NAMES):
        return False
    patterns = (pattern.lower() for feed in feeds for pattern in feed.files)
    return not any(pattern.endswith(ending or word) and fnmatch.fnmatchcase(word, pattern) for pattern in patterns)


def passed_over(names: Sequence[str], *, verbose: bool = False) -> str:
    """Say which files are passed over; `verbose` names all. There is one at least."""
    one = "is passed over, which by its name is no report"
    number = counted(len(names), "file", one, "are passed over, which by their names are no reports")
    most = len(names) if verbose else NAMED
    more = f" and {len(names) - most} more (--verbose names them)" if len(names) > most else ""
    return f"{number}: {', '.join(names[:most])}{more}."
