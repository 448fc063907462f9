"""What is read again keeps its place, and its day goes as a whole: in the pure engine."""

from __future__ import annotations

from pathlib import Path

from tests.engine.manifest import Bench
from tests.engine.reports import day
from tests.engine.test_replay import RENAMED, bench, recognition, replayed, write
from tocsin.engine.counting import Move
from tocsin.engine.cycles import Decision
from tocsin.engine.said import Said, What, digest_of

FIRST, LATER = "2026-03-01 10:00:00,198.51.100.1,80,x", "2026-03-01 11:00:00,198.51.100.2,80,x"


def deliver(made: Bench, folder: Path, *rows: str) -> None:
    made.run(write(folder, [list(rows)]))


def types(made: Bench) -> list[tuple[str, int]]:
    return sorted((report.type, report.records) for report in made.manifest.by_id.values())


def test_what_is_read_again_is_put_aside_when_its_name_is_a_later_ones(tmp_path: Path) -> None:
    made = bench(tmp_path / "store")
    deliver(made, tmp_path / "1", FIRST)
    made.recognise = recognition(RENAMED)
    deliver(made, tmp_path / "2", FIRST, LATER)
    assert types(made) == [("beacon", 2), ("lantern", 1)]

    delta = replayed(made, RENAMED)

    assert (types(made), [one.records for one in delta.shelved]) == ([("beacon", 2)], [1])
    assert delta.outdated == ("2026-03-01-lantern-xx.csv",)
    assert made.debris() == set()
    made.refold(["beacon"], run=2)
    assert types(made) == [("beacon", 1)]
    assert made.debris() == set()


def test_what_was_corrected_is_read_again_with_its_correction(tmp_path: Path) -> None:
    made = bench(tmp_path / "store")
    deliver(made, tmp_path / "1", FIRST)
    deliver(made, tmp_path / "2", FIRST, LATER)
    delta = replayed(made, RENAMED)
    assert (types(made), delta.outdated) == ([("beacon", 2)], ())
    assert [one.type for one in made.manifest.deliveries] == ["beacon", "beacon"]
    made.refold(["beacon"], run=2)
    assert types(made) == [("beacon", 1)]
    assert made.debris() == set()


def test_a_move_says_a_decision_of_the_same_reports_however_it_was_noted() -> None:
    move = Move(("a", day(0)), ("b", day(1)), digest_of(["id"]), digest_of(["content"]))
    noted = [Said("a", day(0), What.CONFIRMED, digest_of([word]), by=7) for word in ("id", "content", "other")]
    assert [move.of(one) for one in noted] == [
        Said("b", day(1), What.CONFIRMED, digest_of([word]), by=7) for word in ("content", "content", "other")
    ]


def test_what_was_decided_goes_with_the_reports_of_the_day(tmp_path: Path) -> None:
    made = bench(tmp_path / "store")
    deliver(made, tmp_path / "1", FIRST)
    (cycle,) = made.manifest.by_day.values()
    made.refold(["lantern"], said=[Said("lantern", cycle.on, What.DISCARDED, by=None)])
    replayed(made, RENAMED)
    assert [(one.type, one.decision) for one in made.manifest.by_day.values()] == [("beacon", Decision.DISCARDED)]
