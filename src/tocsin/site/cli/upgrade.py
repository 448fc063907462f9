"""`tocsin upgrade`: carry an instance to this version of the software."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from tocsin.site.cli.answers import add_json_option, answer

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `upgrade`."""
    parser = commands.add_parser(
        "upgrade",
        help="bring the database up to this version of the software",
        description="Bring the database up to this version of the software. Make a backup first: tocsin backup FILE",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Upgrade and say which steps were taken."""
    from tocsin.site import setting_up
    from tocsin.site.config import load

    done = setting_up.upgrade(load())
    if done.trail_mended:
        sentence = (
            "The database refuses again to change the audit trail. Find out who had lifted that: tocsin audit verify"
        )
    elif not done.migrations and done.before == done.after and not done.key_made:
        sentence = f"Nothing to do: this is version {done.after} already."
    else:
        steps = "\n".join(f"    {step}" for step in done.migrations) or "    none needed"
        sentence = f"Upgraded from {done.before} to {done.after}. Steps in the database:\n{steps}"
    if done.key_made:
        sentence += "\nA new key signs the audit trail. Keep its public half elsewhere: tocsin audit key"
    answer(options, sentence, dataclasses.asdict(done))
    return 0
