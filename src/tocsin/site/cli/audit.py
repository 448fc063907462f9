"""`tocsin audit verify`: whether the audit trail is as it was written."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tocsin.kernel.counting import counted
from tocsin.site.cli.answers import add_json_option, answer
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.audit.chain import Verdict


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `audit`."""
    verbs = commands.add_parser("audit", help="the audit trail").add_subparsers(metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help="check the chain of the audit trail and name the first wrong row")
    add_json_option(verify)
    verify.set_defaults(run=run_verify)


def run_verify(options: argparse.Namespace) -> int:
    """Check the chain, and that the database still refuses to change it."""
    open_instance()
    from tocsin.audit import queries

    verdict, guarded = queries.verify(), queries.database_is_append_only()
    whole = verdict.broken_at is None and guarded
    answer(options, _sentence(verdict, guarded), {"ok": whole, "append_only": guarded, **verdict._asdict()})
    return 0 if whole else 1


def _sentence(verdict: Verdict, guarded: bool) -> str:
    if verdict.broken_at is not None:
        return f"Row {verdict.broken_at} is not as it was written ({verdict.problem}); {verdict.rows} before it are."
    if not guarded:
        return "The rows are as written, but the database no longer refuses to change them. Run: tocsin upgrade"
    rows = counted(verdict.rows, "row", "is as it was written", "are as they were written")
    return f"{rows}. The last has the hash {verdict.head}."
