"""`tocsin doctor`: what must be mended, one line each."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from tocsin.site.cli.answers import add_json_option, answer

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `doctor`."""
    parser = commands.add_parser(
        "doctor",
        help="say what must be mended, one fix a line",
        description="Look at the machine, the settings, the data directory and the database. "
        "Exit code 1 when something must be mended.",
    )
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="read every file of the store: some seconds for each gigabyte, and as long as the disk takes",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Examine and report."""
    from tocsin.site.examination import Remark, examine

    verdicts = examine(thorough=options.thorough)
    wrong = [verdict for verdict in verdicts if verdict.must_be_mended]
    lines = [f"{verdict.about}: {verdict.says}. {verdict.fix}" for verdict in wrong]
    remarks = [f"{verdict.about}: {verdict.says}." for verdict in verdicts if isinstance(verdict, Remark)]
    lines = lines or [f"Nothing to mend: {len(verdicts)} things are as they should be."]
    sentence = "\n".join([*lines, *remarks])
    answer(options, sentence, {"ok": not wrong, "checks": [dataclasses.asdict(verdict) for verdict in verdicts]})
    return 1 if wrong else 0
