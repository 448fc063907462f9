"""How many are left after so many days: steps that fall, each within its band, with the numbers at risk below.

Steps, not lines: nothing is known between two ends. Days are drawn left to right in every language.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from django.utils.safestring import SafeString

from tocsin.kernel.refusals import InvalidInput
from tocsin.site.charts.plots import LABEL_GAP, PLOT_HEIGHT, SCALE_WIDTH, plot, spread
from tocsin.site.charts.svg import checked, element, number, path

AXIS_FROM, AT_RISK_GAP = 33, 15
"""Below the axis: where what its numbers are is said, and the lines beneath."""
SHORT_LABEL = 13
"""So many letters of a name stand beside the end of a line on a narrow screen; longer ones are broken at a space."""


@dataclasses.dataclass(frozen=True)
class Fall:
    """A group: the shares left (0 to 1) after each day at which one ended, between which bounds (none where nobody can
    say), and how many are at risk at each of the days under the axis. `look`: "ours" or ""."""

    label: str
    days: Sequence[float]
    left: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    watched_to: float
    at_risk: Sequence[str]
    look: str = ""


def falls(groups: Sequence[Fall], name: str, days: Sequence[float], axis: str) -> SafeString:
    """Return the steps of groups; `days` stand under the axis, ascending, and the last is where it ends.

    `axis` says what the numbers below are. Raises InvalidInput for shares that are none.
    """
    for group in groups:
        _require(group, days)
    longest = max(days[-1], 1)
    inner = [_band(group, longest) for group in groups] + [_steps(group, longest) for group in groups]
    over = [*_ends(groups, longest), *_at_risk(groups, days, longest, axis)]
    return plot(name, [*_grid(), *_under(days, longest)], inner, over, look="plot falls")


def _require(group: Fall, days: Sequence[float]) -> None:
    columns = [checked(each, group.label) for each in (group.days, group.left, group.low, group.high)]
    if len({len(each) for each in columns[: 4 if group.low else 2]}) > 1 or len(group.at_risk) != len(days):
        raise InvalidInput("a curve needs columns of one length.", where="falls")
    if any(share > 1 for each in columns[1:] for share in each):
        raise InvalidInput("a share lies between 0 and 1.", where="falls")


def _corners(days: Sequence[float], shares: Sequence[float], until: float, longest: float) -> list[tuple[float, float]]:
    """Return the corners of steps that begin with all and go on to the last day that was watched."""
    corners, height = [(0.0, 1.0)], 1.0
    for day, share in zip(days, shares, strict=True):
        corners += [(day, height), (day, share)]
        height = share
    corners.append((max(until, corners[-1][0]), height))
    return [(SCALE_WIDTH * min(day / longest, 1), PLOT_HEIGHT * (1 - share)) for day, share in corners]


def _band(group: Fall, longest: float) -> SafeString:
    if not group.low:
        return SafeString("")
    above = _corners(group.days, group.high, group.watched_to, longest)
    below = _corners(group.days, group.low, group.watched_to, longest)
    look = "band ours" if group.look == "ours" else "usual-band"
    return element("path", class_=look, d=path([*above, *reversed(below)]) + "Z")


def _steps(group: Fall, longest: float) -> SafeString:
    corners = _corners(group.days, group.left, group.watched_to, longest)
    return element("path", class_=f"line {group.look}".strip(), d=path(corners), vector_effect="non-scaling-stroke")


def _grid() -> Iterable[SafeString]:
    for share in (0, 50, 100):
        y = PLOT_HEIGHT * (1 - share / 100)
        yield element("line", class_="grid" if share else "axis", x1="0", x2="100%", y1=y, y2=y)
        yield element("text", f"{share} %", class_="finish", x=-6, y=y + 4)


def _places(days: Sequence[float], longest: float) -> Iterable[tuple[int, str, str]]:
    """Yield the number of each day, how its text stands, and where; a narrow screen leaves out every second one."""
    for at, day in enumerate(days):
        share = day / longest
        anchor = "start" if share == 0 else "middle"
        yield at, f"{anchor} between" if at % 2 else anchor, f"{number(100 * share)}%"


def _under(days: Sequence[float], longest: float) -> Iterable[SafeString]:
    for at, anchor, x in _places(days, longest):
        yield element("text", number(days[at]), class_=anchor, x=x, y=PLOT_HEIGHT + 16)


def _ends(groups: Sequence[Fall], longest: float) -> Iterable[SafeString]:
    """Yield the names of the groups at the height of their last step, pushed apart until none covers another."""
    ends = [(_corners(each.days, each.left, each.watched_to, longest)[-1][1], each) for each in groups]
    ends.sort(key=lambda end: end[0])
    gap = LABEL_GAP * max((len(_in_lines(each.label)) for each in groups), default=1)
    for y, (_, group) in zip(spread([end[0] for end in ends], gap), ends, strict=True):
        lines = _in_lines(group.label)
        for above, line in enumerate(reversed(lines)):
            look = f"start {group.look}".strip()
            yield element("text", line, class_=look, x="100%", y=y + 4 - LABEL_GAP * above, dx=8)


def _in_lines(label: str) -> list[str]:
    """Return a name in two lines of about one length where it is long and has a space."""
    words = label.split(" ")
    if len(label) <= SHORT_LABEL or len(words) == 1:
        return [label]
    breaks = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    return list(min(breaks, key=lambda parts: max(map(len, parts))))


def _at_risk(groups: Sequence[Fall], days: Sequence[float], longest: float, axis: str) -> Iterable[SafeString]:
    """Yield the numbers at risk, each group's below its name: a name of any length has the whole width."""
    y = PLOT_HEIGHT + AXIS_FROM
    yield element("text", axis, class_="start", x="0", y=y)
    for group in groups:
        look = f" {group.look}".rstrip()
        yield element("text", group.label, class_=f"start{look}", x="0", y=y + AT_RISK_GAP)
        y += 2 * AT_RISK_GAP
        for at, anchor, x in _places(days, longest):
            yield element("text", group.at_risk[at], class_=f"{anchor}{look}", x=x, y=y)
