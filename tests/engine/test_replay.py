"""Reading accepted reports again: as if the original files were imported now."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.engine.manifest import Bench, Manifest
from tests.engine.reports import MONDAY, as_csv, name_of, seen
from tocsin.engine import intake, replay
from tocsin.engine import run as engine
from tocsin.engine.claims import NETWORK, Claim
from tocsin.engine.executors import Threads
from tocsin.engine.intake import Context
from tocsin.engine.lost import LostFile
from tocsin.engine.normalise import as_records
from tocsin.engine.run import Delta, Options
from tocsin.engine.store import Report, Workspace
from tocsin.formats import shadowserver
from tocsin.formats.delimited import Feed, read_feed
from tocsin.formats.recognition import Recognition

HEADER = "timestamp,ip,port,tag"
MAPPED = b"""
[feed]
name = "lantern"
files = ["*-lantern-*"]
time_format = "%d/%m/%Y %H:%M"
[fields]
"time.source" = "timestamp"
"source.ip" = "ip"
"source.port" = "port"
"malware.name" = "tag"
[constants]
"classification.type" = "infected-system"
[roles]
detail = ["tag"]
"""
RENAMED = MAPPED.replace(b'"lantern"', b'"beacon"').replace(b'detail = ["tag"]', b'port = "port"')
PLAIN = MAPPED.replace(b'time_format = "%d/%m/%Y %H:%M"\n', b"").replace(b'detail = ["tag"]', b"")
CLAIMS = [Claim("1", "moh", NETWORK, "198.51.100.0/25"), Claim("2", "bank", NETWORK, "198.51.100.128/25")]


class Store(Manifest):
    """A manifest that forgets cycles whose reports were all taken back, as the product's does."""

    def apply(self, delta: Delta) -> None:
        for one in delta.types:
            for key in [key for key in self.by_day if key[0] == one.type]:
                del self.by_day[key]
            if one.state is None:
                self.states.pop(one.type, None)
        super().apply(delta)


def bench(root: Path, description: bytes = b"") -> Bench:
    made = Bench(root, CLAIMS)
    made.manifest = Store()
    made.recognise = recognition(description)
    return made


def recognition(description: bytes) -> Recognition:
    feeds: Sequence[Feed] = [read_feed(description, "test.toml")] if description else []
    return Recognition(shadowserver.mappings(own=[feed.mapping for feed in feeds]), feeds)


TOKENS = itertools.count(1)


def replayed(made: Bench, description: bytes) -> Delta:
    """Read every report of a bench again under another mapping."""
    made.recognise = recognition(description)
    delta = engine.replay(
        list(made.manifest.by_id.values()),
        catalogue=made.manifest,
        context=Context(Workspace(made.root, f"again{next(TOKENS)}"), made.claims),
        recognise=made.recognise,
        executor=Threads(2),
        options=Options(gone_after=1, complete=False, as_before=True),
    )
    made.commit(delta)
    return delta


def contents(made: Bench) -> dict[str, Any]:
    """Everything a store says, without the names of its files."""
    return {
        "reports": {report.id: report_contents(made.root, report) for report in made.manifest.by_id.values()},
        "cycles": made.manifest.by_day,
        "findings": {
            kind: sorted(
                (row for part in state.partitions for row in pq.read_table(made.root / part).to_pylist()),
                key=lambda row: (row["k1"], row["k2"]),
            )
            for kind, state in made.manifest.states.items()
        },
        "movements": {k: sorted(map(repr, rows)) for k, rows in made.manifest.movements.items() if rows},
    }


def report_contents(root: Path, report: Report) -> dict[str, Any]:
    rows = [row for part in report.parts for row in pq.read_table(root / part).to_pylist()]
    aside = pq.read_table(root / report.quarantine).to_pylist() if report.quarantine else []
    return {
        "facts": (report.name, report.type, report.on, report.records, report.kept, report.rows_quarantined,
                  report.cells_quarantined, report.constituents, report.size, report.columns, report.unknown_columns,
                  report.origin, report.content),
        "rows": sorted(rows, key=lambda row: row["line"]),
        "aside": sorted(aside, key=lambda row: (row["line"], row["column"] or "")),
    }  # fmt: skip


def write(folder: Path, days: Sequence[Sequence[str]]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for day, rows in enumerate(days, start=1):
        path = folder / f"2026-03-0{day}-lantern-xx.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n", newline="")
        paths.append(path)
    return paths


