"""What was said of days, and that it goes with the run that said it: against a model that replays what is left."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.engine.reports import day
from tests.engine.test_life import KIND, LAW, File, Model, Story, arrivals, check
from tocsin.engine.cycles import Decision
from tocsin.engine.said import LATER, Said, Stand, What, digest_of, stand, told_by
from tocsin.engine.store import Report, records

ON = day(0)
FILE = "2026-11-16-scan_rdp.csv"


def said(*whats: tuple[What, str] | What) -> list[Said]:
    pairs = [each if isinstance(each, tuple) else (each, "") for each in whats]
    return [Said(KIND, ON, what, about) for what, about in pairs]


@pytest.mark.parametrize(
    ("told", "broken", "closed"),
    [
        ([], (), False),
        ([What.COMPLETE], (), True),
        ([What.COMPLETE, (What.LACKS, "x"), (What.LACKS, "b")], ("b", "x"), True),
        ([(What.LACKS, "x"), (What.CAME, "x")], (), False),
        ([(What.CAME, "x"), (What.LACKS, "x")], ("x",), False),
        ([(What.LACKS, "here")], (), False),
        ([(What.LACKS, "x"), What.CLOSED], (), True),
        ([What.CLOSED, (What.LACKS, "x")], ("x",), True),
        ([What.EMPTY], (), False),
    ],
)
def test_how_a_day_with_a_report_stands(
    told: list[tuple[What, str] | What], broken: tuple[str, ...], closed: bool
) -> None:
    stands = stand(said(*told), {"here"}, {"1"})
    assert (stands.broken, stands.closed, stands.decision) == (broken, closed, Decision.NONE)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([What.COMPLETE], Stand(True, Decision.NONE, (), False)),
        ([What.EMPTY], Stand(True, Decision.CONFIRMED, (), True)),
        ([(What.LACKS, "x"), What.EMPTY], Stand(True, Decision.CONFIRMED, (), True)),
        ([(What.LACKS, FILE)], Stand(False, Decision.NONE, (FILE,), True)),
        ([(What.LACKS, "x")], Stand(False, Decision.NONE, ("x",), False)),
        ([(What.LACKS, "x"), What.CLOSED], Stand(True, Decision.NONE, (), True)),
        ([(What.LACKS, FILE), (What.CAME, FILE), What.CLOSED], Stand(True, Decision.NONE, (), False)),
        ([What.EMPTY, (What.DISCARDED, digest_of([]))], Stand(True, Decision.DISCARDED, (), True)),
    ],
)
def test_how_a_day_without_a_report_stands(told: list[tuple[What, str] | What], expected: Stand) -> None:
    assert stand(said(*told), set(), set()) == expected


def test_a_file_beside_another_of_its_name_is_lacking_while_its_content_is_not_here() -> None:
    told = said((What.LACKS, told_by("siteB/here", "2")))
    found = {content: stand(told, {"here", "siteB/here"}, {content}).broken for content in "12"}
    assert found == {"1": ("siteB/here",), "2": ()}
    assert stand([*told, *said((What.CAME, "siteB/here"))], {"here"}, "1").broken == ("siteB/here",)
    assert stand([*told, *said((What.CAME, told_by("siteB/here", "2")))], {"here"}, "1").broken == ()


def test_a_decision_holds_whenever_the_reports_are_here_that_it_was_about() -> None:
    told = said((What.CONFIRMED, digest_of("ab")), (What.DISCARDED, digest_of("abc")))
    decided = {reports: stand(told, set(), set(reports)).decision for reports in ("a", "ba", "cab", "")}
    assert decided == {"a": "", "ba": "confirmed", "cab": "discarded", "": ""}


@pytest.mark.parametrize(
    ("about", "come", "lacks", "closed"),
    [
        (LATER, None, (), [True, False]),
        (LATER, 1, (), [True, False]),
        (LATER, 0, (), [False, False]),
        (LATER, 0, (2,), [False, False, False]),
        (LATER, 2, (2,), [True, True, False]),
        ("", 0, (), [True, True]),
    ],
)
def test_a_day_is_complete_because_of_later_ones_while_one_is_here_that_has_come(
    about: str, come: int | None, lacks: tuple[int, ...], closed: list[bool]
) -> None:
    told = [Said(KIND, day(on), What.COMPLETE, about, by=7) for on in (0, 1)]
    told += [Said(KIND, day(on), What.LACKS, f"{day(on)}-{KIND}.csv") for on in lacks]
    here = [Report(str(on), f"{on}.csv", KIND, day(on), 1, 1, 0, 0, (), "", {}, 9) for on in (0, 1)]
    found = records(KIND, told, here, None if come is None else day(come))
    assert [found[on].closed for on in sorted(found)] == closed


# The law: as if what was withdrawn had never been


@dataclasses.dataclass
class Told:
    """What one call brought and said, or a person: as it was then."""

    run: int
    came: list[File] = dataclasses.field(default_factory=list)
    """What came under a name as something else than what counted under it."""
    complete: frozenset[int] = frozenset()
    lacks: list[File] = dataclasses.field(default_factory=list)
    empty: int | None = None
    """The day that a person declares empty."""
    decided: tuple[int, frozenset[tuple[int, ...]], Decision] | None = None
    """What a person decided of a day, and of which contents."""


class Log:
    """What was told and not withdrawn. A file's network is the name under which it came."""

    def __init__(self) -> None:
        self.left: list[Told] = []

    def here(self) -> dict[tuple[int, str], File]:
        """Return what came last under each name of each day."""
        return {(file.on, file.network): file for told in self.left for file in told.came}

    def lacking(self) -> set[tuple[int, str]]:
        """Return days with the names that could not be read and did not come whole."""
        lacking: set[tuple[int, str]] = set()
        here = self.here()
        for told in self.left:
            lacking |= {(file.on, file.network) for file in told.lacks}
            if told.empty is not None and told.empty not in {on for on, _ in here}:
                lacking = {each for each in lacking if each[0] != told.empty}
        return lacking - here.keys()

    def closed(self) -> set[int]:
        return {on for told in self.left for on in told.complete}

    def empty(self) -> frozenset[int]:
        said = {told.empty for told in self.left if told.empty is not None}
        return frozenset(said - {on for on, _ in self.here()})

    def contents(self, on: int) -> frozenset[tuple[int, ...]]:
        return frozenset(file.addresses for file in self.here().values() if file.on == on)

    def decisions(self) -> dict[int, Decision]:
        """Return what was decided last of just the contents that each day has."""
        told = [each.decided for each in self.left if each.decided]
        return {on: decision for on, contents, decision in told if contents == self.contents(on)}

    def take_back(self, run: int) -> None:
        self.left = [told for told in self.left if told.run != run]

    def tell(
        self, run: int, whole: list[File], broken: list[File], *, is_complete: bool, lost: File | None = None
    ) -> None:
        """Take a call: a day that counted as complete is so because of those alone who brought something of it. What
        was lost comes as if it had not been here."""
        here, days = self.here(), {on for on, _ in (*self.here(), *self.lacking())} | self.empty()
        came = [file for file in whole if here.get((file.on, file.network)) != file or file == lost]
        open_days = days - self.closed() - self.empty()
        complete = {file.on for file in came} | (open_days & {file.on for file in whole})
        self.left.append(Told(run, came, frozenset(complete if is_complete else ()), broken))

    def model(self, gone_after: int, come: int | None = None) -> Model:
        """Return what must come out: a content under several names is one report, and a day after `come` lies ahead."""
        names: dict[int, set[str]] = {}
        contents: dict[tuple[int, tuple[int, ...]], File] = {}
        for (on, network), file in self.here().items():
            names.setdefault(on, set()).add(network)
            contents[on, file.addresses] = file
        days = names.keys() | self.empty()
        waiting = {on for on, _ in self.lacking()} | (names.keys() - self.closed())
        ahead = {on for on in days if come is not None and on > come}
        open_days = frozenset(days & waiting | ahead)
        return Model(list(contents.values()), open_days, self.decisions(), gone_after, names, self.empty())


