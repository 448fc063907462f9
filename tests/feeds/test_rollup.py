"""The second roll-up equals the sums of what it is made from, and of the observations, whatever was done before."""

from __future__ import annotations

import importlib
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.chance import seeds
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in
from tests.feeds.reports import day, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent
from tocsin.feeds import intake, reattribution, rollup
from tocsin.feeds.models import ConstituentMovement, Movement, Report, Run, TypeMovement
from tocsin.feeds.rollup import WORDS
from tocsin.kernel.refusals import Conflict

BY_TYPE = ("type__name", "on", "category", "severity")
BY_CONSTITUENT = ("constituent", "on")
KINDS = ("scan_rdp", "scan_ssh", "compromised_website")


def sums(model: Any, by: tuple[str, ...]) -> Counter[tuple[Any, ...]]:
    """Return what a table says, added up here: (…values of `by`, word) → findings."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in model.objects.values_list(*by, *WORDS):
        key, counts = row[: len(by)], row[len(by) :]
        found.update({(*key, word): count for word, count in zip(WORDS, counts, strict=True) if count})
    return found


def seen_in_the_files(root: Path) -> Counter[tuple[Any, ...]]:
    """Return how many findings each day saw of whom, from accepted observations: the latest row decides."""
    latest: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for report in Report.objects.filter(state="accepted").select_related("type"):
        for part in report.parts:
            columns = ["k1", "k2", "time", "line", "constituent", "class", "severity"]
            for row in pq.read_table(root / part, columns=columns).to_pylist():
                key = (report.type.name, report.on, row["k1"], row["k2"])
                order = (row["time"], int(report.digest[:16], 16), row["line"])
                meaning = (row["constituent"] or "", row["class"], row["severity"])
                latest[key] = max(latest.get(key, (order, meaning)), (order, meaning))
    return Counter((kind, on, *meaning) for (kind, on, _k1, _k2), (_order, meaning) in latest.items())


def check_sums() -> None:
    """Compare the second roll-up with the first."""
    assert sums(TypeMovement, BY_TYPE) == sums(Movement, BY_TYPE)
    assert sums(ConstituentMovement, BY_CONSTITUENT) == sums(Movement, BY_CONSTITUENT)
    assert TypeMovement.objects.count() == TypeMovement.objects.values_list(*BY_TYPE).distinct().count()
    assert (
        ConstituentMovement.objects.count()
        == ConstituentMovement.objects.values_list("constituent", "on").distinct().count()
    )


def check(root: Path) -> None:
    """Compare the second roll-up with the first, and with the observations."""
    check_sums()
    kinds: Counter[tuple[Any, ...]] = Counter()
    holders: Counter[tuple[Any, ...]] = Counter()
    for (kind, on, constituent, category, severity), count in seen_in_the_files(root).items():
        kinds[kind, on, category, severity] += count
        holders[constituent, on] += count
    assert _seen(sums(TypeMovement, BY_TYPE)) == kinds
    assert _seen(sums(ConstituentMovement, BY_CONSTITUENT)) == holders


def _seen(counted: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for (*key, word), count in counted.items():
        if word != "gone":
            found[tuple(key)] += count
    return found


class Country:
    """Does what people and publishers do to a store, in any order."""

    def __init__(self, store: Store, folder: Path, seed: int) -> None:
        self.store, self.folder, self.chance = store, folder, random.Random(seed)
        self._files = 0
        self._nets: Iterator[int] = iter(range(0, 128, 16))

    def do_anything(self) -> None:
        """Do one of all these things."""
        what = [self.several, self.one, self.one, self.correct, self.withdraw, self.replay, self.decide]
        self.chance.choice(what)()

    def _report(self, on: int, kind: str, part: str = "") -> Path:
        hosts = self.chance.sample(range(1, 130), self.chance.randint(0, 12))
        self._files += 1
        severity = self.chance.choice(("low", "medium", "high"))
        return write(self.folder / f"{self._files}", on, hosts, kind=kind, part=part, severity=severity)

    def one(self) -> None:
        """Take in one report; its day may be earlier than others."""
        on, kind = self.chance.randint(0, 6), self.chance.choice(KINDS)
        self.store.run(self._report(on, kind, self.chance.choice(("", "-b"))), accept_drop=self.chance.random() < 0.5)

    def several(self) -> None:
        """Take in reports of several days and types at once."""
        days = self.chance.sample(range(7), 3)
        self.store.run(*(self._report(on, kind) for on in days for kind in KINDS[:2]))

    def correct(self) -> None:
        """Take in another report under the name of one that is here."""
        report = self.chance.choice(list(Report.objects.select_related("type")) or [None])
        if report is not None:
            self.store.run(self._report((report.on - day(0)).days, report.type.name))

    def withdraw(self) -> None:
        """Withdraw a run."""
        runs = [run.pk for run in Run.objects.filter(reports__state="accepted").distinct()]
        if runs:
            self.store.withdraw(self.chance.choice(runs))

    def replay(self) -> None:
        """Read a run again: its rows may belong to others by now."""
        runs = list(Run.objects.filter(reports__state="accepted").distinct())
        if runs:
            intake.replay(self.chance.choice(runs), by=COMMAND_LINE, at=AT, wait_s=0)

    def decide(self) -> None:
        """Discard a cycle, or confirm it."""
        said = self.chance.choice(("confirmed", "discarded"))
        try:
            intake.decide(self.chance.choice(KINDS), day(self.chance.randint(0, 6)), decision=said,
                          by=COMMAND_LINE, at=AT)  # fmt: skip
        except Conflict:
            return  # no report of that day has arrived

    def claim(self) -> None:
        """Give a network to somebody else, and open findings with it."""
        first = next(self._nets, None)
        if first is None:
            return
        bank = Constituent.objects.get(public_id=self.chance.choice(("bank", "moh")))
        directory.add_claim(bank, kind=ClaimKind.NETWORK, value=f"192.0.2.{first}/28", by=COMMAND_LINE, at=AT)
        reattribution.bring_up_to_date(by=COMMAND_LINE, wait_s=0)


def test_an_import_sums_what_it_counted(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [1, 2, 70, 200]), write(tmp_path, 0, [3], kind="scan_ssh"))
    store.run(write(tmp_path, 1, [1, 71, 72]))
    found = ConstituentMovement.objects.order_by("on", "constituent").values_list("on", "constituent", *WORDS)
    assert list(found) == [
        (day(0), "", 1, 0, 0, 0), (day(0), "bank", 1, 0, 0, 0), (day(0), "moh", 3, 0, 0, 0),
        (day(1), "", 0, 0, 0, 1), (day(1), "bank", 2, 0, 0, 1), (day(1), "moh", 0, 1, 0, 1),
    ]  # fmt: skip
    kinds = TypeMovement.objects.order_by("on", "type__name").values_list("on", "type__name", "category", *WORDS)
    assert list(kinds) == [
        (day(0), "scan_rdp", "vulnerable-system", 4, 0, 0, 0), (day(0), "scan_ssh", "other", 1, 0, 0, 0),
        (day(1), "scan_rdp", "vulnerable-system", 2, 1, 0, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", seeds(6))
def test_whatever_was_done_the_second_roll_up_is_the_sum(store: Store, tmp_path: Path, seed: int) -> None:
    country = Country(store, tmp_path / "in", seed)
    country.several()
    for _step in range(9):
        country.do_anything()
        check(store.root)
    country.several()
    check(store.root)
    assert_made_anew_it_is_the_same()


@pytest.mark.parametrize("seed", seeds(4))
def test_so_it_is_when_open_findings_change_hands(store: Store, tmp_path: Path, seed: int) -> None:
    """Who held a finding on a day stays as it was when the day was counted, so that rows alone do not tell it."""
    country = Country(store, tmp_path / "in", seed)
    country.several()
    for _step in range(5):
        country.claim()
        country.do_anything()
        check_sums()
    country.several()
    assert_made_anew_it_is_the_same()


def assert_made_anew_it_is_the_same() -> None:
    kinds, holders = sums(TypeMovement, BY_TYPE), sums(ConstituentMovement, BY_CONSTITUENT)
    assert kinds and holders
    rollup.rebuild()
    assert (sums(TypeMovement, BY_TYPE), sums(ConstituentMovement, BY_CONSTITUENT)) == (kinds, holders)


def test_the_order_of_reports_does_not_matter(store: Store, tmp_path: Path) -> None:
    chance = random.Random(5)
    reports = [write(tmp_path, on, chance.sample(range(1, 130), 9), kind=kind) for on in range(5) for kind in KINDS]
    store.run(*reports)
    at_once = sums(TypeMovement, BY_TYPE), sums(ConstituentMovement, BY_CONSTITUENT)
    store.withdraw(Run.objects.get().pk)
    assert not TypeMovement.objects.exists() and not ConstituentMovement.objects.exists()
    chance.shuffle(reports)
    for report in reports:
        store.run(report)
    assert (sums(TypeMovement, BY_TYPE), sums(ConstituentMovement, BY_CONSTITUENT)) == at_once


def test_days_on_which_nothing_changes_are_left_alone(store: Store, tmp_path: Path) -> None:
    """A correction folds a whole type anew; only the days that differ are written."""
    for number in range(4):
        store.run(write(tmp_path / f"{number}", number, [1, 70]))
    before = {row.on: row.pk for row in Movement.objects.filter(constituent="moh")}
    sums_before = {row.on: row.pk for row in TypeMovement.objects.all()}
    store.run(write(tmp_path / "again", 2, [1, 70, 71]))
    after = {row.on: row.pk for row in Movement.objects.filter(constituent="moh")}
    sums_after = {row.on: row.pk for row in TypeMovement.objects.all()}
    assert {on for on in after if after[on] != before[on]} == {day(2), day(3)}, "the third day, and 71 gone on the next"
    assert {on for on in sums_after if sums_after[on] != sums_before[on]} == {day(2), day(3)}
    check(store.root)


def test_more_days_than_fit_into_one_statement_are_summed(store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(rollup, "_DAYS_AT_ONCE", 2)
    store.run(*(write(tmp_path, number, [number + 1, 70]) for number in range(5)))
    check(store.root)
    assert TypeMovement.objects.values("on").distinct().count() == 5


def test_an_instance_of_before_gets_its_sums_with_the_upgrade(week: Store) -> None:
    TypeMovement.objects.all().delete()
    ConstituentMovement.objects.filter(on=day(1)).delete()  # an upgrade that was cut short and begins again
    step = importlib.import_module("tocsin.feeds.migrations.0004_fill_second_rollup")
    step.fill(apps, None)
    check(week.root)


def test_the_situation_never_reads_the_fine_roll_up(week: Store, cast: Cast) -> None:
    with CaptureQueriesContext(connection) as asked:
        page = signed_in(cast.analyst).get("/").content.decode()
    read = " ".join(query["sql"] for query in asked.captured_queries)
    assert "feeds_typemovement" in read and "feeds_constituentmovement" in read
    assert '"feeds_movement"' not in read
    assert page


def test_the_day_before_stands_in_the_situation_by_class_and_by_constituent(week: Store) -> None:
    from tocsin.feeds import queries_situation

    found = queries_situation.day_before()
    assert {name: (each.still, each.gone) for name, each in found.by_constituent.items()} == {
        "moh": (4, 0), "bank": (1, 0), "": (1, 0),
    }  # fmt: skip
    assert {name: each.still for name, each in found.by_class.items()} == {"vulnerable-system": 6}


def test_types_whose_latest_days_differ_have_each_its_own_day_before(week: Store, tmp_path: Path) -> None:
    from tocsin.feeds import queries_situation

    week.run(write(tmp_path / "a", 1, [1, 2, 70], kind="scan_ssh"), write(tmp_path / "b", 2, [70], kind="scan_ssh"))
    found = queries_situation.day_before()
    assert {name: (each.new, each.still) for name, each in found.by_constituent.items()} == {
        "moh": (2, 4), "bank": (1, 1), "": (0, 1),
    }, "the third day of one type, the first of the other"  # fmt: skip
    assert {name: (each.new, each.still) for name, each in found.by_class.items()} == {
        "vulnerable-system": (0, 6), "other": (3, 0),
    }  # fmt: skip
