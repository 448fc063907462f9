"""Small reports for the tests of the room, written with the standard library alone."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable
from pathlib import Path

FIRST = dt.date(2026, 11, 16)
COLUMNS = ("timestamp", "severity", "ip", "protocol", "port", "tag", "asn", "geo", "cert_length")
LAMPS = """
[feed]
name = "lamps"
title = "Lamps"
[read]
delimiter = ";"
[fields]
"time.source" = "when"
"source.ip" = "lamp"
"source.port" = "port"
[constants]
"classification.type" = "brute-force"
"""
"""A mapping file for reports that no publisher describes: `when;lamp;port`."""


def day(number: int) -> dt.date:
    """Return the first day of the tests (0), or one that follows."""
    return FIRST + dt.timedelta(days=number)


def rows(number: int, hosts: Iterable[int], **cells: str) -> list[dict[str, str]]:
    """Return a row for each host of 192.0.2.0/24, on a day."""
    ordinary = {"severity": "medium", "protocol": "tcp", "port": "3389", "tag": "rdp", "asn": "64496", "geo": "XM"}
    seen = f"{day(number)} 06:00:00"
    return [{"timestamp": seen, **ordinary, "ip": f"192.0.2.{host}", **cells} for host in hosts]


def write(
    folder: Path,
    number: int,
    hosts: Iterable[int],
    *,
    kind: str = "scan_rdp",
    part: str = "",
    columns: tuple[str, ...] = COLUMNS,
    **cells: str,
) -> Path:
    """Write a report of a day about hosts of 192.0.2.0/24, all with the same other cells; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day(number)}-{kind}-xm-geo{part}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(number, hosts, **cells))
    return path
