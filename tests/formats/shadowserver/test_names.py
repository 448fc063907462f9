"""File names, and headers when the name says nothing."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.formats.shadowserver import ReportName, Schema, built_in, read_name, recognise

DAY = dt.date(2026, 11, 16)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("2026-11-16-scan_http-lu-geo.csv", ReportName(DAY, "scan_http", "lu-geo", 0)),
        ("2026-11-16-scan_http-lu-geo-part2.csv.gz", ReportName(DAY, "scan_http", "lu-geo", 2)),
        ("2026-11-16-scan_http-77-lu-geo.csv", ReportName(DAY, "scan_http", "lu-geo", 0, "77")),
        ("2026-11-16-123456-scan_http-example-asn.csv.zip", ReportName(DAY, "scan_http", "example-asn", 0, "123456")),
        (
            "reports/2026-11-16-event4_sinkhole-AS64496-asn.csv.zst",
            ReportName(DAY, "event4_sinkhole", "AS64496-asn", 0),
        ),
        ("C:\\reports\\2026-11-16-blocklist-x.csv", ReportName(DAY, "blocklist", "x", 0)),
        ("2026-11-16-scan_http.csv", ReportName(DAY, "scan_http", "", 0)),
        ("2026-11-16-scan_http-part1.csv", ReportName(DAY, "scan_http", "", 1)),
        ("2026-11-16-special-lu-geo-department-part3.csv", ReportName(DAY, "special", "lu-geo-department", 3)),
        ("2026-11-16-SCAN_HTTP-LU.CSV", ReportName(DAY, "scan_http", "LU", 0)),
        ("2026-13-45-scan_http-lu.csv", ReportName(None, "scan_http", "lu", 0, no_date="2026-13-45")),
        ("scan_http.csv", ReportName(None, "scan_http", "", 0)),
        ("2026-11-16.csv", ReportName(DAY, None, "2026-11-16", 0)),
        ("download.csv", ReportName(None, None, "download", 0)),
        ("", ReportName(None, None, "", 0)),
        ("2026-11-16/scan_http.csv", ReportName(DAY, "scan_http", "", 0)),
        ("night-2026-11-16/scan_http-lu-part2.csv", ReportName(DAY, "scan_http", "lu", 2)),
        ("2026-11-16/report.csv", ReportName(DAY, None, "report", 0)),
        ("2026-11-16/2026-11-17-blocklist-x.csv", ReportName(dt.date(2026, 11, 17), "blocklist", "x", 0)),
        ("2026-11-16/2026-13-45-scan_http-lu.csv", ReportName(DAY, "scan_http", "lu", 0)),
        (r"2026-11-16-scan_http-\xff\xfelu.csv", ReportName(DAY, "scan_http", "lu", 0)),
        (r"2026-11-16-scan_h\xffttp-lu\n.csv", ReportName(DAY, "scan_http", "lu", 0)),
    ],
)
def test_a_name_says_date_type_label_and_part(filename: str, expected: ReportName) -> None:
    assert read_name(filename) == expected


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("Copy of 2026-11-16-scan_http-lu-geo.csv", ReportName(DAY, "scan_http", "lu-geo", 0)),
        ("old-2026-11-16-scan_http-lu-geo-part2.csv.gz", ReportName(DAY, "scan_http", "lu-geo", 2)),
        ("Copy of 2026-11-16-nothing.csv", ReportName(None, None, "Copy of 2026-11-16-nothing", 0)),
        ("x2026-11-16-scan_http.csv", ReportName(None, None, "x2026-11-16-scan_http", 0)),
        ("Copy of 2026-13-45-scan_http.csv", ReportName(None, "scan_http", "", 0, no_date="2026-13-45")),
    ],
)
def test_what_stands_before_a_name_hides_no_type_that_is_known(filename: str, expected: ReportName) -> None:
    assert read_name(filename, {"scan_http"}) == expected


def test_a_known_word_is_a_type_without_a_date() -> None:
    assert read_name("blocklist-lu.csv").type is None
    assert read_name("blocklist-lu.csv", known=built_in()).type == "blocklist"


@given(st.text())
def test_no_name_makes_it_fail(filename: str) -> None:
    assert isinstance(read_name(filename), ReportName)


@given(
    day=st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    type_name=st.sampled_from(sorted(built_in())),
    label=st.from_regex(r"[a-z]{2,8}(-[a-z]{2,8})?", fullmatch=True).filter(lambda text: "part" not in text),
    part=st.integers(1, 999),
    ending=st.sampled_from([".csv", ".csv.gz", ".csv.zip", ".csv.zst"]),
)
def test_what_is_written_into_a_name_is_read_from_it(
    day: dt.date, type_name: str, label: str, part: int, ending: str
) -> None:
    name = f"{day}-{type_name}-{label}-part{part}{ending}"
    assert read_name(name) == ReportName(day, type_name, label, part)


def test_a_header_of_one_type_is_recognised_in_any_order() -> None:
    columns = built_in()["scan_redis"].columns
    assert recognise(columns[::-1], built_in()) == "scan_redis"
    assert recognise([*columns[3:], "new_column"], built_in()) == "scan_redis"


def test_a_header_that_fits_two_types_or_none_is_not_guessed() -> None:
    mappings = built_in()
    assert mappings["scan_http"].columns == mappings["scan6_http"].columns
    assert recognise(mappings["scan_http"].columns, mappings) is None
    assert recognise(["timestamp", "ip", "port"], mappings) is None
    assert recognise([], mappings) is None
    assert recognise(["timestamp"], {}) is None


def test_no_published_header_is_taken_for_another_type(published: Schema) -> None:
    for name, mapping in published.mappings.items():
        assert recognise(mapping.columns, published.mappings) in (name, None)
