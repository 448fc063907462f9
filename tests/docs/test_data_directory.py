"""Whatever the product puts into the data directory is explained."""

from __future__ import annotations

import re
from pathlib import Path

from tests.commands import Command
from tests.docs.reading import page, tables
from tocsin.feeds.sweeping import FOLDERS, LEAVING, MARK
from tocsin.kernel.reference_data import DATA

SOURCE = DATA.parent / "src/tocsin"
EXPLAINED = {
    name.rstrip("/")
    for row in tables(page("reference/data-directory"))[0][1:]
    for name in re.findall(r"`([^`]+)`", row[0])
}


def named_in_the_source(folder: str) -> set[str]:
    """Names that the code puts directly below a folder: `home / "keys"`."""
    pattern = re.compile(rf"\b{folder} / \"([^\"]+)\"")
    found = (name for path in SOURCE.rglob("*.py") for name in pattern.findall(path.read_text(encoding="utf-8")))
    return {name for name in found if not name.endswith(".tmp")}


def test_every_name_that_the_code_puts_into_the_data_directory_is_explained() -> None:
    names = named_in_the_source("home")
    assert {"keys", "version", "store"} <= names, "the pattern finds what is surely there"
    assert names - {"store"} <= EXPLAINED


def test_every_name_that_the_code_puts_into_the_store_is_explained() -> None:
    names = {f"store/{name}" for name in (*named_in_the_source("store"), *FOLDERS, LEAVING, MARK)}
    assert "store/ingest.lock" in names, "the pattern finds what is surely there"
    assert names <= EXPLAINED


def test_every_file_of_an_instance_with_a_report_is_explained(ready: Path, tocsin: Command, tmp_path: Path) -> None:
    report = tmp_path / "2026-11-16-scan_vnc-x.csv"
    report.write_text("timestamp,ip,port\n2026-11-16 01:00:00,192.0.2.1,5900\n,192.0.2.2,5900\n", encoding="utf-8")
    done = tocsin("feed", "run", report)
    assert done.returncode == 0, done.stderr
    below = {path.relative_to(ready).as_posix() for path in (*ready.glob("*"), *(ready / "store").glob("*"))}
    assert {"store/observations", "store/state", "store/quarantine"} <= below
    assert below - {"store"} <= EXPLAINED
