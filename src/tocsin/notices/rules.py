"""Pure decisions: which policy holds, what is suppressed, when somebody works, who is told next.

No database and no clock: what they need comes as values, the instant as an argument.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import hmac
import zoneinfo
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from tocsin.kernel.clock import Instant
from tocsin.kernel.tlp import TLP
from tocsin.notices.choices import Channel, NoticeState, Whom, Why
from tocsin.notices.courses import ANEW, Before, makes_up

DIGEST_DAYS = 7


@dataclasses.dataclass(frozen=True)
class Hours:
    """When somebody works; no days for any day, no hours for the whole day."""

    days: frozenset[int] = frozenset()
    """0 is Monday."""
    begin: dt.time | None = None
    end: dt.time | None = None
    zone: str = "UTC"


@dataclasses.dataclass(frozen=True)
class Step:
    """Who is told next when nobody has reacted for so long."""

    after: dt.timedelta
    whom: Whom
    regulator: str = ""
    """Public id."""


@dataclasses.dataclass(frozen=True)
class Terms:
    """A policy as planning needs it."""

    key: int
    constituent: str = ""
    sector: str = ""
    category: str = ""
    threshold: int = 6
    interval: dt.timedelta = dt.timedelta(hours=24)
    hours: Hours = Hours()
    channel: Channel = Channel.MAIL
    language: str = ""
    tlp: TLP = TLP.AMBER
    steps: tuple[Step, ...] = ()
    digest: bool = False

    @property
    def specificity(self) -> tuple[int, bool]:
        """Who before what: constituent, sector, everybody; in each, one class before all."""
        return 2 if self.constituent else int(bool(self.sector)), bool(self.category)

    def fits(self, constituent: str, sector: str, category: str) -> bool:
        """Say whether it is for a class of findings of a constituent."""
        return self.constituent in ("", constituent) and self.sector in ("", sector) and self.category in ("", category)


def policy_for(policies: Iterable[Terms], constituent: str, sector: str, category: str) -> Terms | None:
    """Return the most specific policy for a class of findings of a constituent; None when none is for it."""
    fitting = [each for each in policies if each.fits(constituent, sector, category)]
    return max(fitting, key=lambda each: (*each.specificity, -each.key), default=None)


def way(channel: str, whom: str, *, has_hook: bool) -> Channel:
    """Return by which way a notice goes that its policy wants to go by a channel.

    Whoever is told next gets mail, for who or what was told first has not reacted; and so does an organisation without
    a webhook.
    """
    wanted = Channel(channel) if whom == Whom.SECURITY else Channel.MAIL
    return Channel.MAIL if wanted == Channel.WEBHOOK and not has_hook else wanted


class Suppressed(NamedTuple):
    """What is not told, as planning needs it. Every part that is given must fit."""

    until: dt.date
    constituent: str = ""
    category: str = ""
    finding: str = ""
    first: int | None = None
    """First address of a network, IPv4 in its mapped place, as findings have it."""
    last: int | None = None

    def covers(self, constituent: str, category: str, finding: str, address: int | None) -> bool:
        """Say whether it is for a finding."""
        return (
            self.constituent in ("", constituent)
            and self.category in ("", category)
            and self.finding in ("", finding)
            and self._is_around(address)
        )

    def _is_around(self, address: int | None) -> bool:
        if self.first is None or self.last is None:
            return True
        return address is not None and self.first <= address <= self.last


MILD = 5
"""Only findings of this severity and milder ones are ever held out: C5 is minor, C6 localised."""
MAY_BE_HELD_OUT = ("potentially-unwanted-accessible", "vulnerable-system", "weak-crypto")
"""Classes in which nothing has happened yet, and by which nobody else is harmed: amplifiers and leaks are not among
them."""
MOST_HELD_OUT = 50
"""Per cent of organisations."""
FEWEST_ORGANISATIONS = 10
"""In each group: with fewer nothing could be said, and to hold anything out would serve nothing."""


def is_held_out(key: str, share: int, constituent: str) -> bool:
    """Say whether a constituent is among the `share` per cent that are held out: the same for as long as `key` is.

    Whole organisations are drawn, not findings: what one hand ends is one witness, and nobody mends half of a fault.
    """
    drawn = hmac.digest(key.encode(), constituent.encode(), hashlib.sha256)
    return int.from_bytes(drawn[:8], "big") * 100 < share << 64


@dataclasses.dataclass(frozen=True)
class Holding:
    """A hold-out, as planning needs it."""

    category: str
    mildest: int
    share: int
    key: str
    exempt: frozenset[str] = frozenset()
    """Constituents that are told all the same."""

    def covers(self, constituent: str, category: str, severity: int) -> bool:
        """Say whether findings of a constituent are held out. Nothing severe ever is."""
        is_meant = category == self.category and MILD <= severity <= self.mildest
        return is_meant and constituent not in self.exempt and is_held_out(self.key, self.share, constituent)


class Answered(NamedTuple):
    """What a constituent has said of a finding, and whether that stands."""

    constituent: str
    at: Instant
    is_quiet: bool
    """It stands, or waits to be looked at: nobody is told meanwhile."""

    def reopens(self, before: Before) -> bool:
        """Say whether it does not stand, and whoever gave it has been told nothing since."""
        return not self.is_quiet and before.said_at <= self.at


def why_now(why: str, returns: int, before: Before | None, answer: Answered | None) -> str:
    """Return why a finding of a notice that waited is told when it leaves.

    What stands in a weekly list or makes up for what came back, and was answered while that waited, is told against the
    answer when that does not stand: its days and steps begin anew.
    """
    if before is None or answer is None or not answer.reopens(before):
        return why
    is_of_the_course = why == Why.DIGEST or (why in ANEW and returns == before.returns)
    return Why.ESCALATED if is_of_the_course else why


def due_step(steps: Sequence[Step], before: Before, at: Instant, *, passed: int = 0) -> int:
    """Return the number of the step that is due, 1 for the first; 0 when none is.

    A step is done once, in the order of days; up to `passed` they are passed over. One that came back while a later one
    was told is made up for at once. Who has reacted is left in peace.
    """
    if before.has_reacted:
        return 0
    owed = [number for number in before.owed if passed < number <= len(steps)]
    later = range(max(before.step, passed) + 1, len(steps) + 1)
    return next((number for number in (*owed, *later) if number in owed or _is_due(steps, number, before, at)), 0)


def _is_due(steps: Sequence[Step], number: int, before: Before, at: Instant) -> bool:
    """Say whether the days of a step are over, and who was told by the last one has had the days between."""
    after = steps[number - 1].after
    if before.first_at + after > at:
        return False
    if not before.step or before.stepped_at is None:
        return True
    between = after - steps[before.step - 1].after
    return at.date() - before.stepped_at.date() >= between


def is_told_since(why: str, step: int, returns: int, before: Before, made_at: Instant) -> bool:
    """Say whether what a notice that was prepared would tell of a finding has been told otherwise since."""
    if makes_up(why, step, returns, before):
        return False
    if why in ANEW:
        return why == Why.NEW or before.returns >= returns
    if step:
        return before.step >= step or before.first_at > made_at
    return (before.listed_from if why == Why.DIGEST else before.said_at) > made_at


def is_digest_due(last_told: Instant, last_digest: Instant | None, at: Instant) -> bool:
    """Say whether a finding that was told may stand in a weekly list: neither was told within the last seven days.

    `last_told` is when the security contact was: what others are told does not put its list off.
    """
    latest = max(last_told, last_digest) if last_digest else last_told
    return (at.date() - latest.date()).days >= DIGEST_DAYS


def not_before(hours: Hours, at: Instant) -> Instant:
    """Return the first instant, from `at` on, at which somebody works there; `at` itself when they do."""
    zone = zoneinfo.ZoneInfo(hours.zone)
    local = at.astimezone(zone)
    begin, end = hours.begin or dt.time.min, hours.end or dt.time.max
    for ahead in range(8):
        day = local.date() + dt.timedelta(days=ahead)
        if hours.days and day.weekday() not in hours.days:
            continue
        opens, closes = (dt.datetime.combine(day, hour, zone).astimezone(dt.UTC) for hour in (begin, end))
        if at < closes:
            return max(at, opens)
    return at


def language_of(wanted: Iterable[str], spoken: Collection[str], default: str) -> str:
    """Return the first language wanted that we speak, without its region; else the default."""
    plain = (code.replace("_", "-").split("-")[0].lower() for code in wanted if code)
    return next((code for code in plain if code in spoken), default)


_NEXT: Mapping[NoticeState, frozenset[NoticeState]] = {
    NoticeState.PLANNED: frozenset({NoticeState.PREVIEWED, NoticeState.DISCARDED}),
    NoticeState.PREVIEWED: frozenset({NoticeState.QUEUED, NoticeState.DISCARDED}),
    NoticeState.QUEUED: frozenset({NoticeState.SENT, NoticeState.BOUNCED, NoticeState.DISCARDED}),
    NoticeState.SENT: frozenset({NoticeState.DELIVERED, NoticeState.BOUNCED, NoticeState.READ, NoticeState.ACTED}),
    NoticeState.DELIVERED: frozenset({NoticeState.BOUNCED, NoticeState.READ, NoticeState.ACTED}),
    NoticeState.BOUNCED: frozenset({NoticeState.SENT, NoticeState.READ, NoticeState.ACTED}),
    NoticeState.READ: frozenset({NoticeState.ACTED}),
    NoticeState.ACTED: frozenset(),
    NoticeState.DISCARDED: frozenset(),
}


def may_follow(state: NoticeState, upon: NoticeState) -> bool:
    """Say whether a notice may come into a state upon another. What nobody has read is not sent."""
    return state in _NEXT[upon]
