"""Addresses as columns: what `ipaddress` reads is read, and nothing else; look-up is what a naive search finds."""

from __future__ import annotations

import ipaddress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine import addresses

LOWEST, HIGHEST = 0, 2**128 - 1


def read(*texts: str | bytes | None) -> list[int | None]:
    """Return each text as a 128-bit number, None where it is no address."""
    column = pa.array([text.encode() if isinstance(text, str) else text for text in texts], pa.binary())
    high, low, valid = addresses.read(column)
    return [
        int(h) << 64 | int(lo) if good else None
        for h, lo, good in zip(high.tolist(), low.tolist(), valid.tolist(), strict=True)
    ]


def oracle(text: str | bytes | None) -> int | None:
    try:
        address = ipaddress.ip_address(text.decode("ascii") if isinstance(text, bytes) else text or "")
    except ValueError:
        return None
    if address.version == 6:
        return None if address.scope_id else int(address)
    return int(address) | 0xFFFF << 32


def test_addresses_are_read() -> None:
    assert read("192.0.2.1", "2001:db8::1", "no address", None) == [
        0xFFFF_C000_0201,
        0x2001_0DB8 << 96 | 1,
        None,
        None,
    ]


EDGES = [
    "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3.256", "1.2.3.999", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4",
    "1..2.3", "01.2.3.4", "1.2.3.00", "1.2.3.0", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "1.2.3.-4", "+1.2.3.4", "1.2.3.a",
    "0x1.2.3.4", "1234.1.1.1", "1.2.3.4/32", "", ".", "...", "....", "1.1.1.1:80", "::", "::1", "1::", "1::2::3", ":::",
    "::ffff:192.0.2.1", "::ffff:192.0.2.01", "::192.0.2.1", "2001:DB8::A", "2001:db8:0:0:0:0:0:1", "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7", "12345::", "fe80::1%eth0", "fe80::1%", "[::1]", "g::", "::1 ", "1:2:3:4:5:6:1.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "٣.1.1.1", "１.2.3.4", "a:b:c", "0000::",
    "00000::", "::0001", "::00001", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "192.0.2.1\0", "::1\0",
]  # fmt: skip


@pytest.mark.parametrize("text", EDGES)
def test_an_edge_is_read_as_ipaddress_reads_it(text: str) -> None:
    assert read(text) == [oracle(text)]


def test_the_neighbours_of_a_cell_do_not_matter() -> None:
    assert read(*EDGES) == [oracle(text) for text in EDGES]
    assert read(*reversed(EDGES)) == [oracle(text) for text in reversed(EDGES)]


ANY_ADDRESS = st.ip_addresses(v=4) | st.ip_addresses(v=6)
NEARLY = st.text(st.sampled_from("0123456789.:afF "), max_size=20)
MAPPED = st.ip_addresses(v=4).map("::ffff:{}".format)
TEXTS = ANY_ADDRESS.map(str) | MAPPED | NEARLY | st.text(max_size=20) | st.none() | st.binary(max_size=16)
DECIMAL = st.lists(st.integers(0, 300).map(str) | st.sampled_from(["", "00", "01"]), min_size=3, max_size=5).map(
    ".".join
)


@given(st.lists(TEXTS | DECIMAL, max_size=12))
def test_text_is_read_as_ipaddress_reads_it(texts: list[str | bytes | None]) -> None:
    expected = []
    for text in texts:
        try:
            expected.append(oracle(text if not isinstance(text, bytes) else text.decode("ascii")))
        except UnicodeDecodeError:
            expected.append(None)
    column = [text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in texts]
    assert read(*column) == expected


@given(st.lists(ANY_ADDRESS.map(str), min_size=1, max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_a_slice_of_a_column_is_read_like_a_column(texts: list[str], start: int, length: int) -> None:
    column = pa.array([text.encode() for text in texts], pa.binary()).slice(start, length)
    high, low, valid = addresses.read(column)
    assert [int(h) << 64 | int(lo) for h, lo in zip(high.tolist(), low.tolist(), strict=True)] == [
        oracle(text) for text in texts[start : start + length]
    ]
    assert valid.all()


def test_columns_without_addresses_are_read() -> None:
    assert read() == []
    assert read(None, None) == [None, None]
    assert read("", "") == [None, None]


@given(ANY_ADDRESS)
def test_an_address_is_written_as_it_was_read(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    high, low = addresses.of(address)
    assert read(str(address)) == [high << 64 | low]
    mapped = getattr(address, "ipv4_mapped", None)
    assert addresses.text(high, low) == str(mapped or address)
    assert addresses.of(addresses.text(high, low)) == (high, low)


def test_what_is_no_address_has_no_words() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        addresses.of("192.0.2.256")


@given(ANY_ADDRESS, st.integers(0, 128))
def test_a_network_spans_its_first_and_last_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int
) -> None:
    network = ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
    first, last = addresses.span(network)
    assert first == addresses.of(network[0])[0] << 64 | addresses.of(network[0])[1]
    assert last == addresses.of(network[-1])[0] << 64 | addresses.of(network[-1])[1]


def words(numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
    high = np.array([number >> 64 for number in numbers], np.uint64)
    return high, np.array([number & (1 << 64) - 1 for number in numbers], np.uint64)


NUMBER = (
    st.integers(LOWEST, HIGHEST)
    | st.integers(0, 20)
    | st.integers(0, 20).map(lambda n: 0xFFFF << 32 | n)
    | st.sampled_from([HIGHEST, HIGHEST - 1, 1 << 64, (1 << 64) - 1, 0xFFFF << 32, (1 << 48) - 1, 1 << 48])
)


@given(st.sets(NUMBER, max_size=30), st.lists(NUMBER, max_size=20))
def test_bisection_finds_what_a_naive_search_finds(table: set[int], asked: list[int]) -> None:
    ordered = sorted(table)
    near = [min(max(number + step, LOWEST), HIGHEST) for number in ordered for step in (-1, 0, 1)]
    found = addresses.bisect(*words(ordered), *words(asked + near))
    assert found.tolist() == [sum(entry <= number for entry in ordered) - 1 for number in asked + near]


def test_a_column_in_pieces_is_made_readable() -> None:
    pieces = pa.chunked_array([[b"192.0.2.1"], [b"::1", None]], pa.binary())
    high, low, valid = addresses.read(addresses.readable(pieces))
    assert valid.tolist() == [True, True, False]
    assert (high.tolist()[1], low.tolist()[1]) == (0, 1)
