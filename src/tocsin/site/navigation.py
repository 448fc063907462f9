"""The places of the side bar, in the order of the work.

A room cannot name its place to the site (the site stands above it), and the
order is one decision, not twelve. So this file lists the places by the name of
their address, and a place is shown as soon as some room answers under that
name and the person may use it. A new room adds `name="cases"` to its urls and
nothing here; a number beside the place is one entry in `WORK`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tocsin.courier.incoming import queries as mail
from tocsin.directory import queries as directory
from tocsin.feeds import answers, queries
from tocsin.feeds.queries import Filter, Findings
from tocsin.feeds.queries_situation import OPEN
from tocsin.people import policy


@dataclasses.dataclass(frozen=True)
class Place:
    """Somewhere in the side bar. `name` is the name of its address, `key` the letter after `g`."""

    name: str
    label: Any
    key: str = ""
    below: tuple[Place, ...] = ()


@dataclasses.dataclass(frozen=True)
class Count:
    """What stands beside a place. `matters` makes it ember; it then has words: "4 stopped"."""

    text: str
    matters: bool = False


@dataclasses.dataclass(frozen=True)
class Shown:
    """A place as one page shows it."""

    label: Any
    url: str
    key: str
    count: Count | None
    is_here: bool
    below: tuple[Shown, ...]


PLACES = (
    Place("situation", _("Situation"), "s"),
    Place(
        "findings",
        _("Findings"),
        "f",
        (
            Place("notices", _("Notices"), "n"),
            Place("answers", _("Answers"), "w"),
            Place("effect", _("Do notices help?"), "h"),
            Place("feeds", _("Feeds and runs"), "r"),
            Place("quarantine", _("Quarantine"), "q"),
            Place("outbox", _("Outbox"), "x"),
            Place("received-mail", _("Mail received"), "i"),
        ),
    ),
    Place("cases", _("Cases"), "c"),
    Place("advisories", _("Advisories"), "a"),
    Place("continuity", _("Continuity"), "t"),
    Place("cooperation", _("Cooperation"), "o"),
    Place("readiness", _("Readiness"), "e"),
    Place("progress", pgettext_lazy("the section that reviews progress", "Progress"), "p"),
    Place(
        "directory",
        _("Directory"),
        "d",
        (
            Place("changes-asked-for", _("Changes asked for"), "b"),
            Place("overlapping-claims", _("Overlapping claims"), "v"),
            Place("unattributed", _("Unattributed assets"), "u"),
        ),
    ),
    Place("people", _("People"), "m", (Place("roles", _("Roles")),)),
    Place("audit", _("Audit trail"), "l"),
)


Now = Callable[[], Findings]
"""Gives the findings as they are now, the same for a whole page."""


def _open_findings(person: Any, now: Now) -> Count | None:
    if not policy.may(person, policy.Ability.VIEW_FINDINGS):
        return None
    asked = Filter(states=OPEN, only_constituents=queries.only_constituents(person))
    return Count(_grouped(now().count(asked)))


COUNTS: Mapping[str, Callable[[Any, Now], Count | None]] = {"findings": _open_findings}
"""Name of a place → the number beside it for a person."""
WORK: Mapping[str, Callable[[], models.QuerySet[Any]]] = {
    "answers": answers.to_judge,
    "received-mail": mail.to_be_read,
    "changes-asked-for": directory.changes_waiting,
}
"""Name of a place → what waits there: how many is said beside it. All that a page says costs one cheap SQL query."""


def _counted(names: Iterable[str]) -> dict[str, int]:
    """Return how many there are of what is counted beside some places."""
    asked = [
        WORK[name]()
        .order_by()
        .annotate(of_place=models.Value(name))
        .values("of_place")
        .annotate(number=models.Count("pk"))
        for name in names
        if name in WORK
    ]
    rows = [each.values_list("of_place", "number") for each in asked]
    return dict(rows[0].union(*rows[1:], all=True)) if rows else {}


def _with(ability: policy.Ability) -> Callable[[Any], bool]:
    return lambda person: policy.may(person, ability)


ALLOWED: Mapping[str, Callable[[Any], bool]] = {
    "directory": _with(policy.Ability.VIEW_DIRECTORY),
    "overlapping-claims": _with(policy.Ability.VIEW_DIRECTORY),
    "changes-asked-for": _with(policy.Ability.VIEW_DIRECTORY),
    "situation": _with(policy.Ability.VIEW_SITUATION),
    "findings": _with(policy.Ability.VIEW_FINDINGS),
    "answers": _with(policy.Ability.VIEW_FINDINGS),
    "feeds": _with(policy.Ability.VIEW_FEEDS),
    "notices": _with(policy.Ability.VIEW_NOTICES),
    "effect": _with(policy.Ability.VIEW_EFFECT),
    "quarantine": _with(policy.Ability.VIEW_FEEDS),
    "outbox": _with(policy.Ability.VIEW_MAIL),
    "unattributed": _with(policy.Ability.VIEW_FINDINGS),
    "people": _with(policy.Ability.MANAGE_PEOPLE),
    "audit": _with(policy.Ability.READ_AUDIT),
    "received-mail": _with(policy.Ability.VIEW_RECEIVED_MAIL),
}
"""Name of a place → whether a person may use it; a place that is not named is for everybody signed in."""


def side_bar(path: str, person: Any, now: Now = queries.findings) -> tuple[Shown, ...]:
    """Return the places to show on the page at `path`, with the one it belongs to marked."""
    urls = {place.name: url for place in _all_places() if (url := _url(place, person))}
    here = _nearest(path, urls)
    shown = [each for place in PLACES for each in (place, *_opened(place, here)) if each.name in urls]
    numbers = _counted(each.name for each in shown)
    counts: dict[str, Count | None] = {name: Count(_grouped(number)) for name, number in numbers.items() if number}
    counts |= {each.name: COUNTS[each.name](person, now) for each in shown if each.name in COUNTS}
    return tuple(_show(place, urls, here, counts) for place in PLACES if place.name in urls)


def _all_places() -> tuple[Place, ...]:
    return tuple(each for place in PLACES for each in (place, *place.below))


def _url(place: Place, person: Any) -> str | None:
    if not ALLOWED.get(place.name, lambda _person: True)(person):
        return None
    try:
        return reverse(place.name)
    except NoReverseMatch:
        return None


def _nearest(path: str, urls: Mapping[str, str]) -> str | None:
    """Return the place whose address is the longest beginning of `path`; `/` counts only for itself."""
    matching = [name for name, url in urls.items() if path == url or (url != "/" and path.startswith(url))]
    return max(matching, key=lambda name: len(urls[name]), default=None)


def _opened(place: Place, here: str | None) -> tuple[Place, ...]:
    """Return what lies below a place while one is in it: nine lines stay nine lines elsewhere, and cost no query."""
    return place.below if here in (place.name, *(each.name for each in place.below)) else ()


def _show(place: Place, urls: Mapping[str, str], here: str | None, counts: Mapping[str, Count | None]) -> Shown:
    below = tuple(_show(each, urls, here, counts) for each in _opened(place, here) if each.name in urls)
    return Shown(place.label, urls[place.name], place.key, counts.get(place.name), place.name == here, below)


def _grouped(number: int) -> str:
    return str(formats.number_format(number, force_grouping=True))
