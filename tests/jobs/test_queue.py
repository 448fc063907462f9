"""Jobs are done at least once, one worker at a time, and in their time."""

from __future__ import annotations

import datetime as dt
import errno
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tocsin.jobs import jobs as own_jobs
from tocsin.jobs import queries, queue, registry, worker
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.jobs.registry import PutBack, Running, job
from tocsin.kernel.refusals import Busy, InvalidInput

pytestmark = pytest.mark.django_db(transaction=False)
AT = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> dt.datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Kinds for these tests; the thread that renews leases rests, because the test's database is its own."""
    monkeypatch.setattr(registry, "_kinds", {})
    monkeypatch.setattr(registry, "_schedules", {})
    calls: list[Any] = []

    @job("test.note")
    def note(payload: dict[str, Any], running: Running) -> None:
        calls.append(payload)

    @job("test.break", max_attempts=3)
    def broken(payload: dict[str, Any], running: Running) -> None:
        calls.append("try")
        raise RuntimeError("of ours")

    @job("test.refuse")
    def refuse(payload: dict[str, Any], running: Running) -> None:
        raise Busy("Somebody imports.") if payload.get("busy") else InvalidInput("The file is no report.")

    yield calls


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_a_job_is_done(done: list[Any], clock: Clock) -> None:
    made = queue.enqueue("test.note", {"file": "a.csv"}, at=AT)
    worker.do_next("w", now=clock)
    assert done == [{"file": "a.csv"}]
    assert (state(made), made.progress, made.attempts) == (State.DONE, 1.0, 1)
    assert worker.do_next("w", now=clock) is None


def test_jobs_come_in_the_order_in_which_they_are_due(done: list[Any], clock: Clock) -> None:
    queue.enqueue("test.note", {"n": 3}, at=AT - 1 * MINUTE)
    queue.enqueue("test.note", {"n": 1}, at=AT - 5 * MINUTE)
    queue.enqueue("test.note", {"n": 2}, at=AT - 5 * MINUTE)
    while worker.do_next("w", now=clock):
        pass
    assert [payload["n"] for payload in done] == [1, 2, 3]


def test_a_job_for_later_waits(done: list[Any], clock: Clock) -> None:
    queue.enqueue("test.note", at=AT, after=AT + MINUTE)
    assert worker.do_next("w", now=clock) is None
    clock.at += MINUTE
    assert worker.do_next("w", now=clock)


def test_the_same_key_makes_one_job_also_after_it_is_done(done: list[Any], clock: Clock) -> None:
    first = queue.enqueue("test.note", {"n": 1}, at=AT, key="import:a.csv")
    worker.do_next("w", now=clock)
    assert queue.enqueue("test.note", {"n": 2}, at=AT, key="import:a.csv").pk == first.pk
    assert Job.objects.count() == 1


def test_a_job_of_a_transaction_that_fails_was_never_made() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue.enqueue("test.note", at=AT, key="x")
        raise RuntimeError
    assert not Job.objects.exists()


def test_a_leased_job_is_nobody_elses() -> None:
    queue.enqueue("test.note", at=AT)
    assert queue.claim("one", at=AT)
    assert queue.claim("two", at=AT) is None


def test_a_lost_lease_is_taken_back_once_and_the_old_worker_can_no_longer_finish() -> None:
    queue.enqueue("test.note", at=AT)
    old = queue.claim("one", at=AT)
    assert old
    assert queue.reclaim(at=AT + queue.DEFAULT_LEASE) == 0
    late = AT + queue.DEFAULT_LEASE + MINUTE
    assert [queue.reclaim(at=late), queue.reclaim(at=late)] == [1, 0]
    new = queue.claim("one", at=late)
    assert new
    assert new.attempts == 2
    assert not queue.finish(old, at=late)
    assert not queue.note_progress(old, 0.5, "")
    assert not queue.renew(old, at=late, lease=MINUTE)
    assert not queue.fail(old, "x", at=late, for_good=True)
    assert queue.finish(new, at=late)


def test_a_renewed_lease_holds() -> None:
    queue.enqueue("test.note", at=AT)
    held = queue.claim("one", at=AT)
    assert held
    assert queue.renew(held, at=AT + MINUTE, lease=10 * MINUTE)
    assert queue.reclaim(at=AT + 5 * MINUTE) == 0


def test_a_job_that_fails_is_tried_again_later_and_in_the_end_given_up(done: list[Any], clock: Clock) -> None:
    made = queue.enqueue("test.break", at=AT)
    waits = []
    for _ in range(3):
        assert worker.do_next("w", now=clock)
        made.refresh_from_db()
        waits.append((made.run_after - clock.at).total_seconds())
        assert worker.do_next("w", now=clock) is None
        clock.at += dt.timedelta(hours=2)
    assert waits[:2] == [15, 30]
    assert (state(made), done, made.last_error) == (State.FAILED, ["try"] * 3, "RuntimeError: of ours")
    assert list(queries.failed_jobs()) == [made]


