"""`tocsin directory …`: constituents, their networks and contacts, and reference tables."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.kernel import clock
from tocsin.kernel.counting import counted
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.cli.answers import named
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from tocsin.directory.queries import Plan, ReadFiles


def add_commands(commands: Any) -> None:
    """Add the noun and its verbs."""
    noun = commands.add_parser("directory", help="constituents, their networks and contacts")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)

    imports = verbs.add_parser("import", help="import constituents from CSV or JSON files, all or nothing")
    imports.add_argument("files", nargs="+", type=named, metavar="FILE")
    imports.add_argument("--dry-run", action="store_true", help="check and report, change nothing")
    imports.add_argument(
        "--end-missing", action="store_true", help="end, as of yesterday, the claims that the files leave out"
    )
    imports.add_argument("--json", action="store_true", help="report as one JSON object on one line")
    imports.set_defaults(run=import_files)

    for verb, kind, text in (
        ("load-asn", "asn", "load a table of prefixes and autonomous systems (prefix<TAB>asn lines)"),
        ("load-rir", "country", "load a registry's delegated-extended file: countries of ranges"),
    ):
        load = verbs.add_parser(verb, help=text)
        load.add_argument("file", type=named, metavar="FILE")
        load.add_argument("--json", action="store_true", help="report as one JSON object on one line")
        load.set_defaults(run=load_table, kind=kind)


def import_files(options: argparse.Namespace) -> int:
    """Import directory files."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.directory import actions, queries
    from tocsin.directory.queries import attribution_outcome, finish_attribution

    try:
        files = queries.read_files((path.name, _content(path)) for path in options.files)
        plan = queries.plan_import(files, end_missing=options.end_missing)
        if not options.dry_run and not plan.is_empty:
            actions.import_directory(files, end_missing=options.end_missing, by=COMMAND_LINE, at=clock.now())
    except queries.ImportRefused as refused:
        if options.json:
            print(json.dumps({"applied": False, "problems": [problem.as_data() for problem in refused.problems]}))
        raise
    applied = not options.dry_run and not plan.is_empty
    # The same command again finishes what one that was ended in the middle had begun.
    is_attributed = applied or (not options.dry_run and finish_attribution())
    outcome = attribution_outcome(COMMAND_LINE) if is_attributed else None
    if options.json:
        done = {"done": outcome.is_done, "findings": outcome.findings, "gained": outcome.gained} if outcome else None
        print(json.dumps({"applied": applied, **plan.as_data(), "reattributed": done}))
    else:
        _say(files, plan, applied=applied)
        if outcome and outcome.is_done and (applied or outcome.findings):
            print(f"Open findings: {outcome.findings} changed hands.")
    if outcome and not outcome.is_done:
        print(f"tocsin: {_undone(outcome.reason)}", file=sys.stderr)
    return 0


def _undone(reason: str) -> str:
    why = f" ({reason.rstrip('.')})" if reason else ""
    return f"Open findings are not attributed anew yet{why}. The worker of `tocsin serve` does it, or the next import."


def _content(path: Path) -> bytes:
    from tocsin.directory.queries import MAX_FILE_BYTES

    try:
        with path.open("rb") as file:
            # One octet more than allowed is enough for the refusal, however large the file is.
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"it cannot be read ({error.strerror}).", where=str(path)) from error


def _say(files: ReadFiles, plan: Plan, *, applied: bool) -> None:
    """Print what an import did or would do."""
    data = plan.as_data()
    for remark in plan.remarks:
        print(f"tocsin: {remark}", file=sys.stderr)
    if plan.is_empty:
        same = counted(data["unchanged"], "constituent", "is", "are")
        same = same if data["unchanged"] == 1 else f"all {same}"
        print(f"Nothing to change: {same} as in {', '.join(files.names)}.")
    else:
        print("Imported." if applied else "Not imported: this was a dry run. It would do this:")
        print(f"Constituents: {data['added']} added, {data['changed']} changed, {data['unchanged']} unchanged.")
        ended = f", {data['claims_ended']} ended" if plan.end_missing else ""
        print(f"Claims: {data['claims_added']} added, {data['claims_changed']} changed{ended}.")
        print(f"Contacts: {data['contacts_added']} added, {data['contacts_changed']} changed.")
    if data["claims_missing"]:
        kept = counted(data["claims_missing"], "claim", "is not in the file and was", "are not in the file and were")
        print(f"{kept} kept; --end-missing ends {'it' if data['claims_missing'] == 1 else 'them'}:")
        for claim in plan.missing_claims[:20]:
            print(f"  {claim.label}")
    if data["conflicts"]:
        print(f"{counted(len(data['conflicts']), 'new conflict')} to settle: equal claims of different constituents:")
        for conflict in data["conflicts"][:20]:
            print(f"  {conflict['value']}: {', '.join(conflict['constituents'])}")


def load_table(options: argparse.Namespace) -> int:
    """Load a reference table."""
    open_instance()
    from django.conf import settings

    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.directory import actions
    from tocsin.directory.choices import TableKind

    loaded = actions.load_reference_table(
        TableKind(options.kind), options.file, store=settings.CONFIG.store, by=COMMAND_LINE, at=clock.now()
    )
    if options.json:
        print(json.dumps({"applied": loaded is not None, **(loaded.as_data() if loaded else {"kind": options.kind})}))
    elif loaded is None:
        print(f"Nothing to change: {options.file.name} is the current table already.")
    else:
        print(f"Loaded {counted(loaded.rows, 'row')} from {loaded.source}.")
    return 0
