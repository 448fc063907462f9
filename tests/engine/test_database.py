"""Many ask the one DuckDB of a process at once, and its memory is enough for each of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from tocsin.engine.query import Database

ASKING = 6
# Holds more than a third of the memory below until its last row is counted.
MUCH = "SELECT count(*) FROM (SELECT i FROM range(?) t(i) GROUP BY i)"
ROWS = 1_000_000


def ask_at_once(database: Database) -> list[int]:
    """Let several threads begin the same question in the same moment; return their answers."""
    ready = threading.Barrier(ASKING)

    def ask(_number: int) -> int:
        ready.wait()
        return int(database.ask(MUCH, [ROWS]).fetchall()[0][0])

    with ThreadPoolExecutor(ASKING) as pool:
        return list(pool.map(ask, range(ASKING)))


def test_questions_that_come_at_once_share_no_memory(tmp_path: Path) -> None:
    database = Database(memory_mb=40, threads=1, scratch=tmp_path / "not made")
    (tmp_path / "not made").touch()  # nothing can be put aside on the disk

    assert ask_at_once(database) == [ROWS] * ASKING


def test_a_question_that_fails_leaves_the_turn_to_the_next(tmp_path: Path) -> None:
    database = Database(memory_mb=10, threads=1, scratch=tmp_path / "not made")
    (tmp_path / "not made").touch()

    with pytest.raises(duckdb.Error):
        database.ask(MUCH, [10 * ROWS])
    assert database.ask("SELECT 1 AS one, 'x' AS word").rows == [(1, "x")]
    assert database.ask("SELECT 1 AS one, 'x' AS word").columns == ("one", "word")


def test_what_is_streamed_is_read_while_others_ask() -> None:
    database = Database(threads=1)
    cursor = database.stream("SELECT * FROM range(?) ORDER BY 1", [10_000])

    assert cursor.fetchmany(2) == [(0,), (1,)]
    assert database.ask("SELECT 7").fetchall() == [(7,)]
    assert cursor.fetchmany(2) == [(2,), (3,)]
