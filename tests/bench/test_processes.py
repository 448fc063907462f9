"""What a process costs is what it really used, with all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from bench.processes import Cost, Failed, cpu_s, descendants, high_water_mb, measured, resident_mb

BUSY = "import time\nwhile time.process_time() < {cpu}: pass"


def cost_of(code: str) -> Cost:
    return measured([sys.executable, "-c", code], os.environ)[0]


def test_cpu_seconds_are_the_process_s_own_and_its_children_s() -> None:
    inner = BUSY.format(cpu=0.3)
    alone = cost_of(inner)
    outer = cost_of(f"import subprocess, sys\nfor _ in range(2): subprocess.run([sys.executable, '-c', {inner!r}])")
    assert 0.3 <= alone.cpu_s < 0.5
    assert 0.6 <= outer.cpu_s < 1.0


def test_waiting_takes_wall_time_and_no_cpu() -> None:
    cost = cost_of("import time; time.sleep(0.5)")
    assert cost.wall_s >= 0.5
    assert cost.cpu_s < 0.3


def test_peak_memory_sees_what_was_held_for_a_moment_and_given_back() -> None:
    small = cost_of("import time; time.sleep(0.2)").peak_mb
    # The last wait: a process's high-water mark is read while it lives.
    large = cost_of("import time; x = b'x' * (200 << 20); del x; time.sleep(0.2)").peak_mb
    assert 190 < large - small < 230


def test_peak_memory_is_the_sum_over_the_processes() -> None:
    inner = "x = b'x' * (100 << 20); import time; time.sleep(0.6)"
    start = f"subprocess.Popen([sys.executable, '-c', {inner!r}])"
    cost = cost_of(f"import subprocess, sys; ps = [{start}, {start}]; [p.wait() for p in ps]")
    assert 200 < cost.peak_mb < 300


def test_what_the_process_says_is_given_back() -> None:
    _cost, said = measured([sys.executable, "-c", "print('é' * 3)"], os.environ)
    assert said == "ééé\n"


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(Failed, match=r"ended with 3: .*too bad"):
        measured([sys.executable, "-c", "import sys; print('too bad', file=sys.stderr); sys.exit(3)"], os.environ)


def test_an_exit_code_may_be_allowed() -> None:
    assert measured([sys.executable, "-c", "raise SystemExit(1)"], os.environ, allowed=(0, 1))


def test_a_process_that_is_gone_uses_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert (cpu_s(process.pid), resident_mb(process.pid), high_water_mb(process.pid)) == (0, 0, 0)


def test_descendants_are_found_at_every_depth() -> None:
    inner = "import time; time.sleep(20)"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    process = subprocess.Popen([sys.executable, "-c", start])
    tree: list[int] = []
    try:
        until = time.monotonic() + 10
        while len(tree) < 2 and time.monotonic() < until:
            time.sleep(0.02)
            tree = list(descendants(process.pid))
        assert tree[0] == process.pid
        assert len(tree) == 2
    finally:
        for pid in reversed(tree or [process.pid]):
            os.kill(pid, 9)
        process.wait()


def test_the_cpu_of_a_living_process_is_read_while_it_runs() -> None:
    before = cpu_s(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert 0.05 <= cpu_s(os.getpid()) - before < 0.5
