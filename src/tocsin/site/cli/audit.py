"""`tocsin audit`: whether the trail is as it was written, and what one keeps elsewhere to tell that later."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.kernel.counting import counted
from tocsin.kernel.refusals import Conflict
from tocsin.site.cli.answers import add_json_option, answer
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.audit.signing import Head
    from tocsin.audit.verifying import Fault, Verification

LONGEST_NAME = 4096
"""A longer text names no file."""


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `audit`."""
    verbs = commands.add_parser("audit", help="the audit trail").add_subparsers(metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help="check the audit trail and its signed heads, and name what is wrong")
    verify.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="FILE|TEXT",
        help="compare with a head that was kept elsewhere: a file, or the text itself; may repeat",
    )
    add_json_option(verify)
    verify.set_defaults(run=run_verify)
    head = verbs.add_parser("head", help="print the last signed head, to be kept elsewhere")
    add_json_option(head)
    head.set_defaults(run=run_head)
    key = verbs.add_parser("key", help="print the public key with which heads are signed")
    add_json_option(key)
    key.set_defaults(run=run_key)


def run_verify(options: argparse.Namespace) -> int:
    """Check chain, heads and those given, and that the database still refuses to change the trail."""
    elsewhere = _heads(options.head)
    open_instance()
    from django.conf import settings

    from tocsin.audit import keeping, queries, verifying

    found = verifying.verify(keeping.own_key(settings.TOCSIN.home), elsewhere)
    guarded = queries.database_is_append_only()
    whole = not found.faults and guarded
    answer(options, _sentences(found, guarded, len(elsewhere)), {"ok": whole, "append_only": guarded, **_data(found)})
    return 0 if whole else 1


def _heads(given: list[str]) -> list[Head]:
    """Return the heads given as files or texts. Raises InvalidInput."""
    from tocsin.audit.signing import LONGEST_TEXT, read_head

    heads = []
    for text in given:
        is_file = len(text) < LONGEST_NAME and "\n" not in text and "\0" not in text and Path(text).is_file()
        if is_file:
            with Path(text).open(encoding="utf-8", errors="replace") as file:
                text = file.read(LONGEST_TEXT)
        heads.append(read_head(text))
    return heads


def _data(found: Verification) -> dict[str, object]:
    first = found.first
    return {
        "rows": found.rows,
        "head": found.head,
        "heads": found.heads,
        "last_head": found.last_head.isoformat() if found.last_head else None,
        "broken_at": first.row if first else None,
        "problem": first.problem if first else "",
        "faults": [fault.as_data() for fault in found.faults],
        "more": found.more,
    }


def _sentences(found: Verification, guarded: bool, given: int) -> str:
    lines = [_sentence(fault) for fault in found.faults]
    if found.more:
        lines.append(f"{counted(found.more, 'more fault', 'follows', 'follow')} these.")
    if lines and found.rows:
        lines.append(f"{counted(found.rows, 'row')} before that: as written.")
    elif not lines:
        rows = counted(found.rows, "row", "is as it was written", "are as they were written")
        lines.append(f"{rows}. The last has the hash {found.head}.")
        fit = f"{counted(found.heads, 'signed head', 'fits', 'fit')}, the last of {found.last_head}."
        lines.append(fit if found.last_head else "No head is signed yet: the worker signs one each day.")
    if given and not found.faults:
        lines.append("So does the one given." if given == 1 else f"So do the {given} given.")
    if not guarded:
        lines.append("The database no longer refuses to change them. Run: tocsin upgrade")
    return "\n".join(lines)


def _sentence(fault: Fault) -> str:
    whose = f"head of {fault.on}" + (" that was given" if fault.kept_elsewhere else "")
    are_many = fault.until not in (None, fault.row)
    rows = f"Rows {fault.row} to {fault.until}" if are_many else f"Row {fault.row}"
    are, were = ("are", "they were") if are_many else ("is", "it was")
    follow = "they do not follow one another" if are_many else "it does not follow the row before"
    words = {
        "missing": f"{rows} {are} not as {were} written (missing): {were} removed.",
        "order": f"{rows} {are} not as {were} written (order): {follow}.",
        "changed": f"{rows} {are} not as {were} written (changed).",
        "rewritten": f"{rows} {are} not as written (rewritten): at least one was changed and all hashes were computed "
        f"anew, for the {whose} was signed over another hash.",
        "cut off": f"{rows} {are} missing at the end (cut off): the {whose} was signed over row {fault.until}.",
        "signature": f"The {whose}, of row {fault.row}, is not as it was signed (signature): it was changed.",
        "key": f"The {whose}, of row {fault.row}, was signed with a key that the trail does not know (key): the key "
        "was replaced, or the head is of another instance.",
        "no head": f"The head that row {fault.row} tells of is not there as it was signed (no head): it was removed "
        "or changed.",
        "emptied": "No row and no signed head is there (emptied): all were removed, for this instance is in use.",
    }
    if fault.problem == "key" and fault.on is None:
        return "The key that signs heads now is not on record in the trail (key): it was replaced."
    return words[fault.problem]


def run_head(options: argparse.Namespace) -> int:
    """Print the text of the last signed head."""
    open_instance()
    from tocsin.audit import queries
    from tocsin.audit.signing import Head

    last = queries.last_head()
    if last is None:
        raise Conflict("No head is signed yet. The worker signs one each day: tocsin serve")
    head = Head(last.on, last.sequence, last.hash, last.key, last.signature)
    data = {"on": head.on.isoformat(), "sequence": head.sequence, "hash": head.hash, "key": head.key}
    answer(options, head.text.rstrip("\n"), {**data, "signature": head.signature, "text": head.text})
    return 0


def run_key(options: argparse.Namespace) -> int:
    """Print the public key. Raises Unavailable when its file is not there."""
    open_instance()
    from django.conf import settings

    from tocsin.audit import keeping, signing

    key = signing.public_key(keeping.key_path(settings.TOCSIN.home))
    pem = signing.public_pem(key)
    answer(options, f"key: {key}\n{pem.rstrip()}", {"key": key, "pem": pem})
    return 0
