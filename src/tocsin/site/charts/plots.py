"""Charts that stand alone: lines over time, ordered bars. Horizontal places are percentages, so that a chart fits any
column and its text keeps its size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from django.utils.safestring import SafeString

from tocsin.kernel.refusals import InvalidInput
from tocsin.site.charts.svg import checked, drawing, element, number, path, round_top, together

PLOT_HEIGHT = 130
SCALE_WIDTH = 1000
"""The lines are drawn in a box this wide, stretched to the column; their strokes keep their width."""
LABEL_GAP = 14
SERIES_AT_MOST = 6


@dataclasses.dataclass(frozen=True)
class Line:
    """A series: values from the oldest to the newest, and the label at its end. `look`: "ours", "above" or ""."""

    label: str
    values: Sequence[float]
    look: str = ""


@dataclasses.dataclass(frozen=True)
class Usual:
    """The band of the usual."""

    low: float
    high: float
    label: str = ""


def series(
    lines: Sequence[Line],
    name: str,
    days: Sequence[str],
    usual: Usual | None = None,
    number_text: object = number,
) -> SafeString:
    """Return lines over time with direct labels. At most six lines and one called other; the axis begins at 0.

    `days` are the words under the axis, evenly spread from the first value to
    the last. All lines have the same number of values.
    """
    data = _checked_lines(lines)
    top = round_top(max([value for values in data for value in values] + ([usual.high] if usual else []), default=1))
    inner = [
        *_band(usual, top),
        *(_curve(line, values, top, index) for index, (line, values) in enumerate(zip(lines, data, strict=True))),
    ]
    behind, over = [*_grid(top, number_text), *_under(days)], _ends(lines, data, usual, top)
    return plot(name, behind, inner, over)


def plot(
    name: str, behind: Iterable[SafeString], inner: Iterable[SafeString], over: Iterable[SafeString], look: str = "plot"
) -> SafeString:
    """Return a drawing of which `inner` is stretched to the column; what is behind and over it keeps its shape."""
    box = element(
        "svg",
        together(inner),
        x="0",
        y="0",
        width="100%",
        height=PLOT_HEIGHT,
        viewBox=f"0 0 {SCALE_WIDTH} {PLOT_HEIGHT}",
        preserveAspectRatio="none",
        overflow="visible",
    )
    made = drawing(name, together([*behind, box, *over]), height=PLOT_HEIGHT, width="100%")
    return element("div", made, class_=look, dir="ltr")


def _checked_lines(lines: Sequence[Line]) -> list[list[float]]:
    if len(lines) > SERIES_AT_MOST + 1:
        raise InvalidInput(f"a chart shows at most {SERIES_AT_MOST} lines and other.", where="series")
    data = [checked(line.values, line.label) for line in lines]
    if len({len(values) for values in data}) > 1:
        raise InvalidInput("all lines need the same number of values.", where="series")
    return data


def _y(value: float, top: float) -> float:
    return PLOT_HEIGHT * (1 - value / top)


def _x(index: int, of: int) -> float:
    return SCALE_WIDTH * (index / (of - 1) if of > 1 else 1.0)


def _band(usual: Usual | None, top: float) -> list[SafeString]:
    if usual is None:
        return []
    high, low = _y(usual.high, top), _y(usual.low, top)
    band = element("rect", class_="usual-band", x=0, y=high, width=SCALE_WIDTH, height=low - high)
    return [
        band,
        element("path", class_="usual-edge", d=f"M0 {number(high)}H{SCALE_WIDTH}", vector_effect="non-scaling-stroke"),
    ]


def _curve(line: Line, values: Sequence[float], top: float, index: int) -> SafeString:
    look = line.look or f"s{index}"
    points = [(_x(place, len(values)), _y(value, top)) for place, value in enumerate(values)]
    return element("path", class_=f"line {look}", d=path(points)) if points else SafeString("")


def _grid(top: float, number_text: object) -> Iterable[SafeString]:
    for share in (0.0, 0.5, 1.0):
        y = _y(top * share, top)
        yield element("line", class_="grid" if share else "axis", x1="0", x2="100%", y1=y, y2=y)
        label = number_text(top * share) if callable(number_text) else ""
        yield element("text", str(label), class_="finish", x=-6, y=y + 4)


def _under(days: Sequence[str]) -> Iterable[SafeString]:
    for index, day in enumerate(days):
        share = index / (len(days) - 1) if len(days) > 1 else 1.0
        anchor = "start" if share == 0 else "finish" if share == 1 else "middle"
        yield element("text", day, class_=anchor, x=f"{number(100 * share)}%", y=PLOT_HEIGHT + 16)


def _ends(lines: Sequence[Line], data: list[list[float]], usual: Usual | None, top: float) -> Iterable[SafeString]:
    """Labels at the end of each line, pushed apart until none covers another."""
    wanted = [(_y(values[-1], top), line.label, line.look) for line, values in zip(lines, data, strict=True) if values]
    for y, _label, look in wanted:
        yield element("circle", class_=f"dot {look if look in ('ours', 'above') else 'plain'}", cx="100%", cy=y, r=3)
    if usual and usual.label:
        wanted.append((_y((usual.low + usual.high) / 2, top), usual.label, ""))
    wanted.sort(key=lambda label: label[0])
    for y, (_, label, look) in zip(spread([each[0] for each in wanted], LABEL_GAP), wanted, strict=True):
        yield element("text", label, class_=f"start {look}".strip(), x="100%", y=y + 4, dx=8)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return ascending `places` moved as little as a single pass down and one up allow, at least `gap` apart."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    overflow = moved[-1] - PLOT_HEIGHT if moved else 0
    if overflow > 0:
        moved[-1] -= overflow
        for index in range(len(moved) - 2, -1, -1):
            moved[index] = min(moved[index], moved[index + 1] - gap)
    return moved


@dataclasses.dataclass(frozen=True)
class Bar:
    """A bar: its name, its value, the value as text, where the name leads, and whether it gathers the rest."""

    label: str
    value: float
    text: str
    url: str = ""
    is_other: bool = False


def bars(rows: Sequence[Bar], name: str, rtl: bool = False) -> SafeString:
    """Return horizontal bars, longest first, what gathers the rest last; mirrored where text runs right to left.

    Names are text beside the drawing, not in it: they wrap, and they can be
    links. So the list reads as names and numbers without the drawing.
    """
    checked((row.value for row in rows), "bars")
    top = max((row.value for row in rows), default=0) or 1
    return element("ol", together(_bar(row, top, rtl) for row in in_order(rows)), class_="bars", aria_label=name)


def in_order(rows: Iterable[Bar]) -> list[Bar]:
    """Return bars longest first, what gathers the rest last."""
    return sorted(rows, key=lambda row: (row.is_other, -row.value))


def _bar(row: Bar, top: float, rtl: bool) -> SafeString:
    share = 100 * row.value / top
    tip = 100 - share if rtl else share
    look = "bar other" if row.is_other else "bar"
    box = element("rect", class_=look, x=_percent(100 - share if rtl else 0), y=0, width=_percent(share), height=14)
    text = element(
        "text", row.text, class_=f"{'finish' if rtl else 'start'} ours", x=_percent(tip), y=11, dx=-6 if rtl else 6
    )
    label = element("a", row.label, href=row.url) if row.url else element("span", row.label)
    return element("li", together([label, element("svg", together([box, text]))]))


def _percent(value: float) -> str:
    return f"{number(value)}%"
