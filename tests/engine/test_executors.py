"""Threads do what one would do alone, in the same order, and what fails fails the run."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.engine.manifest import Bench, state_digest
from tests.engine.reports import day, seen, write
from tocsin.engine import executors, intake, records
from tocsin.engine.executors import Threads, read_delivery
from tocsin.engine.intake import Chunk, Context, Delivery, Mapped, deliver
from tocsin.engine.opening import BrokenReport, sources
from tocsin.engine.store import Workspace


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(records, "CHUNK_ROWS", 10)
    monkeypatch.setattr(records, "BLOCK_BYTES", 512)
    return [
        write(tmp_path / "in", [seen(f"198.18.{on}.{n}", day(on)) for n in range(60 + on)], on=day(on))
        for on in range(4)
    ]


def test_tasks_are_done_in_order(tmp_path: Path) -> None:
    def late(workspace: Workspace, number: int) -> tuple[str, int]:
        time.sleep((5 - number) / 200)
        return workspace.token, number * number

    found = Threads(3).each(late, Workspace(tmp_path, "run1"), range(5))
    assert found == [("run1", 0), ("run1", 1), ("run1", 4), ("run1", 9), ("run1", 16)]


def test_any_number_of_threads_gives_the_same(many: list[Path], tmp_path: Path) -> None:
    digests = set()
    for count in (1, 2, 4):
        bench = Bench(tmp_path / f"store{count}")
        bench.run(many, Threads(count))
        digests.add(state_digest(bench))
    assert len(digests) == 1


def test_a_worker_that_reads_a_delivery_alone_reads_the_same(many: list[Path], tmp_path: Path) -> None:
    bench = Bench(tmp_path / "store")
    context = Context(Workspace(tmp_path / "store", "run1"), bench.claims)
    deliveries = [
        deliver(number, source, bench.recognise) for number, path in enumerate(many) for source in sources(path)
    ]
    together = list(Threads(2).read(context, deliveries))
    alone = [read_delivery(context, delivery) for delivery in deliveries]
    assert together == alone
    assert [delivery.number for delivery, _ in together] == [0, 1, 2, 3]


def test_a_broken_delivery_is_told_beside_the_good_ones(many: list[Path], tmp_path: Path) -> None:
    bench = Bench(tmp_path / "store")
    context = Context(Workspace(tmp_path / "store", "run1"), bench.claims)
    deliveries = [deliver(number, sources(path)[0], bench.recognise) for number, path in enumerate(many)]
    many[1].write_bytes(b"")
    outcomes = [isinstance(outcome, BrokenReport) for _, outcome in Threads(2).read(context, deliveries)]
    assert outcomes == [False, True, False, False]
    assert isinstance(read_delivery(context, deliveries[1])[1], BrokenReport)


def test_what_goes_wrong_in_a_thread_ends_the_run_and_commits_nothing(
    many: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(context: Context, delivery: Delivery, chunk: Chunk) -> Mapped:
        if delivery.number == 2:
            raise OSError("the disk is gone")
        return intake.map_chunk(context, delivery, chunk)

    monkeypatch.setattr(executors, "map_chunk", failing)
    bench = Bench(tmp_path / "store")
    with pytest.raises(OSError, match="the disk is gone"):
        bench.run(many, Threads(2))
    assert (bench.manifest.by_id, bench.manifest.states) == ({}, {})


def test_few_chunks_are_in_memory_at_a_time(many: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    read_of = intake.ChunkSource.__iter__

    def counted(self: intake.ChunkSource) -> object:
        nonlocal at_once, most
        for chunk in read_of(self):
            with lock:
                at_once += 1
                most = max(most, at_once)
            yield chunk

    def slow(context: Context, delivery: Delivery, chunk: Chunk) -> Mapped:
        nonlocal at_once
        done = intake.map_chunk(context, delivery, chunk)
        with lock:
            at_once -= 1
        return done

    monkeypatch.setattr(intake.ChunkSource, "__iter__", counted)
    monkeypatch.setattr(executors, "map_chunk", slow)
    Bench(tmp_path / "store").run(many, Threads(2))
    assert 1 <= most <= 4
    assert at_once == 0


def test_there_are_never_more_threads_than_help() -> None:
    assert 1 <= Threads().count <= executors.MOST_THREADS
    assert Threads(7).count == 7
