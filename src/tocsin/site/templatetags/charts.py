"""Charts in templates: `{% load charts %}`. What each takes is drawn by `site.charts`; here come the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi, ngettext
from django.utils.translation import gettext as _

from tocsin.site.charts import marks, plots, survival
from tocsin.site.templatetags.parts import count

register = template.Library()


@register.simple_tag
def sparkline(values: Iterable[float], name: str, usual: tuple[float, float] | None = None) -> SafeString:
    """`{% sparkline row.hours row.name usual=row.usual %}`: `usual` is (low, high)."""
    line = list(values)
    if not line:
        return marks.sparkline(line, _("%(name)s: nothing counted yet") % {"name": name}, usual)
    words = {"name": name, "last": count(_whole(line[-1])), "most": count(_whole(max(line)))}
    if usual is None:
        return marks.sparkline(line, _("%(name)s: now %(last)s, at most %(most)s") % words)
    words |= {"low": count(_whole(usual[0])), "high": count(_whole(usual[1]))}
    title = _("%(name)s: now %(last)s, at most %(most)s, usual %(low)s to %(high)s")
    return marks.sparkline(line, title % words, usual)


def _whole(value: float) -> Any:
    return int(value) if value == int(value) else round(value, 1)


@register.simple_tag
def strip(days: Sequence[str]) -> SafeString:
    """`{% strip finding.days %}`: a letter a day, oldest first: "s" seen, "n" new or returned, "." not seen."""
    seen = sum(day in "sn" for day in days)
    title = ngettext("Seen on %(seen)s of %(days)s day", "Seen on %(seen)s of %(days)s days", len(days))
    return marks.strip(days, title % {"seen": seen, "days": len(days)})


@register.simple_tag
def ticks(feeds: Iterable[tuple[str, str]]) -> SafeString:
    """`{% ticks feeds %}`: each feed as (name, "ok" | "held" | "late" | "broken" | "silent")."""
    listed: list[Any] = list(feeds)
    arrive = sum(state == "ok" for _name, state in listed)
    title = ngettext(
        "%(arrive)s of %(all)s feed arrives as usual", "%(arrive)s of %(all)s feeds arrive as usual", len(listed)
    )
    return marks.ticks(listed, title % {"arrive": arrive, "all": len(listed)})


@register.simple_tag
def squares(counts: Mapping[int, int]) -> SafeString:
    """`{% squares person.open_by_severity %}`: severity 1–6 → how many."""
    words = [f"C{level}: {counts[level]}" for level in sorted(counts) if counts[level]]
    return marks.squares(counts, ", ".join(words) or _("none"))


@register.simple_tag
def levels(scale: Iterable[Mapping[str, Any]], current: int, proposed: int | None = None) -> SafeString:
    """`{% levels scale current=3 proposed=4 %}`: each level is {"number", "word", "since"?}."""
    return marks.levels([marks.Level(**level) for level in scale], current, proposed, _("Levels"), _("proposed"))


@register.simple_tag
def time_series(chart: Mapping[str, Any]) -> SafeString:
    """`{% time_series chart %}`: lines over time with their table.

    `chart` is {"name", "caption", "days": words under the axis, "head": heads of the table, "at": first column of the
    table, one for each value, "lines": [{"label", "values", "look"?}], "usual"?: {"low", "high", "label"}}.
    """
    lines = [plots.Line(**line) for line in chart["lines"]]
    usual = plots.Usual(**chart["usual"]) if chart.get("usual") else None
    picture = plots.series(lines, chart["name"], chart["days"], usual, lambda value: count(_whole(value)))
    rows = zip(chart["at"], *([count(_whole(value)) for value in line.values] for line in lines), strict=True)
    return _figure(picture, chart, rows, wide=True)


@register.simple_tag
def bar_chart(chart: Mapping[str, Any]) -> SafeString:
    """`{% bar_chart chart %}`: ordered bars with their table.

    `chart` is {"name", "caption", "head": two heads, "bars": [{"label", "value", "url"?, "is_other"?}]}.
    """
    rows = [plots.Bar(text=count(_whole(row["value"])), **row) for row in chart["bars"]]
    picture = plots.bars(rows, chart["name"], rtl=get_language_bidi())
    return _figure(picture, chart, ((row.label, row.text) for row in plots.in_order(rows)), wide=False)


@register.simple_tag
def survival_curve(chart: Mapping[str, Any]) -> SafeString:
    """`{% survival_curve chart %}`: the shares left after so many days, with their table.

    `chart` is {"name", "caption", "head": heads of the table, "rows": its rows, "days": those under the axis,
    "groups": [{"label", "days", "left", "low", "high", "watched_to", "at_risk", "look"?}]}.
    """
    groups = [
        survival.Fall(**{**group, "at_risk": [count(each) for each in group["at_risk"]]}) for group in chart["groups"]
    ]
    picture = survival.falls(groups, chart["name"], chart["days"], _("days; at risk:"))
    return _figure(picture, chart, chart["rows"], wide="begin")


def _figure(
    picture: SafeString, chart: Mapping[str, Any], rows: Iterable[Sequence[Any]], wide: bool | str
) -> SafeString:
    values = {"drawing": picture, "caption": chart["caption"], "head": chart["head"], "rows": list(rows), "wide": wide}
    return render_to_string("parts/figure.html", values)
