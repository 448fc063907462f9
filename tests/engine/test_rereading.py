"""What is read again keeps its place, and its day goes as a whole: in the pure engine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from tests.engine.manifest import Bench
from tests.engine.reports import day
from tests.engine.test_life import LAW
from tests.engine.test_replay import HEADER, PLAIN, RENAMED, bench, contents, recognition, replayed, write
from tocsin.engine.counting import Move
from tocsin.engine.cycles import Decision
from tocsin.engine.said import Said, What, digest_of

BEACON = PLAIN.replace(b'"lantern"', b'"beacon"')
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


CONTENTS = ((), (FIRST,), (LATER,), (FIRST, LATER))
FILES = st.tuples(st.integers(1, 2), st.sampled_from("abc"), st.sampled_from(CONTENTS))
CALLS = st.lists(FILES, min_size=1, max_size=4, unique_by=lambda file: file[:2])
MAPPINGS = st.frozensets(st.sampled_from("abc"))


def bring(made: Bench, folder: Path, files: list[tuple[int, str, tuple[str, ...]]]) -> None:
    """Import reports that may have the same content under several names."""
    folder.mkdir()
    for on, part, rows in files:
        text = "".join(f"{row}\n" for row in (HEADER, *rows)).replace("2026-03-01", f"2026-03-{on:02d}")
        (folder / f"2026-03-{on:02d}-lantern-{part}.csv").write_text(text)
    made.run(sorted(folder.iterdir()))


def taking(parts: Iterable[str]) -> bytes:
    """Return a mapping file that knows some of the names."""
    files = ", ".join(f'"*-lantern-{part}.csv"' for part in sorted(parts))
    return BEACON.replace(b'"*-lantern-*"', files.encode()) if files else b""


@given(st.lists(CALLS | MAPPINGS, min_size=1, max_size=6), MAPPINGS)
@example([[(1, "a", (FIRST,)), (1, "b", (FIRST,))], frozenset("a")], frozenset("b"))
@example([[(1, "b", (FIRST,))], [(1, "a", (FIRST,))], [(1, "a", (LATER,)), (1, "c", (FIRST,))]], frozenset("b"))
@example([[(1, "a", (FIRST,))], [(1, "a", ()), (1, "b", (FIRST,))]], frozenset("b"))
@example([[(1, "a", (FIRST,))], [(1, "a", ()), (1, "b", (FIRST,))], frozenset("b")], frozenset())
@example([[(1, "a", ()), (1, "b", ()), (2, "a", ()), (2, "b", (LATER,))]], frozenset("b"))
@LAW
def test_each_name_of_a_content_is_read_again_as_if_it_were_imported_now(
    steps: list[list[tuple[int, str, tuple[str, ...]]] | frozenset[str]], last: frozenset[str]
) -> None:
    """Whatever mappings knew which names in between."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made, fresh = bench(root / "store"), bench(root / "fresh", taking(last))
        for number, step in enumerate([*steps, last]):
            if isinstance(step, frozenset):
                replayed(made, taking(step))
            else:
                bring(made, root / f"{number}", step)
                bring(fresh, root / f"{number}-again", step)
            assert made.debris() == set()
        assert contents(made) == contents(fresh)
        assert {name: report.names for name, report in made.manifest.by_id.items()} == {
            name: report.names for name, report in fresh.manifest.by_id.items()
        }
        assert made.manifest.deliveries == fresh.manifest.deliveries
