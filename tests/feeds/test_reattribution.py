"""Open findings follow the claims at once; closed ones and history stay."""

from __future__ import annotations

import datetime as dt
import fcntl
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import day, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.directory import actions as directory
from tocsin.directory import attribution, queries
from tocsin.directory.choices import ClaimKind
from tocsin.directory.events import ATTRIBUTION_JOB, WAITS_FOR_THE_STORE
from tocsin.directory.models import Claim, Constituent
from tocsin.engine.executors import Threads
from tocsin.feeds import holding, intake, reattribution
from tocsin.feeds.jobs import reattribute
from tocsin.feeds.models import ConstituentMovement, Handover, Movement, Report, Run, State
from tocsin.feeds.rollup import WORDS
from tocsin.jobs import helping
from tocsin.jobs.models import Job
from tocsin.kernel.clock import now
from tocsin.kernel.refusals import Busy
from tocsin.site.cli import parser

LATER = AT + dt.timedelta(hours=1)


@pytest.fixture
def committed(store: Store, django_capture_on_commit_callbacks: Any) -> Any:
    """Let what listens hear, as after a commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def claim(constituent: str, value: str) -> Claim:
    event = directory.add_claim(
        Constituent.objects.get(public_id=constituent), kind=ClaimKind.NETWORK, value=value, by=COMMAND_LINE, at=LATER
    )
    return Claim.objects.get(pk=event.claims[0])


def holders(store: Store) -> dict[str, str | None]:
    return {finding["asset"]: finding["constituent"] for finding in store.findings()}


def partitions() -> dict[str, list[str]]:
    return {state.type.name: state.partitions for state in State.objects.select_related("type")}


def test_a_new_claim_takes_open_findings_over_and_history_says_so(store: Store, committed: Any, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1, 65]))
    assert holders(store) == {"192.0.2.1": "moh", "192.0.2.65": "bank"}
    with committed():
        claim("bank", "192.0.2.0/28")
    assert holders(store) == {"192.0.2.1": "bank", "192.0.2.65": "bank"}
    (handover,) = Handover.objects.all()
    (moved,) = (finding for finding in store.findings() if finding["asset"] == "192.0.2.1")
    assert (handover.finding, handover.before, handover.after) == (moved["id"], "moh", "bank")
    row = AuditRow.objects.get(code="finding.reattributed")
    assert (row.actor_key, row.data["by_constituent"]) == ("system:attribution", {"bank": 1})
    assert store.files() == store.named()


def test_a_conflict_settled_the_wrong_way_round_is_put_right_as_the_how_to_says(store: Store, tmp_path: Path) -> None:
    """Host 1 was last seen before the new claim begins, host 2 after: the way is that of settle-who-is-responsible."""
    store.run(write(tmp_path / "in", 0, [1, 2]), gone_after=3)
    store.run(write(tmp_path / "in", 3, [2]), gone_after=3)
    moh = Constituent.objects.get(public_id="moh")
    right, wrong = Claim.objects.get(constituent=moh), claim("bank", "192.0.2.0/25")
    Claim.objects.filter(pk=wrong.pk).update(valid_from=day(-8))

    def settled(confirmed: Claim, ended: Claim, ends_on: dt.date, hour: int) -> dict[str, str | None]:
        facts = {"ends_on": ends_on, "reason": "Telephone.", "at": AT + dt.timedelta(hours=hour)}
        directory.settle_conflict(confirmed=confirmed, ended=ended, by=COMMAND_LINE, **facts)
        reattribution.bring_up_to_date(by=COMMAND_LINE)
        return holders(store)

    assert settled(wrong, right, day(2), 2) == {"192.0.2.1": "bank", "192.0.2.2": "bank"}
    event = directory.add_claim(
        moh, kind=ClaimKind.NETWORK, value="192.0.2.0/25", valid_from=day(3), is_confirmed=True,
        by=COMMAND_LINE, at=AT + dt.timedelta(hours=3),
    )  # fmt: skip
    reattribution.bring_up_to_date(by=COMMAND_LINE)
    assert holders(store) == {"192.0.2.1": "bank", "192.0.2.2": "moh"}
    again = Claim.objects.get(pk=event.claims[0])
    assert settled(again, wrong, day(-8), 4) == {"192.0.2.1": "moh", "192.0.2.2": "moh"}
    assert len(queries.conflicts()) == 1, "of the day that is left"
    settled(right, wrong, day(-8), 5)
    assert not queries.conflicts()
    moved = Handover.objects.order_by("at").values_list("finding", "before", "after")
    assert Counter((before, after) for _finding, before, after in moved) == {("moh", "bank"): 2, ("bank", "moh"): 2}


def test_closed_findings_keep_who_held_them(store: Store, committed: Any, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1, 2]))
    store.run(write(tmp_path / "in", 1, [2]))
    assert store.states() == {"192.0.2.1": "gone", "192.0.2.2": "still"}
    with committed():
        claim("bank", "192.0.2.0/28")
    assert holders(store) == {"192.0.2.1": "moh", "192.0.2.2": "bank"}


def test_a_finding_that_nobody_claims_any_more_is_nobodys(store: Store, committed: Any, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    with committed():
        ended = Claim.objects.get(constituent__public_id="moh")
        directory.end_claim(ended, ends_on=dt.date(2026, 1, 1), reason="Sold.", by=COMMAND_LINE, at=LATER)
    assert holders(store) == {"192.0.2.1": None}
    (handover,) = Handover.objects.all()
    assert (handover.before, handover.after) == ("moh", "")


def test_types_without_a_change_are_not_rewritten(store: Store, committed: Any, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1]), write(tmp_path / "in", 0, [65], kind="scan_ssh"))
    before = partitions()
    with committed():
        claim("bank", "192.0.2.0/28")
    after = partitions()
    assert after["scan_ssh"] == before["scan_ssh"]
    assert after["scan_rdp"] != before["scan_rdp"]


def test_the_same_directory_again_rewrites_nothing(store: Store, committed: Any, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1, 65]))
    before, content = partitions(), b'[{"id":"moh","name":"moh","sector":"health","networks":["192.0.2.0/25"]}]'
    with committed():
        files = queries.read_files([("directory.json", content)])
        if not queries.plan_import(files, end_missing=False).is_empty:
            directory.import_directory(files, by=COMMAND_LINE, at=LATER)
    assert partitions() == before
    assert reattribution.bring_up_to_date(by=COMMAND_LINE) == 0
    assert partitions() == before


def test_it_waits_for_a_running_import_and_the_import_makes_it_good(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    claim("bank", "192.0.2.0/28")
    monkeypatch.setattr(holding, "_POLL_S", 0.01)
    held, done = threading.Event(), threading.Event()

    def import_slowly() -> None:
        with (store.root / "ingest.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held.set()
            done.wait(10)

    thread = threading.Thread(target=import_slowly)
    thread.start()
    held.wait(10)
    with pytest.raises(Busy):
        reattribution.bring_up_to_date(by=COMMAND_LINE, wait_s=0.05)
    done.set()
    thread.join()
    assert holders(store) == {"192.0.2.1": "moh"}
    store.run(write(tmp_path / "in", 1, [2]))
    assert holders(store) == {"192.0.2.1": "bank", "192.0.2.2": "bank"}


def test_a_web_process_leaves_it_to_others(store: Store, committed: Any, tmp_path: Path, settings: Any) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    settings.WORK_BY_JOBS = True
    with committed():
        claim("bank", "192.0.2.0/28")
    assert holders(store) == {"192.0.2.1": "moh"}
    assert attribution.under_way(now()), "pages of the directory know the job by its name"
    helping.do_here(ATTRIBUTION_JOB)
    assert holders(store) == {"192.0.2.1": "bank"}
    assert attribution.under_way(now()) is None
    assert attribution.outcome(COMMAND_LINE) == attribution.Outcome(True, {"bank": 1})


def test_the_same_import_again_finishes_what_one_that_was_ended_had_begun(
    store: Store, committed: Any, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    file = tmp_path / "directory.csv"
    file.write_text("id,name,networks\nbank,bank,192.0.2.0/28\n")
    settings.WORK_BY_JOBS = True  # as if the process had been ended before it came to that
    with committed():
        assert parser.run(["directory", "import", str(file)]) == 0
    assert holders(store) == {"192.0.2.1": "moh"}
    capsys.readouterr()
    settings.WORK_BY_JOBS = False

    assert parser.run(["directory", "import", "--dry-run", str(file)]) == 0
    assert holders(store) == {"192.0.2.1": "moh"}
    assert parser.run(["directory", "import", str(file)]) == 0

    said = capsys.readouterr().out
    assert said.count("Nothing to change") == 2 and said.endswith("Open findings: 1 changed hands.\n")
    assert holders(store) == {"192.0.2.1": "bank"}
    assert parser.run(["directory", "import", str(file)]) == 0
    assert "changed hands" not in capsys.readouterr().out


@pytest.mark.parametrize(("work", "waits"), [(holding.IMPORT, False), (holding.ATTRIBUTION, True)])
def test_a_page_does_not_wait_while_an_import_has_the_store(
    store: Store, cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch, work: str, waits: bool
) -> None:
    """A long import would keep a thread of the server, and whoever sent the form, for nothing."""
    settings.WORK_BY_JOBS, settings.PAGES_WAIT_S = True, 4.0
    sent_for: list[str] = []
    monkeypatch.setattr(helping, "send_for_help", sent_for.append)
    browser, began = signed_in(cast.analyst), time.monotonic()

    with holding.lock(work):
        form = {"kind": "network", "value": "192.0.2.0/28"}
        page = text(browser.post("/directory/constituents/bank/claims/add/", form, follow=True))
        waited_s = time.monotonic() - began

    assert (waited_s >= 4.0) is waits, waited_s
    held = "An import or another change of findings is under way. Open findings are attributed anew as soon as it ends."
    assert "The claim is entered." in page and page.count(held) == (0 if waits else 2)
    assert sent_for, "somebody does it when the import is through"


def test_the_order_is_made_in_the_transaction_of_the_change(store: Store, settings: Any) -> None:
    settings.WORK_BY_JOBS = True
    Job.objects.all().delete()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        claim("bank", "192.0.2.0/28")
        assert Job.objects.filter(kind=ATTRIBUTION_JOB).count() == 1
        1 / 0  # noqa: B018
    assert not Job.objects.filter(kind=ATTRIBUTION_JOB).exists()


def test_an_import_answers_the_orders_that_wait(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    claim("bank", "192.0.2.0/28")
    claim("bank", "192.0.2.16/28")
    assert Job.objects.filter(kind=ATTRIBUTION_JOB, state="waiting").count() == 2
    store.run(write(tmp_path / "in", 1, [1, 2]))
    assert not Job.objects.filter(kind=ATTRIBUTION_JOB).exclude(state="done").exists()
    assert holders(store) == {"192.0.2.1": "bank", "192.0.2.2": "bank"}


def test_an_order_that_comes_while_claims_are_read_is_not_answered(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    claim("bank", "192.0.2.0/28")
    fingerprint = queries.claims_fingerprint

    def another_order_meanwhile() -> str:
        read = fingerprint()
        attribution.order(LATER)
        return read

    monkeypatch.setattr(queries, "claims_fingerprint", another_order_meanwhile)
    reattribution.catch_up(by=COMMAND_LINE)
    assert [job.state for job in Job.objects.order_by("pk")][-2:] == ["done", "waiting"]


def test_it_says_how_far_it_is_and_what_it_waits_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = ("scan_rdp", "scan_ssh", "scan_telnet")
    store.run(*(write(tmp_path / "in", 0, [1], kind=kind) for kind in kinds))
    claim("bank", "192.0.2.0/28")
    monkeypatch.setattr(reattribution, "PARTITIONS_AT_ONCE", 1)
    monkeypatch.setattr(reattribution, "Threads", lambda _count: Threads(1))
    said: list[tuple[float, str]] = []

    class Running:
        should_stop = False

        def progress(self, share: float, text: str = "") -> None:
            said.append((round(share, 2), text))

    with (store.root / "ingest.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        threading.Timer(0.6, fcntl.flock, (file, fcntl.LOCK_UN)).start()
        reattribute({}, Running())
    assert said == [(0.0, WAITS_FOR_THE_STORE), (0.0, ""), (0.3, ""), (0.6, ""), (0.9, "")]
    assert "as soon as another import is done" in caplog.text


def test_findings_that_come_after_are_folded_into_what_was_handed_over(
    store: Store, committed: Any, tmp_path: Path
) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    with committed():
        claim("bank", "192.0.2.0/28")
    store.run(write(tmp_path / "in", 1, [1, 65]))
    assert holders(store) == {"192.0.2.1": "bank", "192.0.2.65": "bank"}
    (finding,) = (finding for finding in store.findings() if finding["asset"] == "192.0.2.1")
    assert (finding["state"], finding["count"]) == ("still", 2)


def moved(number: int) -> dict[str, dict[str, int]]:
    """Return what moved on a day, by constituent, as the fine roll-up and its sums have it."""
    fine: dict[str, dict[str, int]] = {}
    for row in Movement.objects.filter(on=day(number)):
        sums = fine.setdefault(row.constituent, dict.fromkeys(WORDS, 0))
        for word in WORDS:
            sums[word] += getattr(row, word)
    summed = ConstituentMovement.objects.filter(on=day(number)).values("constituent", *WORDS)
    assert {row.pop("constituent"): row for row in summed} == fine
    return {whose: {word: n for word, n in sums.items() if n} for whose, sums in fine.items()}


def rows_of(number: int) -> dict[str, int]:
    """Return the rows of each constituent on a day, as its reports have them."""
    return dict(sum((Counter(row.constituents) for row in Report.objects.filter(on=day(number))), Counter()))


def test_a_day_in_two_parts_counts_by_its_rows_though_claims_changed_between_them(
    store: Store, committed: Any, tmp_path: Path
) -> None:
    store.run(write(tmp_path / "in", 0, [1, 3], part="-1"), complete=False)
    assert moved(0) == {"moh": {"new": 2}}
    with committed():
        claim("bank", "192.0.2.0/28")
    assert moved(0) == {"moh": {"new": 2}}, "days that were counted keep their holders"

    store.run(write(tmp_path / "in", 0, [2, 65], part="-2"))

    assert rows_of(0) == {"moh": 2, "bank": 2}
    assert moved(0) == {"moh": {"new": 2}, "bank": {"new": 2}}
    assert set(holders(store).values()) == {"bank"}, "who holds them is another matter"


def test_a_day_that_is_closed_after_claims_changed_counts_by_its_rows(
    store: Store, committed: Any, tmp_path: Path
) -> None:
    store.run(write(tmp_path / "in", 0, [1], part="-1"), complete=False)
    with committed():
        claim("bank", "192.0.2.0/28")

    intake.close([("scan_rdp", day(0))], by=COMMAND_LINE, at=LATER)

    assert moved(0) == {"moh": {"new": 1}} and holders(store) == {"192.0.2.1": "bank"}


def test_what_goes_gone_counts_for_who_held_it_then_however_it_is_folded(
    store: Store, committed: Any, tmp_path: Path
) -> None:
    store.run(write(tmp_path / "in", 0, [1, 65]))
    with committed():
        claim("bank", "192.0.2.0/28")
    run = store.run(write(tmp_path / "in", 1, [65]), accept_drop=True)["run"]
    expected = {"bank": {"still": 1, "gone": 1}}
    assert moved(1) == expected

    intake.replay(Run.objects.get(pk=run), by=COMMAND_LINE, at=LATER)

    assert moved(1) == expected and moved(0) == {"moh": {"new": 1}, "bank": {"new": 1}}
