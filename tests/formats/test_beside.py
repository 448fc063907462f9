"""Names that leave no doubt, and no others."""

from __future__ import annotations

import pytest

from tocsin.formats.beside import ENDINGS, is_no_report
from tocsin.formats.delimited import Feed, read_feed

REPORTS = [
    ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".gz", ".zip", ".zst", ".xz", ".bz2", ".dat", ".xlsx", ".eml",
    ".gpg", ".asc",
]  # fmt: skip


def lamps(*patterns: str) -> Feed:
    """Return a feed whose files have such names."""
    listed = ", ".join(f'"{pattern}"' for pattern in patterns)
    return read_feed(
        f'[feed]\nname = "lamps"\nfiles = [{listed}]\n[fields]\n"source.ip" = "ip"\n'.encode(), "lamps.toml"
    )


@pytest.mark.parametrize(
    "name",
    [
        "fetch.log", "FETCH.LOG", "fetch.log.1", "README", "readme.txt", "Readme.md", "LICENSE", "index.html",
        "2026-11-16-scan_rdp-xm-geo.csv.part", "2026-11-16-scan_rdp-xm-geo.csv.gz.tmp", "x.csv.crdownload", "x.csv~",
        "2026-11-16-scan_rdp-xm-geo.csv.sha256", "x.csv.bak", "desktop.ini", "fetch.sh", "Thumbs.db",
    ],
)  # fmt: skip
def test_these_are_no_reports(name: str) -> None:
    assert is_no_report(name)


@pytest.mark.parametrize(
    "name",
    [
        *(f"anything{ending}" for ending in REPORTS), "2026-11-16-scan_rdp-xm-geo.csv", "2026-11-16-scan_rdp-xm-geo",
        "anything", "readme.csv", "log", "logs.csv", "tmp", "fetch.log.gz", "report.1", "logs.part.csv", "part-1", "x.",
    ],
)  # fmt: skip
def test_of_these_nobody_can_tell_by_the_name(name: str) -> None:
    assert not is_no_report(name)


def test_a_mapping_file_that_names_the_ending_has_the_last_word() -> None:
    assert not is_no_report("lamps-1.log", [lamps("lamps-*.LOG")])
    assert is_no_report("fans-1.log", [lamps("lamps-*.log")])
    assert not is_no_report("README", [lamps("README")])
    for pattern in ("*", "lamps*", "*.csv"):
        assert is_no_report("lamps.csv.part", [lamps(pattern)]), pattern


def test_no_ending_of_a_report_is_among_them() -> None:
    assert not ENDINGS & {ending.strip(".") for ending in REPORTS}
