"""Measure, print a table and keep the figures.

    python -m bench run      [--rows 1000000] [--repeat 5] [--only E4 --only E6]
    python -m bench large    [--rows 10000000] [--observations 100000000] [--only E5]
    python -m bench intelmq  [--rows 20000]
    python -m bench notices  [--rows 150000] [--database postgresql]
    python -m bench pages    [--rows 5600000] [--repeat 20] [--database postgresql]

`TOCSIN_BENCH_FEEDS` names a folder with reports/, constituents.json and truth.json to be measured beside the
project's own files; without it, the largest in the folder that `TOCSIN_TEST_FEEDS` names is. `TOCSIN_TEST_SCHEMA` names
one with the published schema; `TOCSIN_BENCH_DATA` where files are made (bench/data). Results go to bench/results/.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import large, machine, measures, reports, trail
from bench.figures import Figure, table, write
from bench.measures import Setting
from bench.product import ROOT

Measure = Callable[[Setting], list[Figure]]
REPEAT = {"large": 1, "notices": 3, "pages": 20}
"""Rounds, where they are not five."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(prog="python -m bench", description="Measure Tocsin against its targets.")
    commands = whole.add_subparsers(dest="command", required=True)
    for name, words, rows in (
        ("run", "E2, E3, E4, E6, E7 and AUDIT", 1_000_000),
        ("large", "E3 at 10 million rows and E5 at 100 million observations", 10_000_000),
        ("intelmq", "E1: IntelMQ on the same files in the same run", 20_000),
        ("notices", "the plan of all notices of a country, on SQLite and on PostgreSQL", 150_000),
        ("pages", "the web pages with a million findings stored, on SQLite and on PostgreSQL", 5_600_000),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--rows", type=int, default=rows, help="rows of the largest day")
        command.add_argument("--repeat", type=int, default=REPEAT.get(name, 5), help="rounds")
        command.add_argument("--only", action="append", default=[], metavar="E", help="this one only; may repeat")
        command.add_argument("--results", type=Path, default=ROOT / "bench" / "results", help="folder for figures")
        if name in ("pages", "notices"):
            words = "sqlite or postgresql; both when not given"
            command.add_argument("--database", action="append", dest="only", metavar="NAME", help=words)
        if name == "large":
            command.add_argument("--observations", type=int, default=100_000_000, help="stored observations of E5")
        if name == "intelmq":
            command.add_argument("--more-rows", type=int, default=1_000_000, help="rows for Tocsin alone")
    return whole


def setting(options: argparse.Namespace) -> Setting:
    """Return what the environment and the options say. Raises SystemExit when a folder is not there."""
    data = Path(os.environ.get("TOCSIN_BENCH_DATA", ROOT / "bench" / "data")).absolute()
    data.mkdir(parents=True, exist_ok=True)
    feeds, of_tests, schema = (_folder(name) for name in (reports.FEEDS, reports.FEEDS_OF_TESTS, reports.SCHEMA))
    if not feeds and of_tests:
        feeds = _largest(of_tests)
        _say(f"Feeds from outside: {feeds}")
    given = reports.opened("given", feeds) if feeds else None
    return Setting(data, options.rows, options.repeat, schema, given, _say)


def _folder(variable: str) -> Path | None:
    text = os.environ.get(variable)
    if text and not Path(text).is_dir():
        raise SystemExit(f"{variable} names {text}, which is no folder.")
    return Path(text).absolute() if text else None


def _largest(folder: Path) -> Path:
    try:
        return reports.largest(folder)
    except ValueError as error:
        raise SystemExit(f"{reports.FEEDS_OF_TESTS}: {error}") from None


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def chosen(options: argparse.Namespace) -> dict[str, Measure]:
    """Return the measures of a command by target."""
    rows, repeat = options.rows, options.repeat
    if options.command == "run":
        return {
            "E4": measures.start,
            "E6": measures.attribution,
            "E7": measures.bad_cells,
            "AUDIT": trail.checking,
            "E2": measures.whole_run,
            "E3": lambda s: measures.growth(s, rows // 4, rows, repeat),
        }
    if options.command == "large":
        return {
            "E3": lambda s: measures.growth(s, rows // 10, rows, repeat),
            "E5": lambda s: large.stored(s, options.observations),
        }
    if options.command == "notices":
        from bench import notices
        from bench.pages import stock

        return {name: functools.partial(notices.planned, rows=rows, database=name) for name in stock.DATABASES}
    if options.command == "pages":
        from bench.pages import measured, stock

        return {name: functools.partial(measured.served, database=name) for name in stock.DATABASES}
    from bench.intelmq import comparison

    return {"E1": lambda s: comparison.against_intelmq(s, rows, options.more_rows)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return 1 when a target's must is missed."""
    options = parser().parse_args(arguments)
    here = machine.describe(machine.keep_to_two_cores())
    asked, busy, began = setting(options), machine.busy_s(), time.monotonic()
    figures: list[Figure] = []
    for name, measure in chosen(options).items():
        if not options.only or name in options.only:
            figures += measure(asked)
    here["load_at_end"] = machine.load()
    spent = os.times()
    others = round(max(machine.busy_s() - busy - sum(spent[:4]), 0) / (time.monotonic() - began), 2)
    here["cores_busy_with_other_work"] = others
    print(table(figures))
    print("\n" + ", ".join(f"{name} {value}" for name, value in here.items()))
    if others > machine.QUIET:
        print("\nOther work kept the machine busy: wall times and verdicts on them are not to be trusted.")
    write(options.results / f"{options.command}.json", here, _kept(options, asked), figures)
    return int(any(figure.verdict == "missed" for figure in figures))


def _kept(options: argparse.Namespace, asked: Setting) -> dict[str, Any]:
    """Return the settings as the results name them: without a path."""
    kept = {name: value for name, value in vars(options).items() if name not in ("command", "results")}
    given = {"rows": asked.given.rows, "days": len(asked.given.days)} if asked.given else None
    return {**kept, "given_feeds": given, "published_schema": asked.schema is not None}


if __name__ == "__main__":
    sys.exit(main())
