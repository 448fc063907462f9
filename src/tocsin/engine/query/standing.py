"""Whether a finding is new, still there, back or gone: not stored, but read off the days of its type.

Types whose days are the same are one `Group`, and its days stand in the query as constants. Most instances have one
or two: then a filter by state becomes a comparison with a day, which the files themselves can be searched for, and
no row is joined with anything.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from tocsin.engine.query.asked import Filter

OPEN = frozenset({"new", "still", "returned"})
_COLUMNS = """k1, k2, type, ip_high, ip_low, account, port, protocol, detail, name, asn, country, identifier, class,
    severity, constituent, claim, epoch_us(first_seen) AS first_seen, epoch_us(last_seen) AS last_seen, count, cycles,
    last_cycle, opened_on, returns, recent, label"""


@dataclasses.dataclass(frozen=True)
class TypeFiles:
    """The findings of one type, and the days that tell open from gone."""

    type: str
    files: tuple[str, ...]
    """Absolute paths."""
    horizon: dt.date | None
    """Findings last seen before it are gone."""
    latest: dt.date
    """The latest cycle: what it did not see is not new."""
    gone_since: dt.date | None = None
    """Findings last seen from then to `horizon` went gone in the latest cycle; None where none did."""


@dataclasses.dataclass(frozen=True)
class Group:
    """The files of types with the same days."""

    horizon: dt.date | None
    latest: dt.date
    gone_since: dt.date | None
    files: tuple[str, ...]

    def source(self, asked: Filter) -> tuple[str, list[Any]]:
        """Return a query for the findings of the group, each with its state, and its parameters.

        It leaves out what the days alone can tell is not asked for; what is left for others to decide is `undecided`.
        """
        days = " AND ".join(self._days_asked(asked))
        sql = f"""SELECT {_COLUMNS}, {self._state()} AS state, {self._just_gone()} AS just_gone
            FROM read_parquet(?) {"WHERE " + days if days else ""}"""  # noqa: S608  only days of our own stand in it
        return sql, [list(self.files)]

    def _state(self) -> str:
        return f"""CASE WHEN last_cycle < {_day(self.horizon)} THEN 'gone' WHEN last_cycle < {_day(self.latest)}
            THEN 'still' WHEN label = 0 THEN 'new' WHEN label = 2 THEN 'returned' ELSE 'still' END"""

    def _just_gone(self) -> str:
        went = f"last_cycle < {_day(self.horizon)} AND last_cycle >= {_day(self.gone_since)}"
        return f"CASE WHEN {went} THEN 1 ELSE 0 END"

    def _days_asked(self, asked: Filter) -> Iterator[str]:
        states = set(asked.states)
        if states == {"gone"} or asked.just_gone:
            yield f"last_cycle < {_day(self.horizon)}" if self.horizon else "false"
        if asked.just_gone:
            yield f"last_cycle >= {_day(self.gone_since)}" if self.gone_since else "false"
        if states and "gone" not in states and self.horizon:
            yield f"last_cycle >= {_day(self.horizon)}"
        if states and states <= {"new", "returned"}:
            yield f"last_cycle >= {_day(self.latest)}"


def undecided(asked: Filter) -> Filter:
    """Return what of a filter `Group.source` has not decided."""
    is_decided = set(asked.states) in ({"gone"}, OPEN)
    return dataclasses.replace(asked, states=() if is_decided else asked.states, just_gone=False)


def groups(kinds: Sequence[TypeFiles]) -> list[Group]:
    """Return the files of types together with those of types with the same days."""
    files: dict[tuple[dt.date | None, dt.date, dt.date | None], list[str]] = {}
    for kind in kinds:
        files.setdefault((kind.horizon, kind.latest, kind.gone_since), []).extend(kind.files)
    return [Group(horizon, latest, since, tuple(found)) for (horizon, latest, since), found in files.items()]


def _day(day: dt.date | None) -> str:
    return f"DATE '{day.isoformat()}'" if day else "NULL::DATE"
