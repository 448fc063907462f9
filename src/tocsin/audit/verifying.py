"""Whether the trail is as it was written: its chain, its signed heads, and heads that were kept elsewhere.

The chain alone names the rows that were changed, removed or put between others. Whoever computes all hashes anew after
a change leaves a sound chain, and whoever cuts rows off at its end, too: signed heads tell both. Whoever has the key
can sign new heads: a head that was kept elsewhere tells that.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from tocsin.audit import chain, queries, stored
from tocsin.audit.models import AuditRow, SignedHead
from tocsin.audit.signing import Head

FAULTS = ("missing", "order", "changed", "rewritten", "cut off", "signature", "key", "no head", "emptied")
"""Words for what can be wrong, as `--json` and the trail have them."""
MOST_FAULTS = 20
"""So many are told: the first; of the others how many there are."""
_HEAD = ("on", "sequence", "hash", "key", "signature")


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that is not as it was written."""

    problem: str
    """One of FAULTS."""
    row: int
    """The first row that it is about."""
    until: int | None = None
    """The last one, where several are."""
    on: dt.date | None = None
    """Day of the signed head that shows it."""
    kept_elsewhere: bool = False
    """That head is not the database's own."""

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON can carry it."""
        return {**dataclasses.asdict(self), "on": self.on.isoformat() if self.on else None}


@dataclasses.dataclass(frozen=True)
class Verification:
    """What checking found. `faults` stand in the order of the rows that they are about: MOST_FAULTS at most."""

    rows: int
    """So many rows are as they were written, counted from the first, as far as chain and heads tell."""
    head: str
    """Hash of the last row before the first that the chain shows not to be so."""
    heads: int
    """So many signed heads fit the rows and their signatures."""
    last_head: dt.date | None
    """Day of the last of them."""
    faults: tuple[Fault, ...] = ()
    more: int = 0
    """So many more faults there are."""

    @property
    def first(self) -> Fault | None:
        """The fault that comes first."""
        return self.faults[0] if self.faults else None


def verify(key: str = "", elsewhere: Sequence[Head] = ()) -> Verification:
    """Check every row and every signed head, and compare with heads that were kept elsewhere.

    `key` is the public key of this instance, empty where its file is missing: the trail's own record tells then.
    """
    own = [Head(*row) for row in SignedHead.objects.values_list("on", "sequence", "hash", "key", "signature")]
    own.sort(key=lambda head: (head.sequence, head.on))
    others = sorted(elsewhere, key=lambda head: head.sequence)
    marked = {*(head.sequence for head in (*own, *others)), *_tell_of_heads().values_list("sequence", flat=True)}
    verdict = chain.check(stored.links(), marked)
    known = _known_keys(key, verdict)
    own_fit, fit_elsewhere = _fitting(own, verdict), _fitting(others, verdict)
    believed = _believed(own, others, verdict)
    faults = [
        *(Fault(each.problem, each.row, each.until if each.until > each.row else None) for each in verdict.breaks),
        *_of_heads(own, verdict, known, {*own_fit, *fit_elsewhere}),
        *_of_missing_heads(own, verdict),
        *_of_replaced_key(key, known, verdict.last),
        *_of_emptied(own, verdict, is_in_use=bool(key) or queries.is_in_use()),
        *_of_heads(others, verdict, known, {*believed, *fit_elsewhere}, kept_elsewhere=True),
    ]
    faults.sort(key=lambda fault: fault.row)
    rows = min([verdict.rows, *(fault.row - 1 for fault in faults if fault.problem == "rewritten")])
    last = max((head.on for head in own if head.is_signed and _fits(head, verdict)), default=None)
    more = verdict.more_breaks + len(faults[MOST_FAULTS:])
    return Verification(rows, verdict.head, len(own_fit), last, tuple(faults[:MOST_FAULTS]), more)


def _tell_of_heads() -> QuerySet[AuditRow]:
    return AuditRow.objects.filter(code="audit.head_signed")


def _fits(head: Head, verdict: chain.Verdict) -> bool:
    return verdict.marked.get(head.sequence) == head.hash


def _fitting(heads: Iterable[Head], verdict: chain.Verdict) -> list[int]:
    """Return the numbers of the rows whose heads are as they were signed, and fit."""
    return [head.sequence for head in heads if _fits(head, verdict) and head.is_signed]


def _is_rewritten(head: Head, verdict: chain.Verdict) -> bool:
    return head.sequence in verdict.marked and not _fits(head, verdict) and head.is_signed


def _first_rewritten(heads: Iterable[Head], verdict: chain.Verdict) -> int | None:
    return next((head.sequence for head in heads if _is_rewritten(head, verdict)), None)


def _believed(own: Sequence[Head], elsewhere: Sequence[Head], verdict: chain.Verdict) -> list[int]:
    """Return up to which rows the database's own heads are believed, where one from elsewhere does not fit.

    Those before the first that does not fit either: whoever computed all anew has not signed anew. Where all fit, or
    one fits behind the row that another head was signed over, the key was used for it, and they tell nothing.
    """
    own_first, first = _first_rewritten(own, verdict), _first_rewritten(elsewhere, verdict)
    before = [number for number in _fitting(own, verdict) if own_first is not None and number < own_first]
    return before if before and first is not None and before[-1] < first else []


def _known_keys(key: str, verdict: chain.Verdict) -> set[str]:
    """Return the public keys that the trail knows of: those on record, and those whose record may be what was lost.

    After rows that are missing or changed that is the one by which the next head was signed: good heads are not blamed
    for what was done to the rows before them.
    """
    known, tells = queries.keys_on_record(), _tell_of_heads().order_by("sequence")
    for each in verdict.breaks:
        after = (row for row in tells.filter(sequence__gt=each.row).iterator() if row.sequence in verdict.marked)
        row = next(after, None)
        known.add(str(row.data.get("key")) if row else key)
    return known


def _of_heads(
    heads: Iterable[Head], verdict: chain.Verdict, known: set[str], fits: set[int], *, kept_elsewhere: bool = False
) -> Iterator[Fault]:
    """Yield what each head shows that is not as it was signed, in the order of their rows.

    `fits` are the rows up to which others show that all is as it was. Of rows cut off at the end the head that goes
    furthest tells.
    """
    beyond = None
    for head in heads:
        problem = _problem(head, verdict, known)
        if problem == "cut off":
            beyond = head
        elif problem:
            sound = max((number for number in fits if number < head.sequence), default=0)
            first = sound + 1 if problem == "rewritten" else head.sequence
            yield Fault(problem, first, head.sequence, head.on, kept_elsewhere)
    if beyond:
        yield Fault("cut off", verdict.last + 1, beyond.sequence, beyond.on, kept_elsewhere)


def _problem(head: Head, verdict: chain.Verdict, known: set[str]) -> str:
    """Return what is wrong with a head, or with the rows that it signs; empty when nothing is.

    What the hash says comes before whose signature it is: a head from elsewhere is right whatever our keys are.
    """
    if not head.is_signed:
        return "signature"
    if head.sequence > verdict.last:
        return "cut off"
    if head.sequence not in verdict.marked:
        return ""  # the row itself is named as missing or changed
    if _is_rewritten(head, verdict):
        return "rewritten"
    return "" if head.key in known else "key"


def _of_missing_heads(heads: Iterable[Head], verdict: chain.Verdict) -> Iterator[Fault]:
    """Yield each head that a row tells of, itself as it was written, and that is not there as it was signed."""
    there = {(head.on.isoformat(), head.sequence, head.hash, head.key, head.signature) for head in heads}
    for row in _tell_of_heads().order_by("sequence").iterator():
        is_sound = row.sequence in verdict.marked
        if is_sound and tuple(row.data.get(name) for name in _HEAD) not in there:
            yield Fault("no head", row.sequence, on=row.at.date())


def _of_replaced_key(key: str, known: set[str], rows: int) -> Iterator[Fault]:
    """Yield that the key which signs now is none that the trail knows of."""
    if key and rows and key not in known:
        yield Fault("key", rows)


def _of_emptied(own: Sequence[Head], verdict: chain.Verdict, *, is_in_use: bool) -> Iterator[Fault]:
    """Yield that neither a row nor a head is left. Where there is a key, or anything was written, rows were, too."""
    if is_in_use and not verdict.last and not own:
        yield Fault("emptied", 1)
