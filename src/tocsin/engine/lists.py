"""Which lists a report type comes in, by the names of its reports, and which of them did not come.

A publisher sends some types in several files a day: one for each network block,
one for each part of a long report. All of them have the type's name and count
towards one cycle. A list is what comes again each day under the same name but
for the day. That it did not come is no sign that what it showed is gone.

Pure; knows names alone, so a name that is another each day is no list.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from tocsin.kernel.names import WITHIN

HABIT = 4
"""In how many counted cycles, one after another, a list must have come to be expected: one that came four times will
come the fifth; one that is now and then empty, and is then not sent, seldom comes four times in a row."""
LEAST = 2
"""In how many, while there are no more: a type that came twice must not lose a list on the third day unnoticed."""
_DAY = re.compile(r"(?<!\d)\d{4}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?!\d)")
_PART = re.compile(r"[-_]?part[-_]?\d{1,6}(?=\.|\Z)", re.IGNORECASE)
_JOINTS = "-_. "


def list_of(name: str) -> str:
    """Return the list that a report of this name is of: the name without its day; empty when nothing else is in it.

    A numbered part is a list of its own. Of a report that goes by its archive's name as well, both say it.
    """
    parts = (_DAY.sub("", part).strip(_JOINTS) for part in name.split(WITHIN))
    return WITHIN.join(filter(None, parts))


@functools.lru_cache(maxsize=4096)
def whole_of(name: str) -> str:
    """Return the list that a numbered part belongs to; of any other, the list itself."""
    return _PART.sub("", name)


def expected(history: Sequence[frozenset[str]]) -> frozenset[str]:
    """Return the lists that must come, by those of the counted cycles before, oldest first.

    Cycles without a report, such as those that somebody declared empty, say nothing of single lists.
    """
    latest = [lists for lists in history if lists][-HABIT:]
    if len(latest) < LEAST:
        return frozenset()
    wanted: frozenset[str] = frozenset().union(*latest)
    for lists in latest:
        wanted = here(wanted, lists)
    return wanted


def here(wanted: frozenset[str], lists: frozenset[str]) -> frozenset[str]:
    """Return which of the wanted lists are among others, whole or in parts: a report that grows is cut into parts, and
    whoever has all of it misses none of them."""
    wholes = set(map(whole_of, lists))
    return frozenset(one for one in wanted if one in lists or one in wholes or whole_of(one) in lists)


def missing(history: Sequence[frozenset[str]], lists: frozenset[str]) -> tuple[str, ...]:
    """Return the expected lists that did not come, in alphabetical order."""
    wanted = expected(history)
    absent = wanted - here(wanted, lists)
    return tuple(sorted(one for one in absent if one == whole_of(one) or whole_of(one) not in absent))


__all__ = ["HABIT", "LEAST", "expected", "here", "list_of", "missing", "whole_of"]
