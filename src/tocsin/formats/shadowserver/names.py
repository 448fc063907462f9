"""What the name of a report file says, and which type a header belongs to when the name says nothing.

Names look like `2026-11-16-scan_http-lu-geo.csv`, in full
`YYYY-MM-DD-<type>[-<id>]-<label>[-part<n>].csv[.gz]`; the digits of the id may
also stand before the type.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Collection
from collections.abc import Mapping as Mapped

from tocsin.engine.mapping import Mapping
from tocsin.kernel.names import day_in, spoken

MIN_LIKENESS = 0.8
"""Share of columns, of all in header and mapping together, that must be in both."""
_ENDINGS = re.compile(r"(\.(csv|tsv|txt|json|jsonl|ndjson|gz|zip|zst|xz|bz2))+\Z", re.IGNORECASE)
_NAME = re.compile(
    r"((?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(-|\Z))?"
    r"((?P<before>[0-9]+)-)?"
    r"((?P<type>[a-z][a-z0-9_]*)(-|\Z))?"
    r"((?P<after>[0-9]+)(-|\Z))?"
    r"(?P<label>.*?)"
    r"-?(part[-_]?(?P<part>[0-9]{1,6}))?\Z",
    re.IGNORECASE,
)
_AMID = re.compile(r"(?<=[^0-9a-z])[0-9]{4}-[0-9]{2}-[0-9]{2}-", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class ReportName:
    """What the name of a report file says."""

    date: dt.date | None
    type: str | None
    label: str
    """Who the report is for: `lu-geo`, `example-asn`."""
    part: int
    """Number of the part; 0 for the first or only one."""
    id: str = ""
    """The publisher's number of the report."""
    no_date: str = ""
    """What stands where the date should, and is none: `2026-13-45`."""


def read_name(filename: str, known: Collection[str] = ()) -> ReportName:
    """Return what a file name, or the last part of a path, says. Never fails: what it does not say is None or empty.

    Without a date in front, the first word is a type only if it is `known` or
    written like one (`scan_http`). What says no day is of that of the archive
    before it, as in `2026-11-16/scan_http.csv`.
    """
    *_, archive, name = ["", *re.split(r"[/\\]", spoken(filename))]
    stem = _ENDINGS.sub("", name)
    found = _NAME.match(stem)
    if found is None:  # a name with a line break
        return ReportName(None, None, stem, 0)
    word = (found["type"] or "").lower()
    date = _date(found["date"]) or day_in(archive)
    no_date = "" if date else found["date"] or ""
    if not _is_type(word, bool(found["date"]), known):
        if renamed := _of_renamed(stem, known):
            return renamed
        return ReportName(date, None, stem, int(found["part"] or 0), no_date=no_date)
    return ReportName(
        date=date,
        type=word,
        label=found["label"],
        part=int(found["part"] or 0),
        id=found["before"] or found["after"] or "",
        no_date=no_date,
    )


def _of_renamed(stem: str, known: Collection[str]) -> ReportName | None:
    """Return what a name says behind what a person or a program put before it: `Copy of 2026-11-16-scan_http-lu`."""
    date = _AMID.search(stem)
    if date is None:
        return None
    said = read_name(stem[date.start() :], known)
    return said if said.type in known else None


def _is_type(word: str, dated: bool, known: Collection[str]) -> bool:
    return bool(word) and (dated or word in known or "_" in word)


def _date(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        return None


def recognise(header: Collection[str], mappings: Mapped[str, Mapping]) -> str | None:
    """Return the type whose columns the header has; None when no type fits, or more than one equally well."""
    present = set(header)
    ranked = sorted(((_likeness(present, mapping.columns), name) for name, mapping in mappings.items()), reverse=True)[
        :2
    ]
    if not ranked or ranked[0][0] < MIN_LIKENESS:
        return None
    if len(ranked) > 1 and ranked[1][0] == ranked[0][0]:
        return None
    return ranked[0][1]


def _likeness(present: set[str], columns: Collection[str]) -> float:
    documented = set(columns)
    return len(present & documented) / len(present | documented) if documented else 0.0
