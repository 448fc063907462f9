"""Whether the trail is as it was written: its chain, its signed heads, and heads that were kept elsewhere.

The chain alone names the first row that was changed, removed or put between others. Whoever computes all hashes anew
after a change leaves a sound chain, and whoever cuts rows off at its end, too: signed heads tell both. Whoever has the
key can sign new heads: a head that was kept elsewhere tells that.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tocsin.audit import chain, queries, stored
from tocsin.audit.models import AuditRow, SignedHead
from tocsin.audit.signing import Head

CHAIN = ("missing", "order", "changed")
FAULTS = (*CHAIN, "rewritten", "cut off", "signature", "key", "no head")
"""Words for what can be wrong, as `--json` and the trail have them."""


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
    """What checking found. `faults` stand in the order of the rows that they are about."""

    rows: int
    """So many rows are as they were written, counted from the first, as far as chain and heads tell."""
    head: str
    """Hash of the last row that was reached."""
    heads: int
    """So many signed heads fit the rows and their signatures."""
    last_head: dt.date | None
    """Day of the last of them."""
    faults: tuple[Fault, ...] = ()

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
    verdict = chain.check(stored.links(), {head.sequence for head in (*own, *elsewhere)})
    known = queries.keys_on_record()
    faults = [
        *_of_chain(verdict),
        *_of_heads(own, verdict, known),
        *_of_missing_heads(own, verdict.rows),
        *_of_replaced_key(key, known, verdict.rows),
        *_of_heads(sorted(elsewhere, key=lambda head: head.sequence), verdict, known, kept_elsewhere=True),
    ]
    faults.sort(key=lambda fault: fault.row)
    fitting = [head for head in own if verdict.marked.get(head.sequence) == head.hash and head.is_signed]
    rows = min([verdict.rows, *(fault.row - 1 for fault in faults if fault.problem in (*CHAIN, "rewritten"))])
    last = max((head.on for head in fitting), default=None)
    return Verification(rows, verdict.head, len(fitting), last, tuple(faults))


def _of_chain(verdict: chain.Verdict) -> Iterator[Fault]:
    if verdict.broken_at is not None:
        yield Fault(verdict.problem, verdict.broken_at)


def _of_heads(
    heads: Iterable[Head], verdict: chain.Verdict, keys: Iterable[str], *, kept_elsewhere: bool = False
) -> Iterator[Fault]:
    """Yield the first fault of each kind that heads show, in the order of their rows."""
    seen, fits, known = set[str](), 0, set(keys)
    for head in heads:
        problem = _problem(head, verdict, known)
        if not problem:
            fits = head.sequence
        elif problem not in seen:
            seen.add(problem)
            first = {"rewritten": fits + 1, "cut off": verdict.rows + 1}.get(problem, head.sequence)
            yield Fault(problem, first, head.sequence, head.on, kept_elsewhere)


def _problem(head: Head, verdict: chain.Verdict, known: set[str]) -> str:
    """Return what is wrong with a head, or with the rows that it signs; empty when nothing is.

    What the hash says comes before whose signature it is: a head from elsewhere is right whatever our keys are.
    """
    if not head.is_signed:
        return "signature"
    if head.sequence > verdict.rows:
        return "" if verdict.broken_at is not None else "cut off"  # a broken chain was not followed so far
    if verdict.marked[head.sequence] != head.hash:
        return "rewritten"
    return "" if head.key in known else "key"


def _of_missing_heads(heads: Iterable[Head], rows: int) -> Iterator[Fault]:
    """Yield the first head that the trail says was signed and that is not there as it was signed."""
    there = {(head.on.isoformat(), head.sequence, head.hash, head.key, head.signature) for head in heads}
    signed = AuditRow.objects.filter(code="audit.head_signed", sequence__lte=rows).order_by("sequence")
    for row in signed.iterator():
        if tuple(row.data.get(name) for name in ("on", "sequence", "hash", "key", "signature")) not in there:
            yield Fault("no head", row.sequence, on=row.at.date())
            return


def _of_replaced_key(key: str, known: set[str], rows: int) -> Iterator[Fault]:
    """Yield that the key which signs now is none that the trail knows of."""
    if key and rows and key not in known:
        yield Fault("key", rows)
