"""`tocsin init`: make an instance. Asks nothing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tocsin.site.cli.answers import add_json_option, answer, warn_of_unknown_variables

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.site.config import Config


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `init`."""
    parser = commands.add_parser("init", help="set up an instance and print a one-time enrolment link")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Set up what is missing, and invite the first national administrator while none can sign in."""
    from tocsin.site import setting_up
    from tocsin.site.config import load

    config = load()
    warn_of_unknown_variables()
    made = setting_up.set_up(config)
    link = setting_up.invite_first_person(config)
    state = "is set up" if made else "was set up before" if link else "was set up before; nothing to do"
    sentences = [f"{config.home} {state}.", _invitation(config, link), _next_step() if made else ""]
    answer(options, "\n".join(filter(None, sentences)), {"home": str(config.home), "made": made, "enrolment": link})
    return 0


def _invitation(config: Config, link: str | None) -> str:
    from tocsin.site.addresses import belonging

    words = "No national administrator can sign in yet. Open this link once, within seven days, to become the first:"
    return f"{words}\n    {link}\n{belonging(config)}".rstrip() if link else ""


def _next_step() -> str:
    return "Start it with: tocsin serve"
