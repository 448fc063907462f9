"""The same content under several names counts once, while one of them delivers it, whichever came first."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.manifest import Bench, content
from tests.engine.reports import day, name_of, seen, write
from tocsin.engine.counting import waits_for
from tocsin.engine.said import Said, What
from tocsin.engine.store import Report

CONTENTS = [[seen(f"192.0.2.{10 * number + n + 1}", day(0)) for n in range(number + 1)] for number in range(3)]
PARTS = ("", "-a", "-b")
Delivery = tuple[str, int]
"""A name, by its part, and which content comes under it."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "store")


def deliver(bench: Bench, *deliveries: Delivery) -> None:
    """Import files in one call."""
    folder = Path(tempfile.mkdtemp(dir=bench.root.parent))
    bench.run([write(folder, CONTENTS[number], part=part) for part, number in deliveries])


def names(bench: Bench) -> dict[tuple[str, ...], int]:
    """Return the rows of each report that counts, by the parts of its names."""
    length = len(name_of("scan_rdp", day(0))) - len(".csv")
    return {
        tuple(sorted(name[length:].removesuffix(".csv") for name in report.names)): report.kept
        for report in bench.manifest.by_id.values()
    }


def test_a_correction_of_one_name_leaves_what_another_still_delivers(bench: Bench) -> None:
    deliver(bench, ("", 0))
    deliver(bench, ("-a", 0))
    assert names(bench) == {("", "-a"): 1}
    deliver(bench, ("", 1))
    assert names(bench) == {("-a",): 1, ("",): 2}
    deliver(bench, ("-a", 2))
    assert names(bench) == {("-a",): 3, ("",): 2}
    assert bench.debris() == set()


def test_what_is_corrected_and_comes_under_another_name_in_one_call_counts_in_either_order(tmp_path: Path) -> None:
    found = []
    for number, call in enumerate(itertools.permutations([("", 1), ("-a", 0)])):
        bench = Bench(tmp_path / f"store{number}")
        deliver(bench, ("", 0))
        deliver(bench, *call)
        found.append(content(bench))
        assert names(bench) == {("-a",): 1, ("",): 2}
        assert bench.debris() == set()
    assert found[0] == found[1]


def test_a_cycle_no_longer_waits_for_a_name_that_came_whole_at_last(bench: Bench, tmp_path: Path) -> None:
    deliver(bench, ("", 0))
    broken = write(tmp_path, CONTENTS[0], part="-a")
    whole = broken.read_bytes()
    broken.write_bytes(b"\0")
    bench.run([broken])
    assert bench.manifest.by_day["scan_rdp", day(0)].broken == (broken.name,)
    broken.write_bytes(whole)
    delta = bench.run([broken])
    assert (delta.accepted, delta.unchanged) == ((), (broken.name,))
    assert bench.manifest.by_day["scan_rdp", day(0)].broken == ()


def _interleaved(data: st.DataObject, by_name: dict[str, list[int]]) -> list[list[Delivery]]:
    """Return calls that deliver every name's contents in their order; no name twice in a call."""
    left = {name: list(contents) for name, contents in by_name.items()}
    calls = []
    while left := {name: contents for name, contents in left.items() if contents}:
        chosen = data.draw(st.lists(st.sampled_from(sorted(left)), unique=True, min_size=1))
        calls.append([(name, left[name].pop(0)) for name in chosen])
    return calls


@settings(max_examples=25)
@given(
    st.fixed_dictionaries({part: st.lists(st.integers(0, len(CONTENTS) - 1), max_size=3) for part in PARTS}),
    st.data(),
)
def test_what_counts_follows_from_what_came_last_under_each_name(
    by_name: dict[str, list[int]], data: st.DataObject
) -> None:
    expected: dict[int, set[str]] = {}
    for part, contents in by_name.items():
        for number in contents[-1:]:
            expected.setdefault(number, set()).add(part)
    found: list[dict[str, Any]] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder) / "store")
            bench.root.mkdir()
            for call in _interleaved(data, by_name):
                deliver(bench, *call)
            assert names(bench) == {tuple(sorted(parts)): number + 1 for number, parts in expected.items()}
            assert bench.debris() == set()
            found.append(content(bench))
    assert found[0] == found[1]


def test_the_first_name_of_the_alphabet_stands_for_all() -> None:
    report = Report("x", "b", "t", day(0), 0, 0, 0, 0, (), "", {}, 0)
    assert report.named(["c", "a", "c"]).names == ("a", "c")
    assert report.named(["b"]) == report


def test_a_name_is_waited_for_alone_or_in_an_archive() -> None:
    assert waits_for("a.csv", "a.csv")
    assert waits_for("day.zip/a.csv", "a.csv")
    assert not waits_for("a.csv", "b.csv")


def test_a_name_that_is_its_archives_too_is_waited_for_with_it() -> None:
    assert waits_for("2026-11-16/a.csv", "2026-11-16/a.csv")
    assert waits_for("2026-11-16.zip/in/a.csv", "2026-11-16/a.csv")
    assert waits_for("2026-11-16/a.csv", "a.csv")
    assert not waits_for("2026-11-17/a.csv", "2026-11-16/a.csv")
    assert not waits_for("a.csv", "2026-11-16/a.csv")


