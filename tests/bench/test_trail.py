"""The bench of the trail measures what it says, on a trail that is whole; and checking keeps its pace."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from bench import trail
from bench.measures import Setting, Wrong
from tocsin.audit import keeping, queries
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow, SignedHead
from tocsin.audit.verifying import verify
from tocsin.kernel import clock

ROWS = 5_000


def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path, rows=1_500, repeat=1, say=lambda _words: None)


def test_the_bench_gives_time_memory_and_cost(tmp_path: Path) -> None:
    taken, peak, cost = trail.checking_on(setting(tmp_path), 1_500, "sqlite")
    assert (taken.measure, taken.target) == ("AUDIT verify, sqlite, 1,500 rows", trail.CHECKED)
    assert peak.target == trail.MEMORY_MB
    assert cost.spent
    assert not list(setting(tmp_path).scratch.iterdir())


def test_a_trail_that_is_not_whole_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match="was not found whole"):
        trail._checked(_Empty(), 10, setting(tmp_path))  # type: ignore[arg-type]


class _Empty:
    """An instance whose trail has one row."""

    def tocsin(self, *_words: str) -> tuple[Any, str]:
        return None, '{"rows": 1}'


@pytest.mark.django_db
def test_rows_are_checked_at_a_pace_at_which_a_million_takes_seconds(tmp_path: Path, settings: Any) -> None:
    keeping.ensure_key(tmp_path, by=COMMAND_LINE, at=clock.now())
    settings.TOCSIN = type("Config", (), {"home": tmp_path})()
    assert trail.fill(ROWS) == SignedHead.objects.count() == ROWS // trail.A_DAY
    assert AuditRow.objects.count() == ROWS + 1
    spent = []
    for _ in range(3):  # the first turn pays for what is done once, however many rows there are
        began = time.process_time()
        done = verify(keeping.own_key(tmp_path))
        spent.append(time.process_time() - began)
    assert (done.rows, done.heads, done.faults) == (ROWS + 1, ROWS // trail.A_DAY, ())
    assert queries.verify().broken_at is None
    assert min(spent) / ROWS < 10e-6, "10 s of the processor for a million; measured are 4"
