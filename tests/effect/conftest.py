"""Lives as the engine gives them, made up in a few lines, and what is reckoned from them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest

from tests.feeds.conftest import AT, store, week  # noqa: F401  fixtures of the rooms below
from tests.notices.conftest import told  # noqa: F401
from tocsin.audit.actors import COMMAND_LINE
from tocsin.engine.lives import LIVES

BEFORE, AFTER, HORIZON = 20_000, 20_060, 20_120
"""Days: lives begin from the first on, are told from the second on, and are watched to the third."""


def life(number: int, **facts: Any) -> dict[str, Any]:
    """Return a life that began ten days after BEFORE and lasted five."""
    stated = {"begin": BEFORE + 10, "end": BEFORE + 15, "ended": True, **facts}
    return {
        "k1": number, "k2": number + 7, "type": "scan_rdp", "class": "vulnerable-system", "severity": 5,
        "constituent": "bank", "number": 0, "watched": stated["begin"], "back": 0, "horizon": HORIZON, "known": True,
        **stated,
    }  # fmt: skip


def table(lives: Iterable[dict[str, Any]]) -> pa.Table:
    """Return lives as the engine does."""
    return pa.Table.from_pylist(list(lives), LIVES).unify_dictionaries()


def country(ratio: float, organisations: int = 24, each: int = 40, seed: int = 1) -> tuple[pa.Table, dict[int, int]]:
    """Return lives of organisations, and on which day those from AFTER on were told, by key.

    Told ones go `ratio` times as fast. Half of the organisations are in each of two classes, one of which mends slowly.
    Every seventh comes back: one in two of these nine days after it went, the other forty.
    """
    draw = random.Random(seed)
    rows, hears_on = [], {}
    for number in range(organisations * each):
        whose = number % organisations
        rate = 1 / (8 if whose % 2 else 16)
        begin = draw.randrange(BEFORE + 1, HORIZON - 20)
        end = begin + 1 + int(draw.expovariate(rate))
        hears = max(begin + draw.randrange(1, 4), AFTER)
        if hears < end and hears < HORIZON:
            hears_on[number] = hears
            end = hears + 1 + int(draw.expovariate(rate * ratio))
        kind = ("weak-crypto", "vulnerable-system")[whose % 2]
        ended = end <= HORIZON
        back = 0 if number % 7 else end + (40 if number % 2 else 9)
        facts = {
            "begin": begin,
            "end": min(end, HORIZON),
            "ended": ended,
            "back": back if back <= HORIZON else 0,
        }
        rows.append(life(number, constituent=f"org-{whose:02d}", **{"class": kind}, **facts))
    return table(rows), hears_on


@pytest.fixture
def by_at() -> dict[str, Any]:
    """Who acts, and when."""
    return {"by": COMMAND_LINE, "at": AT}


@pytest.fixture
def measured(db: None, monkeypatch: pytest.MonkeyPatch, by_at: dict[str, Any]) -> Any:
    """Return what reckons a country of a ratio and writes it down, and gives what was reckoned."""
    import numpy as np

    from tocsin.directory import actions as directory
    from tocsin.effect import actions, measuring, queries
    from tocsin.effect.groups import Happenings
    from tocsin.feeds import lives
    from tocsin.notices import actions as notices
    from tocsin.notices.queries import policies

    def reckon(ratio: float, organisations: int = 24) -> measuring.Measured:
        made, hears = country(ratio, organisations)
        if not policies().exists():
            notices.add_policy(threshold=6, **by_at)
        for each in range(organisations):
            sector = ("health", "energy")[each % 2]
            directory.add_constituent(public_id=f"org-{each:02d}", name=f"Office {each}", sector=sector, **by_at)
        keys = np.array(sorted(hears), np.uint64)
        on, whom = np.array([hears[int(key)] for key in keys]), keys.astype(np.int64) % organisations
        tellings = Happenings(keys, keys + np.uint64(7), on, np.full(len(keys), policies().first().pk), whom)
        monkeypatch.setattr(measuring.feeds, "lives", lambda: lives.Found(made, too_young=3))
        monkeypatch.setattr(measuring, "_tellings", lambda _found: tellings)
        found = measuring.measure(by_at["at"])
        actions.record_measurement(found, basis=queries.basis(), **by_at)
        return found

    return reckon
