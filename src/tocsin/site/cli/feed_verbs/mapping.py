"""`tocsin feed map`: try a mapping file on a report before anything is imported. Needs no database."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.kernel.counting import counted
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.cli.answers import add_json_option, answer, named
from tocsin.site.cli.feed_verbs.telling import positive

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.formats.preview import Preview, Row
    from tocsin.formats.recognition import Recognition

DEFAULT_ROWS = 20


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `map`."""
    parser = verbs.add_parser("map", help="show what a mapping file makes of the first rows of a report")
    parser.add_argument("file", type=named, metavar="FILE")
    parser.add_argument("--mapping", type=named, metavar="TOML", help="mapping file; without one, what is built in")
    parser.add_argument(
        "--rows", type=positive, default=DEFAULT_ROWS, metavar="N", help=f"rows (default {DEFAULT_ROWS})"
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show what a mapping makes of a report."""
    from tocsin.engine.bounds import last_acceptable
    from tocsin.engine.opening import held
    from tocsin.formats.beside import passed_over
    from tocsin.formats.preview import preview
    from tocsin.kernel.clock import now

    recognise = _recognition(options.mapping)
    in_file = held(options.file, recognise.is_no_report)
    if in_file.passed_over:
        print(f"tocsin: {passed_over(in_file.passed_over, verbose=True)}", file=sys.stderr)
    for source in in_file.reports:
        shown = preview(source, recognise, options.rows, last_acceptable(now()))
        answer(options, "\n".join(_lines(source.name, shown)), _data(source.name, shown))
    return 0


def _recognition(path: Path | None) -> Recognition:
    """Return what recognises every file as the mapping file's feed."""
    from tocsin.formats import shadowserver
    from tocsin.formats.delimited import content_of, read_feed, shipped_feeds
    from tocsin.formats.recognition import Recognition

    if path is None:
        return Recognition(shadowserver.mappings(), list(shipped_feeds().values()))
    try:
        data = content_of(path)
    except OSError as error:
        raise InvalidInput(f"it cannot be read ({error.strerror}).", where=readable(str(path))) from error
    feed = dataclasses.replace(read_feed(data, readable(str(path))), files=("*",))
    return Recognition(shadowserver.mappings(own=[feed.mapping]), [feed])


def _data(name: str, shown: Preview) -> dict[str, Any]:
    return {
        "name": name,
        "type": shown.mapping.type,
        "title": shown.mapping.title,
        "columns": {column: list(keys) for column, keys in shown.columns.items()},
        "constants": dict(shown.mapping.constants),
        "rows": [
            {
                "line": row.line,
                "event": row.event,
                "bad": [{"column": column, "reason": reason, "raw": raw} for column, reason, raw in row.bad],
            }
            for row in shown.rows
        ],
        **dataclasses.asdict(shown.tally),
        "lacking": list(shown.lacking),
    }


def _lines(name: str, shown: Preview) -> list[str]:
    """Say what each column becomes, what every row is given, and each row's own; `!` marks what could not be taken."""
    mapping, tally = shown.mapping, shown.tally
    said = [f"{name} is read as {mapping.type} ({mapping.title})."]
    width = max(map(len, (*shown.columns, *shown.lacking)), default=0)
    said += [f"  {column:{width}}  →  {', '.join(keys)}" for column, keys in shown.columns.items()]
    said += [
        f"  {column:{width}}  !  the mapping names it, and the report does not have it" for column in shown.lacking
    ]
    constants = dict(mapping.constants)
    said += ["in every row", *(f"    {key} = {value}" for key, value in sorted(constants.items()))] if constants else []
    for row in shown.rows:
        said += _row_lines(row, constants)
    said.append(
        f"{len(shown.rows)} of {counted(tally.records, 'record')} shown. Of all, {tally.kept} kept, "
        f"{tally.rows_quarantined} set aside, and {counted(tally.cells_quarantined, 'cell')} left out."
    )
    return said


def _row_lines(row: Row, constants: dict[str, str]) -> list[str]:
    said = [f"line {row.line}" + ("" if row.event else ": set aside")]
    for key, value in sorted((row.event or {}).items()):
        if constants.get(key) != value and key != "feed.name":
            said.append(f"    {key} = {readable(str(value))}")
    return said + [f"  ! {column or 'the record'}: {reason} ({raw!r})" for column, reason, raw in row.bad]
