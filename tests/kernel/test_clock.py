"""Instants and days."""

from __future__ import annotations

import datetime as dt

import pytest

from tocsin.kernel import clock


def test_a_day_is_read_as_people_write_it_here() -> None:
    assert clock.day("2024-02-29") == dt.date(2024, 2, 29)


@pytest.mark.parametrize(
    "text",
    ["2026-02-29", "20260131", "2026-W05-6", "2026-031", "2026-1-31", "31.1.2026", " 2026-01-31", "٢٠٢٦-٠١-٣١", ""],
)
def test_what_is_no_such_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        clock.day(text)


def test_an_instant_has_a_zone_and_is_kept_in_utc() -> None:
    local = dt.datetime(2026, 1, 31, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=3)))
    assert clock.instant(local).isoformat() == "2026-01-30T22:30:00+00:00"
    with pytest.raises(ValueError, match="no time zone"):
        clock.instant(dt.datetime(2026, 1, 31))
