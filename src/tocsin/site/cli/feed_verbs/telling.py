"""What verbs of `tocsin feed` share: the words for a run, a progress bar, the reading of options."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from typing import Any


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def day(text: str) -> dt.date:
    """Read a day."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-03-31") from None


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 report`, `2 reports`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sentences(summary: dict[str, Any]) -> list[str]:
    """Say what came of a run."""
    said = [f"{name} was imported before; nothing to do." for name in summary["unchanged"]]
    if summary["files"]:
        said.append(
            f"Run {summary['run']}: {summary['rows_kept']} of {counted(summary['rows_read'], 'row')} of "
            f"{counted(len(summary['files']), 'report')} kept, {summary['attributed_rows']} of them attributed; "
            f"{counted(summary['findings_new'], 'finding')} new, "
            f"{summary['findings_still']} still open, {summary['findings_gone']} gone, "
            f"{summary['findings_returned']} came back."
        )
    if summary["rows_quarantined"] or summary["cells_quarantined"]:
        rows, cells = counted(summary["rows_quarantined"], "row"), counted(summary["cells_quarantined"], "cell")
        said.append(f"Quarantined: {rows}, {cells}.")
    said += [
        f"{held['type']} of {held['date']} has {counted(held['rows'], 'row')}, less than half of the "
        f"{held['usual']:.0f} on the days before. It is held: "
        f"nothing goes gone because of it until you confirm it (tocsin feed confirm, or on the page of feeds)."
        for held in summary["held"]
    ]
    said += [f"{kind} needs a mapping; its rows are kept." for kind in summary["needs_mapping"]]
    said += [
        f"{kind} has columns that no mapping knows, kept as extra: {', '.join(c)}."
        for kind, c in summary["unknown_columns"].items()
    ]
    said += [
        f"{each['name']}: {each['said']} in its name is no date. "
        f"It counts for {each['date']}, the day of its latest row."
        for each in summary["misnamed"]
    ]
    said += [
        f"{each['name']} is dated {each['date']}, which lies ahead: pages show that day when it has come. If it is "
        f"wrong, take it back (tocsin feed withdraw {summary['run']}) and correct the name of the file or the clock."
        for each in summary["ahead"]
    ]
    return said or ["Nothing was imported."]


class Bar:
    """A progress bar on stderr, on a terminal only."""

    WIDTH = 30

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, name: str, share: float) -> None:
        if self._shown:
            full = round(share * self.WIDTH)
            print(
                f"\r[{'#' * full}{'.' * (self.WIDTH - full)}] {share:4.0%} {name[:60]:60}",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def close(self) -> None:
        """Leave the line."""
        if self._shown:
            print(file=sys.stderr)
