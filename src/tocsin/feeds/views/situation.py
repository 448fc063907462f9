"""Situation: four questions, each with one sentence that answers and the evidence for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_GET

from tocsin.directory.models import Constituent
from tocsin.engine.query import Filter
from tocsin.feeds import history, needed, queries, wording
from tocsin.feeds import queries_situation as situation_of
from tocsin.feeds.queries import at_one_version
from tocsin.feeds.queries_situation import OPEN, Day, DayBefore, Health, Movements, Period
from tocsin.feeds.rollup import WORDS
from tocsin.feeds.usual import Usual, times
from tocsin.feeds.views.asking import NOBODY
from tocsin.kernel.clock import now
from tocsin.kernel.collation import collated
from tocsin.kernel.questions import Question
from tocsin.people.access import needs
from tocsin.people.policy import Ability, may

KINDS_SHOWN = 4
GROUPS_SHOWN = 3
"""Lines of each table; of more groups the last line is the sum of the others, so that the columns add up."""
OTHERS_LISTED = 20
"""Groups that the address of one list names; of more, the list would be no narrower than the whole."""
BARS = 8
PEOPLE_SHOWN = 5
NEEDED_SHOWN = 4
ATTACKS = frozenset({"infection", "attack", "compromise", "content"})
"""Groups of report types whose growth is somebody's doing; the others are doors left open."""
MOVED = ("new", "returned")
VISIT_APART = dt.timedelta(minutes=30)
KEPT_S = 180 * 24 * 3600


@needs(Ability.VIEW_SITUATION)
@require_GET
@at_one_version
def situation(request: HttpRequest) -> HttpResponse:
    """Show the situation."""
    only = situation_of.sums_for(request.user)
    people = queries.holders()
    moved, health, titles = situation_of.movements(), situation_of.health(), queries.titles_of_types()
    counts = queries.findings().counts(("constituent", "class", "state"), Filter(only_constituents=only))
    sums = moved_now(counts, only)
    all_kinds = kinds(moved, titles, [each.type.name for each in health if each.state == "silent"])
    wanted = needed.decisions(request.user, counts, people, health, titles)
    visit = Visit.of(request)
    question = Question(request.GET.copy())
    context = {
        "question": question,
        "is_empty": not health,
        "newest": moved.days[-1] if moved.days else None,
        "attack": attack(all_kinds),
        "kinds": all_kinds if question.value("kinds", ("all",)) else all_kinds[:KINDS_SHOWN],
        "kinds_more": max(0, len(all_kinds) - KINDS_SHOWN),
        "feeds": arrivals(health, titles),
        "changes": changes(sums, people),
        "people": who(only, counts),
        "severities": by_severity(only),
        "may_work": may(request.user, Ability.WORK_ON_FINDINGS),
        "needed": wanted[:NEEDED_SHOWN],
        "needed_count": sum(each.number for each in wanted),
        "needed_more": wanted[NEEDED_SHOWN:],
        "needed_more_count": sum(each.number for each in wanted[NEEDED_SHOWN:]),
        "trend": trend(moved, sum(row[-1] for row in sums.moved)),
        "sectors": bars(counts, people, "sector", is_linked=may(request.user, Ability.VIEW_FINDINGS)),
        "organisations": bars(counts, people, "whose", is_linked=may(request.user, Ability.VIEW_FINDINGS)),
        "health": [(each, wording.kind(each.type.name, titles)) for each in health],
        "since": visit.before,
        "log": history.since(visit.before, request.user) if visit.before else [],
    }
    response = render(request, "feeds/situation.html", context)
    visit.keep(request, response)
    return response


