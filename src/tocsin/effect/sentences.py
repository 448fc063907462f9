"""Figures in words, in the reader's language: what a page says first, and what a cell of a list holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import formats
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from tocsin.directory.models import Constituent
from tocsin.directory.sectors import sector_label
from tocsin.effect.choices import By, Comparison, Verdict
from tocsin.feeds.wording import class_label
from tocsin.notices.models import Policy
from tocsin.notices.queries import policy_title

Facts = Mapping[str, Any]
FEWEST_ORGANISATIONS, FEWEST_GONE = 10, 20
"""As `reason.effect` has them, which a page does not load."""


def names(by: By, keys: Sequence[str]) -> dict[str, str]:
    """Return what the groups of a split are called."""
    if by is By.ALL:
        return dict.fromkeys(keys, _("All findings"))
    if by is By.CLASS:
        return {key: class_label(key) for key in keys}
    if by is By.SECTOR:
        return {key: sector_label(key, get_language() or "en") for key in keys}
    if by is By.CONSTITUENT:
        return {row.public_id: row.local_name for row in Constituent.objects.filter(public_id__in=keys)}
    rows = Policy.objects.filter(pk__in=[int(key) for key in keys]).select_related("constituent")
    return {str(row.pk): policy_title(row) for row in rows}


def headline(facts: Facts) -> str:
    """Return what can be said, in a few words."""
    return {
        Verdict.TOO_FEW: _("Too few to say whether telling helps"),
        Verdict.NO_VISIBLE_EFFECT: _("Telling has no visible effect"),
        Verdict.FASTER: _("What is told goes sooner"),
        Verdict.SLOWER: _("What is told goes later"),
    }[Verdict(facts["verdict"])]


def explained(facts: Facts, comparison: Comparison) -> str:
    """Return what can be said, with the figures."""
    verdict = Verdict(facts["verdict"])
    if verdict is Verdict.TOO_FEW:
        return _too_few(facts, comparison)
    value, low, high = map(decimal, facts["ratio"])
    words = {
        Verdict.NO_VISIBLE_EFFECT: _(
            "They may go as fast as the others: at {value} times the rate, and {low} to {high} may be true."
        ),
        Verdict.FASTER: _("At {value} times the rate of the others; between {low} and {high} is likely."),
        Verdict.SLOWER: _("At {value} times the rate of the others; between {low} and {high} is likely."),
    }[verdict]
    return words.format(value=value, low=low, high=high)


def _too_few(facts: Facts, comparison: Comparison) -> str:
    told, natural = facts["told"], facts["natural"]
    if not told["lives"]:
        return _("None of them was told and watched since.")
    if not natural["lives"]:
        return _("There is nothing to compare them with.")
    words = {
        Comparison.BEFORE: _(
            "Told: {gone} gone, organisations: {told}. Before: {others_gone} gone, organisations: {others}. Of each, "
            "{fewest} organisations and {fewest_gone} findings that have gone are needed."
        ),
        Comparison.HELD_OUT: _(
            "Not held out: {gone} gone, organisations: {told}. Held out: {others_gone} gone, organisations: {others}. "
            "Of each, {fewest} organisations and {fewest_gone} findings that have gone are needed."
        ),
    }[comparison]
    return words.format(
        gone=number(told["gone"]), told=number(told["organisations"]), others_gone=number(natural["gone"]),
        others=number(natural["organisations"]), fewest=FEWEST_ORGANISATIONS, fewest_gone=FEWEST_GONE,
    )  # fmt: skip


def groups(comparison: Comparison) -> tuple[str, str]:
    """Return what the two groups are called."""
    if comparison is Comparison.HELD_OUT:
        return pgettext("group of findings", "Not held out"), pgettext("group of findings", "Held out")
    return pgettext("group of findings", "Told"), pgettext("group of findings", "Before")


def median(facts: Facts) -> str:
    """Return after how many days half were gone, and between which days that lies."""
    if not facts["lives"]:
        return ""
    if not facts["median"]:
        return _("not half yet")
    days, *bounds = facts["median"]
    if not bounds:
        return number(days)
    low, high = bounds
    if high is None:
        return _("{days} ({low} or more)").format(days=number(days), low=number(low))
    return _("{days} ({low} to {high})").format(days=number(days), low=number(low), high=number(high))


def within(facts: Facts) -> str:
    """Return the share gone in the first days, and between which shares that lies."""
    if not facts["lives"] or not facts["within"]:
        return ""
    return share(facts["within"])


def share(values: Sequence[float]) -> str:
    """Return a share, and its bounds where there are any."""
    value, *bounds = (number(100 * each) for each in values)
    if not bounds:
        return _("{value} %").format(value=value)
    return _("{value} % ({low} to {high})").format(value=value, low=bounds[0], high=bounds[1])


def ratio(facts: Facts) -> str:
    """Return how many times as fast told findings go."""
    if not facts["ratio"] or facts["verdict"] == Verdict.TOO_FEW:
        return ""
    value, low, high = map(decimal, facts["ratio"])
    return _("{value} ({low} to {high})").format(value=value, low=low, high=high)


def came_back(facts: Facts, days: int) -> str:
    """Return how many of those gone came back within so many days."""
    said = next((each for each in facts["came_back"] if each["days"] == days), None)
    if said is None or not said["of"]:
        return ""
    share = number(100 * said["back"] / said["of"])
    return _("{back} of {of} ({share} %)").format(back=number(said["back"]), share=share, of=number(said["of"]))


def number(value: float) -> str:
    """Return a whole number as people write it."""
    return formats.number_format(round(value), force_grouping=True)


def decimal(value: float) -> str:
    """Return a ratio as people write it."""
    places = 2 if value < 10 else 0
    return formats.number_format(round(value, places), decimal_pos=places, force_grouping=True)  # which cuts off
