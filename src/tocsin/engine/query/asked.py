"""What lists, counts and exports are asked for, and the conditions that it means. No text of a request becomes SQL."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FIELDS = {
    "state": "states", "severity": "severities", "class": "classes", "type": "types", "constituent": "constituents",
}  # fmt: skip
"""The fields of a filter that restrict a facet."""
FACETS = ("state", "severity", "class", "type", "constituent")


@dataclasses.dataclass(frozen=True)
class Moved:
    """What of the findings of a type has changed since a moment, told by the days of its cycles alone.

    It holds where nothing was taken back since, and nothing late came: see `feeds.sweeps`.
    """

    type: str
    latest: dt.date
    """The latest cycle then: what was seen later has changed, and what was new or back in it is so no more."""
    gone_from: dt.date
    gone_until: dt.date
    """What was last seen between both, the second left out, has gone since, or is there again."""


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which findings are asked for. An empty part does not restrict."""

    states: tuple[str, ...] = ()
    severities: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    constituents: tuple[str, ...] = ()
    """Public ids; an empty text stands for nobody."""
    asns: tuple[int, ...] = ()
    ports: tuple[int, ...] = ()
    addresses: tuple[tuple[int, int, int, int], ...] = ()
    """Ranges: first and last address as high and low words."""
    words: str = ""
    """Found in name, account or detail."""
    named: tuple[str, ...] = ()
    """Constituents whose findings the words find besides: those that are called so."""
    keys: tuple[tuple[int, int], ...] | None = None
    """Only these findings; an empty tuple is none at all."""
    only_constituents: tuple[str, ...] | None = None
    """What the reader may see; None for everything."""
    not_keys: tuple[tuple[int, int], ...] = ()
    """All but these findings."""
    came_back: bool = False
    just_gone: bool = False
    """Went gone in the latest cycle of their type."""
    last_cycle_before: dt.date | None = None
    """Last seen before that day."""
    last_cycle_from: dt.date | None = None
    """Last seen on that day or later."""
    moved: tuple[Moved, ...] = ()
    """Of these types only what has changed; of others all."""

    def without(self, facet: str) -> Filter:
        """Return the filter with one facet left open: what its values are counted under."""
        return dataclasses.replace(self, **{FIELDS[facet]: ()})  # type: ignore[arg-type]

    @property
    def on_facets(self) -> Filter:
        """The part that counts by facet can answer."""
        return dataclasses.replace(
            self, asns=(), ports=(), addresses=(), words="", named=(), keys=None, not_keys=(),
            last_cycle_before=None, last_cycle_from=None, moved=(),
        )  # fmt: skip

    @property
    def on_rows(self) -> Filter:
        """The part for which each finding must be looked at."""
        return Filter(
            asns=self.asns,
            ports=self.ports,
            addresses=self.addresses,
            words=self.words,
            named=self.named,
            keys=self.keys,
            not_keys=self.not_keys,
            last_cycle_before=self.last_cycle_before,
            last_cycle_from=self.last_cycle_from,
            moved=self.moved,
        )


@dataclasses.dataclass(frozen=True)
class Tally:
    """How many findings a filter gives, and how many each value of each facet would give in its place."""

    total: int
    by_facet: Mapping[str, Mapping[str, int]]
    """Facet → value as text → findings, all other parts of the filter standing. Nobody's constituent is ''."""


FEW_KEYS = 8
WITHIN = """((ip_high > ?::UBIGINT OR (ip_high = ?::UBIGINT AND ip_low >= ?::UBIGINT))
    AND (ip_high < ?::UBIGINT OR (ip_high = ?::UBIGINT AND ip_low <= ?::UBIGINT)))"""


def conditions(asked: Filter, networks: Sequence[str] = ()) -> tuple[str, list[Any]]:
    """Return the WHERE clause of a filter and its parameters.

    `networks` are those that findings are about in place of an address and that are within `asked.addresses` too.
    """
    found = [condition for condition in (*_on_facets(asked), *_on_rows(asked, networks)) if condition]
    parts = [part for part, _ in found]
    return ("WHERE " + " AND ".join(parts) if parts else ""), [value for _, values in found for value in values]


