"""How a run stands: what its row says, corrected by who has the lock of the store, and by what it could not read."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.feeds import holding, reasons
from tocsin.feeds.choices import RunState, Standing
from tocsin.feeds.holding import Holder
from tocsin.feeds.models import Run

INTERRUPTED = "It was interrupted. Nothing of it counts; import its files again."
"""What the note of a run says that a crash ended."""
REPLAY_INTERRUPTED = "It was interrupted. Nothing of it counts; read that run again: tocsin feed replay {run}"
"""The same of a replay: what it read has no files to import, but is in the store."""


def standing(run: Run, holder: Holder | None) -> Standing:
    """Return how a run stands, given who has the lock: an import that nobody works on was interrupted.

    So was one that was ended for that reason, by Ctrl-C or by the next one that found it.
    """
    if run.state == RunState.FAILED and run.note == interruption(run):
        return Standing.INTERRUPTED
    if run.state == RunState.RUNNING:
        return Standing.RUNNING if holder and holder.may_be(run.pk) else Standing.INTERRUPTED
    summary = run.summary
    if run.state == RunState.DONE and summary.get("broken") and not (summary.get("files") or summary.get("unchanged")):
        return Standing.UNREADABLE
    return Standing(run.state)


def interruption(run: Run) -> str:
    """Return what the note of a run says that was interrupted, and so what is to be done."""
    replayed = run.options.get("replay")
    return REPLAY_INTERRUPTED.format(run=replayed) if replayed else INTERRUPTED


def again(run: Run) -> str:
    """Return the command by which a run that was interrupted is done again."""
    replayed = run.options.get("replay")
    return f"tocsin feed replay {replayed}" if replayed else "tocsin feed run PATH"


def interrupted_runs() -> list[Run]:
    """Return the runs that are neither over nor worked on, the latest first."""
    running = list(Run.objects.filter(state=RunState.RUNNING))
    if not running:
        return []
    holder = holding.holder()
    return [run for run in running if standing(run, holder) is Standing.INTERRUPTED]


@dataclasses.dataclass(frozen=True)
class Shown:
    """A run as pages show it."""

    run: Run
    standing: Standing

    @property
    def broken(self) -> list[dict[str, Any]]:
        """The files that could not be read, each with its reason."""
        found: list[dict[str, Any]] = self.run.summary.get("broken", [])
        return found

    @property
    def look(self) -> str:
        """How the design system calls it."""
        if self.standing is Standing.DONE and self.broken:
            return "partly"
        return "working" if self.standing is Standing.RUNNING else self.standing.value

    @property
    def words(self) -> str:
        """What is said of it where the look's own word would say too little; else empty."""
        number = len(self.broken)
        if self.look != "partly":
            return ""
        said = ngettext("Done, {n} file could not be read", "Done, {n} files could not be read", number)
        return said.format(n=number)

    @property
    def note(self) -> str:
        """What there is to add, in a sentence."""
        if self.standing is Standing.FAILED:
            return reasons.said_of_end(self.run.note)
        if self.standing is not Standing.INTERRUPTED:
            return self.run.note
        if replayed := self.run.options.get("replay"):
            words = _(
                "Whatever did it ended before it was done. Nothing of it counts: read run {run} again ({command})."
            )
            return words.format(run=replayed, command=again(self.run))
        return _("Whatever did it ended before it was done. Nothing of it counts: import its files again.")

    @property
    def percent(self) -> int:
        """How much of it is read."""
        return min(100, max(0, round(self.run.progress * 100)))

    @property
    def is_running(self) -> bool:
        """Whether somebody works on it now."""
        return self.standing is Standing.RUNNING


def shown(runs: list[Run]) -> list[Shown]:
    """Return runs as pages show them."""
    holder = holding.holder() if any(run.state == RunState.RUNNING for run in runs) else None
    return [Shown(run, standing(run, holder)) for run in runs]
