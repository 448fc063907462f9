"""A cluster does what threads do, to the byte, also when a worker dies at it."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client

from tests.engine.manifest import Bench, claims_of
from tests.feeds.reports import write
from tests.homes import DIRECTORY
from tocsin.engine.distributed import Dask, cluster
from tocsin.engine.intake import Context
from tocsin.engine.store import Workspace
from tocsin.kernel.refusals import Unavailable

CLAIMS = claims_of([{**entry, "asns": [], "domains": []} for entry in DIRECTORY])

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""Dask leaves sockets of dead workers to the garbage collector."""


@dataclasses.dataclass(frozen=True)
class Dawdling:
    """A checkpoint that tells which process is at work, and takes its time once, so that it can be killed at it."""

    folder: Path

    def __call__(self, point: str) -> None:
        (self.folder / f"{os.getpid()}-{point}").touch()
        if point == "written" and not (self.folder / "killed").exists() and self._is_first():
            time.sleep(30)

    def _is_first(self) -> bool:
        try:
            (self.folder / "victim").open("x").write(str(os.getpid()))
        except FileExistsError:
            return False
        return True


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three days of three types, with duplicates, and a report in two parts."""
    folder = tmp_path_factory.mktemp("reports")
    files = [
        write(folder, number, [*range(20 * number, 20 * number + 150), 7, 7], kind=kind)
        for number in range(3)
        for kind in ("scan_rdp", "scan_ssl", "scan_snmp")
    ]
    return [*files, write(folder, 2, range(200, 250), part="-part1")]


@pytest.fixture(scope="module")
def executor() -> Iterator[Dask]:
    """Two workers of this machine."""
    with cluster(workers=2) as dask:
        yield dask


def digest(bench: Bench) -> str:
    """Return a digest of all findings, of what happened each day, and of who had which rows."""
    total = hashlib.sha256()
    for name, state in sorted(bench.manifest.states.items()):
        table = pa.concat_tables([pq.read_table(bench.root / path) for path in state.partitions])
        total.update(repr((name, table.sort_by([("k1", "ascending"), ("k2", "ascending")]).to_pylist())).encode())
        moved = sorted((sorted((k, str(v)) for k, v in row.items()) for row in bench.manifest.movements[name]), key=str)
        total.update(repr(moved).encode())
    total.update(repr(sorted(bench.constituents().items())).encode())
    return total.hexdigest()


@pytest.fixture(scope="module")
def by_threads(reports: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The digest when threads do it, and the duplicates."""
    bench = Bench(tmp_path_factory.mktemp("threads"), CLAIMS)
    delta = bench.run(reports)
    return digest(bench), delta.duplicates


def test_workers_come_to_what_threads_come_to(
    executor: Dask, reports: list[Path], by_threads: tuple[str, int], tmp_path: Path
) -> None:
    bench = Bench(tmp_path, CLAIMS)
    delta = bench.run(reports, executor)
    assert (digest(bench), delta.duplicates) == by_threads
    assert by_threads[1] == 12


def test_workers_fold_day_after_day_like_threads(
    executor: Dask, reports: list[Path], by_threads: tuple[str, int], tmp_path: Path
) -> None:
    bench = Bench(tmp_path, CLAIMS)
    for number in (2, 0, 1):  # a late day has its type folded anew
        bench.run([path for path in reports if path.name.startswith(f"2026-11-{16 + number}")], executor)
    assert digest(bench) == by_threads[0]


def test_a_worker_that_is_killed_while_it_writes_takes_nothing_along(
    reports: list[Path], by_threads: tuple[str, int], tmp_path: Path
) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    bench = Bench(tmp_path / "store", CLAIMS)
    victims: list[int] = []

    def kill_the_first() -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if (watched / "victim").exists() and (pid := (watched / "victim").read_text()):
                (watched / "killed").touch()
                os.kill(int(pid), signal.SIGKILL)
                victims.append(int(pid))
                return
            time.sleep(0.02)

    with cluster(workers=2) as dask:
        killer = threading.Thread(target=kill_the_first)
        killer.start()
        delta = bench.run(reports, dask, checkpoint=Dawdling(watched))
        killer.join()

    (victim,) = victims
    assert victim != os.getpid(), "it must have been a worker"
    reached = {path.name.partition("-")[2] for path in watched.glob(f"{victim}-*")}
    assert "written" in reached, "it must have been in the middle of its work"
    others = {int(path.name.partition("-")[0]) for path in watched.glob("[0-9]*-written")} - {victim}
    assert others, "somebody must have done its work again"
    assert (digest(bench), delta.duplicates) == by_threads
    named = {path for report in bench.manifest.by_id.values() for path in report.parts}
    named |= {path for state in bench.manifest.states.values() for path in state.partitions}
    there = {path.relative_to(bench.root).as_posix() for path in bench.root.rglob("*.parquet")}
    assert there == named, "only what successful tasks return may be left"


