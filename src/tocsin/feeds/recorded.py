"""What rows about reports, runs and findings say, and runs, findings and feeds as things that rows are about."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Fact, Group, Kind, Sentence
from tocsin.engine.public_ids import words_of
from tocsin.feeds import history, reasons
from tocsin.feeds.choices import AnswerKind, Verdict
from tocsin.feeds.models import Feed

NAMED = 3
"""So many files are named; more are counted."""


def _count(number: int) -> str:
    return str(formats.number_format(number, force_grouping=True))


def _named(names: Collection[str]) -> str:
    shown = wording.listed(str(name).rpartition("/")[2] for name in list(names)[:NAMED])
    more = len(names) - NAMED
    if more <= 0:
        return shown
    return ngettext("{names} and {n} more", "{names} and {n} more", more).format(names=shown, n=_count(more))


def _started(data: Data) -> str:
    return _("Run {run} begun: {files}").format(run=data["run"], files=_named(data["files"]))


def _replayed(data: Data) -> str:
    return _("Reports of run {run} read again in run {replay}").format(run=data["run"], replay=data["replay"])


def _closed(data: Data) -> str:
    cycles = [f"{kind} {reasons.said_day(on)}" for kind, on in data["cycles"]]
    return _("Cycles closed, no more reports are expected: {cycles}").format(cycles=_named(cycles))


def _refolded(data: Data) -> str:
    return _("Findings computed anew from their observations: {types}").format(types=_named(list(data["types"])))


def _fetched(data: Data) -> str:
    imported, lacking = len(data["imported"]), len(data["broken"]) + len(data["refused"])
    said = ngettext(
        "{n} report fetched from the publisher; {lacking} could not be had or read",
        "{n} reports fetched from the publisher; {lacking} could not be had or read",
        imported,
    )
    return said.format(n=_count(imported), lacking=_count(lacking))


def _owned(data: Data) -> str:
    before, after = (str(data[side]).partition(" <")[0] for side in ("before", "after"))
    if before and after:
        return _("Finding given by {before} to {after}").format(before=before, after=after)
    if after:
        return _("Finding given to {after}").format(after=after)
    return _("Nobody looks after the finding any more; it was {before}").format(before=before)


def _kind(data: Data) -> str:
    return str(dict(AnswerKind.choices).get(data["kind"], data["kind"]))


def _answered(data: Data) -> str:
    number = len(data["answered"])
    said = _kind(data)
    if data["is_on_behalf"]:
        words = ngettext(
            "For whose they are, {n} finding answered: {said}",
            "For whose they are, {n} findings answered: {said}",
            number,
        )
    else:
        words = ngettext("{n} finding answered: {said}", "{n} findings answered: {said}", number)
    return words.format(n=_count(number), said=said)


def _judged(data: Data) -> str:
    said = {"said": _kind(data), "text": data["text"]}
    if data["verdict"] == Verdict.UPHELD:
        until = reasons.said_day(str(data["until"]))
        return _("Agreed to an answer until {day}: {said}").format(day=until, **said)
    return _("Not agreed to an answer ({said}): {text}").format(**said)


def _of_situation(code: str) -> Sentence:
    """Return the sentence that Situation has, too."""
    return lambda data: history.sentence(code, dict(data))


def _retried(data: Data) -> str:
    return _("Order tried again: {order}").format(order=data["order"])


def _dismissed(data: Data) -> str:
    return _("Order taken off the list: {order}").format(order=data["order"])


_OF_FEEDS: dict[str, Sentence] = {
    "run.started": _started,
    "run.committed": _of_situation("run.committed"),
    "run.replayed": _replayed,
    "run.failed": _of_situation("run.failed"),
    "run.withdrawn": _of_situation("run.withdrawn"),
    "cycle.decided": _of_situation("cycle.decided"),
    "cycle.closed": _closed,
    "reports.fetched": _fetched,
    "observations.expired": _of_situation("observations.expired"),
    "feed.terms_changed": _of_situation("feed.terms_changed"),
    "feed.schema_loaded": _of_situation("feed.schema_loaded"),
    "order.retried": _retried,
    "order.dismissed": _dismissed,
}
_OF_FINDINGS: dict[str, Sentence] = {
    "finding.noted": lambda data: _("Note written: {text}").format(text=data["text"]),
    "finding.owner_changed": _owned,
    "finding.reattributed": _of_situation("finding.reattributed"),
    "finding.refolded": _refolded,
    "finding.answered": _answered,
    "answer.judged": _judged,
}


def _facts() -> Mapping[str, Fact]:
    return {"tlp": Fact("TLP"), "terms": Fact(_("Terms"))}


def _run_names(keys: Collection[str]) -> Mapping[str, str]:
    return {key: _("Run {run}").format(run=key) for key in keys}


def _feed_names(keys: Collection[str]) -> Mapping[str, str]:
    return dict(Feed.objects.filter(code__in=list(keys)).values_list("code", "name"))


def _no_names(_keys: Collection[str]) -> Mapping[str, str]:
    return {}


def _find_finding(text: str) -> str | None:
    try:
        words_of(text)
    except ValueError:
        return None
    return text


def _find_run(text: str) -> str | None:
    return text if text.isascii() and text.isdigit() and len(text) < 10 else None


def _find_feed(text: str) -> str | None:
    return text if Feed.objects.filter(code=text).exists() else None


_ABOUT_FINDINGS = {"finding": "finding", "answered": "finding", "constituent": "constituent"}
_ABOUT = {"run": "run", "replay": "run", "feed": "feed"}
wording.register(Group("feeds", gettext_lazy("Reports and runs"), _OF_FEEDS, _ABOUT, _facts))
wording.register(Group("findings", gettext_lazy("Findings"), _OF_FINDINGS, _ABOUT_FINDINGS))
wording.register_kind(
    Kind(
        "run", gettext_lazy("Run"), _run_names, lambda key: reverse("feeds:run", args=[key]), _find_run, is_number=True
    )
)
wording.register_kind(
    Kind("finding", gettext_lazy("Finding"), _no_names, lambda key: reverse("feeds:finding", args=[key]), _find_finding)
)
wording.register_kind(
    Kind("feed", gettext_lazy("Feed"), _feed_names, lambda key: reverse("feeds:terms", args=[key]), _find_feed)
)
