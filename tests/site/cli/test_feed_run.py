"""`tocsin feed run` and what scripts get from it, through the real command."""

from __future__ import annotations

import fcntl
import gzip
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.feeds import Options, generate, parse_types
from tests.commands import ROOT
from tests.feeds.reports import day, write
from tests.homes import SUMMARY_KEYS, Home, expected

MIXES = [
    (1, 3, "scan_ssl:3,scan_http:2,event4_sinkhole:2,scan6_http:1", 0.0),
    (2, 4, "compromised_website:3,malware_url:2,blocklist:1,event4_ip_spoofer:1", 0.14),
    (3, 2, "scan_snmp:1,event4_honeypot_brute_force:2,scan_rdp:1", 0.3),
]


def cycle(summary: dict[str, Any], number: int = 0, kind: str = "scan_rdp") -> dict[str, int]:
    """Return what a summary says of one cycle."""
    (found,) = [one for one in summary["cycles"] if (one["type"], one["date"]) == (kind, day(number).isoformat())]
    return {word: found[word] for word in ("new", "still", "gone", "returned")}


def sums_hold(summary: dict[str, Any]) -> None:
    """Check that every total is the sum of what stands below it."""
    for word in ("new", "still", "gone", "returned"):
        assert summary[f"findings_{word}"] == sum(one[word] for one in summary["cycles"])
    assert summary["rows_read"] == sum(file["records"] for file in summary["files"])
    assert summary["rows_kept"] == sum(file["kept"] for file in summary["files"])
    assert summary["rows_quarantined"] == sum(file["quarantined"] for file in summary["files"])
    assert all(file["records"] == file["kept"] + file["quarantined"] for file in summary["files"])
    assert summary["attributed_rows"] == sum(summary["constituents"].values())
    assert summary["attributed_rows"] + summary["unattributed_rows"] == summary["rows_kept"]