@dataclasses.dataclass(frozen=True)
class Visit:
    """When a person looked at the situation. A visit lasts while pages follow closely.

    It is kept by the browser, signed, and not in the session: that would cost each first page three queries, and be
    forgotten with the next sign-in.
    """

    before: dt.datetime | None
    """The last time before this visit; None when there was none."""
    note: str = ""
    """What the browser is to keep; empty when that has not changed."""

    @classmethod
    def of(cls, request: HttpRequest) -> Visit:
        """Return the visit that a request belongs to."""
        at, noted = now(), str(request.get_signed_cookie(settings.VISIT_COOKIE_NAME, "", salt=_salt(request)))
        seen, before = (_at(text) for text in (*noted.split(), "", "")[:2])
        if seen is None or at - seen > VISIT_APART:
            return cls(seen, f"{at.isoformat()} {seen.isoformat() if seen else ''}")
        return cls(before)

    def keep(self, request: HttpRequest, response: HttpResponse) -> None:
        """Have the browser keep it."""
        if self.note:
            response.set_signed_cookie(
                settings.VISIT_COOKIE_NAME,
                self.note,
                salt=_salt(request),
                max_age=KEPT_S,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )


def _salt(request: HttpRequest) -> str:
    """Of whoever else has sat at this browser nothing is known."""
    return f"feeds.visit:{getattr(request.user, 'pk', '')}"


def _at(text: str) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


