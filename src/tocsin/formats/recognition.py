"""Know a delivered report by its name and header: which type, of which day, read by which mapping."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import re
from collections.abc import Sequence

from tocsin.engine.intake import Recognised
from tocsin.engine.mapping import TIME, Mapping
from tocsin.engine.opening import BrokenReport, Source, opened
from tocsin.engine.shapes import Shape, separated_by
from tocsin.formats import beside, idf, shadowserver
from tocsin.formats.delimited import Feed
from tocsin.formats.shadowserver import Mappings
from tocsin.formats.whole import Whole, begins_with_an_object
from tocsin.kernel.names import WITHIN, day_in, spoken

LONGEST_TYPE = 80
"""Characters of a type's name; of a longer one this many and a hash."""
_SEVERITY = "severity"
_DIGITS = re.compile(r"[-_. ]*\d[\d_.: -]*")
_ODD = re.compile(r"[^\w -]+")
_REMEDY = "See how to map a new report."


class Recognition:
    """Recognises reports by a set of mappings; what no mapping knows is kept all the same, and said to need one.

    `feeds` are described by mapping files and known by the names of their files; they come before everything else.
    """

    def __init__(self, mappings: Mappings, feeds: Sequence[Feed] = ()) -> None:
        self.mappings, self.feeds = mappings, tuple(feeds)

    def __call__(self, name: str, columns: tuple[str, ...]) -> Recognised:
        """Return what a report is. Raises BrokenReport when its columns cannot be those of any report."""
        said = shadowserver.read_name(name, self.mappings.by_type)
        if feed := self._feed(name):
            self._check(name, columns, feed.mapping)
            shape = feed.reading.engine_shape or Shape()
            return Recognised(feed.mapping, said.date, shape, lacking=feed.mapping.lacking(columns))
        told = _bounded(said.type or "") or shadowserver.recognise(columns, self.mappings.by_type)
        kind = told or type_from(name)
        mapping = self.mappings.for_type(kind, columns)
        if mapping.origin == "none" and TIME in columns:
            mapping = idf.mapping_of(columns, kind)
        on = said.date
        if on is None and mapping.origin == "none" and not (mapping.roles.time and mapping.roles.address):
            on = day_in(name)  # of rows that cannot be read it is all that is known
        self._check(name, columns, mapping, on)
        return Recognised(_graded(mapping, columns), on, is_made_up=not told)

    def unusual(self, source: Source) -> tuple[Recognised, tuple[str, ...]] | None:
        """Return what a report of a feed with a mapping file, or of JSON lines, is. Raises BrokenReport."""
        feed = self._feed(source.name)
        if feed and (shape := feed.reading.engine_shape):
            from tocsin.engine.records import Reader  # PyArrow: too large for a page that only names feeds

            with opened(source) as stream:
                columns = Reader(stream, name=source.name, shape=shape).columns
            return self(source.name, columns), columns
        if feed is None and not begins_with_an_object(source):
            return None
        records = Whole(feed.reading.records if feed else idf.read_lines)
        columns = records.columns(source)
        if feed is None and TIME not in columns:
            raise BrokenReport(
                f"its lines are JSON objects, but no mapping file covers its name, and they have no {TIME}.",
                where=source.name,
                remedy=_REMEDY,
            )
        return dataclasses.replace(self(source.name, columns), records=records), columns

    @functools.cached_property
    def digest(self) -> str:
        """What changes with these mappings, wherever they come from, and is the same in another process."""
        described = sorted(self.mappings.by_type.items()), sorted(self.mappings.aliases.items()), self.feeds
        return hashlib.sha256(repr(described).encode()).hexdigest()

    def is_no_report(self, name: str) -> bool:
        """Say whether a file is no report by its name alone."""
        return beside.is_no_report(name, self.feeds)

    def cycle_of(self, name: str) -> tuple[str, dt.date] | None:
        """Return type and day as far as the name alone tells them."""
        said = shadowserver.read_name(name, self.mappings.by_type)
        feed = self._feed(name)
        kind = feed.mapping.type if feed else self.mappings.aliases.get(said.type or "", _bounded(said.type or ""))
        return (kind, said.date) if kind and said.date else None

    def type_of(self, name: str) -> str | None:
        """Return the type that a name says, if a mapping knows it."""
        if feed := self._feed(name):
            return feed.mapping.type
        said = shadowserver.read_name(name, self.mappings.by_type).type or ""
        kind = self.mappings.aliases.get(said, said)
        return kind if kind in self.mappings.by_type else None

    def _feed(self, name: str) -> Feed | None:
        return next((feed for feed in self.feeds if feed.covers(name)), None)

    def _check(self, name: str, columns: tuple[str, ...], mapping: Mapping, on: dt.date | None = None) -> None:
        """Refuse columns that cannot be those of any report.

        A dated report that nobody has described is none of these: its rows are kept whole, until a mapping reads them.
        """
        asset = mapping.roles.address or mapping.roles.account
        needed = [column for column in (mapping.roles.time, asset) if column]
        missing = [column for column in needed if column not in columns]
        if mapping.origin == "file" and missing:
            problem, remedy = f"it has no column {missing[0]!r}, which the mapping of {mapping.type} needs.", ""
        elif mapping.origin != "none" and len(missing) == 2:
            problem = f"it is named as {mapping.type} but has neither its column {missing[0]!r} nor {missing[1]!r}."
            remedy = ""
        elif mapping.origin == "none" and not (mapping.roles.time and asset):
            problem, remedy = "no mapping knows its type, and no column of it holds a time and an asset.", _REMEDY
        else:
            return
        if separator := _other_separator(columns):
            problem, remedy = separated_by(separator)
        elif mapping.origin == "none" and on and len(columns) > 1:
            return
        raise BrokenReport(problem, where=name, remedy=remedy)


def _other_separator(columns: tuple[str, ...]) -> str:
    """Return what separates the columns of a header that was cut at something else; empty when it was cut rightly."""
    for separator in (";", "|", ","):
        if columns and sum(column.count(separator) for column in columns) >= len(columns):
            return separator
    return ""


def _graded(mapping: Mapping, columns: tuple[str, ...]) -> Mapping:
    """Return a mapping with the type's usual severity, and the report's own where a column says it."""
    severity = shadowserver.meaning_of(mapping.type, mapping.title).severity
    roles = dataclasses.replace(mapping.roles, severity=_SEVERITY if _SEVERITY in columns else "")
    return dataclasses.replace(mapping, severity=severity, roles=roles)


def type_from(name: str) -> str:
    """Return a report type made from a file's name, so that tomorrow's file of the same kind gets the same.

    It is of letters, digits, `-`, `_` and spaces. What is called by its archive, too, has a type that is.
    """
    stems = (part.split(".")[0] for part in spoken(name.lower()).split(WITHIN))
    words = (_ODD.sub("", _DIGITS.sub("", stem)).strip("-_ ") for stem in stems)
    return _bounded("-".join(filter(None, words))) or "unnamed"


def _bounded(kind: str) -> str:
    """Return a type whose name is not too long for a list; two long ones stay two."""
    if len(kind) <= LONGEST_TYPE:
        return kind
    return f"{kind[:LONGEST_TYPE]}_{hashlib.sha256(kind.encode()).hexdigest()[:8]}"
