"""For how many days observations are kept, by the label under which they stand.

A stricter label is never kept for longer than a wider one: each label without a
number of its own takes that of the next wider label.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

from tocsin.kernel.tlp import TLP

FOR_EVER = 0
SHORTEST_DAYS = 30
"""Reports come late, are corrected and are offered again by their publisher for about so long."""
USUAL_DAYS = 7
"""So many days say what is usual; beyond those after which a finding is gone they are to be there."""
LONGEST_DAYS = 36_500


@dataclasses.dataclass(frozen=True)
class Retention:
    """Days by label, as they were set; 0 where nothing was."""

    own: Mapping[TLP, int]

    def days(self, label: TLP) -> int:
        """Return for how many days what is so marked is kept; `FOR_EVER` when there is no end."""
        return next((self.own[one] for one in reversed(list(TLP)[: label.strictness + 1]) if self.own[one]), FOR_EVER)

    def up_to(self, label: TLP, today: dt.date) -> dt.date | None:
        """Return the last day of which nothing so marked is kept any more; None when all of it is."""
        days = self.days(label)
        return today - dt.timedelta(days=days + 1) if days else None

    @property
    def is_set(self) -> bool:
        """Say whether anything ever goes."""
        return any(self.own.values())

    def fault(self, label: TLP, gone_after: int) -> tuple[str, str] | None:
        """Return what is wrong with the number of a label, and what would be right; None when nothing is."""
        days, least = self.own[label], max(SHORTEST_DAYS, gone_after + USUAL_DAYS)
        if days and not least <= days <= LONGEST_DAYS:
            return f"{days} is not between {least} and {LONGEST_DAYS} days.", "Leave it out to keep them for ever."
        wider = self.days(list(TLP)[label.strictness - 1]) if label.strictness else FOR_EVER
        if days and wider and days > wider:
            return (
                f"{days} days are more than the {wider} of what may be shared more widely.",
                "Keep what is marked more strictly for as long, or for less.",
            )
        return None
