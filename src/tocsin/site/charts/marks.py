"""Drawings that fit a line of text or a cell: sparkline, strip of days, ticks of feeds, squares of severities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from django.utils.safestring import SafeString

from tocsin.kernel.refusals import InvalidInput
from tocsin.site.charts.svg import checked, drawing, element, number, path, together

SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 100, 22, 3
DAY_PX, STRIP_HEIGHT, LOW_HEIGHT = 3, 11, 3
TICK_PX, TICK_HEIGHT = 8, 12
SQUARE_PX, SQUARES_AT_MOST = 15, 12


def sparkline(values: Iterable[float], name: str, usual: tuple[float, float] | None = None) -> SafeString:
    """Return a small line of `values` over the band of the usual (low, high).

    The line is ember when the last value lies above the band: that is what the
    reader looks for. The axis begins at 0.
    """
    line = checked(values, "sparkline")
    if not line:
        return drawing(name, SafeString(""), class_="spark", viewBox=f"0 0 {SPARK_WIDTH + 4} {SPARK_HEIGHT}")
    above = usual is not None and line[-1] > usual[1]
    top = max([*line, *(usual or ()), 1e-9])
    points = [(_along(index, len(line)), _spark_y(value, top)) for index, value in enumerate(line)]
    look = "above" if above else "ours"
    dot = element("circle", class_=f"dot {'above' if above else ''}".strip(), cx=points[-1][0], cy=points[-1][1], r=2.5)
    parts = [*_spark_band(usual, top), element("path", class_=f"line {look}", d=path(points)), dot]
    return drawing(name, together(parts), class_="spark", viewBox=f"0 0 {SPARK_WIDTH + 4} {SPARK_HEIGHT}")


def _along(index: int, of: int) -> float:
    return SPARK_WIDTH * (index / (of - 1) if of > 1 else 1.0)


def _spark_y(value: float, top: float) -> float:
    return SPARK_HEIGHT - SPARK_MARGIN - (SPARK_HEIGHT - 2 * SPARK_MARGIN) * value / top


def _spark_band(usual: tuple[float, float] | None, top: float) -> list[SafeString]:
    if usual is None:
        return []
    low, high = _spark_y(usual[0], top), _spark_y(usual[1], top)
    band = element("rect", class_="usual-band", x=0, y=high, width=SPARK_WIDTH, height=low - high)
    return [band, element("line", class_="usual-edge", x1=0, x2=SPARK_WIDTH, y1=high, y2=high)]


def strip(days: Sequence[str], name: str) -> SafeString:
    """Return days, oldest first, 3 px each: "s" seen is tall, "n" new or returned is tall and ember, "." is low.

    `days` is a string such as "......nsssss" or a sequence of these letters.
    """
    if unknown := set(days) - set("sn."):
        raise InvalidInput(f"a day is one of s, n and a point, not {sorted(unknown)}.", where="strip")
    parts = [_stripes("low", days, ".", LOW_HEIGHT), _stripes("seen", days, "s", 0), _stripes("fresh", days, "n", 0)]
    width = DAY_PX * max(len(days), 1)
    return drawing(name, together(parts), class_="strip", viewBox=f"0 0 {width} {STRIP_HEIGHT}")


def _stripes(look: str, days: Sequence[str], letter: str, height: int) -> SafeString:
    """Return one path for all days of a letter: 50 rows of 30 days stay a small page."""
    top = STRIP_HEIGHT - height if height else 0
    stripes = "".join(
        f"M{number(index * DAY_PX + 1)} {top}V{STRIP_HEIGHT}" for index, day in enumerate(days) if day == letter
    )
    return element("path", class_=look, d=stripes) if stripes else SafeString("")


Arrival = Literal["ok", "held", "late", "broken", "silent"]


def ticks(feeds: Sequence[tuple[str, Arrival]], name: str) -> SafeString:
    """Return one tick a feed, each (name, state): full if ok, short and ember if "broken" or "silent", else hollow."""
    parts = [_tick(index, feed, state) for index, (feed, state) in enumerate(feeds)]
    width = TICK_PX * max(len(feeds), 1)
    return drawing(
        name, together(parts), class_="ticks", viewBox=f"0 0 {width} {TICK_HEIGHT}", width=width, height=TICK_HEIGHT
    )


def _tick(index: int, feed: str, state: Arrival) -> SafeString:
    tip = element("title", feed)
    box: dict[str, float]
    if state in ("broken", "silent"):
        box = {"x": index * TICK_PX, "y": TICK_HEIGHT - LOW_HEIGHT, "width": TICK_PX - 2, "height": LOW_HEIGHT}
    elif state in ("held", "late"):
        # Its stroke lies inside, so that it is as large as a full one.
        box = {"x": index * TICK_PX + 0.5, "y": 0.5, "width": TICK_PX - 3, "height": TICK_HEIGHT - 1}
    else:
        box = {"x": index * TICK_PX, "y": 0, "width": TICK_PX - 2, "height": TICK_HEIGHT}
    return element("rect", tip, class_={"held": "late", "broken": "silent"}.get(state, state), **box)


def squares(counts: Mapping[int, int], name: str) -> SafeString:
    """Return one square a thing, worst first; `counts` is severity 1–6 → how many. Past twelve: "+ n"."""
    levels = [level for level in sorted(counts) for _ in range(counts[level])]
    shown, rest = levels[:SQUARES_AT_MOST], len(levels) - SQUARES_AT_MOST
    parts = [
        element("rect", class_=f"q{level}", x=index * SQUARE_PX + 0.5, y=0.5, width=12, height=12)
        for index, level in enumerate(shown)
    ]
    width = SQUARE_PX * max(len(shown), 1)
    if rest > 0:
        parts.append(element("text", f"+ {rest}", x=width + 2, y=11))
        width += 28
    return drawing(name, together(parts), class_="squares chart", viewBox=f"0 0 {width} 13", width=width, height=13)


@dataclasses.dataclass(frozen=True)
class Level:
    """One segment of the scale: `since` is the line under its word."""

    number: int
    word: str
    since: str = ""


def levels(scale: Sequence[Level], current: int, proposed: int | None, name: str, proposed_word: str) -> SafeString:
    """Return the scale of levels as a list, which wraps as text does; level 0 is calm and teal."""
    parts = [_level(level, current, proposed, proposed_word) for level in scale]
    return element("ol", together(parts), class_="levels", aria_label=name)


def _level(level: Level, current: int, proposed: int | None, proposed_word: str) -> SafeString:
    if level.number == current:
        words = [element("span", f"{level.number} {level.word}"), element("span", level.since)]
        return element("li", together(words), class_="now calm" if current == 0 else "now", aria_current="true")
    if level.number == proposed:
        words = [element("span", f"{level.number} {proposed_word}"), element("span", level.since)]
        return element("li", together(words), class_="proposed")
    words = [element("span", str(level.number)), element("span", level.word, class_="word")]
    return element("li", together(words), class_="past" if level.number < current else "")
