"""Which lists of a type are expected, by those that came before."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.engine.lists import HABIT, expected, here, list_of, missing

GEO, ASN = "scan_rdp-xm-geo.csv", "scan_rdp-xm-asn.csv"


def of(*lists: str) -> frozenset[str]:
    return frozenset(lists)


def test_a_list_that_came_each_day_is_missed_when_it_does_not() -> None:
    assert missing([of(GEO, ASN)] * HABIT, of(GEO)) == (ASN,)
    assert missing([of(GEO, ASN)] * HABIT, of(GEO, ASN)) == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("2026-11-16-scan_rdp-xm-geo.csv", "scan_rdp-xm-geo.csv"),
        ("scan_rdp-xm-geo-2026-11-16.csv", "scan_rdp-xm-geo-.csv"),
        ("blocklist_20261116.txt", "blocklist_.txt"),
        ("2026-11-16-scan_rdp-xm-geo-part2.csv", "scan_rdp-xm-geo-part2.csv"),
        ("2026-11-16/scan_http.csv", "scan_http.csv"),
        ("meridia-2026-11-16/scan_http.csv", "meridia/scan_http.csv"),
        ("botnet.txt", "botnet.txt"),
        ("2026-11-16", ""),
        ("2026-11-16-12345678-scan_rdp.csv", "12345678-scan_rdp.csv"),
        ("scan_rdp-20261399.csv", "scan_rdp-20261399.csv"),
    ],
)
def test_a_list_is_a_name_without_its_day(name: str, said: str) -> None:
    assert list_of(name) == said


def test_nothing_is_expected_after_a_single_day() -> None:
    assert expected([]) == expected([of(GEO)]) == of()
    assert expected([of(GEO)] * 2) == of(GEO)


def test_a_list_must_have_come_on_each_of_the_latest_days() -> None:
    assert expected([of(GEO, ASN), of(GEO), of(GEO, ASN), of(GEO, ASN), of(GEO, ASN)]) == of(GEO)
    assert expected([of(GEO), *[of(GEO, ASN)] * HABIT]) == of(GEO, ASN)


def test_a_day_without_any_report_says_nothing_of_a_list() -> None:
    assert expected([of(GEO, ASN), of(), of(GEO, ASN), of()]) == of(GEO, ASN)


def test_a_part_is_missed_beside_the_others() -> None:
    parts = of("scan_http-part1.csv", "scan_http-part2.csv")
    assert missing([parts] * 2, of("scan_http-part1.csv")) == ("scan_http-part2.csv",)


def test_whole_reports_and_parts_of_them_stand_for_each_other() -> None:
    whole, parts = of("scan_http.csv"), of("scan_http-part1.csv", "scan_http-part2.csv")
    assert missing([whole] * 2, parts) == ()
    assert missing([parts] * 2, whole) == ()
    assert missing([parts, whole, parts], whole) == ()
    assert missing([whole, parts] * 2, of("scan_ftp.csv")) == ("scan_http.csv",)


LISTS = st.frozensets(st.sampled_from([GEO, ASN, "scan_rdp-part1.csv", "scan_rdp-part2.csv", "scan_rdp.csv"]))


@given(st.lists(LISTS, max_size=7), LISTS, LISTS)
@example([of(GEO), of(GEO), of(), of(), of(), of()], of(), of())
def test_who_has_more_lacks_no_more(history: list[frozenset[str]], lists: frozenset[str], more: frozenset[str]) -> None:
    wanted = expected(history)
    assert here(wanted, lists) <= here(wanted, lists | more)
    assert not missing(history, lists.union(*[came for came in history if came][-HABIT:]))
