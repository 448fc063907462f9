"""What could not be read and does not say of which cycle it is: what came beside it makes nothing gone."""

from __future__ import annotations

import datetime as dt
import gzip
import zipfile
from pathlib import Path

import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import as_csv, day, row, seen, write
from tocsin.engine.said import Said, What

KIND = "scan_rdp"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "store")


def reports(folder: Path, on: int) -> tuple[Path, Path]:
    """Write the two parts of a day: one with a finding of its own each."""
    first = write(folder, [seen("192.0.2.1", day(on))], on=day(on), part="-a")
    second = write(folder, [seen("192.0.2.2", day(on))], on=day(on), part="-b")
    return first, second


def archive(path: Path, members: dict[str, bytes], *, cut: int = 0) -> Path:
    """Write a zip file of these members; `cut` takes so many bytes from its end."""
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    path.write_bytes(path.read_bytes()[: -cut or None])
    return path


def packed(path: Path, content: bytes, *, cut: int = 0) -> Path:
    """Write a gzip file; `cut` takes so many bytes from its end."""
    path.write_bytes(gzip.compress(content)[: -cut or None])
    return path


def broken(folder: Path, name: str, content: bytes) -> Path:
    """Write a report into an archive or a packed file that is cut in the middle."""
    if name.endswith(".zip"):
        return archive(folder / name, {"2026-11-17-scan_rdp-xm-geo-b.csv": content}, cut=30)
    return packed(folder / name, content, cut=20)


def waiting(bench: Bench) -> dict[dt.date, tuple[str, ...]]:
    return {cycle.on: cycle.broken for cycle in bench.manifest.by_day.values() if cycle.broken}


