"""A policy and a suppression in sentences, in the reader's language: what stands in the lists, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import formats
from django.utils.dates import WEEKDAYS
from django.utils.translation import get_language, get_language_info, ngettext
from django.utils.translation import gettext as _

from tocsin.directory.sectors import sector_label
from tocsin.feeds.wording import class_label
from tocsin.kernel.tlp import TLP
from tocsin.notices.choices import Channel
from tocsin.notices.models import Policy, Suppression


def policy_title(policy: Policy) -> str:
    """Return for whom a policy is and of what they are told."""
    facts = {"severity": f"C{policy.threshold}", "what": class_label(policy.category) if policy.category else ""}
    if policy.constituent:
        facts["who"] = policy.constituent.local_name
        words = _("{who}: {what}, from {severity}") if policy.category else _("{who}: all findings, from {severity}")
    elif policy.sector:
        facts["who"] = sector_label(policy.sector, get_language() or "en")
        words = (
            _("Sector {who}: {what}, from {severity}")
            if policy.category
            else _("Sector {who}: all findings, from {severity}")
        )
    else:
        words = (
            _("Everybody: {what}, from {severity}")
            if policy.category
            else _("Everybody: all findings, from {severity}")
        )
    return words.format(**facts)


def policy_sentences(policy: Policy) -> str:
    """Return how, when and in which language they are told, and who is told next."""
    return " ".join(_sentences(policy))


_BY: dict[str, Any] = {
    Channel.MAIL: lambda n: ngettext("By mail, once an hour at most.", "By mail, once in {n} hours at most.", n),
    Channel.PORTAL: lambda n: ngettext(
        "On its own pages, once an hour at most.", "On its own pages, once in {n} hours at most.", n
    ),
    Channel.WEBHOOK: lambda n: ngettext(
        "By webhook, once an hour at most.", "By webhook, once in {n} hours at most.", n
    ),
}


def _sentences(policy: Policy) -> Iterator[str]:
    yield _BY[policy.channel](policy.interval_hours).format(n=policy.interval_hours)
    yield _language(policy)
    yield _hours(policy)
    yield _("Up to {label}.").format(label=TLP.read(policy.tlp).label)
    yield from _next(policy)
    if policy.digest:
        yield _("What stays open comes again in a weekly list.")


def _language(policy: Policy) -> str:
    if not policy.language:
        return _("In the language of the contact.")
    known = dict(settings.LANGUAGES)
    name = get_language_info(policy.language)["name_translated"] if policy.language in known else policy.language
    return _("In this language: {name}.").format(name=name)


def _hours(policy: Policy) -> str:
    if not policy.work_days and policy.works_from is None:
        return _("At any hour.")
    days = ", ".join(str(WEEKDAYS[day]) for day in sorted(policy.work_days or range(7)))
    zone = policy.time_zone or settings.TOCSIN.time_zone
    if policy.works_from is None or policy.works_until is None:
        return _("On these days ({zone}): {days}.").format(days=days, zone=zone)
    hours = {
        "begin": formats.time_format(policy.works_from, "H:i"),
        "end": formats.time_format(policy.works_until, "H:i"),
    }
    return _("From {begin} to {end} ({zone}) on these days: {days}.").format(days=days, zone=zone, **hours)


def _next(policy: Policy) -> Iterator[str]:
    if (days := policy.second_after_days) is not None:
        words = ngettext(
            "After {n} day without a reaction the second contact is told.",
            "After {n} days without a reaction the second contact is told.",
            days,
        )
        yield words.format(n=days)
    if (days := policy.parent_after_days) is not None:
        words = ngettext(
            "After {n} day the parent organisation is told.", "After {n} days the parent organisation is told.", days
        )
        yield words.format(n=days)
    if (days := policy.regulator_after_days) is not None and policy.regulator:
        words = ngettext("After {n} day {name} is told.", "After {n} days {name} is told.", days)
        yield words.format(n=days, name=policy.regulator.local_name)


def suppression_title(row: Suppression) -> str:
    """Return what is not told: the parts that must all fit."""
    parts = [
        row.constituent.local_name if row.constituent else "",
        class_label(row.category) if row.category else "",
        row.network,
        row.finding,
    ]
    return ", ".join(part for part in parts if part)
