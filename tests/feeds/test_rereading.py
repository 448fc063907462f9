"""A replay changes how content is read, not the order in which it came, nor what was said of its day."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.chance import seeds
from tests.engine import reports as engine_reports
from tests.engine.test_life import File
from tests.engine.test_said import Log, Told
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in
from tests.feeds.reports import day, write
from tests.feeds.test_corrections import hosts_of
from tests.feeds.test_replay import describe, replay
from tests.feeds.test_sayings import damaged, gone, some_files, waiting
from tests.feeds.verbs import run as verb
from tocsin.audit.actors import COMMAND_LINE
from tocsin.engine.cycles import Decision
from tocsin.engine.lost import LostFile
from tocsin.engine.said import digest_of
from tocsin.feeds import deciding, intake
from tocsin.feeds.models import Cycle, Delivery, Report, Run, Saying
from tocsin.kernel.refusals import Conflict

KIND = "lamp_post"


def lamp_posts(store: Store, folder: Path, number: int, *hosts: int, part: str = "") -> int:
    """Import a report of a type that a mapping file may name otherwise; return its run."""
    paths = [write(folder / "-".join(map(str, hosts)), number, hosts, kind=KIND, part=part)]
    return int(store.run(*paths)["run"])


def test_a_correction_stays_one_when_what_it_corrected_is_read_again(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lamp_posts(store, tmp_path, 0, 1, 2, 3)
    describe(store, "lamps")
    lamp_posts(store, tmp_path, 0, *range(1, 9))

    assert verb("replay", "1") == 0

    name = "2026-11-16-lamp_post-xm-geo.csv"
    assert capsys.readouterr().out.endswith(
        f"{name} was read again and does not count: what came later under its name does.\n"
    )
    assert hosts_of(store) == list(range(1, 9))
    assert store.files() == store.named()
    assert list(Report.objects.order_by("run", "pk").values_list("type__name", "state", "run")) == [
        ("lamp_post", "superseded", 1), ("lamps", "replaced", 1), ("lamps", "accepted", 2),
    ]  # fmt: skip
    store.withdraw(2)
    assert hosts_of(store) == [1, 2, 3]
    assert store.files() == store.named()


def test_what_a_correction_replaced_is_read_again_with_it(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, 1, 2, 3)
    lamp_posts(store, tmp_path, 0, *range(1, 9))
    describe(store, "lamps")
    replay(2)
    last = lamp_posts(store, tmp_path, 0, 20, 21)
    assert hosts_of(store) == [20, 21]

    store.withdraw(2)

    assert hosts_of(store) == [20, 21], "as if run 2 had never been"
    with pytest.raises(Conflict, match="run 1 has no report that counts"):
        replay(1)
    store.withdraw(last)
    assert (hosts_of(store), set(Cycle.objects.values_list("type__name", flat=True))) == ([1, 2, 3], {"lamps"})
    assert store.files() == store.named()


def test_a_replay_that_brings_the_later_report_says_whose_place_it_takes(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(store, "lamps")
    lamp_posts(store, tmp_path, 0, 1, 2, 3)
    describe(store, "beacon")
    lamp_posts(store, tmp_path, 0, *range(1, 9))
    describe(store, "lamps")
    assert verb("replay", "2") == 0
    assert "xm-geo.csv takes the place of the report imported in run 1.\n" in capsys.readouterr().out
    assert (hosts_of(store), Report.objects.get(state="accepted").run_id) == (list(range(1, 9)), 2)


def test_what_came_before_and_after_the_mapping_was_delivered_twice(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, *range(1, 9))
    describe(store, "lamps")
    again = lamp_posts(store, tmp_path, 0, *range(1, 9))
    replay(1)
    assert hosts_of(store) == list(range(1, 9))
    store.withdraw(again)
    assert hosts_of(store) == list(range(1, 9)), "as if it had been imported once"
    assert replay(1)["rows_kept"] == 8
    store.withdraw(1)
    assert hosts_of(store) == []
    assert set(Run.objects.filter(pk__in=(1, again)).values_list("state", flat=True)) == {"withdrawn"}


def test_a_replay_says_what_was_here_already(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lamp_posts(store, tmp_path, 0, 1, 2)
    describe(store, "lamps")
    lamp_posts(store, tmp_path, 0, 1, 2)
    name = "2026-11-16-lamp_post-xm-geo.csv"
    said = f"{name} was read again as what was here already: from now on it counts once.\n"
    assert (verb("replay", "1"), capsys.readouterr().out) == (0, said)
    assert len(store.states()) == 2


def test_a_day_lacks_what_it_lacked_when_it_is_of_another_type(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, *range(1, 9))
    store.run(write(tmp_path, 1, range(1, 6), kind=KIND), damaged(tmp_path / "bad", 1, "-b", KIND))
    describe(store, "lamps")
    for number in (1, 2):
        replay(number)
        assert (gone(store), waiting()) == ([], {1: ["2026-11-17-lamp_post-xm-geo-b.csv"]})
    assert set(Cycle.objects.values_list("type__name", flat=True)) == {"lamps"}

    lamp_posts(store, tmp_path, 1, 6, 7, part="-b")

    assert (gone(store), waiting()) == ([8], {})


def test_a_day_that_was_discarded_is_so_when_it_is_of_another_type(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, *range(1, 9))
    for part in ("", "-b"):
        lamp_posts(store, tmp_path, 1, 1, 2, 3, len(part), part=part)
    intake.decide(KIND, day(1), decision="discarded", by=COMMAND_LINE, at=AT)
    describe(store, "lamps")
    replay(1)
    replay(2)
    assert (gone(store), list(Cycle.objects.values_list("type__name", "decision"))) == (
        [], [("lamps", ""), ("lamps", "discarded")],
    )  # fmt: skip


def test_a_decision_that_an_older_version_noted_goes_along(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, *range(1, 9))
    lamp_posts(store, tmp_path, 1, 1, 2)
    intake.decide(KIND, day(1), decision="discarded", by=COMMAND_LINE, at=AT)
    here = Report.objects.filter(on=day(1)).values_list("digest", flat=True)
    assert Saying.objects.filter(what="discarded").update(about=digest_of(here)) == 1
    intake.refold([KIND], by=COMMAND_LINE, at=AT)
    assert Cycle.objects.get(on=day(1)).decision == "discarded"
    describe(store, "lamps")
    replay(2)
    assert Cycle.objects.get(type__name="lamps").decision == "discarded"


def test_days_without_a_report_go_along_with_the_last_of_a_type(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, *range(1, 9))
    lamp_posts(store, tmp_path, 3, *range(1, 9))
    intake.declare_empty(KIND, day(1), by=COMMAND_LINE, at=AT)
    store.run(damaged(tmp_path / "bad", 2, "-b", KIND))
    describe(store, "lamps")
    replay(1)
    assert Cycle.objects.filter(type__name=KIND).count() == 3
    replay(2)
    assert list(Cycle.objects.order_by("on").values_list("type__name", "counts")) == [
        ("lamps", True), ("lamps", True), ("lamps", False), ("lamps", True),
    ]  # fmt: skip


def test_a_day_that_is_read_as_two_is_said_of_both(store: Store, tmp_path: Path) -> None:
    whole, wrong = (write(tmp_path, 0, hosts, part=part, kind=KIND) for hosts, part in (([1], "-a"), ([2], "-b")))
    store.run(whole, wrong, damaged(tmp_path / "bad", 0, "-c", KIND))
    describe(store, "lamps")
    folder = store.root.parent / "mappings"
    text = (folder / "lamps.toml").read_text()
    (folder / "lamps.toml").write_text(text.replace("*-lamp_post-*", "*-lamp_post-*-a.csv"))
    replay(1)
    assert sorted(Cycle.objects.values_list("type__name", "closed", "counts", "broken")) == [
        (kind, True, False, ["2026-11-16-lamp_post-xm-geo-c.csv"]) for kind in ("lamp_post", "lamps")
    ]
    replay(1)
    assert Saying.objects.filter(type__name="lamps").count() == 2, "it is said once"


def take(store: Store, part: str) -> None:
    """Put a mapping file in force that knows the names of a part alone."""
    describe(store, "lamps")
    path = store.root.parent / "mappings" / "lamps.toml"
    path.write_text(path.read_text().replace("*-lamp_post-*", f"*-lamp_post-*-{part}.csv"))


def shown(store: Store, kind: str) -> list[int]:
    """Return the hosts of the findings of a type that are not gone."""
    found = [finding for finding in store.findings() if finding["type"] == kind and finding["state"] != "gone"]
    return sorted(int(finding["asset"].rpartition(".")[2]) for finding in found)


def test_a_content_of_two_names_becomes_two_reports_when_a_mapping_knows_one(store: Store, tmp_path: Path) -> None:
    paths = [write(tmp_path, 0, [1, 2, 3], part=f"-{each}", kind=KIND) for each in "ab"]
    store.run(*paths)
    take(store, "a")

    assert replay(1)["rows_kept"] == 6

    named = Report.objects.filter(state="accepted").order_by("type__name")
    assert list(named.values_list("type__name", "name", "also", "run")) == [
        (KIND, "2026-11-16-lamp_post-xm-geo-b.csv", [], 1),
        ("lamps", "2026-11-16-lamp_post-xm-geo-a.csv", [], 1),
    ]
    assert (shown(store, KIND), shown(store, "lamps")) == ([1, 2, 3], [1, 2, 3])
    assert set(Cycle.objects.values_list("type__name", "closed")) == {(KIND, True), ("lamps", True)}
    assert store.files() == store.named()
    take(store, "b")
    replay(1)
    assert [row.also for row in named.all()] == [[], []] and store.files() == store.named()
    assert set(Delivery.objects.values_list("type__name", "name")) == {
        ("lamps", "2026-11-16-lamp_post-xm-geo-b.csv"),
        (KIND, "2026-11-16-lamp_post-xm-geo-a.csv"),
    }
    store.withdraw(1)
    assert not Report.objects.filter(state="accepted")


def test_of_lists_that_are_empty_each_is_of_the_type_that_its_name_says(
    store: Store, tmp_path: Path, settings: Any
) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, gone_after=1)
    for number, hosts in enumerate([{"a": [1, 2, 3], "b": [1, 2, 4]}, {"a": [], "b": []}]):
        paths = [write(tmp_path, number, of, part=f"-{each}", kind=KIND) for each, of in hosts.items()]
        store.run(*paths, accept_drop=True)
    take(store, "b")
    for number in (1, 2):
        replay(number)
    assert set(Cycle.objects.values_list("type__name", "on", "counts")) == {
        (kind, day(on), True) for kind in (KIND, "lamps") for on in (0, 1)
    }
    assert (shown(store, KIND), shown(store, "lamps")) == ([], [])


def test_a_mapping_that_does_not_change_gives_the_same_however_often_it_is_read(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "1", 0, range(1, 9), part="-b", kind=KIND))
    store.run(write(tmp_path / "2", 0, range(1, 9), part="-a", kind=KIND))
    store.run(
        write(tmp_path / "3", 0, range(1, 9), part="-c", kind=KIND),
        write(tmp_path / "3", 0, [20, 21, 22], part="-a", kind=KIND),
    )
    take(store, "b")
    for number in (1, 2, 3, 1):
        replay(number)
        assert (shown(store, "lamps"), shown(store, KIND)) == (list(range(1, 9)), [*range(1, 9), 20, 21, 22])
    store.withdraw(3)
    assert (shown(store, "lamps"), shown(store, KIND)) == (list(range(1, 9)), list(range(1, 9)))


def test_under_a_name_that_the_new_mapping_refuses_a_content_stays_as_it_was(store: Store, tmp_path: Path) -> None:
    store.run(*(write(tmp_path, 0, [1, 2, 3], part=f"-{each}", kind=KIND) for each in "ab"))
    take(store, "a")
    path = store.root.parent / "mappings" / "lamps.toml"
    refused = path.read_text().replace('"lamps"', '"poles"').replace("-a.csv", "-b.csv").replace('= "ip"', '= "host"')
    path.with_name("poles.toml").write_text(refused)
    assert [each["name"] for each in replay(1)["broken"]] == ["2026-11-16-lamp_post-xm-geo-b.csv"]
    named = Report.objects.filter(state="accepted").order_by("type__name").values_list("type__name", "name")
    assert [(kind, name[-5:-4]) for kind, name in named] == [(KIND, "b"), ("lamps", "a")]
    assert (shown(store, KIND), shown(store, "lamps"), store.files() == store.named()) == ([1, 2, 3], [1, 2, 3], True)


def test_a_day_lacks_what_the_new_mapping_refuses_until_it_is_read(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, *range(1, 10))
    other = tmp_path / "2026-11-17-lamp_post-b.csv"
    other.write_text("timestamp,host\n2026-11-17 01:00:00,192.0.2.9\n")
    store.run(write(tmp_path, 1, range(1, 9), kind=KIND), other)
    describe(store, "lamps")
    for number in (1, 2, 2):
        replay(number)
    assert list(Cycle.objects.order_by("on", "type__name").values_list("type__name", "counts", "broken")) == [
        ("lamps", True, []), ("lamp_post", True, []), ("lamps", False, [other.name]),
    ]  # fmt: skip
    lacks = Saying.objects.filter(what="lacks", about=other.name)
    assert list(lacks.values_list("type__name", "run")) == [("lamps", 2)], "it goes with the run that brought it"

    path = store.root.parent / "mappings" / "lamps.toml"
    mapping = path.read_text().replace('"*-lamp_post-*"', '"*-lamp_post-xm-*"')
    path.write_text(mapping)
    path.with_name("poles.toml").write_text(
        mapping.replace('"lamps"', '"poles"').replace("-xm-*", "-b.csv").replace('= "ip"', '= "host"')
    )
    replay(2)
    assert list(Cycle.objects.order_by("on", "type__name").values_list("type__name", "counts", "broken")) == [
        ("lamps", True, []), ("lamps", True, []), ("poles", True, []),
    ]  # fmt: skip


def say_times(store: Store, time_format: str) -> None:
    """Put a mapping file in force that reads times in a way of its own."""
    describe(store, "lamps")
    path = store.root.parent / "mappings" / "lamps.toml"
    told = f'files = ["lamp_post*"]\ntime_format = "{time_format} %H:%M"'
    path.write_text(path.read_text().replace('files = ["*-lamp_post-*"]', told))


def undated(folder: Path, on: str, *hosts: int, name: str = "lamp_post-c") -> Path:
    """Write a report whose name does not say its day."""
    folder.mkdir()
    (folder / f"{name}.csv").write_text(
        "timestamp,ip,port\n" + "".join(f"{on}/2026 10:12,192.0.2.{host},80\n" for host in hosts)
    )
    return folder / f"{name}.csv"


def test_what_was_replaced_since_it_was_dated_wrongly_is_read_again(store: Store, tmp_path: Path, cast: Cast) -> None:
    say_times(store, "%d/%m/%Y")
    store.run(undated(tmp_path / "1", "03/05", 1, 2, 3))
    say_times(store, "%m/%d/%Y")
    store.run(undated(tmp_path / "2", "05/03", 4, 5))
    assert list(Cycle.objects.values_list("on", "rows")) == [(dt.date(2026, 5, 3), 2)]
    page = signed_in(cast.manager).get("/feeds/runs/1/")
    assert "/feeds/runs/1/replay/" in page.content.decode(), "it is offered"

    replay(1)

    days = Cycle.objects.order_by("on").values_list("on", "rows", "closed")
    assert list(days) == [(dt.date(2026, 3, 5), 3, True), (dt.date(2026, 5, 3), 2, True)]
    assert list(Report.objects.filter(state="accepted").order_by("on").values_list("on", "run")) == [
        (dt.date(2026, 3, 5), 1), (dt.date(2026, 5, 3), 2),
    ]  # fmt: skip
    assert store.files() == store.named()
    store.withdraw(2)
    assert list(days.all()) == [(dt.date(2026, 3, 5), 3, True)]
    store.withdraw(1)
    assert not days.all()


def test_what_was_replaced_rightly_stays_so_when_it_is_read_again(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say_times(store, "%m/%d/%Y")
    store.run(undated(tmp_path / "1", "05/03", 1, 2, 3))
    store.run(undated(tmp_path / "2", "05/03", 4, 5))
    assert (verb("replay", "1"), capsys.readouterr().out) == (0, "Nothing was read otherwise.\n")
    assert (hosts_of(store), store.files() == store.named()) == ([4, 5], True)
    store.withdraw(2)
    assert hosts_of(store) == [1, 2, 3]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_days_that_swap_are_complete_by_those_alone_who_brought_something_of_them(
    store: Store, tmp_path: Path, order: tuple[int, int]
) -> None:
    say_times(store, "%d/%m/%Y")
    for number, on in enumerate(["03/04", "04/03"]):
        path = tmp_path / f"lamp_post-{number}.csv"
        path.write_text("timestamp,ip,port\n" + "".join(f"{on}/2026 10:12,192.0.2.{n},80\n" for n in range(5 + number)))
        store.run(path, complete=number == 1)
    closed = Cycle.objects.order_by("on").values_list("on", "closed")
    assert list(closed) == [(dt.date(2026, 3, 4), True), (dt.date(2026, 4, 3), False)]

    say_times(store, "%m/%d/%Y")
    for number in order:
        replay(number)
    assert list(closed.all()) == [(dt.date(2026, 3, 4), False), (dt.date(2026, 4, 3), True)]

    say_times(store, "%d/%m/%Y")
    for number in order:
        replay(number)
    assert list(closed.all()) == [(dt.date(2026, 3, 4), True), (dt.date(2026, 4, 3), False)], "and back again"


def test_beside_a_day_what_cannot_be_read_again_stays(store: Store, tmp_path: Path) -> None:
    lamp_posts(store, tmp_path, 0, 1, 2)
    lamp_posts(store, tmp_path, 0, 3, 4, part="-b")
    (lost,) = Report.objects.get(run=2).parts
    (store.root / lost).unlink()
    describe(store, "lamps")
    with pytest.raises(LostFile):  # its type is folded from it
        replay(1)
    assert set(Report.objects.values_list("type__name", "state")) == {(KIND, "accepted")}


KINDS = ("lamp_post", "lamps", "beacon")


class Law:
    """A store, and what was told it and not taken back."""

    def __init__(self, store: Store, folder: Path, seed: int) -> None:
        self.store, self.folder, self.chance, self.log = store, folder, random.Random(seed), Log()
        self.written: dict[str, list[tuple[File, Path]]] = {}
        self.calls = 0

    def bring(self) -> None:
        self.calls += 1
        folder, files = self.folder / str(self.calls), some_files(self.chance)
        broken = [file for file in files if self.chance.random() < 0.2]
        paths = []
        for file in files:
            if file in broken:
                paths.append(damaged(folder, file.on, file.network, KIND))
            else:
                paths.append(write(folder, file.on, file.addresses, part=file.network, kind=KIND))
                self.written.setdefault(paths[-1].name, []).append((file, paths[-1]))
        self.tell(paths, [file for file in files if file not in broken], broken, is_complete=self.chance.random() < 0.6)

    def tell(
        self, paths: list[Path], whole: list[File], broken: list[File], *, is_complete: bool, lost: File | None = None
    ) -> None:
        run = self.store.run(*paths, complete=is_complete)["run"]
        self.log.tell(run, whole, broken, is_complete=is_complete, lost=lost)

    def take_back(self) -> None:
        runs = [told.run for told in self.log.left if told.run]
        taken = self.chance.choice(runs) if runs else 0
        if taken and deciding.may_withdraw(Run.objects.get(pk=taken)):
            self.store.withdraw(taken)
            self.log.take_back(taken)

    def lose(self) -> None:
        """Lose the rows of a report that counts, and import it again."""
        rows = [row for row in Report.objects.filter(state="accepted").order_by("pk") if row.parts]
        if rows:
            row = self.chance.choice(rows)
            for path in row.parts:
                (self.store.root / path).unlink()
            here = self.log.here().values()
            file, path = next(each for each in self.written[row.name] if each[0] in here)
            self.tell([path], [file], [], is_complete=True, lost=file)

    def map(self) -> None:
        describe(self.store, self.chance.choice(KINDS))
        self.read_again()

    def read_again(self) -> None:
        """Read what counts again, run by run in any order."""
        runs = list(Run.objects.exclude(options__has_key="replay").values_list("pk", flat=True))
        for number in self.chance.sample(runs, len(runs)):
            brought = Delivery.objects.filter(run=number, is_withdrawn=False).values("digest")
            if Report.objects.filter(digest__in=brought, state="accepted").exists():
                replay(number)

    def decide(self) -> None:
        if cycle := Cycle.objects.order_by("-on").first():
            on, decision = (cycle.on - day(0)).days, self.chance.choice([Decision.CONFIRMED, Decision.DISCARDED])
            if intake.decide(cycle.type.name, cycle.on, decision=decision.value, by=COMMAND_LINE, at=AT):
                self.log.left.append(Told(0, decided=(on, self.log.contents(on), decision)))

    def check(self) -> None:
        model = self.log.model(1)
        counted = {(row.on - day(0)).days for row in Cycle.objects.filter(counts=True)}
        assert (counted, gone(self.store)) == (
            set(model.counted()),
            sorted(host for host, finding in model.findings().items() if finding["gone"]),
        )
        lacked = {(row.on, name) for row in Cycle.objects.all() for name in row.broken}
        assert lacked == {
            (day(on), engine_reports.name_of(KIND, day(on), network)) for on, network in self.log.lacking()
        }
        assert self.store.files() == self.store.named()


@pytest.mark.parametrize("seed", seeds(8))
def test_whatever_is_read_again_in_between_what_is_withdrawn_is_as_if_it_had_never_been(
    store: Store, tmp_path: Path, seed: int, settings: Any
) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, gone_after=1)  # a type that is new to it takes this one
    law = Law(store, tmp_path, seed)
    steps = [law.bring, law.take_back, law.map, law.lose, law.decide]
    law.bring()
    for step in law.chance.choices(steps, weights=[35, 20, 20, 10, 15], k=9):
        step()
    law.read_again()
    law.check()