# ---- are we under attack?


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of finding on the newest day, beside its usual."""

    label: str
    url: str
    numbers: tuple[int, ...]
    today: int
    usual: Usual | None
    is_attack: bool

    @property
    def is_above(self) -> bool:
        """Whether more opened than is usual."""
        return self.usual is not None and self.today > self.usual.high

    @property
    def times(self) -> float:
        """How many times the usual."""
        return times(self.today, self.usual) if self.usual else 0.0

    @property
    def beside_usual(self) -> dict[str, str]:
        """The number of today and the ends of the usual, as words of a sentence."""
        numbers = {"today": self.today, "low": self.usual.low, "high": self.usual.high} if self.usual else {}
        return {name: formats.number_format(number, force_grouping=True) for name, number in numbers.items()}


def kinds(moved: Movements, titles: Mapping[str, str], silent: Collection[str] = ()) -> list[Kind]:
    """Return every kind of finding, most unusual first; IPv4 and IPv6 reports of one kind count together.

    Of what is silent nobody knows how it is now.
    """
    types: dict[str, list[str]] = {}
    for name in (name for name in moved.by_type if name not in silent):
        types.setdefault(wording.kind(name, titles), []).append(name)
    all_kinds = (_kind(label, names, moved, titles) for label, names in types.items())
    found = [kind for kind in all_kinds if kind]
    return sorted(found, key=lambda kind: (-kind.is_above, -kind.times, collated(kind.label)))


def _kind(label: str, names: Sequence[str], moved: Movements, titles: Mapping[str, str]) -> Kind | None:
    opened = moved.opened(names)
    if not opened:
        return None
    return Kind(
        label=label,
        # Of a type with one report nothing is counted: everything in it is new.
        url=_list(state=("new", "returned"), type=[name for name in names if len(moved.by_type[name]) > 1]),
        numbers=tuple(opened),
        today=opened[-1],
        usual=situation_of.usual_of(opened),
        is_attack=any(wording.meaning(name, titles).group in ATTACKS for name in names),
    )


def _list(**query: Any) -> str:
    return f"/findings/?{urlencode(query, doseq=True)}"


def attack(found: Sequence[Kind]) -> str:
    """Return the sentence that answers."""
    above = [kind for kind in found if kind.is_above]
    attacks = [kind for kind in above if kind.is_attack]
    if not found:
        return _("Not known yet: there is nothing to compare the first reports with.")
    if not any(kind.usual for kind in found):
        return _("Too early to say what is usual: there are too few earlier days.")
    if not above:
        return _("Not that we can see: everything counted is within the usual.")
    first = (attacks or above)[0]
    words = {"kind": first.label, "n": len(above) - 1, **first.beside_usual}
    if attacks and len(above) == 1:
        return _("Yes: {kind}, {today} where {low}–{high} are usual.").format(**words)
    if attacks:
        said = ngettext(
            "Yes: {kind}, {today} where {low}–{high} are usual; one other kind grows too.",
            "Yes: {kind}, {today} where {low}–{high} are usual; {n} other kinds grow too.",
            len(above) - 1,
        )
        return said.format(**words)
    return _("No attack that we can see, but more of this than usual: {kind}.").format(**words)


def arrivals(health: Sequence[Health], titles: Mapping[str, str]) -> dict[str, Any]:
    """Return what we see it with: a tick for each type of report, the silent ones named."""
    behind = [
        {
            "what": wording.kind(each.type.name, titles),
            "name": each.type.name,
            "state": each.state,
            "last": each.last.on,
            "gap": each.gap_days if len(each.cycles) > 1 else None,
        }
        for each in health
        if each.state != "ok"
    ]
    return {
        "ticks": [(wording.kind(each.type.name, titles), each.state) for each in health],
        "count": len(health),
        "arriving": sum(each.state == "ok" for each in health),
        "silent": [each for each in behind if each["state"] == "silent"][:2],
        "last": max((each.last.arrived_at for each in health), default=None),
    }


# ---- what went away, what came back?


@dataclasses.dataclass(frozen=True)
class Sums:
    """What is open, and what moved within the period: rows of constituent, class, state and number."""

    counts: Sequence[tuple[Any, ...]]
    """All that is there."""
    moved: Sequence[tuple[Any, ...]]
    """New and returned by reports of the period."""
    gone: Sequence[tuple[Any, ...]]
    """Gone by them; without the state."""
    period: Period | None


def moved_now(counts: Sequence[tuple[Any, ...]], only: tuple[str, ...] | None) -> Sums:
    """Return what moved within the period; `counts` are those of all findings by constituent, class and state."""
    found, of = queries.findings(), situation_of.period()
    moved = [row for row in counts if row[2] in MOVED]
    asked = Filter(only_constituents=only, just_gone=True)
    if of is None or not of.left_out:
        return Sums(counts, moved, found.counts(("constituent", "class"), asked), of)
    if not of.types:
        return Sums(counts, [], [], of)
    within = Filter(only_constituents=only, types=of.types, states=MOVED)
    return Sums(
        counts,
        found.counts(("constituent", "class", "state"), within),
        found.counts(("constituent", "class"), dataclasses.replace(asked, types=of.types)),
        of,
    )


def changes(sums: Sums, people: Mapping[str, Constituent]) -> dict[str, Any]:
    """Return what is new, back and gone now beside the day before: in all, by class, sector and constituent."""
    before = situation_of.day_before()
    groups = [
        (_("Class"), "class", lambda whose, what: what, wording.class_label),
        (_("Sector"), "sector", lambda whose, what: people[whose].sector if whose in people else "", None),
        (_("Organisation"), "whose", lambda whose, what: whose or NOBODY, None),
    ]
    sectors = {row.sector: row.sector_label for row in people.values()}
    names = {code: row.local_name for code, row in people.items()}
    tables = []
    for title, name, of, label in groups:
        rows = _grouped(of, sums, _before(before, name, of))
        shown = rows if len(rows) <= GROUPS_SHOWN else rows[: GROUPS_SHOWN - 1]
        listed = [
            _line(_label(name, code, label, sectors, names), row, urlencode({name: code or NOBODY}))
            for code, row in shown
        ]
        if rest := rows[len(shown) :]:
            words = ngettext("{n} other", "{n} others", len(rest))
            codes = [code or NOBODY for code, _row in rest]
            query = urlencode({name: codes}, doseq=True) if len(codes) <= OTHERS_LISTED else ""
            listed.append(_line(words.format(n=len(rest)), _added([row for _code, row in rest]), query))
        tables.append({"title": title, "rows": listed})
    whole = _grouped(lambda whose, what: "", sums, _before(before, "", lambda whose, what: ""))
    return {
        "tables": tables,
        "all": whole[0][1] if whole else (Day(), Day(), 0),
        "period": sums.period,
        # What is left out is left out of the lists too that the numbers lead to.
        "within": "&period=now" if sums.period and sums.period.left_out else "",
    }


Group = tuple[Day, Day, int]
"""Now, the day before, and how many are open."""


def _line(label: str, row: Group, query: str = "") -> dict[str, Any]:
    return {"label": label, "day": row[0], "before": row[1], "open": row[2], "query": query}


def _added(rows: Sequence[Group]) -> Group:
    return sum((row[0] for row in rows), Day()), sum((row[1] for row in rows), Day()), sum(row[2] for row in rows)


def _before(before: DayBefore, name: str, of: Any) -> dict[str, Day]:
    """Return the day before by the values of one group; the roll-up knows either the class or the constituent."""
    found: dict[str, Day] = {}
    days = before.by_class if name == "class" else before.by_constituent
    for value, day in days.items():
        code = of("", value) if name == "class" else of(value, "")
        found[code] = found.get(code, Day()) + day
    return found


def _label(name: str, code: str, label: Any, sectors: Mapping[str, str], names: Mapping[str, str]) -> str:
    if name == "class":
        return str(label(code))
    if name == "sector":
        return sectors.get(code, _("Nobody’s"))
    return names.get(code, _("Nobody’s") if code == NOBODY else code)


def _grouped(of: Any, sums: Sums, before: Mapping[str, Day]) -> list[tuple[str, Group]]:
    """Return for each group now, the day before and how many are open, most opened first."""
    moved: dict[str, dict[str, int]] = {}
    opened: dict[str, int] = {}
    for whose, what, state, number in sums.counts:
        if state in OPEN:
            code = of(whose, what or "")
            moved.setdefault(code, dict.fromkeys(WORDS, 0))
            opened[code] = opened.get(code, 0) + number
    for whose, what, state, number in (*sums.moved, *((*row[:2], "gone", row[2]) for row in sums.gone)):
        moved.setdefault(of(whose, what or ""), dict.fromkeys(WORDS, 0))[state] += number
    today = {code: Day(**row) for code, row in moved.items()}
    order = sorted(today, key=lambda code: (-today[code].opened, -opened.get(code, 0), code))
    return [(code, (today[code], before.get(code, Day()), opened.get(code, 0))) for code in order]


# ---- who is on it?


def who(only: tuple[str, ...] | None, counts: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Return the owners with their open findings by severity, and how many have no owner."""
    held = situation_of.owned()
    open_ones = situation_of.open_among(list(held), only)
    people: dict[str, dict[str, Any]] = {}
    for finding in open_ones:
        key, label = held[queries.finding_id(finding)]
        row = people.setdefault(key, {"key": key, "label": label.partition(" <")[0], "count": 0, "by_severity": {}})
        row["count"] += 1
        row["by_severity"][finding.severity] = row["by_severity"].get(finding.severity, 0) + 1
        row["oldest"] = min(row.get("oldest", finding.first_seen), finding.first_seen)
    total = sum(row[-1] for row in counts if row[2] in OPEN)
    listed = sorted(people.values(), key=lambda row: (min(row["by_severity"]), -row["count"]))
    return {
        "rows": listed[:PEOPLE_SHOWN],
        "more": max(0, len(listed) - PEOPLE_SHOWN),
        "people": len(listed),
        "held": len(open_ones),
        "unowned": total - len(open_ones),
    }


