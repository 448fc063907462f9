"""`tocsin feed expire`: let go of observations that are older than the settings have them kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tocsin.kernel.counting import counted
from tocsin.site.cli.answers import add_json_option, answer
from tocsin.site.cli.feed_verbs.telling import Bar, said_when_waiting, seconds
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SUMS = ("reports", "rows", "findings", "size_bytes")


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `expire`."""
    parser = verbs.add_parser("expire", help="let go of observations that are older than the settings have them kept")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
    parser.add_argument(
        "--trust-clock",
        action="store_true",
        help="the clock of this machine is right, though no report has come for more than 31 days",
    )
    parser.add_argument("--wait", type=seconds, default=60, metavar="S", help="seconds to wait for an import")
    add_json_option(parser)
    parser.set_defaults(run=expire)


def expire(options: argparse.Namespace) -> int:
    """Let go of what is too old, or say what that would be."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.feeds import expiring, keeping
    from tocsin.kernel import clock

    if options.dry_run:
        found = expiring.what_goes(trust_clock=options.trust_clock)
    else:
        bar = Bar()
        found = expiring.expire(
            by=COMMAND_LINE,
            at=clock.now(),
            trust_clock=options.trust_clock,
            wait_s=options.wait,
            waiting=said_when_waiting(options.wait),
            progress=bar,
        )
        bar.close()
    types = [each.as_data() for each in found]
    data = {"dry_run": options.dry_run, **{name: sum(each[name] for each in types) for name in SUMS}, "types": types}
    said = _sentences(data) if keeping.retention().is_set else [_FOR_EVER]
    answer(options, "\n".join(said), data)
    return 0


_FOR_EVER = "No setting says for how long observations are kept (TOCSIN_RETENTION_DAYS): they are kept for ever."


def _sentences(data: dict[str, Any]) -> list[str]:
    if not data["types"]:
        return ["Nothing is older than it is to be kept."]
    said = [
        f"{each['type']} ({each['tlp']}, {each['days']} days): {_what(each)}; kept from {each['kept_from']} on."
        for each in data["types"]
    ]
    size = f"{data['size_bytes'] / 1e6:,.1f} MB"
    if data["dry_run"]:
        return [*said, f"In all {_what(data)} would go, {size}. Nothing was changed."]
    return [*said, f"In all {_what(data)} went; their files, {size}, leave the disk soon."]


def _what(each: dict[str, Any]) -> str:
    rows, reports = counted(each["rows"], "row"), counted(each["reports"], "report")
    return f"{rows} of {reports}, {counted(each['findings'], 'finding')} that had gone"
