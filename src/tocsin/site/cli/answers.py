"""How commands answer: a sentence for people, or with `--json` one object on one line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def warn_of_unknown_variables() -> None:
    """Name variables that look like settings and are none, on standard error; the command goes on."""
    from tocsin.site.config import unknown_variables

    for each in unknown_variables():
        print(f"tocsin: {each}", file=sys.stderr)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be asked for JSON."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")


def answer(options: argparse.Namespace, sentence: str, data: dict[str, Any]) -> None:
    """Print the sentence, or the data when JSON was asked for."""
    print(json.dumps(data, ensure_ascii=False) if options.json else sentence)


def port(text: str) -> int:
    """Return the number of a port as it is written on the command line. Raises ValueError."""
    if not 1 <= int(text) <= 65535:
        raise ValueError(text)
    return int(text)


def named(text: str) -> Path:
    """Return the path of a file or folder as it is written on the command line.

    An empty one would be the current folder: a variable of a script that was never set must not import it.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: name a file or a folder (this one is .)")
    return Path(text)