NETWORKS = ("", "-b", "-c")
FILES = st.builds(
    File,
    st.integers(0, 3),
    st.just(0),
    st.sampled_from([(1, 2, 3, 4), (1, 2, 3), (3, 4, 5), (6,)]),
    network=st.sampled_from(NETWORKS),
)
CALLS = st.tuples(
    st.lists(
        st.tuples(FILES, st.booleans()), min_size=1, max_size=5, unique_by=lambda each: (each[0].on, each[0].network)
    ),
    st.booleans(),
)
STEPS = st.lists(
    CALLS | st.integers(0, 9) | st.sampled_from(["empty 0", "empty 1", "empty 2", "empty 3", "next", "next"]),
    max_size=9,
)


def deliver(told: Story, files: list[tuple[File, bool]], *, complete: bool) -> None:
    """Import files in one call; those that are not whole are cut off before their header ends."""
    paths = [file.write(told.folder) for file, _ in files]
    for path, (_, is_whole) in zip(paths, files, strict=True):
        if not is_whole:
            path.write_bytes(b"")
    told.bench.run(paths, gone_after=told.gone_after, complete=complete)


DAY_0, DAY_1 = (([(File(on, 0, hosts), True)], True) for on, hosts in ((0, (1, 2, 3, 4)), (1, (1, 2, 3))))
AHEAD: tuple[list[tuple[File, bool]], bool] = ([(File(3, 0, (3, 4, 5)), True)], True)


