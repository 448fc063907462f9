"""The table in "How attribution decides" is what the engine decides."""

from __future__ import annotations

import ipaddress
import re

import numpy as np
import pyarrow as pa
import pytest

from tests.docs.reading import page, tables
from tocsin.engine.attribute import attribute
from tocsin.engine.claims import NOBODY, Claim, Claims

ROWS = tables(page("explanation/how-attribution-decides"))[0][1:]
DAY = np.array(["2026-11-16"], "datetime64[D]")


def claims(text: str, before: str) -> list[Claim]:
    """The claims in a cell: `provider 198.18.0.0/16, hospital 198.18.4.0/26`; `the same` is the cell before."""
    made = []
    for who, what in re.findall(r"(\w+) (AS \d+|[\d.]+/\d+|`[\w.]+`)", text.replace("the same", before)):
        kind = "asn" if what.startswith("AS") else "suffix" if what.startswith("`") else "network"
        made.append(Claim(who, who, kind, what.removeprefix("AS ").strip("`")))
    return made


def cases() -> list[tuple[str, list[Claim], str]]:
    spelled: list[tuple[str, list[Claim], str]] = []
    base = ""
    for row, directory, answer, _ in ROWS:
        base = base if "the same" in directory else directory
        spelled.append((row, claims(directory, base), answer))
    return spelled


@pytest.mark.parametrize(("row", "held", "answer"), cases(), ids=lambda value: value if isinstance(value, str) else "")
def test_each_row_of_the_table_goes_where_it_says(row: str, held: list[Claim], answer: str) -> None:
    address = int(ipaddress.ip_address(row.split(",")[0]))
    site = re.search(r"site `([\w.]+)`", row)
    asn = re.search(r"AS (\d+)", row)
    known = Claims(held)
    [decided] = attribute(
        known,
        days=DAY,
        high=np.array([0], np.uint64),
        low=np.array([0xFFFF_0000_0000 | address], np.uint64),
        asns=np.array([int(asn[1]) if asn else 0], np.uint64),
        names=pa.array([site[1].encode()], pa.binary()) if site else None,
    )
    assert (known.claims[decided].constituent if decided != NOBODY else "nobody") == answer


def test_the_table_shows_every_way_of_deciding() -> None:
    assert {answer for _, _, answer in cases()} == {"hospital", "provider", "ministry", "university", "nobody"}
