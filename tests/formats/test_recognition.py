"""What a report is called by, where no mapping knows it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.formats import shadowserver
from tocsin.formats.delimited import Feed, read_feed
from tocsin.formats.recognition import LONGEST_TYPE, Recognition, type_from
from tocsin.kernel.names import readable

RECOGNITION = Recognition(shadowserver.mappings())
DAY = dt.date(2026, 11, 16)
COLUMNS = ("lamp", "colour")


def feed(*patterns: str) -> Feed:
    """Return a feed of lamps whose files have such names."""
    listed = ", ".join(f'"{pattern}"' for pattern in patterns)
    return read_feed(
        f'[feed]\nname = "lamps"\nfiles = [{listed}]\n[fields]\n"source.ip" = "ip"\n'.encode(), "lamps.toml"
    )


def test_mappings_are_told_from_others_by_their_digest() -> None:
    again = Recognition(shadowserver.mappings())
    others = [Recognition(again.mappings, [feed(*patterns)]) for patterns in (("a",), ("b",), ("a", "b"))]
    own = Recognition(shadowserver.mappings(own=[feed("a").mapping]))
    aliased = Recognition(dataclasses.replace(again.mappings, aliases={"scan_lamp": "scan_rdp"}))
    assert again.digest == RECOGNITION.digest
    assert len({each.digest for each in (again, own, aliased, *others)}) == 6
    assert " at 0x" not in repr(again.mappings), "it is the same in another process"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lamps-2026-11-16.csv", "lamps"),
        ("2026-11-16.csv", "unnamed"),
        ("Lamps 3.csv", "lamps"),
        ("lamps (1).csv", "lamps"),
        (r"lamps-\xff\xfe.csv", "lamps"),
        (r"la\xffmps\n.csv", "lamps"),
        (r"\xff\xfe.csv", "unnamed"),
        ("réseau ouvert.csv", "réseau ouvert"),
        ("2026-11-16/lamps.csv", "lamps"),
        ("north-2026-11-16/lamps.csv", "north-lamps"),
        ("north-v1.2-2026-11-17/lamps-7.csv", "north-v-lamps"),
        ("2026-11-16/7.csv", "unnamed"),
    ],
)
def test_a_type_that_nobody_knows_is_called_by_the_name_of_its_file(name: str, kind: str) -> None:
    assert type_from(name) == kind


@given(st.binary(max_size=300).filter(lambda name: b"/" not in name))
def test_whatever_a_file_is_called_its_type_is_short_and_can_be_typed(name: bytes) -> None:
    kind = type_from(readable(os.fsdecode(name)))
    assert 0 < len(kind) <= LONGEST_TYPE + 9
    assert all(char.isalnum() or char in "_- " for char in kind)


def test_bytes_that_are_no_text_make_no_type_of_their_own() -> None:
    (plain, odd) = (
        RECOGNITION(readable(os.fsdecode(name)), COLUMNS)
        for name in (b"2026-11-16-lamps-x.csv", b"2026-11-16-lamps\xff-x.csv")
    )
    assert (odd.mapping.type, odd.on) == (plain.mapping.type, plain.on) == ("lamps", DAY)


def test_a_file_of_an_archive_of_several_is_of_its_archives_day() -> None:
    found = RECOGNITION("2026-11-16/scan_rdp.csv", ("timestamp", "ip", "port"))
    assert (found.mapping.type, found.on) == ("scan_rdp", DAY)
    assert RECOGNITION.cycle_of("2026-11-16/scan_rdp.csv") == ("scan_rdp", DAY)
    unknown = RECOGNITION("north-2026-11-16/report.csv", COLUMNS)
    assert (unknown.mapping.type, unknown.on) == ("north-report", DAY)


def test_the_header_names_the_type_where_a_name_in_an_archive_does_not() -> None:
    columns = shadowserver.built_in()["scan_redis"].columns
    found = RECOGNITION("2026-11-16/part1.csv", columns)
    assert (found.mapping.type, found.on) == ("scan_redis", DAY)


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [("lamps*.csv", True), ("north-*", True), ("north-*/lamps.csv", True), ("south-*", False), ("fans.csv", False)],
)
def test_a_mapping_file_covers_a_file_in_an_archive_by_its_own_name_or_by_both(pattern: str, covered: bool) -> None:
    assert feed(pattern).covers("north-2026-11-16/lamps.csv") == covered
    assert feed().covers("north-2026-11-16/lamps.csv")
    assert not feed().covers("north-2026-11-16/fans.csv")


def test_what_is_no_report_by_its_name_is_so_unless_a_mapping_file_names_it() -> None:
    assert RECOGNITION.is_no_report("README.txt") and not RECOGNITION.is_no_report("notes.txt")
    assert not Recognition(shadowserver.mappings(), [feed("*.log")]).is_no_report("lamps.log")
