"""The report files that are measured: the project's own, and a folder from outside when one is named."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FEEDS = "TOCSIN_BENCH_FEEDS"
"""Names a folder with reports/, constituents.json and truth.json."""
FEEDS_OF_TESTS = "TOCSIN_TEST_FEEDS"
"""Names the folder of such folders that tests take: the one with the most rows is measured, if FEEDS is not set."""
SCHEMA = "TOCSIN_TEST_SCHEMA"
"""Names a folder with the published schema of the reports."""
TRUTH = "truth.json"


@dataclasses.dataclass(frozen=True)
class Feeds:
    """Two days of reports, and what must come of them."""

    name: str
    folder: Path
    days: tuple[tuple[Path, ...], ...]
    """Files of each day, in order of days."""
    truth: dict[str, Any]
    repeated: bool = False
    """The second day is the first under another date, since the folder had one day: of it no truth is known."""

    @property
    def first(self) -> tuple[Path, ...]:
        """The files of the first day."""
        return self.days[0]

    @property
    def rows(self) -> int:
        """Rows of the first day."""
        whole: int = self.truth["rows"]
        return whole // (1 if self.repeated else len(self.days))

    def wrong(self, summaries: Sequence[dict[str, Any]]) -> list[str]:
        """Return where the summaries of the days, in order, differ from the truth. Without repeated days."""
        wanted = {
            "rows_read": self.truth["rows"],
            "rows_kept": self.truth["rows"],
            "duplicates": self.truth["duplicates"],
            "unattributed_rows": self.truth["unattributed"],
        }
        found = {name: sum(summary[name] for summary in summaries) for name in wanted}
        pairs = [(name, wanted[name], found[name]) for name in wanted]
        for number, (day, summary) in enumerate(zip(self.truth["days"], summaries, strict=False)):
            pairs += [
                (f"{word} on day {number + 1}", day[word], summary[f"findings_{word}"])
                for word in ("new", "still", "gone", "returned")
            ]
        owned: dict[str, int] = {}
        for summary in summaries:
            for constituent, rows in summary["constituents"].items():
                owned[constituent] = owned.get(constituent, 0) + rows
        pairs.append(("rows per constituent", len(self.truth["per_constituent"]), len(owned)))
        wrong = [f"{name}: {got} where {right} is right" for name, right, got in pairs if right != got]
        if owned != self.truth["per_constituent"]:
            wrong.append("rows per constituent differ")
        return wrong


def own(data: Path, rows: int, *, days: int = 1, seed: int = 58, dirty: float = 0.0, types: str = "") -> Feeds:
    """Return feeds of the project's own generator, written when they are not there yet."""
    folder = data / f"own-{rows}-{days}-{seed}-{dirty:g}{'-' + types.replace(':', '_') if types else ''}"
    if not (folder / TRUTH).is_file():
        command = [sys.executable, "-m", "bench.feeds", "--out", str(folder), "--rows", str(rows)]
        command += ["--days", str(days), "--seed", str(seed), "--dirty", str(dirty)]
        subprocess.run([*command, *(["--types", types] if types else [])], check=True, stdout=subprocess.DEVNULL)
    return opened("own", folder)


def opened(name: str, folder: Path) -> Feeds:
    """Return the feeds of a folder. Raises OSError when it is no such folder, ValueError when it has no reports."""
    truth = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    days: dict[str, list[Path]] = {}
    for path in sorted((folder / "reports").iterdir()):
        days.setdefault(path.name[:10], []).append(path)
    if not days:
        raise ValueError(f"There is no report in {folder / 'reports'}.")
    return Feeds(name, folder, tuple(tuple(days[day]) for day in sorted(days)), truth)


def largest(folder: Path) -> Path:
    """Return the folder itself when it holds feeds, else the one in it whose truth has the most rows.

    Raises ValueError when there is none.
    """
    found = [folder, *sorted(folder.iterdir())]
    rows = {each: json.loads((each / TRUTH).read_bytes())["rows"] for each in found if (each / TRUTH).is_file()}
    if not rows:
        raise ValueError(f"{folder} is no folder of feeds, and holds none: nowhere in it is a {TRUTH}.")
    return folder if folder in rows else max(rows, key=lambda each: rows[each])


def two_days(feeds: Feeds, scratch: Path) -> Feeds:
    """Return feeds of at least two days: those of a single day get it again, under the next date."""
    if len(feeds.days) > 1:
        return feeds
    scratch.mkdir(parents=True, exist_ok=True)
    again = []
    for path in feeds.first:
        date = dt.date.fromisoformat(path.name[:10]) + dt.timedelta(days=1)
        link = scratch / f"{date}{path.name[10:]}"
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
        again.append(link)
    return dataclasses.replace(feeds, days=(feeds.first, tuple(again)), repeated=True)


def sample(feeds: Feeds, rows: int, folder: Path) -> tuple[tuple[Path, ...], int]:
    """Write the first records of each file of the first day, in the shares of the whole; return files and rows."""
    folder.mkdir(parents=True, exist_ok=True)
    share = min(rows / feeds.rows, 1)
    files, written = [], 0
    for path in feeds.first:
        with path.open(encoding="utf-8", newline="") as file:
            records = list(csv.reader(file)) if share == 1 else _head(file, share, path)
        if len(records) > 1:
            target = folder / path.name
            with target.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(records)
            files.append(target)
            written += len(records) - 1
    return tuple(files), written


def _head(file: Any, share: float, path: Path) -> list[list[str]]:
    """Return the header and the first records that make up `share` of the file's bytes."""
    records, wanted = [], share * path.stat().st_size
    for record in csv.reader(file):
        records.append(record)
        wanted -= sum(len(cell.encode()) + 3 for cell in record)
        if wanted <= 0 and len(records) > 1:
            break
    return records