TIMES = st.sampled_from(["2026-03-01 10:00:00", "2026-03-02 11:30:00", "01/03/2026 10:00", "", "never"])
ADDRESSES = st.sampled_from(["198.51.100.1", "198.51.100.129", "198.51.100.2", "2001:db8::1", "", "nowhere"])
ROWS = st.one_of(
    st.builds(
        '{},{},{},"{}"'.format,
        TIMES,
        ADDRESSES,
        st.sampled_from(["80", "443", "", "many"]),
        st.sampled_from(["mirai", "qakbot", "", 'a ""quoted"" word', "two\nlines"]),
    ),
    st.sampled_from(["torn,row", 'an "open quote', "a,b,c,d,e"]),
)
DAYS = st.lists(st.lists(ROWS, max_size=8), min_size=1, max_size=3)
MAPPINGS = st.sampled_from([b"", MAPPED, RENAMED, PLAIN])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(days=DAYS, before=MAPPINGS, after=MAPPINGS)
@example(days=[[], []], before=b"", after=b"")
def test_a_replay_gives_what_a_fresh_import_gives(days: list[list[str]], before: bytes, after: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        paths = write(Path(place) / "in", days)
        again, fresh = bench(Path(place) / "again", before), bench(Path(place) / "fresh", after)
        again.run(paths)
        replayed(again, after)
        fresh.run(paths)
        assert contents(again) == contents(fresh)
        named = {path.relative_to(again.root).as_posix() for path in again.root.rglob("*") if path.is_file()}
        reports, states = again.manifest.by_id.values(), again.manifest.states.values()
        assert named == {part for report in reports for part in (*report.parts, report.quarantine) if part} | {
            part for state in states for part in state.partitions
        }


def test_rows_that_were_set_aside_are_kept_under_the_better_mapping(tmp_path: Path) -> None:
    paths = write(tmp_path / "in", [["01/03/2026 10:00,198.51.100.1,80,mirai", "01/03/2026 11:00,198.51.100.2,80,x"]])
    made = bench(tmp_path / "store")
    made.run(paths)
    (before,) = made.manifest.by_id.values()
    assert (before.kept, before.rows_quarantined, before.origin) == (0, 2, "none")
    delta = replayed(made, MAPPED)
    (after,) = made.manifest.by_id.values()
    assert (after.id, after.kept, after.rows_quarantined, after.origin) == (before.id, 2, 0, "file")
    assert after.constituents == {"moh": 2}
    assert delta.superseded == ()
    assert {row["class"] for row in contents(made)["findings"]["lantern"]} == {"infected-system"}


@pytest.mark.parametrize(
    ("header", "aside"),
    [("when,ip,port,protocol", "timestamp"), ("timestamp,host,port,protocol", "ip")],
    ids=["no column for the time", "no column for the asset"],
)
def test_rows_of_a_report_that_lacked_a_column_are_kept_once_the_mapping_says_which_it_is(
    tmp_path: Path, header: str, aside: str
) -> None:
    path = tmp_path / "2026-11-16-scan_http-x.csv"
    path.write_text(f"{header}\n2026-11-16 01:00:00,198.51.100.1,80,tcp\ntorn,row\n")
    made = bench(tmp_path / "store")
    made.run([path])
    (before,) = made.manifest.by_id.values()
    assert (before.kept, before.rows_quarantined) == (0, 2)
    assert [one["column"] for one in made.quarantine(before)] == [aside, ""]
    time, address, *_ = header.split(",")
    mended = f'[feed]\nname = "scan_http"\n[fields]\n"time.source" = "{time}"\n"source.ip" = "{address}"\n'
    replayed(made, mended.encode())
    fresh = bench(tmp_path / "fresh", mended.encode())
    fresh.run([path])
    (after,) = made.manifest.by_id.values()
    assert (after.kept, after.rows_quarantined) == (1, 1)
    assert contents(made) == contents(fresh)


def test_a_type_that_gets_another_name_moves_with_its_cycles(tmp_path: Path) -> None:
    made = bench(tmp_path / "store")
    made.run(
        write(tmp_path / "in", [["2026-03-01 10:00:00,198.51.100.1,80,x"], ["2026-03-02 10:00:00,198.51.100.2,80,x"]])
    )
    replayed(made, RENAMED)
    assert {kind for kind, _ in made.manifest.by_day} == {"beacon"}
    assert all(cycle.closed for cycle in made.manifest.by_day.values())
    assert set(made.manifest.states) == {"beacon"}


def test_a_report_that_the_mapping_refuses_stays_as_it_is(tmp_path: Path) -> None:
    made = bench(tmp_path / "store")
    made.run(write(tmp_path / "in", [["2026-03-01 10:00:00,198.51.100.1,80,x"]]))
    before = contents(made)
    unfitting = MAPPED.replace(b'= "timestamp"', b'= "moment"').replace(b'"source.ip" = "ip"', b'"source.ip" = "host"')
    delta = replayed(made, unfitting)
    assert [broken.reason for broken in delta.broken] == [
        "2026-03-01-lantern-xx.csv: it has no column 'moment', which the mapping of lantern needs."
    ]
    assert contents(made) == before


def test_many_rows_set_aside_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "CHUNK_ROWS", 3)
    rows = [f"01/03/2026 10:{minute:02},198.51.100.{minute},80,x" for minute in range(10)]
    paths = write(tmp_path / "in", [[*rows, "2026-03-01 10:00:00,198.51.100.200,80,x"]])
    made, fresh = bench(tmp_path / "store"), bench(tmp_path / "fresh", MAPPED)
    made.run(paths)
    replayed(made, MAPPED)
    fresh.run(paths)
    (report,) = made.manifest.by_id.values()
    assert len(report.parts) == 4
    assert contents(made) == contents(fresh)


