"""The words of report types, classes and assets in the reader's language: what stands in the first column."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils import formats
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from tocsin.feeds.held import is_by_findings
from tocsin.formats.shadowserver import Meaning, meaning_of
from tocsin.kernel import rsit

if TYPE_CHECKING:
    from tocsin.feeds.models import Cycle


@functools.cache
def _meaning(report_type: str, title: str) -> Meaning:
    return meaning_of(report_type, title)


def meaning(report_type: str, titles: Mapping[str, str]) -> Meaning:
    """Return what a report type says."""
    return _meaning(report_type, titles.get(report_type, ""))


def kind(report_type: str, titles: Mapping[str, str]) -> str:
    """Return the sentence of a report type: "Remote desktop open to the internet"."""
    return meaning(report_type, titles).sentence(get_language() or "en")


def class_label(name: str | None) -> str:
    """Return the label of an RSIT type; a publisher's own name for one stands beside it."""
    known = rsit.resolve(name or "")
    language = (get_language() or "en").split("-")[0]
    label = known.labels.get(language) or known.labels["en"]
    return label if not name or known.name == name else f"{label} ({OWN_CLASSES.get(name, name)})"


OWN_CLASSES: dict[str, Any] = {
    "blacklist": _("on a blocklist"),
    "blocklist": _("on a blocklist"),
    "dga-domain": _("made-up domain"),
    "malware": _("malware"),
    "proxy": _("open proxy"),
    "tor": _("Tor"),
}
"""What publishers write instead of a type of the taxonomy."""


LISTS_NAMED = 5
"""So many lists or files are named one by one."""


def why_held(cycle: Cycle, *, is_known: bool) -> str:
    """Return why a report is held; what `is_known` tells whether it can be said what is usual."""
    said = []
    if "few" in cycle.doubts or not cycle.doubts:  # the only reason while none was kept
        said.append(_few(cycle, is_known=is_known))
    if cut := cycle.doubts.get("cut"):
        said.append(_ends_early(cut))
    if missing := cycle.doubts.get("missing"):
        said.append(_did_not_come(missing))
    if repeated := cycle.doubts.get("repeated"):
        said.append(_repeats(repeated))
    if old := cycle.doubts.get("old"):
        said.append(_is_old(old))
    return "; ".join(said)


def _few(cycle: Cycle, *, is_known: bool) -> str:
    if not is_by_findings(cycle.rows, cycle.usual, cycle.usual_findings):
        return short_report(cycle.rows, cycle.usual, is_known=is_known)
    shown = cycle.findings or 0
    words = ngettext(
        "shows {n} finding in {rows} rows, less than half of the {usual} findings on the days before",
        "shows {n} findings in {rows} rows, less than half of the {usual} findings on the days before",
        shown,
    )
    return words.format(n=_number(shown), rows=_number(cycle.rows), usual=_number(round(cycle.usual_findings or 0)))


def _listed(names: Sequence[str]) -> str:
    """Return the first names, and how many there are more."""
    named, more = ", ".join(names[:LISTS_NAMED]), len(names) - LISTS_NAMED
    if more <= 0:
        return named
    return ngettext("{names} and {n} more", "{names} and {n} more", more).format(names=named, n=_number(more))


def _repeats(files: Sequence[str]) -> str:
    words = ngettext(
        "{files} is byte for byte a report of an earlier day",
        "{files} are byte for byte reports of earlier days",
        len(files),
    )
    return words.format(files=_listed(files))


def _is_old(files: Sequence[str]) -> str:
    return _("no row of {files} is of its day or of the day before").format(files=_listed(files))


def _ends_early(files: Sequence[str]) -> str:
    words = ngettext("ends in the middle of a line: {files}", "these end in the middle of a line: {files}", len(files))
    return words.format(files=_listed(files))


def _did_not_come(lists: Sequence[str]) -> str:
    words = ngettext(
        "not here, though it came on each of the days before: {lists}",
        "not here, though they came on each of the days before: {lists}",
        len(lists),
    )
    return words.format(lists=_listed(lists))


def short_report(rows: int, usual: float | None, *, is_known: bool) -> str:
    """Return how a held report compares with those before it; only what `is_known` to be usual is called so."""
    words = {"rows": _number(rows), "usual": _number(round(usual or 0))}
    if is_known:
        said = ngettext("{rows} row where {usual} are usual", "{rows} rows where {usual} are usual", rows)
    else:
        said = ngettext(
            "{rows} row after {usual} on the days before; it is too early to say what is usual",
            "{rows} rows after {usual} on the days before; it is too early to say what is usual",
            rows,
        )
    return said.format(**words)


def _number(value: int) -> str:
    return formats.number_format(value, force_grouping=True)


REMEDIES: dict[str, Any] = {
    "amplifier": _("Close it to the internet or limit who may ask: it can be misused to flood others."),
    "clean": _("Take the machine off the network, find out how it was entered, and set it up anew."),
    "close": _("Close it to the internet; whoever needs it from outside comes through a VPN."),
    "content": _("Take the content away, find out how it came there, and change the passwords of the site."),
    "encryption": _("Switch the old encryption off; present browsers and mail servers do without it."),
    "filter": _("Let no packet with a foreign sender address leave the network."),
    "look": _("Look at the machine and its logs: what is seen may have a harmless reason."),
    "password": _("Have the password changed, and a second factor set up."),
    "restrict": _("Limit who can reach it to the addresses that need it, and ask for a password."),
    "update": _("Install the manufacturer's update, and look for traces of misuse before it."),
}
"""What helps, by the key in `meanings.toml`."""


def remedy(key: str) -> str:
    """Return what helps, in a sentence."""
    return str(REMEDIES.get(key, REMEDIES["look"]))
