"""Elements and numbers of a drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tocsin.kernel.refusals import InvalidInput


def number(value: float) -> str:
    """Return `value` with at most two decimals and no useless zeros: 3, 3.5, 0.25, never "-0"."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(tag: str, content: str = "", /, **attributes: str | float) -> SafeString:
    """Return one element. Attribute names: `class_` for class, `stroke_width` for stroke-width; values are escaped."""
    pairs = [
        (name.rstrip("_").replace("_", "-") if name != "viewBox" else name, _text(value))
        for name, value in attributes.items()
        if value != ""
    ]
    return format_html(
        "<{}{}>{}</{}>", SafeString(tag), format_html_join("", ' {}="{}"', pairs), content, SafeString(tag)
    )


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else number(value)


def together(parts: Iterable[SafeString]) -> SafeString:
    """Return the parts one after the other."""
    return format_html_join("", "{}", ((part,) for part in parts))


def drawing(name: str, content: SafeString, /, **attributes: str | float) -> SafeString:
    """Return a whole drawing that assistive technology reads as one picture called `name`."""
    return element("svg", together([element("title", name), content]), role="img", **attributes)


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return the `d` of a line through `points`."""
    return "".join(f"{'L' if index else 'M'}{number(x)} {number(y)}" for index, (x, y) in enumerate(points))


def checked(values: Iterable[float], what: str) -> list[float]:
    """Return the values as a list. Raises InvalidInput for anything that is not a finite number ≥ 0."""
    checked_values = [float(value) for value in values]
    if any(not math.isfinite(value) or value < 0 for value in checked_values):
        raise InvalidInput("a chart takes finite numbers that are not negative.", where=what)
    return checked_values


def round_top(highest: float) -> float:
    """Return the end of an axis: the least of 1, 2, 4, 5, 10 × 10ⁿ that is not below `highest`, and 1 for nothing."""
    if highest <= 1:
        return 1
    power = 10 ** math.floor(math.log10(highest))
    return float(next(step * power for step in (1, 2, 4, 5, 10) if step * power >= highest))