def test_of_what_was_set_aside_each_task_reads_its_own_lines_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (replay, intake):
        monkeypatch.setattr(module, "CHUNK_ROWS", 4)
    made = bench(tmp_path / "store")
    made.run(write(tmp_path / "in", [[f"01/03/2026 10:{minute:02},198.51.100.1,80,x" for minute in range(12)]]))
    (report,) = made.manifest.by_id.values()
    path = made.root / report.quarantine
    groups = pq.read_metadata(path)
    ranges = [groups.row_group(n).column(0).statistics for n in range(groups.num_row_groups)]
    assert [(one.min, one.max) for one in ranges] == [(2, 5), (6, 9), (10, 13)]
    data = bytearray(path.read_bytes())
    for other in (0, 2):  # whoever reads it fails
        for number in range(groups.num_columns):
            column = groups.row_group(other).column(number)
            start = column.dictionary_page_offset or column.data_page_offset
            data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(data)
    workspace = Workspace(made.root, "again")
    found = replay._set_aside(workspace, report, lines=(6, 10))
    assert found["line"].to_pylist() == [6, 7, 8, 9]
    with pytest.raises(LostFile):
        replay._set_aside(workspace, report, lines=(5, 10))


def test_parts_are_read_by_the_tasks_that_have_lines_in_them() -> None:
    parts, firsts = ("a", "b", "c"), (2, 100, 200)
    cases = {
        (0, 100): ("a",),
        (100, 150): ("b",),
        (150, 201): ("b", "c"),
        (0, 999): parts,
        (0, 2): (),
        (99, 101): ("a", "b"),
    }
    for (first, end), expected in cases.items():
        assert replay._parts_within(parts, firsts, first, end) == expected
    assert replay._parts_within((), (), 0, 9) == ()


CELL = st.binary(max_size=5) | st.sampled_from([b"", b'"', b"a\nb", b"a\r", b'say ""so""', b",,", "é".encode(), b"\0"])


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=6), st.booleans())
def test_records_that_were_set_aside_are_columns_again_cell_by_cell(rows: list[list[bytes]], torn: bool) -> None:
    names = ("a", "b", "c")
    columns = [pa.array([row[at] for row in rows], pa.binary()) for at in range(3)]
    raws = [*as_records(pa.table(columns, names=names)).to_pylist(), *([b'"torn'] if torn else [])]
    aside = pa.table([pa.array(range(len(raws)), pa.int64()), pa.array(raws, pa.binary())], names=["line", "raw"])
    again = replay._refused(aside, names)
    expected = [tuple(cell or None for cell in row) for row in rows]
    assert again["line"].to_pylist() == list(range(len(raws)))
    found = [tuple(row.values()) for row in again.select(names).to_pylist()]
    assert found[: len(rows)] == expected


def test_a_report_that_ended_amid_a_line_still_does_when_it_is_read_again(tmp_path: Path) -> None:
    made = Bench(tmp_path / "store")
    path = tmp_path / name_of("scan_rdp", MONDAY)
    path.write_bytes(as_csv([seen(f"192.0.2.{number}", MONDAY) for number in range(1, 9)])[:-20])
    made.run([path])
    replayed(made, b"")
    (report,) = made.manifest.by_id.values()
    assert report.cut
    assert [one.held for one in made.manifest.judged("scan_rdp")] == [True]
