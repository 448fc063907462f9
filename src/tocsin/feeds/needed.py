"""What waits for a person's decision, the most pressing first."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from tocsin.courier.incoming import queries as mail
from tocsin.directory.models import Constituent
from tocsin.directory.queries import conflicts
from tocsin.feeds import wording
from tocsin.feeds.held import is_of_another_day
from tocsin.feeds.queries_situation import OPEN, Health
from tocsin.people.policy import Ability, may

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Decision:
    """Something to decide or to do."""

    title: str
    text: str
    url: str
    button: str
    when: dt.date | None = None
    mono: str = ""
    """An identifier after the title."""
    number: int = 1
    """Of how many like it, where it stands for those that are not listed."""


ALIKE_AT_MOST = 10
"""So many decisions of one kind are listed one by one; a page has all of them."""


def decisions(
    person: Any,
    counts: Sequence[tuple[Any, ...]],
    people: Mapping[str, Constituent],
    health: Sequence[Health],
    titles: Mapping[str, str],
) -> list[Decision]:
    """Return what this person is asked for."""
    found: list[Decision] = []
    if may(person, Ability.WORK_ON_RECEIVED_MAIL):
        found += _mail()
    if may(person, Ability.RUN_FEEDS):
        held = ((each, cycle) for each in health for cycle in each.held)
        broken = ((each, cycle) for each in health for cycle in each.broken)
        ahead = ((each, cycle) for each in health for cycle in each.ahead)
        found += _some(held, lambda pair: _held(*pair, titles), _more_held)
        found += _some(broken, lambda pair: _broken(*pair, titles), _more_broken)
        found += _some(ahead, lambda pair: _ahead(*pair, titles), _more_ahead)
    if may(person, Ability.EDIT_DIRECTORY):
        found += _some(conflicts(people.values()), lambda each: _conflict(each, people), _more_conflicts)
        found += _unattributed(counts)
    if may(person, Ability.RUN_FEEDS):
        found += _unmapped(health)
    return found


def _some(things: Iterable[T], decision: Callable[[T], Decision], rest: Callable[[int], Decision]) -> list[Decision]:
    """Return the first decisions of a kind, and one that stands for the rest."""
    alike = list(things)
    listed = [decision(each) for each in alike[:ALIKE_AT_MOST]]
    left = len(alike) - len(listed)
    return [*listed, rest(left)] if left else listed


def _more(title: str, number: int, url: str) -> Decision:
    return Decision(
        title.format(n=_number(number)), _("The list has all of them"), url, _("See the list"), number=number
    )


def _more_held(number: int) -> Decision:
    title = ngettext("{n} more report may be incomplete", "{n} more reports may be incomplete", number)
    return _more(title, number, reverse("feeds") + "#held")


def _more_broken(number: int) -> Decision:
    title = ngettext("{n} more report could not be read", "{n} more reports could not be read", number)
    return _more(title, number, reverse("feeds") + "#broken")


def _more_ahead(number: int) -> Decision:
    title = ngettext("{n} more report came before its day", "{n} more reports came before their day", number)
    return _more(title, number, reverse("feeds") + "#ahead")


def _more_conflicts(number: int) -> Decision:
    title = ngettext("{n} more claim has two owners", "{n} more claims have two owners", number)
    return _more(title, number, reverse("directory:conflicts"))


def _day(on: dt.date) -> str:
    return str(formats.date_format(on, pgettext("date format", "j M")))


def _number(value: float) -> str:
    return str(formats.number_format(round(value), force_grouping=True))


def _mail() -> list[Decision]:
    number = mail.to_be_read().count()
    if not number:
        return []
    title = ngettext("{n} message that came in is to be read", "{n} messages that came in are to be read", number)
    return [
        Decision(
            title=title.format(n=_number(number)),
            text=_("Somebody answers, or asks; nothing answers by itself"),
            url=reverse("received-mail") + "?state=unread",
            button=_("Read them"),
        )
    ]


def _held(health: Health, cycle: Any, titles: Mapping[str, str]) -> Decision:
    why = wording.why_held(cycle, is_known=health.is_usual_known(cycle))
    title = (
        _("Is this report of its day? {kind}")
        if is_of_another_day(cycle.doubts)
        else _("Is this report complete? {kind}")
    )
    return Decision(
        title=title.format(kind=wording.kind(health.type.name, titles)),
        text=_("{short}; nothing goes gone until you say").format(short=why),
        url=reverse("feeds") + "#held",
        button=_("Confirm or discard"),
        when=cycle.on,
    )


def _broken(health: Health, cycle: Any, titles: Mapping[str, str]) -> Decision:
    return Decision(
        title=_("A report could not be read: {kind}").format(kind=wording.kind(health.type.name, titles)),
        text=", ".join(map(str, cycle.broken))[:120],
        url=reverse("feeds") + "#broken",
        button=_("See why"),
        when=cycle.on,
    )


def _ahead(health: Health, cycle: Any, titles: Mapping[str, str]) -> Decision:
    return Decision(
        title=_("Is this day right? {kind}").format(kind=wording.kind(health.type.name, titles)),
        text=_("A report of it came before the day itself; it does not count until then"),
        url=reverse("feeds") + "#ahead",
        button=_("See which run"),
        when=cycle.on,
    )


def _conflict(conflict: Any, people: Mapping[str, Constituent]) -> Decision:
    one, other = (people.get(side.constituent.public_id, side.constituent) for side in (conflict.one, conflict.other))
    return Decision(
        title=_("Two organisations claim"),
        mono=conflict.one.label,
        text=_("{one} and {other}").format(one=one.local_name, other=other.local_name),
        url=reverse("directory:settle", args=[conflict.one.pk, conflict.other.pk]),
        button=_("Settle"),
    )


def _unattributed(counts: Sequence[tuple[Any, ...]]) -> list[Decision]:
    number = sum(row[-1] for row in counts if not row[0] and row[2] in OPEN)
    if not number:
        return []
    title = ngettext("{n} open finding is nobody’s", "{n} open findings are nobody’s", number)
    return [
        Decision(
            title=title.format(n=_number(number)),
            text=_("Nobody is told of them until somebody claims their addresses"),
            url=reverse("unattributed"),
            button=_("Find owners"),
        )
    ]


def _unmapped(health: Sequence[Health]) -> list[Decision]:
    names = [each.type.name for each in health if each.needs_mapping]
    if not names:
        return []
    title = ngettext("{n} type of report needs a mapping", "{n} types of report need a mapping", len(names))
    return [
        Decision(
            title=title.format(n=len(names)),
            text=", ".join(names)[:120],
            url=reverse("feeds") + "#mapping",
            button=_("See its columns"),
        )
    ]
