"""Decide which constituent an event belongs to, and by which claim.

A declared suffix of the event's own name comes first, then the most specific
network, then the autonomous system; between equals the claim confirmed last
wins. What is about a whole network belongs to whoever claims the whole of it.
Reverse DNS never decides: whoever holds the address sets it. Claims are judged
on the day of the observation.
Pure: takes columns, returns columns. Loading claims is the directory's, telling
the constituent is a notice's.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine.addresses import U64, span
from tocsin.engine.claims import NOBODY, Claims, Days, Index, Indices, Spans
from tocsin.engine.convert import ABSENT
from tocsin.kernel.networks import ascii_name

Rows = np.ndarray[Any, np.dtype[np.intp]]


def attribute(
    claims: Claims,
    *,
    days: Days,
    high: U64,
    low: U64,
    asns: U64,
    names: pa.Array | None,
    accounts: pa.Array | None = None,
) -> Indices:
    """Return, for each event, the position in `claims.claims` of the claim that decides, or -1 for nobody.

    `days` are the days of observation, `high` and `low` the address's words
    (0 and 0 for no address), `asns` 0 for none, `names` the own names as bytes,
    `accounts` what stands in place of an address, a network perhaps.
    """
    index = claims.index
    owner = index.holding(index.networks.look_up(high, low), days)
    if accounts is not None and accounts.null_count < len(accounts):
        rows, spans = networks_among(accounts)
        owner[rows] = index.around(spans, days[rows])
    owner = np.where(owner == NOBODY, index.holding(index.by_asn(asns), days), owner)
    if names is not None and index.suffixes:
        named = index.holding(_by_name(index, names), days)
        owner = np.where(named == NOBODY, owner, named)
    return owner


def deciding(claims: Claims, table: pa.Table, at: str) -> Indices:
    """Return the same as `attribute` for the rows of a table, events or findings; `at` is its column of instants."""
    names = table["name"]
    return attribute(
        claims,
        days=table[at].cast(pa.int64()).to_numpy().astype("datetime64[us]").astype("datetime64[D]"),
        high=words(table["ip_high"]),
        low=words(table["ip_low"]),
        asns=words(table["asn"]),
        names=None if names.null_count == len(names) else names.combine_chunks().cast(pa.binary()),
        accounts=table["account"].combine_chunks(),
    )


def words(column: pa.ChunkedArray) -> U64:
    """Return a column of numbers as 64-bit words, 0 for none."""
    numbers: U64 = column.fill_null(0).to_numpy().astype(np.uint64)
    return numbers


_NETWORK = r"^[0-9a-fA-F:.]+/[0-9]{1,3}$"


def networks_among(accounts: pa.Array) -> tuple[Rows, Spans]:
    """Return which accounts are networks, and their first and last addresses."""
    rows = np.flatnonzero(pc.fill_null(pc.match_substring_regex(accounts, _NETWORK), False))
    encoded = pc.dictionary_encode(accounts.take(pa.array(rows)))
    spans = [_span(text) for text in encoded.dictionary.to_pylist()]
    is_one = np.array([span is not None for span in spans], bool)[encoded.indices.to_numpy()]
    distinct = Spans.of([span or (0, 0) for span in spans])
    return rows[is_one], distinct.take(encoded.indices.to_numpy()[is_one])


def _span(text: str) -> tuple[int, int] | None:
    try:
        return span(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def _by_name(index: Index, names: pa.Array) -> Indices:
    """Look up each distinct name once."""
    encoded = pc.dictionary_encode(names)
    distinct = [index.by_name(own_name(name)) for name in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices, len(distinct)).to_numpy(zero_copy_only=False)
    owner: Indices = np.array([*distinct, NOBODY], np.int32)[codes]
    return owner


_PLAIN_NAME = re.compile(rb"[A-Za-z0-9_.-]*[A-Za-z_]\Z")
"""What can neither be a URL, nor have a port, nor be an address: the usual case, worth knowing at once."""
_WHOLE_URL = re.compile(r"([a-z][a-z0-9+.-]*:)?//")


def own_name(text: bytes) -> str:
    """Return the host name in a cell with a name, a name and port, or a URL; empty for an address or nothing."""
    if _PLAIN_NAME.match(text):
        return text.decode("ascii").lower()
    try:
        word = text.decode("utf-8").strip().lower()
        if word.upper() in ABSENT:
            return ""
        host = (urlsplit(word if _WHOLE_URL.match(word) else f"//{word}").hostname or "").strip(".")
        host = ascii_name(host)
    except (UnicodeError, ValueError):
        return ""
    return "" if _is_address(host) else host


def names_only(cells: pa.Array) -> pa.Array:
    """Return text cells without those that name no host: what says that there is none, and addresses."""
    encoded = pc.dictionary_encode(cells)
    usable = [bool(own_name(text.encode())) for text in encoded.dictionary.to_pylist()]
    if all(usable):
        return cells
    rows = np.array([*usable, False])[pc.fill_null(encoded.indices, len(usable)).to_numpy(zero_copy_only=False)]
    return pc.if_else(pa.array(rows), cells, None)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