def test_a_mistake_of_the_software_is_logged_with_its_traceback(
    done: list[Any], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    queue.enqueue("test.break", at=AT)
    worker.do_next("w", now=clock)
    (record,) = caplog.records
    assert record.exc_info and record.levelname == "ERROR"


def test_what_is_wrong_with_the_machine_is_one_sentence_and_the_job_is_tried_again(
    done: list[Any], clock: Clock, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    file = f"{settings.TOCSIN.home}/store/state"
    full = OSError(errno.ENOSPC, "No space left on device", file)
    barred = OSError(errno.EIO, "Input/output error", file)

    @job("test.outage", max_attempts=2)
    def outage(payload: dict[str, Any], running: Running) -> None:
        raise full if not done else barred

    made = queue.enqueue("test.outage", at=AT)
    worker.do_next("w", now=clock)
    assert (state(made), made.last_error) == (State.WAITING, f"The disk of {settings.TOCSIN.home} is full.")
    done.append("there is room")
    clock.at += MINUTE
    worker.do_next("w", now=clock)
    assert (state(made), made.last_error.startswith(f"{file} cannot be used (Input/output error).")) == (
        State.FAILED,
        True,
    )
    assert [record.exc_info for record in caplog.records] == [None, None]
    assert caplog.messages == [
        f"tocsin: The disk of {settings.TOCSIN.home} is full. The job test.outage {made.pk} is tried again.",
        f"tocsin: {made.last_error} The job test.outage {made.pk} is given up.",
    ]


def test_a_job_whose_worker_dies_each_time_is_given_up(done: list[Any], clock: Clock) -> None:
    made = queue.enqueue("test.break", at=AT)
    for _ in range(3):
        assert queue.claim("dies", at=clock.at)
        clock.at += 10 * MINUTE
        queue.reclaim(at=clock.at)
    worker.do_next("w", now=clock)
    assert (state(made), done) == (State.FAILED, [])
    assert "The worker was lost. It was tried 3 times." in made.last_error


def test_waiting_grows_but_not_for_ever() -> None:
    waits = [queue.wait_before_try(attempt).total_seconds() for attempt in (2, 3, 4, 10, 1000)]
    assert waits == [15, 30, 60, 3600, 3600]


def test_a_refusal_is_final_unless_somebody_was_busy(done: list[Any], clock: Clock) -> None:
    wrong = queue.enqueue("test.refuse", at=AT)
    busy = queue.enqueue("test.refuse", {"busy": True}, at=AT)
    worker.do_next("w", now=clock)
    worker.do_next("w", now=clock)
    assert (state(wrong), wrong.last_error) == (State.FAILED, "The file is no report.")
    assert (state(busy), busy.last_error) == (State.WAITING, "Somebody imports.")


def test_a_failed_job_can_be_tried_again_by_hand(done: list[Any], clock: Clock) -> None:
    wrong = queue.enqueue("test.refuse", at=AT)
    worker.do_next("w", now=clock)
    assert queue.retry(wrong, at=AT)
    assert not queue.retry(wrong, at=AT)
    assert (state(wrong), wrong.attempts) == (State.WAITING, 0)


def test_a_failed_job_can_be_forgotten_and_no_other(done: list[Any], clock: Clock) -> None:
    wrong = queue.enqueue("test.refuse", at=AT)
    assert not queue.forget(wrong)
    worker.do_next("w", now=clock)
    assert queue.forget(wrong)
    assert not Job.objects.exists()


def test_scheduled_work_fails_only_while_its_last_turn_did() -> None:
    for turn, state in enumerate((State.DONE, State.FAILED)):
        Job.objects.create(
            kind="test.sweep", key=f"every:test.sweep:{turn}", state=state, made_at=AT, run_after=AT,
            finished_at=AT + turn * MINUTE, last_error="It broke.",
        )  # fmt: skip
    Job.objects.create(
        kind="test.order", state=State.FAILED, made_at=AT, run_after=AT, finished_at=AT, last_error="Refused."
    )
    assert [job.kind for job in queries.kinds_that_fail()] == ["test.sweep"]
    assert [job.kind for job in queries.unfinished_jobs("test.sweep")] == []

    Job.objects.filter(key="every:test.sweep:0").update(finished_at=AT + 5 * MINUTE)
    assert queries.kinds_that_fail() == []


def test_a_job_that_nobody_does_fails_with_its_name(done: list[Any], clock: Clock) -> None:
    made = queue.enqueue("test.unknown", at=AT)
    worker.do_next("w", now=clock)
    assert (state(made), made.last_error) == (State.FAILED, "No function does jobs of the kind test.unknown.")


def test_progress_is_seen_while_the_job_runs(done: list[Any], clock: Clock) -> None:
    seen: list[tuple[float, str]] = []

    @job("test.long")
    def long(payload: dict[str, Any], running: Running) -> None:
        for share in (-1, 0.25, 7):
            running.progress(share, f"file {share}" + "x" * 500)
            found = queries.running_jobs("test.long").get()
            seen.append((found.progress, found.progress_text[:8]))
            assert not running.should_stop

    queue.enqueue("test.long", at=AT)
    worker.do_next("w", now=clock)
    assert seen == [(0.0, "file -1x"), (0.25, "file 0.2"), (1.0, "file 7xx")]


def test_a_job_that_stops_early_is_put_back_and_not_counted(done: list[Any], clock: Clock) -> None:
    stop = threading.Event()

    @job("test.patient")
    def patient(payload: dict[str, Any], running: Running) -> None:
        stop.set()
        if running.should_stop:
            raise PutBack

    made = queue.enqueue("test.patient", at=AT)
    worker.do_next("w", stop, now=clock)
    assert (state(made), made.attempts) == (State.WAITING, 0)


def test_a_schedule_makes_one_job_a_turn_and_none_while_one_is_left(done: list[Any], clock: Clock) -> None:
    registry.every("test.note", seconds=60)
    for _ in range(3):
        worker.do_next("w", now=clock)
    assert len(done) == 1
    clock.at += 10 * MINUTE
    worker.do_next("w", now=clock)
    worker.do_next("w", now=clock)
    assert len(done) == 2, "missed turns are not made up for"
    schedule = registry.schedules()[0]
    clock.at += MINUTE
    assert queue.make_scheduled(schedule, at=clock.at)
    clock.at += MINUTE
    assert queue.make_scheduled(schedule, at=clock.at) is None


def test_old_jobs_are_swept(done: list[Any], clock: Clock) -> None:
    queue.enqueue("test.note", at=AT)
    queue.enqueue("test.refuse", at=AT)
    while worker.do_next("w", now=clock):
        pass
    waiting = queue.enqueue("test.note", at=AT)
    keep = {"done_for": own_jobs.KEEP_DONE, "failed_for": own_jobs.KEEP_FAILED}
    assert queue.sweep(at=AT + dt.timedelta(days=1), **keep) == 0
    assert queue.sweep(at=AT + dt.timedelta(days=8), **keep) == 1
    assert queue.sweep(at=AT + dt.timedelta(days=91), **keep) == 1
    assert list(Job.objects.all()) == [waiting]


def test_jobs_that_nobody_takes_are_overdue() -> None:
    made = queue.enqueue("test.note", at=AT)
    assert not queries.overdue_jobs(at=AT + MINUTE, by=2 * MINUTE)
    assert list(queries.overdue_jobs(at=AT + 3 * MINUTE, by=2 * MINUTE)) == [made]


def test_two_functions_for_one_kind_are_refused(done: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"two functions for jobs of the kind test\.note"):
        job("test.note")(lambda payload, running: None)


def test_the_worker_knows_the_rooms_own_jobs() -> None:
    registry.load()
    assert registry.kind_named("jobs.sweep")


def test_a_job_that_waits_already_and_begins_in_time_is_enough() -> None:
    queue.ensure("test.note", at=AT, after=AT + MINUTE)
    queue.ensure("test.note", at=AT, after=AT + 2 * MINUTE)
    assert [job.run_after for job in Job.objects.filter(kind="test.note")] == [AT + MINUTE]
    queue.ensure("test.note", at=AT, after=AT)
    assert Job.objects.filter(kind="test.note", run_after=AT).count() == 1


def test_one_that_runs_is_not_enough_it_may_have_looked_before() -> None:
    queue.ensure("test.note", at=AT, after=AT)
    assert queue.claim("worker", at=AT) is not None
    queue.ensure("test.note", at=AT, after=AT)
    assert sorted(Job.objects.values_list("state", flat=True)) == [State.RUNNING, State.WAITING]


def test_what_should_have_begun_begins_now_and_wakes_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(queue.bell, "ring", lambda: rung.append(True))
    queue.ensure("test.note", at=AT, after=AT + MINUTE)
    assert rung == []
    queue.ensure("test.note", at=AT, after=AT - MINUTE)
    assert (Job.objects.order_by("run_after").first().run_after, rung) == (AT, [True])  # type: ignore[union-attr]