Condition = tuple[str, list[Any]] | None
_PAIRS = "(SELECT unnest(?::UBIGINT[]), unnest(?::UBIGINT[]))"


def _one_of(column: str, wanted: Sequence[Any]) -> Condition:
    return (f"{column} IN ({', '.join('?' for _ in wanted)})", list(wanted)) if wanted else None


def _held_by(wanted: Sequence[str]) -> Condition:
    """Compare the column itself, which a file can be searched for; nobody is no value there."""
    named = _one_of("constituent", [each for each in wanted if each])
    if "" not in wanted:
        return named
    return (f"({named[0]} OR constituent IS NULL)", named[1]) if named else ("constituent IS NULL", [])


def _on_facets(asked: Filter) -> Iterator[Condition]:
    """Yield conditions that counts by facet can answer too."""
    yield _one_of("state", asked.states)
    yield _one_of("severity", asked.severities)
    yield _one_of("class", asked.classes)
    yield _one_of("type", asked.types)
    yield _held_by(asked.constituents)
    if asked.only_constituents is not None:
        yield "list_contains(?::VARCHAR[], coalesce(constituent, ''))", [list(asked.only_constituents)]
    if asked.came_back:
        yield "returns > 0", []
    if asked.just_gone:
        yield "just_gone = 1", []


def _on_rows(asked: Filter, networks: Sequence[str]) -> Iterator[Condition]:
    """Yield conditions for which each finding must be looked at."""
    yield _one_of("asn", asked.asns)
    yield _one_of("port", asked.ports)
    if asked.last_cycle_before is not None:
        yield "last_cycle < ?", [asked.last_cycle_before]
    if asked.last_cycle_from is not None:
        yield "last_cycle >= ?", [asked.last_cycle_from]
    if asked.moved:
        yield _moved(asked.moved)
    if asked.addresses:
        within = [WITHIN for _ in asked.addresses]
        words = [word for a, b, c, d in asked.addresses for word in (a, a, b, c, c, d)]
        about, named = _one_of("account", networks) or ("", [])
        yield f"({' OR '.join([*within, about] if about else within)})", [*words, *named]
    if asked.words:
        cells = ("name", "account", "detail")
        either = [f"contains(lower({cell}), ?)" for cell in cells]  # nothing is nothing: no need to make text of it
        of_named = ["constituent IN (SELECT unnest(?::VARCHAR[]))"] if asked.named else []
        values = [asked.words.lower()] * len(cells) + [list(asked.named)] * len(of_named)
        yield f"({' OR '.join([*either, *of_named])})", values
    if asked.keys is not None:
        if len(asked.keys) <= FEW_KEYS:  # a list of constants is looked for while the file is read
            yield _one_of("k1", [key[0] for key in asked.keys])
        yield f"(k1, k2) IN {_PAIRS}", _columns(asked.keys)
    if asked.not_keys:
        yield f"(k1, k2) NOT IN {_PAIRS}", _columns(asked.not_keys)


def _moved(types: Sequence[Moved]) -> Condition:
    names = [each.type for each in types]
    others = f"type NOT IN ({', '.join('?' for _ in names)})"
    went = "(last_cycle >= ? AND last_cycle < ?)"
    one = f"(type = ? AND (last_cycle > ? OR (last_cycle = ? AND label IN (0, 2)) OR {went}))"
    values: list[Any] = list(names)
    for each in types:
        values += [each.type, each.latest, each.latest, each.gone_from, each.gone_until]
    return f"({' OR '.join([others, *(one for _ in types)])})", values


def _columns(keys: Sequence[tuple[int, int]]) -> list[Any]:
    return [[key[0] for key in keys], [key[1] for key in keys]]
