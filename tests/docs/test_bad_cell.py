"""The table of times in "What a bad cell costs" is what the engine makes of them, and its numbers are the engine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.reading import page, section, tables
from tests.engine.manifest import Bench
from tocsin.engine import bounds
from tocsin.engine.opening import Source
from tocsin.formats.reading import Tally, events

TEXT = section(page("explanation/what-a-bad-cell-costs"), "A time that cannot be")
TIMES = [(row[0].strip("`"), row[1].strip("`")) for row in tables(TEXT)[0][1:]]


@pytest.mark.parametrize(("written", "counted"), TIMES)
def test_a_row_counts_as_seen_when_the_table_says(tmp_path: Path, written: str, counted: str) -> None:
    path = tmp_path / "2026-11-16-scan_rdp-xm-geo.csv"
    path.write_text(f"timestamp,ip,protocol,port,tag\n{written},192.0.2.1,tcp,3389,rdp\n", encoding="utf-8")
    tally = Tally()

    found = list(events(Source(path, path.name), Bench(tmp_path / "store").recognise, tally))

    if counted.startswith("set aside"):
        assert found == [] and tally.rows_quarantined == 1
    else:
        assert [event["time.source"] for event in found] == [counted.replace(" ", "T") + "+00:00"]
        assert (tally.rows_quarantined, tally.cells_quarantined) == (0, int(counted != written))


def test_the_table_shows_both_ends_and_what_is_no_time() -> None:
    assert len(TIMES) == 7 and {written == counted for written, counted in TIMES} == {True, False}


def test_the_numbers_of_the_page_are_those_of_the_engine() -> None:
    words = " ".join(TEXT.split())

    assert bounds.LONGEST_AGO.days // 365 == 10 and "from ten years before it" in words
    assert bounds.LATER_DAYS == 1 and "the end of the day after it" in words
    assert f"before {bounds.EARLIEST.year}" in words and f"more than {bounds.AHEAD_DAYS} days ahead" in words