def agrees(home: Home, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Import a generator's folder, compare with the truth beside it, and return both."""
    truth = json.loads((folder / "truth.json").read_text())
    home.done("directory", "import", folder / "constituents.json")
    summary = home.run(folder / "reports")
    wanted = expected(truth)
    assert {name: summary[name] for name in wanted} == wanted
    sums_hold(summary)
    per_type = {name: sum(f["records"] for f in summary["files"] if f["type"] == name) for name in truth["per_type"]}
    assert per_type == truth["per_type"]
    by_day = {
        one["day"]: {
            word: sum(c[word] for c in summary["cycles"] if c["date"] == one["day"])
            for word in ("new", "still", "gone", "returned")
        }
        for one in truth["days"]
    }
    assert by_day == {
        one["day"]: {word: one[word] for word in ("new", "still", "gone", "returned")} for one in truth["days"]
    }
    found = home.findings()
    assert len(found) == truth["distinct_findings"]
    assert sum(finding["count"] for finding in found) == truth["rows"]
    return summary, truth


def test_the_last_line_is_one_object_with_the_promised_keys(prepared: Home, tmp_path: Path) -> None:
    printed = prepared.done("feed", "run", "--json", write(tmp_path, 0, [1, 1, 70, 200]))

    assert printed.count("\n") == 1
    summary = json.loads(printed)
    assert set(summary) >= SUMMARY_KEYS
    assert set(summary["files"][0]) == {"name", "type", "records", "kept", "quarantined"}
    assert set(summary["cycles"][0]) == {"type", "date", "new", "still", "gone", "returned"}
    assert (summary["rows_read"], summary["duplicates"], summary["findings_new"]) == (4, 1, 3)
    assert summary["constituents"] == {"bank": 1, "moh": 2}
    assert summary["unattributed_rows"] == 1
    assert all(isinstance(summary[name], float) for name in ("cpu_s", "wall_s", "peak_rss_mb"))
    sums_hold(summary)


@pytest.mark.parametrize(("seed", "days", "mix", "dirty"), MIXES)
def test_the_figures_are_those_of_the_generators_truth(
    prepared: Home, tmp_path: Path, seed: int, days: int, mix: str, dirty: float
) -> None:
    generate(
        Options(tmp_path / "feeds", rows=3000, days=days, types=parse_types(mix), seed=seed, dirty=dirty, per_file=700)
    )
    summary, truth = agrees(prepared, tmp_path / "feeds")
    # The truth counts a dirty row once; a copy of it has a cell to quarantine too.
    assert truth["dirty"] <= summary["cells_quarantined"] <= truth["dirty"] + truth["duplicates"]


def test_the_figures_are_those_of_truth_from_outside(fresh_home: Callable[[], Home], outside_feeds: Path) -> None:
    folders = sorted(path.parent for path in outside_feeds.glob("*/truth.json"))
    assert folders, "TOCSIN_TEST_FEEDS holds no folder with a truth.json"
    for folder in folders:
        agrees(fresh_home(), folder)


def test_the_same_file_twice_is_said_and_changes_nothing(prepared: Home, tmp_path: Path) -> None:
    report = write(tmp_path, 0, range(5))
    prepared.run(report)
    files, digest = prepared.files(), prepared.digest()
    packed = tmp_path / f"{report.name}.gz"
    packed.write_bytes(gzip.compress(report.read_bytes()))

    said = prepared.done("feed", "run", report)
    summary = prepared.run(packed)

    assert f"{report.name} was imported before; nothing to do." in said
    assert (summary["rows_read"], summary["files"], summary["cycles"]) == (0, [], [])
    assert summary["unchanged"] == [report.name]
    assert (prepared.files(), prepared.digest()) == (files, digest)


def test_a_corrected_file_takes_the_place_of_the_first(prepared: Home, tmp_path: Path) -> None:
    prepared.run(write(tmp_path, 0, [1, 2, 3]))
    summary = prepared.run(write(tmp_path, 0, [2, 3, 4, 4]))
    assert cycle(summary) == {"new": 3, "still": 0, "gone": 0, "returned": 0}
    assert {f["asset"]: f["count"] for f in prepared.findings()} == {"192.0.2.2": 1, "192.0.2.3": 1, "192.0.2.4": 2}


def test_one_call_is_the_same_as_a_call_a_day(fresh_home: Callable[[], Home], tmp_path: Path) -> None:
    days = [write(tmp_path, n, hosts) for n, hosts in enumerate([[1, 2, 3], [2, 3], [1, 3, 9]])]
    at_once, daily = fresh_home(), fresh_home()
    whole = at_once.run(*reversed(days))
    singles = [daily.run(path) for path in days]

    assert [cycle(whole, n) for n in range(3)] == [cycle(one, n) for n, one in enumerate(singles)]
    assert cycle(whole, 2) == {"new": 1, "still": 1, "gone": 1, "returned": 1}
    assert at_once.digest() == daily.digest()


def test_a_finding_is_gone_after_three_cycles_unless_told_otherwise(prepared: Home, tmp_path: Path) -> None:
    days = [write(tmp_path, n, [1, 2] if n == 0 else [2, 3]) for n in range(4)]
    assert json.loads(prepared.done("feed", "run", "--json", *days[:3]))["findings_gone"] == 0
    assert json.loads(prepared.done("feed", "run", "--json", days[3]))["findings_gone"] == 1


def test_a_partial_cycle_makes_nothing_gone_until_its_rest_is_here(prepared: Home, tmp_path: Path) -> None:
    prepared.run(write(tmp_path, 0, range(1, 5)))
    first = json.loads(
        prepared.done("feed", "run", "--json", "--partial", "--gone-after", "1", write(tmp_path, 1, [1, 2, 3]))
    )
    assert cycle(first, 1) == {"new": 0, "still": 3, "gone": 0, "returned": 0}
    rest = prepared.run(write(tmp_path, 1, [9], part="-part1"))
    assert cycle(rest, 1) == {"new": 1, "still": 3, "gone": 1, "returned": 0}


def test_a_sharp_drop_is_held_until_it_is_accepted(fresh_home: Callable[[], Home], tmp_path: Path) -> None:
    many, few = write(tmp_path, 0, range(10)), write(tmp_path, 1, [1, 2])
    held, accepted = fresh_home(), fresh_home()
    for home in (held, accepted):
        home.run(many)

    said = held.done("feed", "run", "--gone-after", "1", few)
    summary = accepted.run("--accept-drop", few)

    assert "scan_rdp of 2026-11-17 is held: it has 2 rows, less than half of the 10 on the days before." in said
    assert not held.findings("--state", "gone")
    assert cycle(summary, 1)["gone"] == len(accepted.findings("--state", "gone")) == 8


def test_a_header_alone_is_a_cycle_of_no_rows_that_is_held(prepared: Home, tmp_path: Path) -> None:
    prepared.run(write(tmp_path, 0, range(4)))
    done = prepared("feed", "run", "--gone-after", "1", write(tmp_path, 1, []))
    assert done.returncode == 0, done.stderr
    assert "is held: it has 0 rows, less than half of the 4 on the days before." in done.stdout
    assert {finding["state"] for finding in prepared.findings()} == {"still"}


def test_unknown_columns_are_kept_and_said(prepared: Home, tmp_path: Path) -> None:
    columns = ("timestamp", "ip", "port", "protocol", "colour")
    done = prepared("feed", "run", write(tmp_path, 0, [1], columns=columns, colour="green"))
    assert done.returncode == 0
    assert "scan_rdp has columns that no mapping knows, kept as extra: colour." in done.stdout


def test_a_broken_file_in_an_archive_that_says_what_it_is_keeps_its_cycle_open(prepared: Home, tmp_path: Path) -> None:
    prepared.run(write(tmp_path, 0, range(4)))
    good = write(tmp_path, 1, [0, 1, 2], part="-part1")
    with zipfile.ZipFile(tmp_path / f"{day(1)}-scan_rdp-xm-geo-part2.zip", "w") as archive:
        archive.writestr("report.csv", b"timestamp,ip\0")

    done = prepared("feed", "run", "--json", "--gone-after", "1", archive.filename, good)

    assert (done.returncode, "report.csv: it is not a text file" in done.stderr) == (1, True)
    assert not prepared.findings("--state", "gone")
    assert "lacks what could not be read" in prepared.done("feed", "runs", "--waiting")


def test_a_broken_file_lets_the_good_ones_in_and_nothing_go(prepared: Home, tmp_path: Path) -> None:
    prepared.run(write(tmp_path, 0, range(4)))
    good = write(tmp_path, 1, [0, 1], part="-part1")
    broken = tmp_path / f"{day(1)}-scan_rdp-xm-geo.csv.gz"
    broken.write_bytes(gzip.compress(good.read_bytes())[:-12])
    other = write(tmp_path, 1, [7], kind="scan_ssl")

    done = prepared("feed", "run", "--json", "--gone-after", "1", broken, good, other)

    assert done.returncode == 1
    assert "ends in the middle" in done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert [broken["name"] for broken in summary["broken"]] == [broken.name.removesuffix(".gz")]
    assert cycle(summary, 1) == {"new": 0, "still": 2, "gone": 0, "returned": 0}
    assert cycle(summary, 1, "scan_ssl")["new"] == 1
    assert not prepared.findings("--state", "gone")
    again = prepared.run(shutil.copy(good, tmp_path / broken.name.removesuffix(".gz")))
    assert again["unchanged"], "the same rows by the broken file's name are here already"


def test_a_second_import_waits_and_then_says_so(prepared: Home, tmp_path: Path) -> None:
    report = write(tmp_path, 0, [1])
    (prepared.place / "store").mkdir(exist_ok=True)
    with (prepared.place / "store" / "ingest.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = prepared("feed", "run", "--wait", "0.3", report)
        waiting = prepared.start("feed", "run", "--json", report)
    out, err = waiting.communicate(timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "tocsin: another import has kept the store busy for more than 0.3 s. Try again when it is done."
    ]
    assert waiting.returncode == 0, err
    assert json.loads(out)["rows_kept"] == 1


def test_two_imports_at_once_come_to_what_one_after_the_other_does(
    fresh_home: Callable[[], Home], tmp_path: Path
) -> None:
    home, alone = fresh_home(), fresh_home()
    first, second = write(tmp_path, 0, range(50)), write(tmp_path, 1, range(25, 80))
    running = [home.start("feed", "run", "--gone-after", "1", path) for path in (second, first)]
    for process in running:
        _, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
    alone.run(first, second)
    assert home.digest() == alone.digest()
    assert len(home.files()) == 3


@pytest.mark.parametrize(
    "arguments",
    [(), ("--gone-after", "0", "x"), ("--executor", "spark", "x"), ("--workers", "none", "x"), ("--unknown", "x")],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    from tocsin.site.cli.parser import run

    with pytest.raises(SystemExit) as stopped:
        run(["feed", "run", *arguments])
    assert stopped.value.code == 2
    assert "usage: " in capsys.readouterr().err


def test_what_is_not_there_is_a_sentence(prepared: Home, tmp_path: Path) -> None:
    done = prepared("feed", "run", tmp_path / "none.csv")
    assert done.returncode == 1
    assert "there is no such file" in done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    done = prepared("feed", "run", empty)
    assert done.returncode == 1
    assert "there is no file to import" in done.stderr


@pytest.mark.slow
def test_workers_of_a_cluster_come_to_what_threads_come_to(fresh_home: Callable[[], Home], tmp_path: Path) -> None:
    reports = [write(tmp_path, n, range(n, 50 + n)) for n in range(2)]
    threads, workers = fresh_home(), fresh_home()
    alone = threads.run(*reports)["peak_rss_mb"]
    run = workers("feed", "run", "--json", "--gone-after", "1", "--executor", "dask", "--workers", "2", *reports)
    summary = json.loads(run.stdout)
    assert summary["rows_kept"] == 100
    assert run.stderr == "", "Dask does not talk in between"
    assert summary["peak_rss_mb"] > 2 * alone, "the driver and two workers"
    assert workers.digest() == threads.digest()
    done = workers("feed", "run", "--executor", "dask", "--scheduler", "tcp://127.0.0.1:1", *reports)
    assert done.returncode == 1
    assert done.stderr.startswith("tocsin: no Dask scheduler answers at tcp://127.0.0.1:1")
    assert done.stderr.count("\n") == 1, done.stderr


SUMMARY = (
    "run", "files", "rows_read", "rows_kept", "rows_quarantined", "cells_quarantined", "duplicates", "findings_new",
    "findings_still", "findings_gone", "findings_returned", "attributed_rows", "unattributed_rows", "constituents",
    "cycles", "held", "held_waiting", "unchanged", "broken", "needs_mapping", "unknown_columns", "misnamed", "ahead",
    "cpu_s", "wall_s", "peak_rss_mb", "corrected", "lacking_columns", "passed_over", "completed",
)  # fmt: skip
"""The keys of a summary, in the order in which they are printed; docs/reference/commands.md explains them so."""


def test_the_keys_of_a_summary_come_in_their_order_whatever_happened(prepared: Home, tmp_path: Path) -> None:
    report = write(tmp_path / "in", 0, [1, 2])
    printed = prepared.many(*([["feed", "run", "--json", str(report)]] * 2))
    assert [tuple(json.loads(line)) for line in printed] == [SUMMARY, SUMMARY]
    broken = tmp_path / "in" / f"{day(1)}-scan_rdp-xm-geo.csv"
    broken.write_bytes(b"\0")
    assert tuple(json.loads(prepared("feed", "run", "--json", broken).stdout)) == SUMMARY
    section = (
        (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8").partition("the summary of the run, in")[2]
    )
    places = [section.find(f"`{key}`") for key in SUMMARY]
    assert places == sorted(places) and places[0] > 0
