"""The places of the side bar, in the order of the work.

A room cannot name its place to the site (the site stands above it), and the
order is one decision, not twelve. So this file lists the places by the name of
their address, and a place is shown as soon as some room answers under that
name and the person may use it. A new room adds `name="cases"` to its urls and
nothing here; a number beside the place is one entry in `COUNTS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tocsin.courier.incoming import queries as mail
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
    return Count(formats.number_format(now().count(asked), force_grouping=True))


def _mail_to_be_read(person: Any, _now: Now) -> Count | None:
    number = mail.to_be_read().count()
    return Count(formats.number_format(number, force_grouping=True)) if number else None


def _answers_to_judge(person: Any, _now: Now) -> Count | None:
    number = answers.to_judge().count()
    return Count(formats.number_format(number, force_grouping=True)) if number else None


COUNTS: Mapping[str, Callable[[Any, Now], Count | None]] = {
    "findings": _open_findings,
    "answers": _answers_to_judge,
    "received-mail": _mail_to_be_read,
}
"""Name of a place → query that gives the number beside it for a person. Each is one cheap SQL query."""


def _with(ability: policy.Ability) -> Callable[[Any], bool]:
    return lambda person: policy.may(person, ability)


def _is_staff(person: Any) -> bool:
    return bool(getattr(person, "is_staff_of_team", False))


ALLOWED: Mapping[str, Callable[[Any], bool]] = {
    "directory": _is_staff,
    "overlapping-claims": _is_staff,
    "situation": _with(policy.Ability.VIEW_SITUATION),
    "findings": _with(policy.Ability.VIEW_FINDINGS),
    "answers": _with(policy.Ability.VIEW_FINDINGS),
    "feeds": _with(policy.Ability.VIEW_FEEDS),
    "notices": _with(policy.Ability.VIEW_NOTICES),
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
    return tuple(_show(place, urls, here, person, now) for place in PLACES if place.name in urls)


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


def _show(place: Place, urls: Mapping[str, str], here: str | None, person: Any, now: Now) -> Shown:
    # What lies below a place shows only while one is in it: nine lines stay nine lines elsewhere, and cost no query.
    is_opened = here in (place.name, *(each.name for each in place.below))
    opened = place.below if is_opened else ()
    below = tuple(_show(each, urls, here, person, now) for each in opened if each.name in urls)
    count = COUNTS.get(place.name)
    shown = count(person, now) if count else None
    return Shown(place.label, urls[place.name], place.key, shown, place.name == here, below)
