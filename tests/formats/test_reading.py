"""Reports read as events: what each row says, and nothing that no cell or report says."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from tests.engine.reports import COLUMNS, as_csv, row
from tocsin.engine.opening import Source
from tocsin.formats import idf, shadowserver
from tocsin.formats.delimited import read_feed, shipped_feeds
from tocsin.formats.reading import Event, Tally, events
from tocsin.formats.recognition import Recognition

RECOGNITION = Recognition(shadowserver.mappings(), list(shipped_feeds().values()))


def read(path: Path, data: bytes, recognition: Recognition = RECOGNITION) -> tuple[list[Event], Tally]:
    path.write_bytes(data)
    tally = Tally()
    return list(events(Source(path, path.name), recognition, tally)), tally


def test_a_row_becomes_an_event_of_its_type(tmp_path: Path) -> None:
    (event,), tally = read(tmp_path / "2026-11-16-scan_rdp-xm.csv", as_csv([row()]))
    assert (event["source.ip"], event["feed.name"], event["source.port"]) == ("192.0.2.1", "Accessible-RDP", 3389)
    assert (tally.records, tally.kept, tally.cells_quarantined) == (1, 1, 0)


def test_text_that_is_not_utf8_is_shown_with_replacement_characters(tmp_path: Path) -> None:
    data = as_csv([row(surprise="caf\udce9", tag="t\udce9", hostname="h\udce9")], (*COLUMNS, "surprise"))
    (event,), tally = read(tmp_path / "2026-11-16-scan_rdp-xm.csv", data)
    assert (event["extra.surprise"], event["extra.tag"]) == ("caf\ufffd", "t\ufffd")
    assert "source.reverse_dns" not in event
    assert tally.cells_quarantined == 1


def test_events_of_a_list_have_the_time_of_their_report(tmp_path: Path) -> None:
    dated, _ = read(tmp_path / "2026-11-16-list_of_addresses.txt", b"192.0.2.1\n192.0.2.2\n")
    assert [event["time.source"] for event in dated] == ["2026-11-16T00:00:00+00:00"] * 2
    path = tmp_path / "list_of_addresses.txt"
    path.write_bytes(b"192.0.2.1\n")
    changed = dt.datetime(2026, 11, 17, 5, tzinfo=dt.UTC)
    os.utime(path, (changed.timestamp(), changed.timestamp()))
    (undated,) = events(Source(path, path.name), RECOGNITION, Tally())
    assert undated["time.source"] == "2026-11-17T05:00:00+00:00"
    assert [idf.check(event) for event in (*dated, undated)] == [[]] * 3


def test_a_time_that_only_a_role_knows_is_that_of_its_row(tmp_path: Path) -> None:
    feed = read_feed(b'[feed]\nname="own"\n[fields]\n"source.ip"="ip"\n[roles]\ntime="when"\n', "own.toml")
    data = b"when,ip\n2026-11-16 01:00:00,192.0.2.1\n2026-11-15 02:00:00,192.0.2.2\n"
    found, _ = read(tmp_path / "2026-11-16-own.csv", data, Recognition(shadowserver.mappings(), [feed]))
    assert [event["time.source"] for event in found] == ["2026-11-16T01:00:00+00:00", "2026-11-15T02:00:00+00:00"]
