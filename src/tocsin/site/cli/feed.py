"""`tocsin feed …`: read, import, replay and withdraw reports, and say what their columns mean."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.kernel.counting import counted
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.cli.answers import add_json_option, answer, named
from tocsin.site.cli.feed_verbs import fetching, mapping, retention, schema, upkeep, watching
from tocsin.site.cli.feed_verbs.printing import WRITERS
from tocsin.site.cli.feed_verbs.telling import Bar, cycles, positive, said_when_waiting, seconds, sentences
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.engine.executors import Executor
    from tocsin.formats.shadowserver import Mappings


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `feed` and its verbs."""
    noun = commands.add_parser("feed", help="report files: read, import, replay, withdraw, map")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_read(verbs)
    _add_run(verbs)
    for module in (fetching, mapping, retention, schema, upkeep, watching):
        module.add_verbs(verbs)


def _add_read(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    read = verbs.add_parser("read", help="print the events of report files; needs no database")
    read.add_argument("files", nargs="+", type=named, metavar="FILE")
    read.add_argument(
        "--format",
        choices=tuple(WRITERS),
        default="idf",
        help="idf: one object a line with dotted keys; jsonl: the same, nested; parquet, csv: a table",
    )
    read.add_argument(
        "--schema", type=named, metavar="DIR", help="folder with the publisher's schema files, for this call"
    )
    read.set_defaults(run=read_files)


def _add_run(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    run = verbs.add_parser("run", help="import report files and fold them into findings")
    run.add_argument("paths", nargs="+", type=named, metavar="PATH", help="file, archive, or folder of them")
    run.add_argument(
        "--gone-after", type=cycles, metavar="N", help="complete cycles without it after which a finding is gone"
    )
    run.add_argument("--partial", action="store_true", help="more files of these cycles will come")
    run.add_argument("--accept-drop", action="store_true", help="confirm cycles in advance that would be held")
    run.add_argument("--executor", choices=("threads", "dask"), default="threads", help="who does the work")
    run.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="Dask scheduler; without one, workers start here"
    )
    run.add_argument("--workers", type=positive, default=2, metavar="N", help="Dask workers that start here")
    run.add_argument("--wait", type=seconds, default=60, metavar="S", help="seconds to wait for another import")
    run.add_argument("--verbose", action="store_true", help="name each file that was imported before, or passed over")
    add_json_option(run)
    run.set_defaults(run=run_files)


# read


def read_files(options: argparse.Namespace) -> int:
    """Print the events of report files."""
    from tocsin.engine.bounds import last_acceptable
    from tocsin.engine.opening import BrokenReport, held
    from tocsin.formats.beside import passed_over
    from tocsin.formats.delimited import shipped_feeds
    from tocsin.formats.reading import Tally, events
    from tocsin.formats.recognition import Recognition
    from tocsin.kernel.clock import now

    recognise = Recognition(_mappings(options.schema), list(shipped_feeds().values()))
    write = WRITERS[options.format]()
    tally, failed = Tally(), False
    latest = last_acceptable(now())
    for path in options.files:
        try:
            in_file = held(path, recognise.is_no_report)
            if in_file.passed_over:
                print(f"tocsin: {passed_over(in_file.passed_over, verbose=True)}", file=sys.stderr)
            for source in in_file.reports:
                for event in events(source, recognise, tally, latest):
                    write(event)
        except BrokenReport as broken:
            print(f"tocsin: {broken}", file=sys.stderr)
            failed = True
    write.close()
    if tally.rows_quarantined or tally.cells_quarantined:
        print(
            f"tocsin: {tally.rows_quarantined} of {counted(tally.records, 'record')} could not be read, and "
            f"{counted(tally.cells_quarantined, 'cell', 'was', 'were')} left out of events.",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _mappings(folder: Path | None) -> Mappings:
    from tocsin.formats import shadowserver

    if folder is None:
        return shadowserver.mappings()
    if not folder.is_dir():
        raise InvalidInput("there is no such folder.", where=str(folder))
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}
    if not files:
        raise InvalidInput("there is no schema file (*.json) in it.", where=str(folder))
    return shadowserver.mappings(shadowserver.read_schema_files(files))


# run


def run_files(options: argparse.Namespace) -> int:
    """Import report files."""
    open_instance()
    from django.conf import settings

    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.engine.run import Options
    from tocsin.feeds import folders, intake
    from tocsin.kernel import clock

    for reason in folders.passed_over(options.paths, verbose=options.verbose):
        print(f"tocsin: {reason}", file=sys.stderr)
    bar = Bar()
    with _executor(options) as executor:
        summary = intake.import_reports(
            options.paths,
            options=Options(
                gone_after=options.gone_after or settings.TOCSIN.gone_after,
                complete=not options.partial,
                accept_drop=options.accept_drop,
            ),
            by=COMMAND_LINE,
            at=clock.now(),
            executor=executor,
            wait_s=options.wait,
            waiting=said_when_waiting(options.wait),
            progress=bar,
        )
    bar.close()
    closed = folders.closed_folders(options.paths)
    for problem in (*(broken["reason"] for broken in summary["broken"]), *closed):
        print(f"tocsin: {problem}", file=sys.stderr)
    if options.gone_after:
        _say_what_counts_otherwise(summary, options.gone_after)
    answer(options, "\n".join(sentences(summary, verbose=options.verbose)), summary)
    return 1 if summary["broken"] or closed else 0


def _say_what_counts_otherwise(summary: dict[str, Any], asked: int) -> None:
    """Say for which types `--gone-after` changed nothing: nothing of them was new, so nothing was folded."""
    from tocsin.feeds import intake

    for kind, before in intake.folded_otherwise(summary["unchanged"], asked).items():
        print(
            f"tocsin: {kind} still counts by --gone-after {before}: nothing of it was new. "
            f"The next import of it that brings something counts by what is said then.",
            file=sys.stderr,
        )


@contextlib.contextmanager
def _executor(options: argparse.Namespace) -> Iterator[Executor | None]:
    """Give who does the work; None for the threads of this process."""
    if options.executor == "threads":
        yield None
        return
    # Read by Dask when it is loaded, also in its workers: what it mends by itself, as a worker that dies, is not told.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
    from tocsin.engine.distributed import cluster

    with cluster(options.scheduler, options.workers) as executor:
        yield executor