def by_severity(only: tuple[str, ...] | None) -> list[dict[str, Any]]:
    """Return how many findings are open of each severity that there is, the worst first, with their list."""
    counted = dict(queries.findings().counts(("severity",), Filter(states=OPEN, only_constituents=only)))
    return [{"level": level, "count": counted[level], "url": _list(severity=level)} for level in sorted(counted)]


# ---- below


def trend(moved: Movements, new_or_back: int) -> dict[str, Any] | None:
    """Return the chart of the last days: opened and gone, with the usual of what opens.

    `new_or_back` findings are called new or back above and in the list; what of them is not in the chart is said.
    """
    days = [(on, day) for on, day in zip(moved.days, moved.whole(), strict=True) if day is not None]
    if len(days) < 2:
        return None
    opened = [day.opened for _, day in days]
    usual = situation_of.usual_of(opened)
    above = usual is not None and opened[-1] > usual.high
    gone = [day.gone for _, day in days]
    words = [formats.date_format(on, pgettext("date format", "j M")) for on, _ in days]
    at = sorted({0, len(days) // 3, 2 * len(days) // 3, len(days) - 1})
    opened_label = _("{n} opened").format(n=formats.number_format(opened[-1], force_grouping=True))
    chart: dict[str, Any] = {
        "name": _("Findings opened and gone by day"),
        "caption": " ".join(_about_trend(new_or_back - opened[-1])),
        "days": [words[index] for index in at] if len(days) > 3 else words,
        "head": [_("Day"), _("Opened"), _("Gone")],
        "at": words,
        "lines": [
            {"label": opened_label, "values": opened, "look": "above" if above else "ours"},
            {"label": _("{n} gone").format(n=formats.number_format(gone[-1], force_grouping=True)), "values": gone},
        ],
    }
    if usual:
        low, high = (formats.number_format(end, force_grouping=True) for end in usual.band)
        label = _("usual {low}–{high}").format(low=low, high=high)
        chart["usual"] = {"low": usual.low, "high": usual.high, "label": label}
    return {"chart": chart, "title": _trend_title(opened[-1], gone[-1], usual), "is_above": above}


def _about_trend(not_in_it: int) -> Iterator[str]:
    """Yield sentences on what the chart counts."""
    yield _("Opened on a day is what was new or came back in its reports, but for the first report of each type.")
    if not_in_it > 0:
        words = ngettext(
            "{n} more is new or back by such a first report, or by one of an earlier day.",
            "{n} more are new or back by such a first report, or by one of an earlier day.",
            not_in_it,
        )
        yield words.format(n=formats.number_format(not_in_it, force_grouping=True))


def _trend_title(opened: int, gone: int, usual: Usual | None) -> str:
    if usual is not None and opened > usual.high:
        return _("More findings opened than usual")
    if usual is not None and opened < usual.low:
        return _("Fewer findings opened than usual")
    if gone > opened:
        return _("More findings went away than opened")
    return _("As many findings opened as usual") if usual else _("Findings opened and gone")


def bars(
    counts: Sequence[tuple[Any, ...]],
    people: Mapping[str, Constituent],
    by: Literal["sector", "whose"],
    *,
    is_linked: bool = True,
) -> dict[str, Any] | None:
    """Return bars of open findings by sector or constituent, the rest gathered in one; the longest is the title's.

    They lead to the list of findings for those who may see it: `is_linked`.
    """
    sums: dict[str, int] = {}
    labels: dict[str, str] = {}
    for whose, _what, state, number in counts:
        if state in OPEN and (row := people.get(whose)):
            code = row.sector if by == "sector" else whose
            if code not in labels:
                labels[code] = row.sector_label if by == "sector" else row.local_name
            sums[code] = sums.get(code, 0) + number
    order = sorted(sums, key=lambda code: (-sums[code], collated(labels[code])))
    if not order:
        return None
    shown: list[dict[str, Any]] = [
        {"label": labels[code], "value": sums[code], "url": _list(**{by: code}) if is_linked else ""}
        for code in order[:BARS]
    ]
    if rest := order[BARS:]:
        label = ngettext("{n} other", "{n} others", len(rest)).format(n=len(rest))
        shown.append({"label": label, "value": sum(sums[code] for code in rest), "is_other": True})
    titles = {
        "sector": _("Most open findings are in this sector: {name}"),
        "whose": _("{name} has the most open findings"),
    }
    return {
        "title": titles[by].format(name=labels[order[0]]),
        "chart": {
            "name": titles[by].format(name=labels[order[0]]),
            "caption": _("Open findings by sector.") if by == "sector" else _("Open findings by organisation."),
            "head": [_("Sector") if by == "sector" else _("Organisation"), _("Open")],
            "bars": shown,
        },
    }
