"""A whole run: what is accepted, superseded, unchanged, broken and counted, and what is left on the disk."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.engine.manifest import Bench, content, state_digest
from tests.engine.reports import COLUMNS, as_csv, day, name_of, row, seen, write
from tocsin.engine import partitions, records, run
from tocsin.engine.claims import NETWORK, Claim
from tocsin.engine.executors import Threads
from tocsin.engine.intake import part_number
from tocsin.engine.observations import PLACE
from tocsin.engine.partitions import bits_for
from tocsin.engine.store import State
from tocsin.formats import shadowserver
from tocsin.formats.delimited import shipped_feeds
from tocsin.formats.recognition import Recognition

ROWS = [seen(f"192.0.2.{n}", day(0), f"06:00:{n:02d}") for n in range(1, 6)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "store", [Claim("n", "c-one", NETWORK, "192.0.2.0/30")])


def without_names(bench: Bench) -> dict[str, Any]:
    """Return all that a store says save under which names its reports came."""
    return {
        kind: {**held, "reports": [(one[0], *one[2:]) for one in held["reports"]]}
        for kind, held in content(bench).items()
    }


def test_reports_go_in_and_findings_come_out(bench: Bench, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    delta = run.run(
        [write(tmp_path, ROWS)], catalogue=bench.manifest, context=bench._context(lambda _point: None),
        recognise=bench.recognise, executor=Threads(2), options=run.Options(),
        progress=lambda name, share: told.append((name, share)),
    )  # fmt: skip
    (report,), (kind,) = delta.accepted, delta.types
    assert (report.type, report.on, report.records, report.kept) == ("scan_rdp", day(0), 5, 5)
    assert report.constituents == {"c-one": 3}
    assert kind.state is not None
    assert kind.state.findings == 5
    assert told == [(report.name, 1.0)]


def test_the_same_report_twice_is_a_no_op(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path, ROWS)
    bench.run([path])
    before = without_names(bench)
    copy = tmp_path / "again" / path.name
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    packed = tmp_path / f"{path.name}.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    renamed = write(tmp_path, ROWS, part="-part1")
    for paths in ([path], [copy], [packed], [renamed], [path, copy, packed, renamed]):
        delta = bench.run(paths)
        assert (delta.accepted, delta.superseded, delta.duplicates) == ((), (), 0)
        assert bool(delta.types) == bool(delta.renamed) == (paths == [renamed]), "a new name may be that of a list"
        assert len(delta.unchanged) == len(paths)
        assert without_names(bench) == before
    assert bench.debris() == set()


def test_the_same_report_twice_in_one_call_counts_once(bench: Bench, tmp_path: Path) -> None:
    delta = bench.run([write(tmp_path, ROWS), write(tmp_path, ROWS, part="-part1")])
    assert (len(delta.accepted), len(delta.unchanged)) == (1, 1)
    assert bench.debris() == set()


def test_a_corrected_report_supersedes_the_one_of_its_name(bench: Bench, tmp_path: Path) -> None:
    bench.run([write(tmp_path, ROWS)])
    delta = bench.run([write(tmp_path, ROWS[:2])])
    assert (len(delta.accepted), len(delta.superseded)) == (1, 1)
    fresh = Bench(tmp_path / "fresh", list(bench.claims.claims))
    fresh.run([write(tmp_path, ROWS[:2])])
    assert state_digest(bench) == state_digest(fresh)
    assert bench.debris() == set()


def test_of_two_versions_in_one_call_neither_replaces_the_other(bench: Bench, tmp_path: Path) -> None:
    one, two = write(tmp_path / "site-a", ROWS), write(tmp_path / "site-b", [row(ip="192.0.2.9")])
    for _ in range(2):  # the second time the first is known already
        delta = bench.run([one, two])
        assert (len(delta.accepted) + len(delta.unchanged), delta.superseded) == (1, ())
        (broken,) = delta.broken
        assert (broken.name, broken.cycles) == (f"site-b/{two.name}", (("scan_rdp", day(0)),))
        assert "Rename one of them" in broken.reason
        assert len(bench.state("scan_rdp")) == len(ROWS)
        assert bench.debris() == set()
    assert not bench.manifest.by_day["scan_rdp", day(0)].cycle([]).complete, "rows of it are missing"


def test_what_was_set_aside_may_be_renamed_or_correct_the_other(bench: Bench, tmp_path: Path) -> None:
    one, two = write(tmp_path / "site-a", ROWS), write(tmp_path / "site-b", [row(ip="192.0.2.9")])
    bench.run([one, two])
    assert len(bench.run([two.rename(tmp_path / name_of("scan_rdp", day(0), "-b"))]).accepted) == 1
    assert len(bench.state("scan_rdp")) == len(ROWS) + 1
    bench.run([write(tmp_path / "site-c", ROWS[:2])])
    assert len(bench.state("scan_rdp")) == 3
    assert bench.manifest.by_day["scan_rdp", day(0)].broken == ()


def test_a_correction_that_repeats_another_part_still_corrects(bench: Bench, tmp_path: Path) -> None:
    bench.run([write(tmp_path, ROWS), write(tmp_path, [], part="-part1")])
    delta = bench.run([write(tmp_path, [])])
    assert (delta.accepted, len(delta.superseded), delta.unchanged) == ((), 1, (name_of("scan_rdp", day(0)),))
    assert bench.state("scan_rdp") == []


def test_a_report_without_date_in_its_name_does_not_replace_that_of_the_day_before(
    bench: Bench, tmp_path: Path
) -> None:
    for on in (0, 1):
        (tmp_path / "scan_rdp.csv").write_bytes(as_csv([seen("192.0.2.1", day(on))]))
        (report,) = bench.run([tmp_path / "scan_rdp.csv"]).accepted
        assert report.on == day(on)
    assert [one["cycles"] for one in bench.state("scan_rdp")] == [2]
    (tmp_path / "scan_rdp.csv").write_bytes(as_csv([seen("192.0.2.1", day(1)), seen("192.0.2.2", day(1))]))
    assert len(bench.run([tmp_path / "scan_rdp.csv"]).superseded) == 1


def test_a_list_without_days_may_hold_again_what_it_held_before(tmp_path: Path) -> None:
    feeds = Recognition(shadowserver.mappings(), list(shipped_feeds().values()))
    bench, path = Bench(tmp_path / "store", recognise=feeds), tmp_path / "list_of_addresses.txt"
    for number, held in enumerate([b"198.18.0.1\n", b"198.18.0.2\n", b"198.18.0.1\n"]):
        path.write_bytes(held)
        os.utime(path, 2 * (dt.datetime.combine(day(number), dt.time(5), dt.UTC).timestamp(),))
        assert [report.on for report in bench.run([path]).accepted] == [day(number)]
        assert len(bench.run([path]).unchanged) == 1
    assert len(bench.manifest.by_id) == 3


def test_a_report_that_names_no_day_at_all_is_broken(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "scan_rdp.csv").write_bytes(as_csv([]))
    (broken,) = bench.run([tmp_path / "scan_rdp.csv"]).broken
    assert "which day" in broken.reason
    assert bench.debris() == set()


def test_a_broken_file_does_not_cost_the_good_ones(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", 100)
    monkeypatch.setattr(records, "BLOCK_BYTES", 4_096)
    many = [seen(f"198.18.{n >> 8}.{n & 255}", day(0), tag=f"{n * 7919:x}") for n in range(3_000)]
    packed = gzip.compress(as_csv(many))
    broken = tmp_path / f"{name_of('scan_http', day(0))}.gz"
    broken.write_bytes(packed[: len(packed) * 3 // 4])
    delta = bench.run([broken, write(tmp_path, ROWS), tmp_path / "missing.csv"])
    assert [(one.name, one.cycles) for one in delta.broken] == [
        ("missing.csv", ()),
        (name_of("scan_http", day(0)), (("scan_http", day(0)),)),
    ]
    assert len(delta.accepted) == 1
    assert bench.debris() == set(), "what was read of it before it broke is cleared away"


@pytest.mark.parametrize("good", [0, 1])
def test_a_report_whose_rows_are_all_refused_is_accepted_with_none(good: int, bench: Bench, tmp_path: Path) -> None:
    """Of two files of the day, one or both without a row that can be kept."""
    refused = write(tmp_path, [row(ip=""), row(timestamp="x")])
    delta = bench.run([refused, write(tmp_path, ROWS[:good] or [row(ip="?")], part="-part1")])
    assert [(r.records, r.kept, r.rows_quarantined) for r in delta.accepted] == [(2, 0, 2), (1, good, 1 - good)]
    assert len(bench.state("scan_rdp")) == good
    assert bench.debris() == set()


def test_a_type_that_nobody_described_is_kept_and_said_to_need_a_mapping(bench: Bench, tmp_path: Path) -> None:
    columns = ("timestamp", "ip", "port", "wonder")
    path = write(tmp_path, [row(wonder="x")], "scan_wonder", columns=columns)
    (report,) = bench.run([path]).accepted
    assert (report.type, report.origin, report.kept) == ("scan_wonder", "none", 1)
    assert bench.observations(report)["c.wonder"].to_pylist() == [b"x"]


def test_columns_that_nobody_described_are_named(bench: Bench, tmp_path: Path) -> None:
    (report,) = bench.run([write(tmp_path, [row(wonder="x")], columns=(*COLUMNS, "wonder"))]).accepted
    assert report.unknown_columns == ("wonder",)


# Duplicates

ONE = seen("192.0.2.1", day(0), tag="one")
OTHER = {**ONE, "tag": "other"}
LATER = seen("192.0.2.1", day(0), "07:00:00", tag="one")


@pytest.mark.parametrize("chunk", [1, 2, 65_536])
@pytest.mark.parametrize(
    ("rows", "duplicates"),
    [
        ([ONE, OTHER, LATER], 0),
        ([ONE, ONE], 1),
        ([ONE, OTHER, ONE, ONE], 2),
        ([ONE, OTHER, ONE, OTHER, LATER, LATER], 3),
        ([{**ONE, "tag": ""}, {**ONE, "tag": ""}, ONE], 1),
        ([{**ONE, "tag": "ab", "hostname": ""}, {**ONE, "tag": "a", "hostname": "b"}], 0),
        ([{**ONE, "asn": "x"}, {**ONE, "asn": "y"}], 0),
    ],
)
def test_exact_copies_are_counted_and_near_ones_are_not(
    rows: list[dict[str, str]],
    duplicates: int,
    chunk: int,
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", chunk)
    monkeypatch.setattr(records, "BLOCK_BYTES", 128 if chunk < 10 else 1 << 20)
    delta = bench.run([write(tmp_path, rows)])
    assert delta.duplicates == duplicates
    (report,) = delta.accepted
    assert (report.records, sum(one["count"] for one in bench.state("scan_rdp"))) == (len(rows), len(rows))


def test_copies_in_other_files_of_the_cycle_are_counted(bench: Bench, tmp_path: Path) -> None:
    parts = [write(tmp_path, [ONE, OTHER]), write(tmp_path, [ONE, LATER], part="-part1")]
    assert bench.run(parts).duplicates == 1


def test_a_copy_in_a_file_with_another_order_of_columns_is_a_copy(bench: Bench, tmp_path: Path) -> None:
    parts = [write(tmp_path, [ONE]), write(tmp_path, [ONE], part="-part1", columns=COLUMNS[::-1])]
    assert bench.run(parts).duplicates == 1


def test_the_same_row_on_another_day_or_in_another_type_is_no_copy(bench: Bench, tmp_path: Path) -> None:
    paths = [write(tmp_path, [ONE]), write(tmp_path, [ONE, OTHER], on=day(1)), write(tmp_path, [ONE], "scan_http")]
    assert bench.run(paths).duplicates == 0


# Order and size


def test_every_order_of_single_calls_gives_the_state_of_one_call(tmp_path: Path) -> None:
    paths = [write(tmp_path, ROWS[on : on + 3], on=day(on)) for on in range(3)]
    digests = set()
    for number, order in enumerate(itertools.permutations(paths)):
        bench = Bench(tmp_path / f"store{number}")
        for path in order:
            bench.run([path])
        digests.add(state_digest(bench))
    assert len(digests) == 1


def test_the_digest_sees_every_difference(tmp_path: Path) -> None:
    one, other = Bench(tmp_path / "one"), Bench(tmp_path / "other")
    one.run([write(tmp_path / "a", ROWS)])
    other.run([write(tmp_path / "b", [*ROWS[:4], {**ROWS[4], "geo": "XX"}])])
    assert content(one).keys() == content(other).keys()
    assert state_digest(one) != state_digest(other)


@pytest.mark.parametrize(
    ("rows", "findings", "partitions", "bits"),
    [(0, 0, 0, 0), (300_000, 0, 0, 0), (300_001, 0, 0, 1), (4_800_000, 0, 0, 4), (1, 1, 8, 3), (4_800_000, 1, 2, 4),
     (1, 300_000, 1, 0), (1, 300_001, 1, 1), (1, 4_800_000, 2, 4), (1e15, 0, 0, 12)],
)  # fmt: skip
def test_partitions_grow_with_rows_and_findings_and_never_shrink(
    rows: float, findings: int, partitions: int, bits: int
) -> None:
    state = State("t", ("x",) * partitions, day(0), (), 1, findings) if partitions else None
    assert bits_for(rows, state) == bits


def test_a_small_report_may_leave_partitions_empty(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ROWS_PER_PARTITION", 5)
    bench.run([write(tmp_path, [seen(f"192.0.2.{n}", day(0)) for n in range(1, 100)])])
    assert len(bench.manifest.states["scan_rdp"].partitions) >= 8
    bench.run([write(tmp_path, [seen("192.0.2.1", day(1)), seen("192.0.2.2", day(1), protocol="udp")], on=day(1))])
    assert len(bench.state("scan_rdp")) == 100


def test_more_deliveries_than_sixteen_bits_have_numbers() -> None:
    assert pa.scalar(part_number(70_000, 65_535), PLACE["part"]).as_py() == 70_000 << 16 | 65_535


def test_claims_that_changed_apply_to_what_is_folded_anew(bench: Bench, tmp_path: Path) -> None:
    bench.run([write(tmp_path, ROWS)])
    bench.run([write(tmp_path, ROWS[:1], on=day(1))], accept_drop=True)
    bench.claims = type(bench.claims)([Claim("new", "c-two", NETWORK, "192.0.2.0/24")])
    bench.run([write(tmp_path, ROWS[:1], on=day(-1))])
    owners = {one["ip_low"] & 255: one["constituent"] for one in bench.state("scan_rdp")}
    # Only the first is open; the others were gone before the claim changed, and keep whoever held them.
    assert owners == {1: "c-two", 2: "c-one", 3: "c-one", 4: None, 5: None}


def test_an_unknown_day_is_told_by_the_rows(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "scan_rdp-export.csv"
    path.write_bytes(
        as_csv([seen("192.0.2.1", day(0)), seen("192.0.2.1", day(2)), seen("192.0.2.1", dt.date(2026, 1, 1))])
    )
    (report,) = bench.run([path]).accepted
    assert report.on == day(2)


@pytest.mark.parametrize("name", ["report.csv", "x-renamed.csv", "Copy of 2026-11-16-scan_rdp-xm-geo.csv"])
@pytest.mark.parametrize("together", [False, True])
def test_a_copy_under_a_name_of_no_type_counts_no_second_time(
    bench: Bench, tmp_path: Path, name: str, together: bool
) -> None:
    original = write(tmp_path, [row(), seen("192.0.2.9", day(0))])
    copy = tmp_path / name
    copy.write_bytes(original.read_bytes())
    if not together:
        bench.run([original])

    delta = bench.run([copy, original])

    assert len(delta.unchanged) == (1 if together else 2)
    assert {report.type for report in bench.manifest.by_id.values()} == {"scan_rdp"}
    assert len(bench.state("scan_rdp")) == 2


def test_a_report_of_no_known_type_that_comes_again_each_day_is_no_copy(bench: Bench, tmp_path: Path) -> None:
    for number in range(2):
        path = write(tmp_path, [seen("192.0.2.9", day(number))], kind="new_type", on=day(number))
        assert len(bench.run([path]).accepted) == 1


def test_reports_of_no_known_type_that_are_headers_alone_are_no_copies_of_each_other(
    bench: Bench, tmp_path: Path
) -> None:
    paths = [write(tmp_path, [], kind=kind, on=day(on)) for kind in ("new_type", "newer_type") for on in range(2)]

    delta = bench.run(paths)

    assert len(delta.accepted) == 4 and delta.unchanged == ()


def test_of_two_copies_under_names_of_no_type_the_first_counts(bench: Bench, tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_bytes(as_csv([row()]))

    delta = bench.run([tmp_path / "b.csv", tmp_path / "a.csv"])

    assert [report.name for report in delta.accepted] == ["a.csv"] and delta.unchanged == ("b.csv",)


def test_reports_whose_names_say_two_types_are_two_whatever_they_hold(bench: Bench, tmp_path: Path) -> None:
    paths = [write(tmp_path, [row()], kind=kind) for kind in ("new_type", "newer_type")]

    assert len(bench.run(paths[:1]).accepted) == len(bench.run(paths[1:]).accepted) == 1
