"""Run the pipeline once and measure it from outside: CPU seconds of every bot and of Redis, without their start-up."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.intelmq.pipeline import COLLECTOR, Bot, Place, bots, queue
from bench.processes import Failed, cpu_s, high_water_mb

READY = "Bot initialization completed"
_QUEUES_IN = 2
"""Number of Redis' database with the queues: IntelMQ's default."""
_START_S, _RUN_S, _STOP_S = 120.0, 1_800.0, 15.0


@dataclasses.dataclass(frozen=True)
class Spent:
    """What a run of the pipeline used."""

    wall_s: float
    bots: dict[str, float]
    """CPU seconds of each bot."""
    redis_cpu_s: float
    peak_mb: float
    """Sum of what each process had at most."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all of them."""
        return sum(self.bots.values()) + self.redis_cpu_s


class Redis:
    """Asks a Redis server one thing at a time, in the protocol's form for people."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._answers = self._socket.makefile("rb")

    def ask(self, command: str) -> str:
        """Return the first line of the answer, without the sign of its kind."""
        self._socket.sendall(command.encode() + b"\r\n")
        return self._answers.readline()[1:].strip().decode()

    def close(self) -> None:
        """Leave."""
        self._answers.close()
        self._socket.close()


@dataclasses.dataclass(frozen=True)
class Runner:
    """How processes of the pipeline are started."""

    venv: Path
    place: Place
    user: str | None
    """Account of the bots, which refuse to be root; None for whoever runs this."""

    def own(self) -> None:
        """Give the folders of the installation to the account of the bots."""
        if self.user is not None:
            for path in (self.place.root, *self.place.root.rglob("*")):
                shutil.chown(path, self.user)

    def start(self, bot: Bot) -> subprocess.Popen[bytes]:
        """Start one bot."""
        return self._start(bot.id, str(self.venv / "bin" / bot.module), bot.id)

    def start_redis(self) -> subprocess.Popen[bytes]:
        """Start a Redis of our own, with the settings that it comes with."""
        port = str(self.place.redis_port)
        return self._start("redis", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir",
                           str(self.place.root), "--save", "3600 1 300 100 60 10000")  # fmt: skip

    def _start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TOCSIN_", "PYTHON"))}
        environment = {**kept, "INTELMQ_ROOT_DIR": str(self.place.root), "HOME": str(self.place.root)}
        with (self.place.root / f"{name}.out").open("wb") as said:
            return subprocess.Popen(command, cwd=self.place.root, env=environment, stdout=said,
                                    stderr=subprocess.STDOUT, user=self.user)  # fmt: skip


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(runner: Runner) -> Spent:
    """Run the pipeline until every queue is empty. Raises bench.processes.Failed."""
    collector, *others = bots(runner.place)
    with _ended(runner.start_redis()) as redis_process:
        redis = _connected(runner.place.redis_port)
        starting = _start_up_of_collector(runner, collector)
        with contextlib.ExitStack() as all_of_them:
            processes = {bot.id: all_of_them.enter_context(_ended(runner.start(bot))) for bot in others}
            _wait_until_ready(runner.place, processes)
            before = {name: cpu_s(process.pid) for name, process in processes.items()}
            before["redis"] = cpu_s(redis_process.pid)
            began = time.monotonic()
            reading = all_of_them.enter_context(_ended(runner.start(collector)))
            read_cpu_s, read_mb = _drained(redis, reading, [bot.id for bot in others], runner.place)
            wall_s = time.monotonic() - began
            spent = {name: cpu_s(process.pid) - before[name] for name, process in processes.items()}
            redis_cpu_s = cpu_s(redis_process.pid) - before["redis"]
            peak_mb = sum(high_water_mb(process.pid) for process in (redis_process, *processes.values()))
        redis.close()
    spent[COLLECTOR] = max(read_cpu_s - starting, 0)
    return Spent(wall_s, spent, redis_cpu_s, peak_mb + read_mb)


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End a process of ours when it is no longer needed."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _connected(port: int) -> Redis:
    until = time.monotonic() + _START_S
    while True:
        try:
            redis = Redis(port)
            break
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise Failed("Redis does not answer.") from None
            time.sleep(0.05)
    redis.ask(f"SELECT {_QUEUES_IN}")
    return redis


def _start_up_of_collector(runner: Runner, collector: Bot) -> float:
    """Return the CPU seconds of the collector with nothing to collect: it stops by itself."""
    aside = runner.place.delivered.with_name("aside")
    runner.place.delivered.rename(aside)
    runner.place.delivered.mkdir()
    runner.place.delivered.chmod(0o755)
    try:
        with _ended(runner.start(collector)) as process:
            return _watched(process)[0]
    finally:
        runner.place.delivered.rmdir()
        aside.rename(runner.place.delivered)


def _watched(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Wait for a process and return its CPU seconds and most memory."""
    until, peak = time.monotonic() + _RUN_S, 0.0
    while True:
        peak = max(peak, high_water_mb(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime, peak
        if time.monotonic() > until:
            raise Failed("The collector does not end.")
        time.sleep(0.1)


def _wait_until_ready(place: Place, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + _START_S
    for name, process in processes.items():
        log = place.logs / f"{name}.log"
        while not (log.exists() and READY in log.read_text(encoding="utf-8", errors="replace")):
            if process.poll() is not None or time.monotonic() > until:
                said = (place.root / f"{name}.out").read_text(encoding="utf-8", errors="replace")
                raise Failed(f"The bot {name} did not start: {said[-1500:]}")
            time.sleep(0.1)
    time.sleep(1)


def _drained(redis: Redis, reading: subprocess.Popen[bytes], after: Sequence[str], place: Place) -> tuple[float, float]:
    """Wait until everything is collected and every queue is empty; return CPU and memory of the collector."""
    spent = _watched(reading)
    until = time.monotonic() + _RUN_S
    names = [f"{queue(bot)}{end}" for bot in after for end in ("", "-internal")]
    while sum(int(redis.ask(f"LLEN {name}")) for name in names):
        if time.monotonic() > until:
            raise Failed(f"The queues are not empty after {_RUN_S:.0f} s; see the logs in {place.logs}.")
        time.sleep(0.2)
    return spent
