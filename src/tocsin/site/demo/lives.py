"""On which days each finding of a population is open.

Most findings stay open from day to day, some leave, some of those come back,
and new ones fill the population up to its level. An outbreak and a clean-up are
nothing but levels that rise and fall.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from tocsin.site.demo.country import Population

Finding = TypeVar("Finding")

_AWAY_DAYS = (1, 1, 2, 4, 4, 5)
"""Days until a finding is back: a short gap leaves it open, three missed cycles make it gone."""


def live(
    population: Population, targets: Sequence[int], discover: Callable[[], Finding], rng: Random
) -> list[list[Finding]]:
    """Return the open findings of each day, as many as `targets` says.

    `discover` makes a finding that was never seen. Level and turnover rule in
    this order: what returns or stays is never more than the target.
    """
    days: list[list[Finding]] = []
    today: list[Finding] = []
    back: dict[int, list[Finding]] = defaultdict(list)
    for day, target in enumerate(targets):
        staying: list[Finding] = []
        for finding in today:
            if rng.random() < population.persistence:
                staying.append(finding)
            elif rng.random() < population.returns:
                back[day + rng.choice(_AWAY_DAYS)].append(finding)
        today = staying + back.pop(day, [])
        if len(today) > target:
            today = rng.sample(today, target)
        today += [discover() for _ in range(target - len(today))]
        days.append(today)
    return days
