"""Work that somebody waits for: real helpers and workers on a shared database, one of them at a time."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.jobs.test_worker import ENQUEUE, wait_for
from tests.processes import Instance, finish

KINDS = """
    import os, sys, time
    from pathlib import Path
    from tocsin.jobs.registry import job
    from tocsin.kernel.refusals import Busy

    log = Path(sys.argv[1])

    def note(text):
        with log.open("a") as file:
            file.write(f"{text} {os.getpid()}\\n")

    @job("test.wanted", lease_s=1)
    def wanted(payload, running):
        note("begin")
        time.sleep(payload["s"])
        note("end")

    @job("test.other")
    def other(payload, running):
        note("other")
"""
HELP = f"""{KINDS}
    from tocsin.jobs import helping
    helping.lend_a_hand("test.wanted")
    note("helped")
"""
SEE = f"""{KINDS}
    from django.conf import settings
    from tocsin.jobs import helping
    settings.HELPER_COMMAND = [sys.executable, "-c", sys.argv[2], sys.argv[1]]
    settings.PAGES_WAIT_S = float(sys.argv[3])
    print(helping.see_done("test.wanted"))
"""
HERE = f"""{KINDS}
    from tocsin.jobs import helping
    helping.do_here("test.wanted")
    note("here")
"""
WORKER = f"""{KINDS}
    import signal, threading
    from tocsin.jobs import worker
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    note("ready")
    worker.work(stop, poll_s=30)
"""
STATES = """
    from tocsin.jobs.models import Job
    print(*sorted(f"{job.kind[5:]}:{job.state}:{job.attempts}" for job in Job.objects.filter(kind__startswith="test.")))
"""


def whole(code: str) -> str:
    """Return code that a helper is started with, which sets Django up itself."""
    import textwrap

    return "import django; django.setup()\n" + textwrap.dedent(code)


def words(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()]


def test_without_a_worker_a_helper_does_what_is_waited_for_and_nothing_else(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.other", "[{}]")
    instance.run(ENQUEUE, "test.wanted", '[{"s": 0}]')
    assert instance.run(SEE, str(log), whole(HELP), "50") == "True\n"
    wait_for(log, "helped")
    assert words(log) == ["begin", "end", "helped"]
    assert instance.run(STATES).split() == ["other:waiting:0", "wanted:done:1"]


def test_a_worker_that_is_idle_is_woken_and_no_helper_started(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = instance.start(WORKER, str(log))
    wait_for(log, "ready")
    time.sleep(1)  # it has looked once and waits for half a minute, or until it is woken
    instance.run(ENQUEUE, "test.wanted", '[{"s": 0}]')
    assert instance.run(SEE, str(log), "raise SystemExit('no helper is needed')", "50") == "True\n"
    process.send_signal(signal.SIGTERM)
    process.kill()
    process.communicate()
    assert words(log) == ["ready", "begin", "end"]


def test_what_takes_longer_goes_on(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.wanted", '[{"s": 4}]')
    assert instance.run(SEE, str(log), whole(HELP), "2") == "False\n"
    wait_for(log, "helped")
    assert words(log) == ["begin", "end", "helped"]


def test_several_who_wait_send_for_one_helper(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.wanted", '[{"s": 1}]')
    several = [instance.start(SEE, str(log), whole(HELP), "50") for _ in range(3)]
    assert [finish(process) for process in several] == ["True\n"] * 3
    wait_for(log, "helped")
    time.sleep(1)
    assert words(log) == ["begin", "end", "helped"]
    assert instance.run(STATES).split() == ["wanted:done:1"]


def test_the_work_of_a_killed_helper_is_the_next_ones(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.wanted", '[{"s": 2}]')
    victim = instance.start(HELP, str(log))
    wait_for(log, "begin")
    victim.kill()
    victim.communicate()
    assert instance.run(STATES).split() == ["wanted:running:1"]
    instance.run(HELP, str(log))
    assert words(log) == ["begin", "begin", "end", "helped"]
    assert instance.run(STATES).split() == ["wanted:done:2"]


def test_a_command_does_it_here_or_waits_for_whoever_has_it_in_hand(instance: Instance, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance.run(ENQUEUE, "test.wanted", '[{"s": 0}]')
    instance.run(HERE, str(log))
    assert words(log) == ["begin", "end", "here"]
    instance.run(ENQUEUE, "test.wanted", '[{"s": 3}]')
    helper = instance.start(HELP, str(log))
    wait_for(log, "begin", times=2)
    instance.run(HERE, str(log))
    assert words(log)[3:5] == ["begin", "end"] and words(log)[-1] in ("here", "helped")
    finish(helper)
    assert instance.run(STATES).split() == ["wanted:done:1", "wanted:done:1"]