# ---- two files of one name in one call


def sites(folder: Path, *addresses: tuple[str, ...], on: int = 0) -> list[Path]:
    """Write a report of the same name into a folder for each."""
    return [
        write(folder / f"site{letter}", [seen(address, day(on)) for address in some], on=day(on))
        for letter, some in zip("ABCD", addresses, strict=False)
    ]


def waiting(bench: Bench) -> tuple[str, ...]:
    return bench.manifest.by_day["scan_rdp", day(0)].broken


@pytest.fixture
def both(bench: Bench, tmp_path: Path) -> list[Path]:
    """Two files of one name came in one call: the first counts, the day waits for the second."""
    paths = sites(tmp_path, ("192.0.2.1",), ("192.0.2.2",))
    bench.run(paths)
    assert waiting(bench) == (f"siteB/{paths[1].name}",)
    return paths


def test_a_day_waits_for_the_second_while_only_the_first_is_given_again(bench: Bench, both: list[Path]) -> None:
    for _ in range(2):
        bench.run(both[:1])
        assert waiting(bench) == (f"siteB/{both[1].name}",)
    sites(both[0].parent.parent, ("192.0.2.1", "192.0.2.9"))
    bench.run(both[:1])
    assert waiting(bench) == (f"siteB/{both[1].name}",), "the first was corrected, and the second is not here"


def test_a_day_waits_for_the_second_no_more_when_it_came_under_whatever_name(bench: Bench, both: list[Path]) -> None:
    bench.run([both[1].rename(both[1].with_name(both[1].name.replace(".csv", "-b.csv")))])
    assert waiting(bench) == () and len(bench.state("scan_rdp")) == 2


def test_a_day_waits_for_the_second_no_more_when_something_new_came_from_its_place(
    bench: Bench, both: list[Path]
) -> None:
    write(both[1].parent, [seen("192.0.2.3", day(0))])
    bench.run(both[1:])
    assert waiting(bench) == ()


def test_what_came_for_the_second_goes_with_the_run_that_brought_it(bench: Bench, both: list[Path]) -> None:
    bench.run(both[1:])
    assert waiting(bench) == ()
    bench.run(both[:1])
    assert waiting(bench) == (), "the second came; now the first corrects it"
    bench.refold(["scan_rdp"], run=2)
    bench.refold(["scan_rdp"], run=3)
    assert waiting(bench) == (f"siteB/{both[1].name}",)
    bench.refold(["scan_rdp"], said=[Said("scan_rdp", day(0), What.CLOSED, by=None)])
    assert waiting(bench) == ()


def test_one_that_cannot_be_read_beside_another_of_its_name_is_waited_for_until_its_place_gives_it(
    bench: Bench, tmp_path: Path
) -> None:
    one, two = sites(tmp_path, ("192.0.2.1",), ("192.0.2.2",))
    whole = two.read_bytes()
    two.write_bytes(b"\0")
    bench.run([one, two])
    assert waiting(bench) == (f"siteB/{two.name}",)
    bench.run([one])
    assert waiting(bench) == (f"siteB/{two.name}",)
    two.write_bytes(whole)
    bench.run([two])
    assert waiting(bench) == ()


def test_a_damaged_copy_of_the_other_is_not_waited_for_once_it_is_whole(bench: Bench, tmp_path: Path) -> None:
    one, two = sites(tmp_path, ("192.0.2.1",), ("192.0.2.1",))
    whole = two.read_bytes()
    two.write_bytes(b"\0")
    bench.run([one, two])
    assert waiting(bench)
    two.write_bytes(whole)
    delta = bench.run([two])
    assert (delta.unchanged, waiting(bench)) == ((two.name,), ())


SITES = st.lists(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 2)), min_size=1, max_size=2, unique_by=lambda one: one[0])
    | st.just("close"),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25)
@given(SITES)
def test_a_day_waits_for_what_was_set_aside_until_its_content_or_its_place_brings_it(steps: list[object]) -> None:
    """Files of one name from two places, in calls of one or both, against a model that follows each content."""
    with tempfile.TemporaryDirectory() as folder:
        bench, lacking, counts = Bench(Path(folder) / "store"), set[tuple[str, int]](), None
        bench.root.mkdir()
        for step in steps:
            if step == "close":
                lacking = set()
                bench.refold(
                    ["scan_rdp"], said=[Said("scan_rdp", day(0), What.CLOSED, by=None)] if counts is not None else []
                )
                continue
            call = [(site, number) for site, number in step if isinstance(number, int)]  # type: ignore[attr-defined]
            bench.run([write(Path(folder) / f"site{site}", CONTENTS[number]) for site, number in call])
            here = next((one for one in call if one[1] == counts), None)  # what counts already is no correction
            taken = here or call[0]
            is_new = taken[1] != counts
            counts = taken[1]
            lacking = {one for one in lacking if one[1] != counts and not (is_new and one[0] == taken[0])}
            lacking |= {one for one in call if one[1] != counts}
            expected = {f"site{site}/{name_of('scan_rdp', day(0))}" for site, _number in lacking}
            assert set(waiting(bench)) == expected
            assert names(bench) == {("",): counts + 1}