NAMES = [
    "2026-11-17.zip", "2026-11-17-all.zip", "all.zip", "scan_rdp.zip", "scan_rdp.csv.gz", "all.csv.gz",
    "scan_rdp-b-2026-11-17.csv.gz", "2026-11-17.csv.gz",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_came_beside_a_broken_archive_makes_nothing_gone(bench: Bench, tmp_path: Path, name: str) -> None:
    bench.run(reports(tmp_path, 0))
    good, bad = reports(tmp_path, 1)

    delta = bench.run([good, broken(tmp_path, name, bad.read_bytes())])

    (aside,) = delta.broken
    assert aside.cycles == ((KIND, day(1)),)
    assert waiting(bench) == {day(1): (aside.name,)}
    assert not any(one.counts for one in bench.manifest.judged(KIND) if one.cycle.on == day(1))


@pytest.mark.parametrize("name", [*NAMES, "2026-11-17-scan_rdp-b.zip", "2026-11-17-scan_rdp.zip"])
def test_when_it_has_come_whole_nothing_waits_for_it_any_more(bench: Bench, tmp_path: Path, name: str) -> None:
    bench.run(reports(tmp_path, 0))
    good, bad = reports(tmp_path, 1)
    content = bad.read_bytes()
    path = broken(tmp_path, name, content)
    bench.run([good, path])
    assert waiting(bench)

    whole = {"2026-11-17-scan_rdp-xm-geo-b.csv": content}
    bench.run([archive(path, whole) if name.endswith(".zip") else packed(path, content)])

    assert not waiting(bench)
    assert len(bench.state(KIND)) == 2


def test_what_is_set_aside_is_told_by_its_place_whatever_it_is_called(bench: Bench, tmp_path: Path) -> None:
    good, bad = reports(tmp_path, 1)
    whole = archive(tmp_path / "a.zip", {bad.name: bad.read_bytes()})
    closed = archive(tmp_path / "b.zip", {bad.name: bad.read_bytes()}, cut=30)
    alone = packed(tmp_path / f"{good.name}.gz", good.read_bytes(), cut=20)
    nested = archive(tmp_path / "c.zip", {f"{folder}/{bad.name}": b"PK\x03\x04" for folder in "xy"})

    delta = bench.run([good, whole, closed, alone, nested])

    spots = {each.spot for each in delta.broken}
    assert {(spot.file, spot.member and spot.member[0]) for spot in spots if spot} == {
        (closed, None),
        (alone, None),
        (nested, f"x/{bad.name}"),
        (nested, f"y/{bad.name}"),
    }


def test_an_encrypted_archive_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    good, bad = reports(tmp_path, 1)
    path = archive(tmp_path / "november.zip", {bad.name: bad.read_bytes()})
    bits = bytearray(path.read_bytes())
    bits[bits.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bits)
    (aside,) = bench.run([good, path]).broken
    assert ("encrypted" in aside.reason, aside.name, aside.cycles) == (True, "november.zip", ((KIND, day(1)),))


def test_of_several_days_only_those_wait_that_it_may_be_of(bench: Bench, tmp_path: Path) -> None:
    good = [reports(tmp_path, on)[0] for on in (0, 1)]
    other = write(tmp_path, [row()], kind="scan_telnet", on=day(1))
    dated = broken(tmp_path, "2026-11-17.zip", b"x" * 100)
    typed = broken(tmp_path, "scan_telnet.zip", b"x" * 100)
    delta = bench.run([*good, other, dated, typed])
    assert {one.name: one.cycles for one in delta.broken} == {
        "2026-11-17.zip": ((KIND, day(1)), ("scan_telnet", day(1))),
        "scan_telnet.zip": (("scan_telnet", day(1)),),
    }


def test_a_dated_archive_that_comes_whole_ends_the_wait_of_types_that_are_not_in_it(
    bench: Bench, tmp_path: Path
) -> None:
    good, bad = reports(tmp_path, 1)
    other = write(tmp_path, [row()], kind="scan_telnet", on=day(1))
    content = bad.read_bytes()
    path = broken(tmp_path, "2026-11-17.zip", content)
    bench.run([good, other, path])
    assert len([cycle for cycle in bench.manifest.by_day.values() if cycle.broken]) == 2
    bench.run([archive(path, {bad.name: content})])
    assert not waiting(bench)
    assert all(one.counts for one in bench.manifest.judged("scan_telnet"))


def test_what_is_read_of_an_archive_without_a_day_says_of_which_days_it_was(bench: Bench, tmp_path: Path) -> None:
    good, bad = reports(tmp_path, 1)
    other = write(tmp_path, [row()], kind="scan_telnet", on=day(1))
    content = bad.read_bytes()
    path = broken(tmp_path, "all.zip", content)
    bench.run([good, other, path])
    assert len([cycle for cycle in bench.manifest.by_day.values() if cycle.broken]) == 2
    bench.run([archive(path, {bad.name: content})])
    assert not waiting(bench)


def test_an_open_day_waits_for_what_comes_broken_in_another_call(bench: Bench, tmp_path: Path) -> None:
    bench.run(reports(tmp_path, 0))
    good, bad = reports(tmp_path, 1)
    content = bad.read_bytes()
    bench.run([good], complete=False)
    path = broken(tmp_path, "all.zip", content)
    (aside,) = bench.run([path], complete=False).broken
    assert aside.cycles == ((KIND, day(1)),)
    bench.run([archive(path, {bad.name: content})], complete=False)
    assert not waiting(bench)


def test_tomorrows_file_of_a_name_without_a_day_is_another(bench: Bench, tmp_path: Path) -> None:
    good, bad = reports(tmp_path, 1)
    path = broken(tmp_path, "scan_rdp.csv.gz", bad.read_bytes())
    bench.run([good, path])
    tomorrow = as_csv([seen("192.0.2.9", day(2))])
    bench.run([packed(path, tomorrow)])
    assert waiting(bench) == {day(1): ("scan_rdp.csv",)}


def test_days_that_were_here_already_do_not_wait_for_it(bench: Bench, tmp_path: Path) -> None:
    before = reports(tmp_path, 0)
    bench.run(before)
    good, _bad = reports(tmp_path, 1)
    bench.run([*before, good, broken(tmp_path, "all.zip", b"x" * 100)])
    assert list(waiting(bench)) == [day(1)]


@pytest.mark.parametrize("name", ["notes.csv", "README.txt.gz", "backup.log.gz"])
def test_a_file_that_is_no_report_for_all_we_know_stops_nothing(bench: Bench, tmp_path: Path, name: str) -> None:
    good, _bad = reports(tmp_path, 1)
    notes = tmp_path / name
    notes.write_bytes(gzip.compress(b"One must know: this is no report.") if name.endswith(".gz") else b"\0\1\2")
    (aside,) = bench.run([good, notes]).broken
    assert (aside.name, aside.cycles) == (name.removesuffix(".gz"), ())
    assert not waiting(bench)


def test_a_day_that_counts_without_it_waits_no_more(bench: Bench, tmp_path: Path) -> None:
    good, _bad = reports(tmp_path, 1)
    bench.run([good, broken(tmp_path, "2026-11-17.zip", b"x" * 100)])
    bench.refold([KIND], said=[Said(KIND, day(1), What.CLOSED, by=None)])
    assert not waiting(bench)
    assert [one.counts for one in bench.manifest.judged(KIND)] == [True]


def test_a_day_of_which_nothing_is_left_waits_for_no_archive_that_may_be_of_any(bench: Bench, tmp_path: Path) -> None:
    good, bad = reports(tmp_path, 1)
    bench.run([good], complete=False)
    bench.run([reports(tmp_path, 2)[0], broken(tmp_path, "today.zip", b"x" * 100), broken(tmp_path, bad.name, b"")])
    assert waiting(bench) == {day(1): (bad.name, "today.zip"), day(2): ("today.zip",)}
    bench.refold([KIND], run=1)
    assert waiting(bench) == {day(1): (bad.name, "today.zip"), day(2): ("today.zip",)}, "one says that it is of it"
    bench.refold([KIND], said=[Said(KIND, day(1), What.CAME, bad.name)])
    assert waiting(bench) == {day(2): ("today.zip",)} and len(bench.manifest.by_day) == 1
