"""A finding's life, against a naive model: a dictionary of keys, each with the list of days that saw it.

Whatever the order and grouping in which reports arrive, and whatever was corrected, withdrawn, confirmed or discarded
on the way: the engine says what the model says of the reports that count in the end.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.manifest import Bench, state_digest
from tests.engine.reports import as_csv, day, name_of, seen
from tocsin.engine import partitions as partitions_of_types
from tocsin.engine.claims import NETWORK, Claim
from tocsin.engine.cycles import Decision, Doubt, Why
from tocsin.engine.fold import Label
from tocsin.engine.said import Said, What

KIND = "scan_rdp"
DAYS = 8
CLAIMS = [
    Claim("even", "c-even", NETWORK, "192.0.2.0/25"),
    Claim("odd", "c-odd", NETWORK, "192.0.2.4/31", valid_from=day(3)),
    Claim("brief", "c-brief", NETWORK, "192.0.2.2/32", valid_to=day(4)),
]


@dataclasses.dataclass(frozen=True)
class File:
    """One report: day, part, and the addresses that it names; `hour` tells versions of one report apart, `network` the
    lists of one day."""

    on: int
    part: int
    addresses: tuple[int, ...]
    hour: int = 6
    network: str = ""

    @property
    def name(self) -> str:
        return name_of(KIND, day(self.on), self.network + (f"-part{self.part}" if self.part else ""))

    def write(self, folder: Path) -> Path:
        """Write it where no other version of it stands."""
        place = folder / f"{abs(hash(self))}"
        place.mkdir(exist_ok=True)
        rows = [
            seen(f"192.0.2.{number}", day(self.on), f"{self.hour:02d}:{self.part:02d}:{place_in_file % 60:02d}")
            for place_in_file, number in enumerate(self.addresses)
        ]
        (place / self.name).write_bytes(as_csv(rows))
        return place / self.name


@dataclasses.dataclass
class Model:
    """What must come out, computed the slow way from the reports that count."""

    files: list[File]
    open_days: frozenset[int]
    decisions: dict[int, Decision]
    gone_after: int
    names: dict[int, set[str]] = dataclasses.field(default_factory=dict)
    """Which networks came on each day, where one file stands for several."""
    empty: frozenset[int] = frozenset()
    """Days that were declared empty, and are."""

    def counted(self) -> list[int]:
        """Return the days whose cycle makes findings gone."""
        rows = collections.Counter[int]()
        for file in self.files:
            rows[file.on] += len(set(file.addresses))  # findings: what comes twice in a report is one
        counted: list[int] = []
        partial: list[int] = []
        small: set[int] = set()
        for on in sorted({file.on for file in self.files} | self.empty):
            showing = list(itertools.dropwhile(lambda one: not rows[one] and one not in small, counted))
            usual = statistics.median([rows[one] for one in showing[-7:]]) if showing else None
            usual = max((rows[one] for one in partial), default=None) if usual is None else usual
            decision = self.decisions.get(on, Decision.CONFIRMED if on in self.empty else Decision.NONE)
            if usual is not None and rows[on] < usual / 2:
                small.add(on)
            held = on in small or self.lacks(on, counted)
            is_held = held and decision is not Decision.CONFIRMED
            if on in self.open_days or is_held or decision is Decision.DISCARDED:
                partial.append(on)
                continue
            counted.append(on)
        return counted

    def lacks(self, on: int, counted: list[int]) -> bool:
        """Tell whether a network did not come that came on each of the last four counted days (of two or three)."""
        came = {
            one: self.names.get(one) or {file.network for file in self.files if file.on == one}
            for one in (*counted, on)
        }
        return len(counted) > 1 and bool(set.intersection(*(came[one] for one in counted[-4:])) - came[on])

    def lives(self) -> dict[int, list[int]]:
        """Return the days on which each address was seen, once for each row."""
        found = collections.defaultdict[int, list[int]](list)
        for file in self.files:
            for address in file.addresses:
                found[address].append(file.on)
        return {address: sorted(days) for address, days in found.items()}

    def gone_between(self, before: int, after: int | None) -> int | None:
        """Return the day on which a finding last seen `before` is gone, if that is before it is seen again."""
        missed = [on for on in self.counted() if on > before and (after is None or on < after)]
        return missed[self.gone_after - 1] if len(missed) >= self.gone_after else None

    def findings(self) -> dict[int, dict[str, Any]]:
        """Return what must be known of each address."""
        return {address: self._finding(days) for address, days in self.lives().items()}

    def _finding(self, rows: list[int]) -> dict[str, Any]:
        days = sorted(set(rows))
        labels = [self._label(days, at) for at in range(len(days))]
        return {
            "count": len(rows),
            "cycles": len(days),
            "first": days[0],
            "last_cycle": days[-1],
            "label": labels[-1],
            "returns": labels.count(Label.RETURNED),
            "opened_on": next(
                on for on, label in reversed(list(zip(days, labels, strict=True))) if label != Label.STILL
            ),
            "recent": sum(1 << days[-1] - on for on in days),
            "gone": self.gone_between(days[-1], None) is not None,
        }

    def _label(self, days: list[int], at: int) -> Label:
        if at == 0:
            return Label.NEW
        return Label.STILL if self.gone_between(days[at - 1], days[at]) is None else Label.RETURNED

    def movements(self) -> dict[tuple[int, Label], int]:
        """Return how many findings were what on each day."""
        moved = collections.Counter[tuple[int, Label]]()
        for rows in self.lives().values():
            days = sorted(set(rows))
            for at, on in enumerate(days):
                moved[on, self._label(days, at)] += 1
                gone = self.gone_between(on, days[at + 1] if at + 1 < len(days) else None)
                if gone is not None:
                    moved[gone, Label.GONE] += 1
        return dict(moved)


def findings_of(bench: Bench) -> dict[int, dict[str, Any]]:
    """Return what the engine knows, in the words of the model."""
    states = {}
    if bench.manifest.states:
        page = bench.findings().stream(_everything())
        states = {(one.k1, one.k2): one.state for one in page}
    return {
        int(row["ip_low"]) & 0xFF: {
            "count": row["count"],
            "cycles": row["cycles"],
            "first": (row["first_seen"].date() - day(0)).days,
            "last_cycle": (row["last_cycle"] - day(0)).days,
            "label": Label(row["label"]),
            "returns": row["returns"],
            "opened_on": (row["opened_on"] - day(0)).days,
            "recent": row["recent"],
            "gone": states[row["k1"], row["k2"]] == "gone",
        }
        for row in bench.state(KIND)
    }


def _everything() -> Any:
    from tocsin.engine.query import Filter

    return Filter()


def movements_of(bench: Bench) -> dict[tuple[int, Label], int]:
    moved = collections.Counter[tuple[int, Label]]()
    for row in bench.manifest.movements.get(KIND, []):
        moved[(row["on"] - day(0)).days, Label(row["label"])] += row["findings_sum"]
    return {key: count for key, count in moved.items() if count}


def check(bench: Bench, model: Model) -> None:
    assert findings_of(bench) == model.findings()
    assert movements_of(bench) == model.movements()
    judged = {(one.cycle.on - day(0)).days: one.counts for one in bench.manifest.judged(KIND)}
    assert [on for on, counts in sorted(judged.items()) if counts] == model.counted()


class Story:
    """A store, and the files that were written for it."""

    def __init__(self, folder: Path, gone_after: int) -> None:
        self.folder, self.gone_after = folder, gone_after
        self.bench = Bench(folder / "store", CLAIMS)

    def deliver(self, *files: File, complete: bool = True) -> None:
        paths = [file.write(self.folder) for file in files]
        self.bench.run(paths, gone_after=self.gone_after, complete=complete)

    def decide(self, on: int, decision: Decision) -> None:
        said = [Said(KIND, day(on), What(decision.value), by=None)] if decision else []
        self.bench.refold([KIND], said=said, gone_after=self.gone_after)

    def withdraw(self, file: File) -> None:
        wanted = [r for r in self.bench.manifest.reports(KIND) if r.name == file.name]
        self.bench.refold([KIND], withdrawn=wanted, gone_after=self.gone_after)


def story(folder: Path, *deliveries: tuple[File, ...], gone_after: int = 1) -> Story:
    told = Story(folder, gone_after)
    for files in deliveries:
        told.deliver(*files)
    return told


def test_a_finding_is_new_then_still_then_gone_then_returned(tmp_path: Path) -> None:
    days = [(1, 2), (1, 2), (2, 3), (2, 3), (1, 2)]
    files = [File(on, 0, addresses) for on, addresses in enumerate(days)]
    told = story(tmp_path, *((file,) for file in files), gone_after=2)
    found = findings_of(told.bench)
    assert [found[1][word] for word in ("label", "returns", "opened_on", "recent", "count")] == [
        Label.RETURNED, 1, 4, 0b11001, 3,
    ]  # fmt: skip
    assert movements_of(told.bench) == {
        (0, Label.NEW): 2, (1, Label.STILL): 2, (2, Label.STILL): 1, (2, Label.NEW): 1, (3, Label.STILL): 2,
        (3, Label.GONE): 1, (4, Label.STILL): 1, (4, Label.RETURNED): 1,
    }  # fmt: skip
    check(told.bench, Model(files, frozenset(), {}, 2))


@st.composite
def files(draw: st.DrawFn) -> list[File]:
    """Reports of up to eight days and two networks, some in two parts, some days without any, some reports with nothing
    in them."""
    made = []
    networks = st.sampled_from([("",), ("",), ("", "-asn"), ("-asn",)])
    for on in draw(st.sets(st.integers(0, DAYS - 1), min_size=1)):
        for at, network in enumerate(of_day := draw(networks)):
            parts = draw(st.integers(1, 2))
            least = min(1, parts + len(of_day) - 2)  # of several, none is empty: they would be one, delivered twice
            for part in range(parts):
                seen = draw(st.lists(st.integers(1, 6), min_size=least, max_size=7))
                made.append(File(on, part, tuple(seen), hour=6 + at, network=network))
    return made


def groups(order: list[File], cuts: list[bool]) -> Iterator[list[File]]:
    """Cut a list where `cuts` say so."""
    group: list[File] = []
    for file, cut in zip(order, cuts, strict=False):
        group.append(file)
        if cut:
            yield group
            group = []
    if group:
        yield group


@st.composite
def arrivals(draw: st.DrawFn, reports: list[File]) -> list[list[File]]:
    order = draw(st.permutations(reports))
    return list(groups(list(order), draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))))


LAW = settings(max_examples=settings.default.max_examples // 4, suppress_health_check=list(HealthCheck))


@given(files(), st.integers(1, 4), st.data())
@LAW
def test_the_state_is_that_of_the_model_whatever_the_order_and_grouping(
    reports: list[File], gone_after: int, data: st.DataObject
) -> None:
    digests = set()
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            told = story(Path(folder), *map(tuple, data.draw(arrivals(reports))), gone_after=gone_after)
            check(told.bench, Model(reports, frozenset(), {}, gone_after))
            digests.add(state_digest(told.bench))
            assert told.bench.debris() == set()
    assert len(digests) == 1


@given(files(), st.integers(1, 3), st.data())
@LAW
def test_decisions_corrections_and_withdrawals_leave_what_the_model_says_of_the_rest(
    reports: list[File], gone_after: int, data: st.DataObject
) -> None:
    days = sorted({file.on for file in reports})
    partial = frozenset(data.draw(st.sets(st.sampled_from(days)))) if data.draw(st.booleans()) else frozenset()
    decisions = data.draw(st.dictionaries(st.sampled_from(days), st.sampled_from(Decision)))
    corrected = data.draw(st.sets(st.sampled_from(reports)))
    withdrawn = data.draw(st.sets(st.sampled_from(reports)))
    withdrawn = {file for file in withdrawn if sum(other.on == file.on for other in reports) > 1}
    withdrawn = set(list(withdrawn)[:1])
    with tempfile.TemporaryDirectory() as folder:
        told = Story(Path(folder), gone_after)
        before = {file: dataclasses.replace(file, addresses=(*file.addresses, 7), hour=5) for file in corrected}
        steps: list[Any] = [
            *(before.get(file, file) for file in reports),
            *((on, decision) for on, decision in decisions.items()),
        ]
        for step in data.draw(st.permutations(steps)):
            if isinstance(step, File):
                told.deliver(step, complete=step.on not in partial)
            elif (KIND, day(step[0])) in told.bench.manifest.by_day:
                told.decide(step[0], step[1])
        for file in data.draw(st.permutations(sorted(corrected, key=repr))):
            told.deliver(file, complete=file.on not in partial)
        for file in withdrawn:
            told.withdraw(file)
        for on, decision in decisions.items():  # last: each is about what is here then
            told.decide(on, decision)
        counting = [before.get(file) if file in withdrawn else file for file in reports]
        check(told.bench, Model(list(filter(None, counting)), partial, decisions, gone_after))
        assert told.bench.debris() == set()


VERSIONS = st.sampled_from([(1, 2, 3), (2, 3, 4), (4, 5), (1, 6, 7, 8), (3,)])


@given(st.lists(st.none() | VERSIONS, max_size=9), st.lists(st.none() | VERSIONS, max_size=4), st.data())
@LAW
def test_what_a_withdrawn_correction_had_replaced_counts_again(
    first: list[tuple[int, ...] | None], second: list[tuple[int, ...] | None], data: st.DataObject
) -> None:
    """None withdraws what counts of a name; two names of one day, each with its line of corrections."""
    steps = [(0, one) for one in first] + [(1, (*one, 9) if one else None) for one in second]
    lines: tuple[list[File], list[File]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        before = File(0, 0, (1, 2, 9), network="-first")
        told = story(Path(folder), (before,), gone_after=1)
        for part, addresses in data.draw(st.permutations(steps)):
            line = lines[part]
            if addresses is not None:
                file = File(1, part, addresses)
                told.deliver(file)
                line[:] = [other for other in line if other != file] + [file]
            elif line:
                told.withdraw(line.pop())
        counting = [line[-1] for line in lines if line]
        check(told.bench, Model([before, *counting], frozenset(), {}, 1))
        assert {r.name for r in told.bench.manifest.reports(KIND)} == {before.name, *(file.name for file in counting)}
        assert told.bench.debris() == set()


def test_a_change_of_gone_after_applies_to_all_that_is_known(tmp_path: Path) -> None:
    days = [(1, 2), (2,), (2,), (1, 2), (2,)]
    reports = [File(on, 0, addresses) for on, addresses in enumerate(days)]
    told = story(tmp_path, *((file,) for file in reports[:-1]), gone_after=1)
    told.gone_after = 3
    told.deliver(reports[-1])
    check(told.bench, Model(reports, frozenset(), {}, 3))


def test_a_cycle_with_less_than_half_of_the_usual_makes_nothing_gone_until_confirmed(tmp_path: Path) -> None:
    reports = [File(0, 0, (1, 2, 3, 4, 5)), File(1, 0, (1, 2))]
    told = story(tmp_path, *((file,) for file in reports))
    assert [finding["gone"] for finding in findings_of(told.bench).values()] == [False] * 5
    told.decide(1, Decision.CONFIRMED)
    assert sum(finding["gone"] for finding in findings_of(told.bench).values()) == 3
    told.decide(1, Decision.DISCARDED)
    assert sum(finding["gone"] for finding in findings_of(told.bench).values()) == 0
    assert findings_of(told.bench)[1]["cycles"] == 2


@pytest.mark.parametrize("decision", [Decision.CONFIRMED, Decision.DISCARDED])
def test_a_decision_is_about_the_reports_that_were_here(tmp_path: Path, decision: Decision) -> None:
    first, half, none = File(0, 0, (1, 2, 3, 4, 5)), File(1, 0, (1, 2)), File(1, 0, (1,))
    told = story(tmp_path, (first,), (half,))
    told.decide(1, decision)
    told.deliver(half)  # it is here already
    assert told.bench.manifest.judged(KIND)[-1].cycle.decision is decision

    told.deliver(none)

    latest = told.bench.manifest.judged(KIND)[-1]
    assert (latest.cycle.decision, latest.held) == (Decision.NONE, True)
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())
    told.deliver(File(1, 0, (1, 2, 3)))
    assert sorted(number for number, finding in findings_of(told.bench).items() if finding["gone"]) == [4, 5]


def test_a_decision_lapses_when_a_list_of_its_day_comes_and_stands_again_when_that_is_withdrawn(tmp_path: Path) -> None:
    late = File(2, 0, (4, 5), 7, "-asn")
    told = story(tmp_path, *((File(on, 0, (1, 2, 3)), File(on, 0, (4, 5), 7, "-asn")) for on in range(2)))
    told.deliver(File(2, 0, (1, 2, 3)))
    told.decide(2, Decision.CONFIRMED)
    told.deliver(late)
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())

    told.withdraw(late)

    assert told.bench.manifest.judged(KIND)[-1].counts
    assert sorted(number for number, finding in findings_of(told.bench).items() if finding["gone"]) == [4, 5]


def test_a_list_that_does_not_arrive_makes_nothing_gone(tmp_path: Path) -> None:
    told = story(tmp_path, *((File(on, 0, (1, 2, 3)), File(on, 0, (4, 5), 7, "-asn")) for on in range(3)))
    for on in range(3, 6):
        told.deliver(File(on, 0, (1, 2, 3)))
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())
    (*_, latest) = told.bench.manifest.judged(KIND)
    assert latest.doubts == (Doubt(Why.MISSING, ("scan_rdp-xm-geo-asn.csv",)),)


def test_a_list_that_comes_late_ends_the_wait_for_it(tmp_path: Path) -> None:
    files = [File(on, 0, (1, 2, 3) if on < 3 else (1, 2)) for on in range(4)]
    files += [File(on, 0, (4, 5), 7, "-asn") for on in range(4)]
    told = story(tmp_path, tuple(files[:-1]))
    assert [one.held for one in told.bench.manifest.judged(KIND)] == [False, False, False, True]
    told.deliver(files[-1])
    assert [number for number, finding in findings_of(told.bench).items() if finding["gone"]] == [3]
    check(told.bench, Model(files, frozenset(), {}, 1))


def test_a_list_whose_absence_was_confirmed_is_expected_no_longer(tmp_path: Path) -> None:
    told = story(tmp_path, *((File(on, 0, (1, 2, 3)), File(on, 0, (4, 5), 7, "-asn")) for on in range(3)))
    for on in range(3, 6):
        told.deliver(File(on, 0, (1, 2, 3)))
    told.decide(3, Decision.CONFIRMED)
    assert [one.counts for one in told.bench.manifest.judged(KIND)] == [True] * 6
    assert sorted(number for number, finding in findings_of(told.bench).items() if finding["gone"]) == [4, 5]


def test_a_day_that_was_discarded_for_want_of_a_list_leaves_it_expected(tmp_path: Path) -> None:
    told = story(tmp_path, *((File(on, 0, (1, 2, 3)), File(on, 0, (4, 5), 7, "-asn")) for on in range(3)))
    told.deliver(File(3, 0, (1, 2, 3)))
    told.decide(3, Decision.DISCARDED)
    told.deliver(File(4, 0, (1, 2, 3)))
    assert [one.held for one in told.bench.manifest.judged(KIND)][3:] == [False, True]
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())


def test_a_drop_may_be_accepted_in_advance(tmp_path: Path) -> None:
    told = story(tmp_path, (File(0, 0, (1, 2, 3, 4)),))
    told.bench.run([File(1, 0, ()).write(tmp_path)], accept_drop=True)
    assert all(finding["gone"] for finding in findings_of(told.bench).values())


def test_a_report_of_nothing_but_a_header_is_held(tmp_path: Path) -> None:
    told = story(tmp_path, (File(0, 0, (1, 2)),), (File(1, 0, ()),))
    (_, empty) = told.bench.manifest.judged(KIND)
    assert (empty.held, empty.counts, empty.cycle.rows) == (True, False, 0)
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())


def test_a_report_whose_rows_cannot_be_read_makes_nothing_gone(tmp_path: Path) -> None:
    told = story(tmp_path, (File(0, 0, (1, 2, 3, 4)),))
    unreadable = File(1, 0, (1, 2, 3, 4)).write(tmp_path)
    unreadable.write_bytes(unreadable.read_bytes().replace(b"192.0.2.", b"192.0.2.x"))
    delta = told.bench.run([unreadable])
    assert [(one.records, one.kept) for one in delta.accepted] == [(4, 0)]
    assert [one.held for one in told.bench.manifest.judged(KIND)] == [False, True]
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())


def test_a_silent_type_loses_no_finding(tmp_path: Path) -> None:
    told = story(tmp_path, (File(0, 0, (1, 2)),))
    other = tmp_path / name_of("scan_http", day(5))
    other.write_bytes(as_csv([seen("192.0.2.1", day(5))]))
    told.bench.run([other])
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())


def test_a_broken_file_keeps_its_cycle_open_until_it_is_delivered_whole(tmp_path: Path) -> None:
    reports = [File(0, 0, (1, 2, 3, 4)), File(1, 0, (1, 2, 3)), File(1, 1, (4,))]
    told = story(tmp_path, (reports[0],))
    broken = reports[2].write(tmp_path)
    whole = broken.read_bytes()
    broken.write_bytes(b"")
    delta = told.bench.run([reports[1].write(tmp_path), broken])
    assert [one.name for one in delta.broken] == [reports[2].name]
    assert not any(finding["gone"] for finding in findings_of(told.bench).values())
    assert [one.counts for one in told.bench.manifest.judged(KIND)] == [True, False]
    broken.write_bytes(whole)
    told.bench.run([broken])
    check(told.bench, Model(reports, frozenset(), {}, 1))


def test_a_damaged_copy_of_a_report_that_counts_takes_nothing_from_it(tmp_path: Path) -> None:
    reports = [File(0, 0, (1, 2, 3, 4)), File(1, 0, (1, 2, 3))]
    told = story(tmp_path, (reports[0],), (reports[1],))
    damaged = reports[1].write(tmp_path)
    damaged.write_bytes(b"")
    delta = told.bench.run([damaged])
    assert [one.name for one in delta.broken] == [reports[1].name]
    assert [one.counts for one in told.bench.manifest.judged(KIND)] == [True, True]
    check(told.bench, Model(reports, frozenset(), {}, 1))


def test_a_withdrawn_day_is_as_if_it_had_never_come(tmp_path: Path) -> None:
    reports = [File(0, 0, (1, 2, 3)), File(1, 0, (2, 3)), File(2, 0, (1, 2, 3))]
    told = Story(tmp_path, 1)
    for file in reports:
        told.bench.run([file.write(tmp_path)], accept_drop=True)
    told.withdraw(reports[1])
    (tmp_path / "never").mkdir()
    never = story(tmp_path / "never", (reports[0],), (reports[2],))
    assert findings_of(told.bench) == findings_of(never.bench)
    assert movements_of(told.bench) == movements_of(never.bench)


def test_withdrawing_the_only_report_leaves_nothing(tmp_path: Path) -> None:
    told = story(tmp_path, (File(0, 0, (1, 2)),))
    told.withdraw(File(0, 0, (1, 2)))
    assert told.bench.manifest.states == {}
    assert movements_of(told.bench) == {}
    assert told.bench.debris() == set()
    told.deliver(File(0, 0, (1, 2)))
    check(told.bench, Model([File(0, 0, (1, 2))], frozenset(), {}, 1))


@pytest.mark.parametrize("partitions", [1, 4, 32])
def test_many_partitions_say_the_same_as_one(partitions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [File(on, 0, tuple(range(on, 200 - 11 * on))) for on in range(4)]
    for name in ("one", "many"):
        (tmp_path / name).mkdir()
    one = story(tmp_path / "one", *((file,) for file in reports))
    many = Story(tmp_path / "many", 1)
    for number, file in enumerate(reports):
        # It grows while findings are there already: partitions are split, never joined.
        monkeypatch.setattr(partitions_of_types, "ROWS_PER_PARTITION", 200 // partitions if number else 1_000_000)
        many.deliver(file)
    monkeypatch.setattr(partitions_of_types, "ROWS_PER_PARTITION", 5)
    many.deliver(reports[0])
    assert len(many.bench.manifest.states[KIND].partitions) >= partitions // 4
    assert state_digest(many.bench) == state_digest(one.bench)
    assert many.bench.debris() == set()


def test_clocks_that_are_wrong_do_not_make_order_matter(tmp_path: Path) -> None:
    """Rows whose time lies on another day than their report's: the claim of that day holds, whatever comes first."""
    rows = {0: [seen("192.0.2.2", day(6))], 1: [seen("192.0.2.2", day(1))], 2: [seen("192.0.2.2", dt.date(2020, 1, 1))]}
    paths = []
    for on, made in rows.items():
        paths.append(tmp_path / name_of(KIND, day(on)))
        paths[-1].write_bytes(as_csv(made))
    digests = set()
    for name, order in (("forth", paths), ("back", paths[::-1])):
        bench = Bench(tmp_path / name, CLAIMS)
        for path in order:
            bench.run([path])
        digests.add(state_digest(bench))
    together = Bench(tmp_path / "together", CLAIMS)
    together.run(paths)
    assert digests == {state_digest(together)}
