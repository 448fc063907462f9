"""`tocsin finding …`: list and export findings."""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tocsin.kernel import networks
from tocsin.kernel.counting import counted
from tocsin.kernel.names import readable
from tocsin.kernel.questions import TEXT_LENGTH
from tocsin.kernel.refusals import InvalidInput
from tocsin.kernel.spreadsheets import harmless
from tocsin.site.cli.feed_verbs.telling import MOST
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.engine.query import Filter, Finding, Findings

STATES = ("new", "still", "returned", "gone")
DEFAULT_LIMIT = 50
LONGEST_CELL = 72
"""Characters of what a line says: a report may name a site by thousands of them."""
BATCH = 20_000
"""Findings that are asked for at a time when all are listed: each batch is a search of its own."""


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `finding` and its verbs."""
    noun = commands.add_parser("finding", help="what is open where, and what has gone")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list findings, worst first")
    _add_filters(listing)
    listing.add_argument(
        "--limit",
        type=_limit,
        default=None,
        metavar="N",
        help=f"at most so many (default {DEFAULT_LIMIT}; with --json all)",
    )
    listing.add_argument("--json", action="store_true", help="print a JSON array")
    listing.set_defaults(run=list_findings)
    export = verbs.add_parser("export", help="stream all findings, by type and key")
    _add_filters(export)
    export.add_argument("--format", choices=("jsonl", "csv", "json"), default="jsonl", help="jsonl: one object a line")
    export.add_argument("--json", action="store_true", help="the same as --format json")
    export.set_defaults(run=export_findings)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state", action="append", choices=(*STATES, "open"), default=[], help="may be given several times"
    )
    parser.add_argument("--constituent", action="append", default=[], metavar="ID", help="public id; `-` for nobody's")
    parser.add_argument("--type", action="append", default=[], metavar="TYPE", help="report type")
    parser.add_argument("--class", action="append", default=[], metavar="RSIT", dest="classes", help="RSIT type")
    parser.add_argument(
        "--severity", action="append", type=int, choices=range(1, 7), default=[], metavar="1-6", help="C1 is worst"
    )
    parser.add_argument(
        "--asset", action="append", default=[], metavar="ADDRESS", help="address, address and port, or network"
    )
    parser.add_argument(
        "--asn", action="append", type=_system, default=[], metavar="ASN", help="autonomous system: 64497 or AS64497"
    )
    parser.add_argument("--words", default="", metavar="TEXT", help="what the search box of the page takes, as a name")
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="id of a finding")


def _limit(text: str) -> int:
    """Read how many are listed at most."""
    if not text.isdecimal() or len(text) > len(str(MOST)) or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"must be between 0 and {MOST}")
    return int(text)


def _system(text: str) -> int:
    """Return the number of an autonomous system, written as here or as pages write it."""
    try:
        return networks.asn(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _say_what_nothing_is_called(options: argparse.Namespace) -> None:
    """Name on standard error what was asked for and nothing here is called: no finding would not tell it from none."""
    from tocsin.feeds import queries

    types, holders, classes = queries.names_asked_by()
    known = {"--type": types, "--constituent": {*holders, "-"}, "--class": classes}
    given = {"--type": options.type, "--constituent": options.constituent, "--class": options.classes}
    for option, names in given.items():
        for name in dict.fromkeys(name for name in names if name not in known[option]):
            near = difflib.get_close_matches(name, sorted(known[option]), n=1)
            helps = f" Is it {near[0]}?" if near else ""
            print(f"tocsin: nothing here is called {option} {readable(name)}.{helps}", file=sys.stderr)


def _filter(options: argparse.Namespace) -> Filter:
    from tocsin.engine.public_ids import words_of
    from tocsin.engine.query import Filter
    from tocsin.feeds.queries_findings import address_and_port, in_words, worded

    states = {state for given in options.state for state in (STATES[:3] if given == "open" else (given,))}
    # With a port only one alone: of several, each would hold for the ports of all.
    place = address_and_port(options.asset[0]) if len(options.asset) == 1 else None
    assets, ports = ([place[0]], (place[1],)) if place else (options.asset, ())
    try:
        spans = [in_words(*ends) for text in assets for ends in networks.spans(_network(text))]
        keys = tuple(words_of(text) for text in options.id) or None
    except ValueError as error:
        raise InvalidInput(f"{error}.") from None
    asked = Filter(
        states=tuple(sorted(states)),
        severities=tuple(options.severity),
        classes=tuple(options.classes),
        types=tuple(options.type),
        constituents=tuple("" if given == "-" else given for given in options.constituent),
        asns=tuple(options.asn),
        ports=ports,
        addresses=tuple(spans),
        keys=keys,
    )
    return worded(asked, _words(options.words.strip()))


def _words(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # octets that Python could not read
        raise InvalidInput(f"--words {readable(text)} is not UTF-8 text.") from None
    if len(text) > TEXT_LENGTH:
        raise InvalidInput(f"--words has {len(text)} letters; {TEXT_LENGTH} are the most.")
    return text


def _network(text: str) -> networks.Network:
    import ipaddress

    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InvalidInput(
            f"{readable(text)!r} is no address and no network. Write it as 198.18.4.7 or 198.18.4.0/24; "
            "a name is looked for with --words."
        ) from None


def list_findings(options: argparse.Namespace) -> int:
    """List findings, worst first."""
    open_instance()
    from tocsin.feeds import queries
    from tocsin.feeds.leases import Leased

    findings = queries.findings()
    asked = _filter(options)
    _say_what_nothing_is_called(options)
    if options.json:
        _write_array(map(queries.as_record, Leased(_worst_first(findings, asked, options.limit))))
        return 0
    limit = DEFAULT_LIMIT if options.limit is None else options.limit
    lines = list(map(_cells, findings.page(asked, sort="severity", descending=False, limit=limit)))
    for cells in lines:
        print(*map(_shortened, cells), sep="\t")
    print(f"{len(lines)} of {counted(findings.count(asked), 'finding')}.")
    if any(len(cell) > LONGEST_CELL for cells in lines for cell in cells):
        print("tocsin: what ends in … is shortened; the page of the finding has it whole.", file=sys.stderr)
    return 0


def _cells(finding: Finding) -> list[str]:
    """Return what the line of a finding says."""
    from tocsin.feeds import queries

    record, detail = queries.as_record(finding), queries.detail_of(finding)
    port = f":{record['port']}" if record["port"] is not None else ""
    said = (record["state"].ljust(8), f"{record['asset']}{port}", record["type"], record["constituent"] or "-")
    return [readable(cell) for cell in (*said, *filter(None, [detail]))]


def _shortened(cell: str) -> str:
    return cell if len(cell) <= LONGEST_CELL else f"{cell[: LONGEST_CELL - 1]}…"


def _worst_first(findings: Findings, asked: Filter, limit: int | None) -> Iterator[Finding]:
    """Return findings in the order of the page: by severity, the latest seen first. Few are in memory at a time.

    Each batch goes on behind the last one of the batch before, so none comes twice and none is left out.
    """
    left = math.inf if limit is None else limit
    found: list[Finding] = []
    while left > 0:
        many = int(min(left, BATCH))
        if found:
            found = findings.page_beyond(found[-1], asked, sort="severity", descending=False, limit=many)
        else:
            found = findings.page(asked, sort="severity", descending=False, limit=many)
        yield from found
        left = left - len(found) if len(found) == many else 0


def export_findings(options: argparse.Namespace) -> int:
    """Stream findings."""
    open_instance()
    from tocsin.feeds import queries
    from tocsin.feeds.leases import Leased

    _say_what_nothing_is_called(options)
    found = Leased(queries.findings().stream(_filter(options)))
    # The types are read after the findings: each of theirs is there.
    records = queries.exported(found, queries.feeds_of_types())
    if options.json or options.format == "json":
        _write_array(records)
    elif options.format == "jsonl":
        for record in records:
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        _write_csv(records, queries.EXPORTED)
    return 0


def _write_array(records: Iterable[dict[str, Any]]) -> None:
    """Write a JSON array without holding it."""
    sys.stdout.write("[")
    for position, record in enumerate(records):
        sys.stdout.write(("," if position else "") + json.dumps(record, ensure_ascii=False))
    sys.stdout.write("]\n")


def _write_csv(records: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    writer = csv.DictWriter(sys.stdout, columns)
    writer.writeheader()
    for record in records:
        writer.writerow({key: harmless(value) for key, value in record.items()})