def test_a_broken_report_is_set_aside_by_a_worker_too(executor: Dask, reports: list[Path], tmp_path: Path) -> None:
    import gzip

    broken = tmp_path / f"{reports[0].name}.gz"
    broken.write_bytes(gzip.compress(reports[0].read_bytes())[:-12])
    bench = Bench(tmp_path / "store", CLAIMS)
    delta = bench.run([broken, reports[1]], executor)
    assert [one.name for one in delta.broken] == [reports[0].name]
    assert [report.name for report in delta.accepted] == [reports[1].name]


def test_workers_are_reached_on_this_machine_alone(executor: Dask) -> None:
    information = executor._client.scheduler_info()
    addresses = [information["address"], *information["workers"]]
    assert len(addresses) == 3
    assert {address.partition("://")[2].partition(":")[0] for address in addresses} == {"127.0.0.1"}
    ports = {f"{int(address.rpartition(':')[2]):04X}" for address in addresses}
    ports.add(f"{information['services']['dashboard']:04X}")
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {cells[1] for cells in lines if cells[3] == "0A" and cells[1].partition(":")[2] in ports}
    assert listening == {f"0100007F:{port}" for port in ports}


def test_two_clusters_at_once_are_no_trouble(executor: Dask, tmp_path: Path) -> None:
    with cluster(workers=1) as other:
        context = Context(Workspace(tmp_path, "t"), Bench(tmp_path).claims)
        assert other.each(_doubled, context.workspace, [4]) == executor.each(_doubled, context.workspace, [4]) == [8]


def test_each_gives_results_in_the_order_of_tasks(executor: Dask, tmp_path: Path) -> None:
    context = Context(Workspace(tmp_path, "t"), Bench(tmp_path).claims)
    assert executor.each(_doubled, context.workspace, [3, 1, 2]) == [6, 2, 4]


def _doubled(_workspace: Workspace, number: int) -> int:
    return 2 * number


def test_a_scheduler_that_does_not_answer_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable, match=rf"no Dask scheduler answers at tcp://127\.0\.0\.1:{port}"):
        cluster(f"tcp://127.0.0.1:{port}", timeout_s=1).__enter__()


@pytest.mark.parametrize("address", ["nonsense://x:1", "tcp://", "tcp://127.0.0.1:notaport"])
def test_an_address_that_is_none_is_a_sentence(address: str) -> None:
    with pytest.raises(Unavailable, match="no Dask scheduler answers at"):
        cluster(address, timeout_s=1).__enter__()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x:1", "tcp://127.0.0.1:notaport"])
def test_a_client_that_could_not_connect_is_not_left_to_the_garbage_collector(address: str) -> None:
    open_before = {id(client) for client in open_clients()}
    with pytest.raises(Unavailable):
        cluster(address, timeout_s=1).__enter__()
    assert [client for client in open_clients() if id(client) not in open_before] == []


def open_clients() -> list[Client]:
    """Return the clients that are not closed yet."""
    return [one for one in gc.get_objects() if isinstance(one, Client) and one.status != "closed"]


def test_without_dask_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: Any = sys.modules
    monkeypatch.setitem(modules, "distributed", None)
    advice = "python -m pip install 'tocsin[scale]'"
    said = rf"Dask is not installed\. Install it beside Tocsin: /\S*{re.escape(advice)}$"
    with pytest.raises(Unavailable, match=said):
        cluster().__enter__()
    assert advice in Path("docs/explanation/when-to-use-dask.md").read_text(), "the same as the documentation says"


START = """
    from tocsin.engine.distributed import cluster
    from tocsin.kernel.refusals import Unavailable

    if __name__ == "__main__":
        try:
            with cluster():
                print("it started")
        except Unavailable as refusal:
            print(refusal)
"""
KILLED_AT_START = """
    import os, signal, sys

    if any("spawn_main" in word for word in sys.orig_argv):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_that_are_killed_while_they_start_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "start.py").write_text(textwrap.dedent(START))
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(KILLED_AT_START))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path("src").absolute()), str(tmp_path)])}
    command = [sys.executable, tmp_path / "start.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("a Dask worker ended while it was started (Nanny failed to start.). Was it for want")
    assert "Traceback" not in done.stderr


def kill_oneself(_workspace: Workspace, _number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_work_of_which_every_worker_dies_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="one Dask worker after the other was killed"), cluster(workers=1) as executor:
        executor.each(kill_oneself, Workspace(tmp_path, "t"), [1])


def test_the_engine_without_dask_imports_none_of_it() -> None:
    code = """
        import sys
        from tocsin.engine import distributed, run
        print(sorted({"dask", "distributed"} & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]", done.stderr
