"""Tables fill what a report leaves out; what it says stands."""

from __future__ import annotations

import ipaddress

import numpy as np
import pyarrow as pa
import pytest

from tocsin.engine import addresses
from tocsin.engine.enrich import Announcements, Delegations


def ranges(*announced: tuple[str, int]) -> list[tuple[int, int, int]]:
    return [(*addresses.span(ipaddress.ip_network(prefix)), asn) for prefix, asn in announced]


TABLE = ranges(("192.0.2.0/24", 64496), ("192.0.2.128/25", 64497), ("2001:db8::/32", 4_200_000_001))


def filled(announcements: Announcements, *rows: tuple[str, int]) -> list[int]:
    words = [addresses.of(ip) if ip else (0, 0) for ip, _ in rows]
    asns = np.array([asn for _, asn in rows], np.uint64)
    high, low = (np.array([pair[half] for pair in words], np.uint64) for half in (0, 1))
    return announcements.fill(asns, high, low).tolist()


def test_a_gap_is_filled_from_the_most_specific_announcement() -> None:
    found = filled(
        Announcements(lambda: TABLE),
        ("192.0.2.1", 0), ("192.0.2.200", 0), ("2001:db8::1", 0), ("198.51.100.1", 0), ("", 0),
    )  # fmt: skip
    assert found == [64496, 64497, 4_200_000_001, 0, 0]


def test_the_reports_own_number_stands() -> None:
    assert filled(Announcements(lambda: TABLE), ("192.0.2.1", 65550), ("192.0.2.1", 0)) == [65550, 64496]


def test_the_table_is_not_built_while_there_is_no_gap() -> None:
    def never() -> list[tuple[int, int, int]]:
        raise AssertionError("nobody asked")

    assert filled(Announcements(never), ("192.0.2.1", 64496), ("", 0)) == [64496, 0]


def test_the_table_is_built_once() -> None:
    asked = []

    def once() -> list[tuple[int, int, int]]:
        asked.append(1)
        return TABLE

    announcements = Announcements(once)
    filled(announcements, ("192.0.2.1", 0))
    filled(announcements, ("192.0.2.1", 0))
    assert asked == [1]


def test_an_empty_table_fills_nothing() -> None:
    assert filled(Announcements(list), ("192.0.2.1", 0), ("192.0.2.1", 7)) == [0, 7]


def test_what_was_given_is_not_changed() -> None:
    asns = np.array([0, 5], np.uint64)
    high, low = np.zeros(2, np.uint64), np.array([addresses.of("192.0.2.1")[1]] * 2, np.uint64)
    Announcements(lambda: TABLE).fill(asns, high, low)
    assert asns.tolist() == [0, 5]


def named(*countries: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(countries, pa.utf8()).dictionary_encode()])


def placed(delegations: Delegations, countries: pa.ChunkedArray, *ips: str) -> pa.ChunkedArray:
    words = [addresses.of(ip) if ip else (0, 0) for ip in ips]
    high, low = (np.array([pair[half] for pair in words], np.uint64) for half in (0, 1))
    return delegations.fill(countries, high, low)


DELEGATED = ranges(("192.0.2.0/24", int.from_bytes(b"ME", "big")), ("2001:db8::/32", int.from_bytes(b"SI", "big")))


def test_a_country_is_filled_where_the_report_names_none() -> None:
    said = named(None, "FR", None, None, None)
    found = placed(Delegations(lambda: DELEGATED), said, "192.0.2.1", "192.0.2.2", "2001:db8::1", "198.51.100.1", "")
    assert found.to_pylist() == ["ME", "FR", "SI", None, None]
    assert found.type == said.type


@pytest.mark.parametrize("country", ["FR", None])
def test_countries_stay_as_they_are_where_nothing_fills_them(country: str | None) -> None:
    said = named(country, country)
    assert placed(Delegations(list), said, "192.0.2.1", "") is said


def test_no_range_is_read_for_rows_that_have_a_country() -> None:
    def never() -> list[tuple[int, int, int]]:
        raise AssertionError("nobody asked")

    said = named("FR", "ME")
    assert placed(Delegations(never), said, "192.0.2.1", "192.0.2.2") is said