@given(STEPS, st.integers(1, 2), st.integers(0, 3))
@example([DAY_0, AHEAD, "next", DAY_1], 1, 0)
@example([DAY_0, AHEAD, DAY_1, "next", "next", "next"], 1, 0)
@example([DAY_0, DAY_1, "next", AHEAD, "next", "next", 2], 1, 0)
@LAW
def test_what_is_withdrawn_is_as_if_it_had_never_been_told(steps: list[object], gone_after: int, come: int) -> None:
    """Names of one content, late ones, days that are not complete or have not come, broken files, persons, withdrawals
    in any order."""
    log = Log()
    with tempfile.TemporaryDirectory() as folder:
        told = Story(Path(folder), gone_after)
        told.bench.manifest.come = day(come)
        for step in steps:
            runs = [each.run for each in log.left if each.run]
            if step == "next":
                come += 1
                told.bench.manifest.come = day(come)
            elif isinstance(step, str):
                on = int(step[-1])
                if on not in {at for at, _ in log.here()}:
                    told.bench.refold([KIND], said=[Said(KIND, day(on), What.EMPTY, by=None)], gone_after=gone_after)
                    log.left.append(Told(0, empty=on))
            elif isinstance(step, tuple):
                files, is_complete = step
                deliver(told, files, complete=is_complete)
                whole = [file for file, is_whole in files if is_whole]
                broken = [file for file, is_whole in files if not is_whole]
                log.tell(told.bench.manifest.number, whole, broken, is_complete=is_complete)
            elif runs:
                run = runs[int(str(step)) % len(runs)]
                told.bench.refold([KIND], run=run, gone_after=gone_after)
                log.left = [each for each in log.left if each.run != run]
        told.bench.run([], gone_after=gone_after)  # of whatever type
        check(told.bench, log.model(gone_after, come))
        waits = {(one.on, name) for one in told.bench.manifest.cycles(KIND) for name in one.broken}
        assert waits == {(day(on), File(on, 0, (), network=network).name) for on, network in log.lacking()}
        assert told.bench.debris() == set()


BOTH = ("-b", "-c")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([BOTH, BOTH, ("-b",)])), min_size=1, max_size=2), st.data())
@LAW
def test_names_of_one_content_may_come_in_any_order_and_grouping(
    later: list[tuple[bool, tuple[str, ...]]], data: st.DataObject
) -> None:
    """Two days with both lists, then days with both or one, of which some show less."""
    days = [(False, BOTH), (False, BOTH), *later]
    files = [
        File(on, 0, (3, 4, 5, 6, 7) if less else (1, 2, 3, 4, 5, 6, 7), network=network)
        for on, (less, networks) in enumerate(days)
        for network in networks
    ]
    log = Log()
    with tempfile.TemporaryDirectory() as folder:
        told = Story(Path(folder), 1)
        for number, call in enumerate([files[:3], *data.draw(arrivals(files[3:]))], 1):
            told.deliver(*call)
            log.tell(number, call, [], is_complete=True)
        check(told.bench, log.model(1))
