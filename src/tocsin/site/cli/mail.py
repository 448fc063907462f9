"""`tocsin mail …`: mail that goes out and comes in."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tocsin.site.cli.mail_verbs import receiving, sending

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `mail` and its verbs."""
    verbs = commands.add_parser(
        "mail", help="mail that goes out and comes in, and the team's OpenPGP key"
    ).add_subparsers(dest="verb", metavar="VERB", required=True)
    sending.add_verbs(verbs)
    receiving.add_verbs(verbs)
