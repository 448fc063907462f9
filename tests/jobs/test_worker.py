"""Real worker processes on a shared database: kept apart, stopped and killed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path

from tests.processes import Instance, finish

WORKER = """
    import os, signal, sys, threading, time
    from pathlib import Path
    from tocsin.jobs import worker
    from tocsin.jobs.registry import PutBack, job

    log = Path(sys.argv[1])

    def note(text):
        with log.open("a") as file:
            file.write(f"{text} {os.getpid()}\\n")

    @job("test.quick")
    def quick(payload, running):
        note(payload["n"])

    @job("test.slow", lease_s=1)
    def slow(payload, running):
        note("begin")
        deadline = time.monotonic() + payload["s"]
        while time.monotonic() < deadline:
            time.sleep(0.05)
            if running.should_stop:
                note("stopped")
                raise PutBack
        note("end")

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if len(sys.argv) > 2:
        threading.Timer(float(sys.argv[2]), stop.set).start()
    print("ready", flush=True)
    worker.work(stop, poll_s=0.05)
"""
ENQUEUE = """
    import json, sys
    from tocsin.jobs.queue import enqueue
    from tocsin.kernel.clock import now
    for payload in json.loads(sys.argv[2]):
        enqueue(sys.argv[1], payload, at=now())
"""
STATES = """
    from tocsin.jobs.models import Job
    print(*sorted(f"{job.state}:{job.attempts}" for job in Job.objects.filter(kind__startswith="test.")))
"""


def wait_for(log: Path, text: str, times: int = 1) -> None:
    for _ in range(1200):
        if log.exists() and log.read_text().count(text) >= times:
            return
        time.sleep(0.05)
    raise AssertionError(f"{text!r} not {times} times in {log.read_text() if log.exists() else 'nothing'}")


def test_three_workers_do_each_job_once(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.quick", str([{"n": n} for n in range(60)]).replace("'", '"'))
    workers = [instance.start(WORKER, str(log)) for _ in range(3)]
    for _ in range(1200):
        if log.exists() and len(log.read_text().splitlines()) >= 60:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    for process in workers:
        process.send_signal(signal.SIGTERM)
        finish(process)
    done = Counter(line.split()[0] for line in log.read_text().splitlines())
    assert done == Counter({str(n): 1 for n in range(60)})
    assert set(instance.run(STATES).split()) == {"done:1"}


def test_a_job_of_a_killed_worker_is_taken_back_once(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.slow", '[{"s": 2}]')
    victim = instance.start(WORKER, str(log))
    wait_for(log, "begin")
    victim.kill()
    victim.communicate()
    heirs = [instance.start(WORKER, str(log)) for _ in range(2)]
    wait_for(log, "end")
    time.sleep(0.5)
    for process in heirs:
        process.send_signal(signal.SIGTERM)
        finish(process)
    assert Counter(line.split()[0] for line in log.read_text().splitlines()) == {"begin": 2, "end": 1}
    assert instance.run(STATES).split() == ["done:2"]


def test_a_living_worker_keeps_a_job_that_takes_longer_than_its_lease(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.slow", '[{"s": 3}]')
    workers = [instance.start(WORKER, str(log)) for _ in range(2)]
    wait_for(log, "end")
    for process in workers:
        process.send_signal(signal.SIGTERM)
        finish(process)
    assert log.read_text().count("begin") == 1


def test_a_worker_told_to_stop_puts_its_job_back(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.slow", '[{"s": 60}]')
    process = instance.start(WORKER, str(log))
    wait_for(log, "begin")
    process.send_signal(signal.SIGTERM)
    finish(process, timeout_s=10)
    assert log.read_text().count("stopped") == 1
    assert instance.run(STATES).split() == ["waiting:0"]


FLAKY = """
    import sys, time
    from django.db import OperationalError
    from tocsin.jobs import queue, worker
    from tocsin.jobs.registry import job
    from tocsin.kernel.clock import now

    answers, real = [True, *sys.argv[1].split()], queue.renew

    def renew(job, **how):
        if answers and answers.pop(0) == "error":
            raise OperationalError("database is locked")
        return real(job, **how)

    queue.renew = renew

    @job("test.long", lease_s=0.9)
    def long(payload, running):
        time.sleep(2)
        print(running.should_stop, len(answers), flush=True)

    queue.enqueue("test.long", at=now())
    print(worker.do_next("worker").kind)
"""


def test_a_lease_outlives_errors_of_the_database_as_long_as_it_lasts(instance: Instance) -> None:
    assert instance.run(FLAKY, "error error fine error fine").split() == ["False", "0", "test.long"]


def test_a_lease_that_cannot_be_renewed_before_its_end_is_given_up(instance: Instance) -> None:
    assert instance.run(FLAKY, " ".join(["error"] * 99)).split()[0] == "True"
