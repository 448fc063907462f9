"""What is wrong with a policy or a suppression, in sentences: all of it at once, each beside its field."""

from __future__ import annotations

import datetime as dt
import ipaddress
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tocsin.directory.choices import Status
from tocsin.directory.models import Constituent
from tocsin.engine.public_ids import words_of
from tocsin.kernel import legible, rsit
from tocsin.kernel.refusals import InvalidInput, Refusal
from tocsin.notices.models import HoldOut, Policy
from tocsin.notices.rules import FEWEST_ORGANISATIONS, MAY_BE_HELD_OUT, MILD, MOST_HELD_OUT

LONGEST_INTERVAL_H = 31 * 24
LONGEST_STEP_DAYS = 365
LONGEST_REASON = 2_000
LONGEST_SUPPRESSION_DAYS = 366
LONGEST_HOLD_OUT_DAYS = 180
STEPS = ("second_after_days", "parent_after_days", "regulator_after_days")


def of_policy(facts: Mapping[str, Any], policy: Policy | None = None) -> Iterator[Refusal]:
    """Yield what is wrong with the facts of a policy. `policy` is the one that is changed."""
    if facts.get("constituent") and facts.get("sector"):
        yield InvalidInput(_("Choose a constituent or a sector, not both."), where="sector")
    yield from _of_category(facts.get("category") or "")
    yield from _of_numbers(facts)
    yield from _of_hours(facts)
    yield from _of_steps(facts)
    if not facts.get("constituent") or not facts.get("sector"):
        yield from _of_scope(facts, policy)


def _of_category(name: str) -> Iterator[Refusal]:
    if name and name not in rsit.types():
        yield InvalidInput(_("There is no such class of findings."), where="category")


def _of_numbers(facts: Mapping[str, Any]) -> Iterator[Refusal]:
    if not 1 <= facts.get("threshold", 4) <= 6:
        yield InvalidInput(_("Severities are 1 to 6."), where="threshold")
    if not 1 <= facts.get("interval_hours", 24) <= LONGEST_INTERVAL_H:
        words = _("Between two notices lie 1 to {most} hours.").format(most=LONGEST_INTERVAL_H)
        yield InvalidInput(words, where="interval_hours")


def _of_hours(facts: Mapping[str, Any]) -> Iterator[Refusal]:
    begin, end = facts.get("works_from"), facts.get("works_until")
    if (begin is None) != (end is None):
        missing = "works_from" if begin is None else "works_until"
        yield InvalidInput(_("Give both hours or none."), where=missing)
    elif begin is not None and end is not None and begin >= end:
        yield InvalidInput(_("The working day ends after it begins."), where="works_until")
    if any(day not in range(7) for day in facts.get("work_days", ())):
        yield InvalidInput(_("A week has seven days."), where="work_days")
    if (zone := facts.get("time_zone")) and not _is_zone(zone):
        yield InvalidInput(_("There is no such time zone. Write it as Africa/Nairobi."), where="time_zone")


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _of_steps(facts: Mapping[str, Any]) -> Iterator[Refusal]:
    for name in STEPS:
        days = facts.get(name)
        if days is not None and not 1 <= days <= LONGEST_STEP_DAYS:
            yield InvalidInput(_("1 to {most} days.").format(most=LONGEST_STEP_DAYS), where=name)
    if facts.get("regulator_after_days") is not None and not facts.get("regulator"):
        yield InvalidInput(_("Say who the regulator is."), where="regulator")
    if facts.get("regulator") and facts.get("regulator") == facts.get("constituent"):
        yield InvalidInput(_("Nobody regulates itself: choose another constituent."), where="regulator")


def _of_scope(facts: Mapping[str, Any], policy: Policy | None) -> Iterator[Refusal]:
    """Yield that there is a policy for the same already: only one can hold."""
    scope = {"constituent": facts.get("constituent"), "category": facts.get("category") or ""}
    same = Policy.objects.filter(is_active=True, sector=facts.get("sector") or "", **scope)
    if (same.exclude(pk=policy.pk) if policy else same).exists():
        yield InvalidInput(_("There is a policy for these findings already. Change that one."))


