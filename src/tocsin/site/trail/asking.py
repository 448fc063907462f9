"""What the address of the page asks of the trail."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from tocsin.audit import wording
from tocsin.audit.queries import Filter
from tocsin.kernel import clock
from tocsin.kernel.questions import Question

ROWS = 50
HIGHEST = 10**17
"""No trail is longer."""
ONE_DAY = dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked for, and where the page begins: below one number, or above another."""

    filter: Filter
    below: int | None
    above: int | None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the place is asked for."""
        return self.filter != Filter()

    def as_data(self) -> dict[str, Any]:
        """Return what is asked for as the trail keeps it."""
        found = {name: value for name, value in dataclasses.asdict(self.filter).items() if value}
        return {**found, **({"about": list(self.filter.about)} if self.filter.about else {})}


def asked_for(question: Question[QueryDict], actors: Mapping[str, str]) -> Asked:
    """Read the question. What is not understood is left out, and the page says so."""
    groups = wording.groups()
    codes = {code for group in groups.values() for code in group.sentences}
    named = question.values("what", {*groups, *codes})
    wanted = [code for name in named for code in (groups[name].sentences if name in groups else [name])]
    first, last = question.read("from", _day), question.read("to", _day)
    found = Filter(
        who=question.value("who", actors),
        codes=tuple(dict.fromkeys(wanted)),
        about=_about(question),
        since=_midnight(first[-1]) if first else None,
        before=_midnight(last[-1] + ONE_DAY) if last else None,
    )
    below, above = question.number("before", HIGHEST, 0), question.number("after", HIGHEST, 0)
    return Asked(found, below or None, None if below else above or None)


def _about(question: Question[QueryDict]) -> tuple[str, str] | None:
    """Return the thing that is asked for: its kind, and what was typed of it."""
    kinds = wording.kinds()
    kind, text = question.value("about", kinds), question.text("key")
    if not kind or not text:
        return None
    key = kinds[kind].find(text)
    if key is None:
        question.refuse("key", text)
        return None
    return kind, key


def _day(text: str) -> dt.date:
    """Return a day. Raises ValueError for what is none, or too near to either end of time to be counted from."""
    on = clock.day(text)
    if not 1970 <= on.year < 9000:
        raise ValueError(text)
    return on


def _midnight(on: dt.date) -> dt.datetime:
    return dt.datetime.combine(on, dt.time(), dt.UTC)
