"""What verbs of `tocsin feed` share: the words for a run, a progress bar, the reading of options."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable
from typing import Any

from tocsin.kernel import clock
from tocsin.kernel.counting import counted
from tocsin.site.config import RANGES

WAIT_S = 60.0
"""As in `feeds.holding`, which cannot be read before Django is set up."""
LONGEST_WAIT_S = 86_400.0
_NAMED = 10
"""Corrected files that are named without being asked for."""
MOST = 2**63 - 1
"""The largest number that both databases take."""


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    if number > MOST:
        raise argparse.ArgumentTypeError(f"must be {MOST} or less")
    return number


def cycles(text: str) -> int:
    """Read after how many cycles a finding is gone: as many as the setting allows."""
    least, most = RANGES["gone_after"]
    if not least <= (number := int(text)) <= most:
        raise argparse.ArgumentTypeError(f"must be between {least} and {most}")
    return number


def seconds(text: str) -> float:
    """Read for how long to wait, at most a day."""
    if not 0 <= (number := float(text)) <= LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"must be between 0 and {LONGEST_WAIT_S:.0f}")
    return number


def day(text: str) -> dt.date:
    """Read a day."""
    try:
        return clock.day(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-03-31") from None


def said_when_waiting(wait_s: float = WAIT_S) -> Callable[[object], None]:
    """Return what says on stderr, before somebody waits for the store, for whom and for how long."""

    def say(holder: object) -> None:
        print(f"tocsin: waiting for up to {wait_s:g} s: {holder} is at work on the store.", file=sys.stderr, flush=True)

    return say


def sentences(summary: dict[str, Any], *, verbose: bool = False) -> list[str]:
    """Say what came of a run; `verbose` names each file that was known."""
    outdated, same = summary.get("replaced", ()), summary.get("same", ())
    nothing = "Nothing was read otherwise." if "replay_of" in summary else "Nothing was imported."
    said = _known(summary["unchanged"], verbose) or ([] if summary["files"] or outdated or same else [nothing])
    if summary["files"]:
        said.append(
            f"Run {summary['run']}: {summary['rows_kept']} of {counted(summary['rows_read'], 'row')} of "
            f"{counted(len(summary['files']), 'report')} kept, {summary['attributed_rows']} of them attributed; "
            f"{counted(summary['findings_new'], 'finding')} new, "
            f"{summary['findings_still']} still open, {summary['findings_gone']} gone, "
            f"{summary['findings_returned']} came back."
        )
    said += [f"{each['type']} of {each['date']} is complete with what is here." for each in summary["completed"]]
    said += corrected(summary["corrected"], verbose=verbose)
    said += [f"{name} was read again and does not count: what came later under its name does." for name in outdated]
    said += [f"{name} was read again as what was here already: from now on it counts once." for name in same]
    if summary["passed_over"]:
        from tocsin.formats.beside import passed_over  # it knows mapping files; nothing else here needs so much

        said.append(f"In archives {passed_over(summary['passed_over'], verbose=verbose)}")
    if summary["rows_quarantined"] or summary["cells_quarantined"]:
        rows, cells = counted(summary["rows_quarantined"], "row"), counted(summary["cells_quarantined"], "cell")
        said.append(f"Quarantined: {rows}, {cells}.")
    said += map(_held, summary["held"])
    if summary["held_waiting"] > len(summary["held"]):
        wait = counted(summary["held_waiting"], "report", "waits", "wait")
        said.append(f"{wait} for a decision: tocsin feed confirm|discard TYPE DATE; the page of feeds lists them.")
    kept = {file["type"] for file in summary["files"] if file["kept"]}
    said += [
        f"{kind} needs a mapping; its rows {'are kept' if kind in kept else 'wait whole in quarantine'}."
        for kind in summary["needs_mapping"]
    ]
    said += [
        f"{kind} has columns that no mapping knows, kept as extra: {', '.join(c)}."
        for kind, c in summary["unknown_columns"].items()
    ]
    said += [
        f"{kind} lacks columns that its mapping file names, which are taken for empty: {', '.join(c)}."
        for kind, c in summary["lacking_columns"].items()
    ]
    said += [
        f"{each['name']}: {each['said']} in its name is no date. "
        f"It counts for {each['date']}, the day of most of its rows."
        for each in summary["misnamed"]
    ]
    if summary["ahead"]:
        from tocsin.feeds.days import lies_ahead  # it asks the settings, which `--help` does without

        wrong = summary.get("replay_of", summary["run"])
        said += [lies_ahead(each["name"], each["date"], wrong) for each in summary["ahead"]]
    return said


def _held(cycle: dict[str, Any]) -> str:
    from tocsin.feeds.doubts import why_held  # it knows the engine, which a run has loaded and `--help` has not

    return (
        f"{cycle['type']} of {cycle['date']} is held: {why_held(cycle)}. "
        f"Nothing goes gone because of it until you confirm it (tocsin feed confirm, or on the page of feeds)."
    )


def _known(names: list[str], verbose: bool) -> list[str]:
    if verbose or len(names) == 1:
        return [f"{name} was imported before; nothing to do." for name in names]
    return [f"{len(names)} files were imported before; nothing to do (--verbose names them)."] if names else []


def corrected(reports: list[dict[str, Any]], *, verbose: bool = False) -> list[str]:
    """Say which earlier reports count no more."""
    if verbose or len(reports) <= _NAMED:
        return [f"{each['name']} takes the place of the report imported in run {each['run']}." for each in reports]
    return [f"{len(reports)} files take the place of reports imported before (--verbose names them)."]


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