def of_suppression(facts: Mapping[str, Any], today: dt.date) -> Iterator[Refusal]:
    """Yield what is wrong with a suppression."""
    if not any(facts.get(name) for name in ("constituent", "category", "finding", "network")):
        yield InvalidInput(_("Say what is not to be told: a constituent, a class, a finding or a network."))
    yield from _of_category(facts.get("category") or "")
    if (finding := facts.get("finding")) and not _is_finding(finding):
        yield InvalidInput(_("That is not the id of a finding. Copy it from its page."), where="finding")
    if (network := facts.get("network")) and not _is_network(network):
        yield InvalidInput(_("That is no network. Write it as 198.18.4.0/24 or 2001:db8::/32."), where="network")
    yield from _of_end(facts.get("until"), today)
    yield from _of_reason(facts.get("reason") or "")


def _of_end(until: dt.date | None, today: dt.date) -> Iterator[Refusal]:
    if until is None:
        yield InvalidInput(_("Say until which day: nothing is kept quiet for ever."), where="until")
    elif until < today:
        yield InvalidInput(_("That day is past."), where="until")
    elif (until - today).days > LONGEST_SUPPRESSION_DAYS:
        yield InvalidInput(_("A year is the longest. Look at it again then."), where="until")


def _of_reason(reason: str) -> Iterator[Refusal]:
    if not reason.strip():
        yield InvalidInput(_("Say why: others will rely on it."), where="reason")
    elif len(reason) > LONGEST_REASON:
        yield InvalidInput(_("{most} characters are the most.").format(most=LONGEST_REASON), where="reason")
    elif said := legible.flaw(reason, lines=True):
        yield InvalidInput(_(said), where="reason")


def understood_words() -> str:
    """Return what somebody has to write who holds organisations out, in the reader's language."""
    return _("I know that they are not warned")


def mildest_told(category: str) -> int:
    """Return the mildest severity of which policies tell anybody in a class; 0 without a policy."""
    rows = Policy.objects.filter(is_active=True, category__in=("", category))
    return max(rows.values_list("threshold", flat=True), default=0)


def of_hold_out(facts: Mapping[str, Any], today: dt.date) -> Iterator[Refusal]:
    """Yield what is wrong with a hold-out."""
    if "category" in facts:
        yield from _of_held_class(facts["category"], today)
    yield from _of_share(facts.get("share"))
    yield from _of_last_day(facts.get("until"), today)
    yield from _of_reason(facts.get("reason") or "")
    said = " ".join((facts.get("understood") or "").casefold().split()).rstrip(".")
    if said != understood_words().casefold():
        words = _("Write these words, so that it is clear what you decide: {words}")
        yield InvalidInput(words.format(words=understood_words()), where="understood")


def _of_held_class(category: str, today: dt.date) -> Iterator[Refusal]:
    if category not in MAY_BE_HELD_OUT:
        words = _("Findings of this class are always told: something has happened already, or others would be harmed.")
        yield InvalidInput(words, where="category")
    elif mildest_told(category) < MILD:
        words = _("No policy tells findings of this class at C5 or C6: there is nothing to hold out.")
        yield InvalidInput(words, where="category")
    elif HoldOut.objects.filter(category=category, ended_at=None, until__gte=today).exists():
        words = _("Organisations are held out of this class already. End that first.")
        yield InvalidInput(words, where="category")


def _of_share(share: int | None) -> Iterator[Refusal]:
    if share is None or not 1 <= share <= MOST_HELD_OUT:
        yield InvalidInput(_("1 to {most} per cent.").format(most=MOST_HELD_OUT), where="share")
        return
    served = Constituent.objects.filter(status=Status.ACTIVE).count()
    held = share * served // 100
    if min(held, served - held) < FEWEST_ORGANISATIONS:
        words = _(
            "Of {served} organisations {held} would be held out. With fewer than {fewest} in either group nothing can "
            "be said in the end, and nobody may be left unwarned for nothing."
        )
        yield InvalidInput(words.format(served=served, held=held, fewest=FEWEST_ORGANISATIONS), where="share")


def _of_last_day(until: dt.date | None, today: dt.date) -> Iterator[Refusal]:
    if until is None:
        yield InvalidInput(_("Say until which day: nobody is left unwarned for ever."), where="until")
    elif until < today:
        yield InvalidInput(_("That day is past."), where="until")
    elif (until - today).days > LONGEST_HOLD_OUT_DAYS:
        yield InvalidInput(_("{most} days are the longest.").format(most=LONGEST_HOLD_OUT_DAYS), where="until")


def _is_finding(text: str) -> bool:
    try:
        words_of(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def scope_of(constituent: Constituent | None) -> str:
    """Return the public id of a constituent; empty for none."""
    return constituent.public_id if constituent else ""
