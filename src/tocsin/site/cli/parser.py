"""Put the commands together, run the one that was named, and turn refusals into sentences."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tocsin import __version__
from tocsin.kernel import disk
from tocsin.kernel.refusals import Refusal
from tocsin.site import unusable
from tocsin.site.cli import output
from tocsin.site.starting import set_up_django

__all__ = ["build_parser", "run", "set_up_django"]

BY_CTRL_C = 130
"""Exit code: 128 and the number of the signal, as shells have it."""
INTERRUPTED = "interrupted before it was done."
LACKS_SERVER = (
    "{name} is not installed: this command works on an instance, and here is the engine alone, for `feed read` and "
    "`feed map`. Install the rest: pip install 'tocsin[server]'."
)
APART = {"answers", "feed_verbs", "mail_verbs", "notice_verbs", "output", "parser"}
"""Modules of this package that are no commands; each of the others has `add_commands(subparsers)`."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="tocsin", description="Set up and run a national CIRT.")
    parser.add_argument("--version", action="version", version=f"tocsin {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if module not in APART:
            importlib.import_module(f"tocsin.site.cli.{module}").add_commands(commands)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code."""
    options = build_parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    output.watch()
    try:
        return _let_go(command(options))
    except output.Unprinted as failure:
        output.turn_away()
        print(f"tocsin: {failure}", file=sys.stderr)
        return 1
    except Refusal as refusal:
        print(f"tocsin: {refusal}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader (head, less) has gone: not an error.
        output.turn_away()
        return 0
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "tocsin":
            raise
        print(f"tocsin: {LACKS_SERVER.format(name=error.name)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        start = "\n" if sys.stderr.isatty() else ""  # after ^C, or amid a progress bar
        print(f"{start}tocsin: {str(stop) or INTERRUPTED}", file=sys.stderr)
        try:
            return _let_go(BY_CTRL_C)
        except output.Unprinted:
            output.turn_away()
            return BY_CTRL_C
    except Exception as error:  # whatever a full disk, or a database that is not there, shows as
        # It shows as an error of whatever wrote: the operating system, SQLite, PostgreSQL, Arrow.
        # Their classes cannot be named without loading all of them for every command. Anything else goes on.
        home = Path(os.environ.get("TOCSIN_HOME", "var"))
        sentence = disk.reason(error, home) or unusable.sentence(error, home)
        if sentence is None:
            raise
        print(f"tocsin: {sentence}", file=sys.stderr)
        return 1


def _let_go(code: int) -> int:
    """Write what is left of what a command said; return its exit code, for it ended so whether or not anybody reads."""
    try:
        if sys.stdout is not None:  # it is closed
            sys.stdout.flush()
    except BrokenPipeError:
        output.turn_away()
    return code
