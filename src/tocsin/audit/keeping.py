"""The trail's daily round: it is checked, and its head signed, once a day (UTC) each. And the key that signs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tocsin.audit import actions, queries, signing, verifying
from tocsin.audit.actors import Actor, System
from tocsin.audit.models import SignedHead
from tocsin.kernel.clock import Instant
from tocsin.kernel.counting import counted
from tocsin.kernel.refusals import Unavailable

KEEPER = System("audit")
SIGNED_WITHIN = dt.timedelta(days=2)


def key_path(home: Path) -> Path:
    """Return the file in a data directory that holds the key."""
    return home / "keys" / "audit.key"


def ensure_key(home: Path, *, by: Actor, at: Instant) -> bool:
    """Make the key when there is none, and put it on record when it is not; return whether either was done."""
    path = key_path(home)
    if not queries.last_number() and (found := verifying.verify()).faults:
        actions.record_check(found, by=by, at=at)  # what is written now would hide it
    made = signing.make_key(path)
    if signing.public_key(path) in queries.keys_on_record():
        return made
    actions.record_key(path=path, by=by, at=at)
    return True


def own_key(home: Path) -> str:
    """Return the public key of the instance; empty where its file is not there or holds none."""
    try:
        return signing.public_key(key_path(home))
    except Unavailable:
        return ""


def go_round(home: Path, *, at: Instant) -> None:
    """Check the trail and sign its head, unless that was done today. Raises Unavailable without the key.

    A trail that is found wrong is signed all the same: what is done to it from now on must be seen as well.
    """
    last = queries.last_check()
    if last is None or last.at.date() != at.date():
        actions.record_check(verifying.verify(own_key(home)), by=KEEPER, at=at)
    sign_if_due(home, at=at)


def sign_if_due(home: Path, *, at: Instant) -> bool:
    """Sign the head of the trail unless that was done today; return whether it was done now."""
    head = queries.last_head()
    if head is not None and head.on >= at.date():
        return False
    actions.sign_head(path=key_path(home), by=KEEPER, at=at)
    return True


def flaw(home: Path, *, at: Instant) -> tuple[str, str] | None:
    """Return what is wrong with the keeping of the trail, and what to do; None when nothing is.

    The last head is looked at and the row that it signs, and whether as many are there as rows tell of; not the whole
    trail: that is `tocsin audit verify`.
    """
    key, find_out = own_key(home), "Find out what was done: tocsin audit verify"
    if not key:
        return f"{key_path(home)} holds no key", "Put it back from a backup, or have a new one made: tocsin upgrade"
    if not queries.last_number():
        return "none of its rows is left", find_out
    if key not in queries.keys_on_record():
        return "the key that signs its heads was replaced", find_out
    head, check = queries.last_head(), queries.last_check()
    if check and check.data["faults"]:
        return f"row {check.data['faults'][0]['row']} was found wrong on {check.at:%Y-%m-%d}", find_out
    if head and not _stands(head):
        return f"its head of {head.on} does not fit", find_out
    if (gone := queries.heads_told() - SignedHead.objects.count()) > 0:
        return counted(gone, "signed head", "was removed", "were removed"), find_out
    since = head.on if head else queries.key_made_at().date()
    if at.date() - since > SIGNED_WITHIN:
        return f"no head was signed since {since}", "Have the worker run, which signs one each day: tocsin serve"
    return None


def text_of(head: SignedHead) -> str:
    """Return a head as a person mails and prints it."""
    return _as_signed(head).text


def _as_signed(head: SignedHead) -> signing.Head:
    return signing.Head(head.on, head.sequence, head.hash, head.key, head.signature)


def _stands(head: SignedHead) -> bool:
    """Say whether a head is as it was signed, and the trail's row as it was then."""
    signed = _as_signed(head)
    return signed.is_signed and queries.hash_of(head.sequence) == head.hash
