"""The pipeline that IntelMQ runs is whole, and its runner sees when it is done. Needs neither IntelMQ nor Redis."""

from __future__ import annotations

import itertools
import json
import re
import socketserver
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.intelmq import comparison, pipeline, running
from bench.intelmq.pipeline import Place
from bench.measures import Wrong


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place", 7_000)


def test_each_bot_sends_to_the_next(place: Place) -> None:
    content = pipeline.runtime(place)
    chain = [bot.id for bot in pipeline.bots(place)]
    assert len(chain) == 7
    for bot, after in itertools.pairwise(chain):
        assert content[bot]["parameters"]["destination_queues"] == {"_default": [f"{after}-queue"]}
    assert "destination_queues" not in content[chain[-1]]["parameters"]


def test_only_the_collector_stops_by_itself(place: Place) -> None:
    content = pipeline.runtime(place)
    stopping = [name for name, bot in content.items() if bot.get("run_mode") == "scheduled"]
    assert stopping == [pipeline.COLLECTOR]


def test_everything_is_on_one_redis_of_our_own(place: Place) -> None:
    content = json.dumps(pipeline.runtime(place))
    assert set(re.findall(r'_port": (\d+)', content)) == {"7000"}
    assert set(re.findall(r'_host": "([^"]+)"', content)) == {"127.0.0.1"}


def test_an_installation_has_configuration_schema_tables_and_reports(place: Place, tmp_path: Path) -> None:
    for folder, name, text in (
        ("etc", "harmonization.conf", "{}"),
        ("schema", "intelmq.json", '{"a": 1}'),
        ("feeds", "rib.txt", "192.0.2.0/24\t64496\n"),
        ("feeds", "constituents.json", '[{"id": "c1", "asns": ["64496"]}, {"id": "c2", "asns": [64497]}]'),
        ("feeds", "2026-11-16-scan_http-x.csv", '"ip"\n'),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    (place.root / "var").mkdir(parents=True)
    (place.root / "var" / "left over").touch()
    report = tmp_path / "feeds" / "2026-11-16-scan_http-x.csv"
    pipeline.install(place, tmp_path / "etc", tmp_path / "schema", tmp_path / "feeds", [report])
    assert json.loads((place.root / "etc" / "runtime.yaml").read_text()) == pipeline.runtime(place)
    assert (place.bots / "shadowserver-schema.json").read_text() == '{"a": 1}'
    assert [path.name for path in place.delivered.iterdir()] == [report.name]
    assert not (place.root / "var" / "left over").exists()
    with sqlite3.connect(place.bots / "contacts.sqlite") as database:
        rows = database.execute("SELECT * FROM contacts ORDER BY asn").fetchall()
    database.close()
    assert rows == [(64496, "abuse@c1.example"), (64497, "abuse@c2.example")]


class Answering(socketserver.StreamRequestHandler):
    """Answers as Redis does: a state, then the length of a queue."""

    def handle(self) -> None:
        for line in self.rfile:
            word, *rest = line.decode().split()
            self.wfile.write(b"+OK\r\n" if word == "SELECT" else f":{len(rest[0])}\r\n".encode())


@pytest.fixture
def redis() -> Iterator[running.Redis]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        asked = running.Redis(server.server_address[1])
        yield asked
        asked.close()
        server.shutdown()
        thread.join()


def test_redis_is_asked_one_thing_at_a_time(redis: running.Redis) -> None:
    assert redis.ask("SELECT 2") == "OK"
    assert [int(redis.ask(f"LLEN {name}")) for name in ("a", "abc")] == [1, 3]


def test_the_sum_is_of_all_bots_and_redis() -> None:
    spent = running.Spent(10.0, {"one": 1.5, "two": 2.0}, redis_cpu_s=0.5, peak_mb=1.0)
    assert spent.cpu_s == 4


def test_every_package_is_locked_with_its_hash() -> None:
    lock = comparison.LOCK.read_text(encoding="utf-8")
    assert "intelmq==3.5.0" in lock
    assert len(re.findall(r"^[a-z0-9-]+==\S+ \\\n +--hash", lock, re.M)) == len(re.findall(r"^[a-z].*==", lock, re.M))


def test_the_python_for_the_bots_is_one_that_runs() -> None:
    assert comparison._runs(comparison._interpreter(None), "import venv", None)
    assert not comparison._runs(comparison._interpreter(None), "import nothing_of_that_name", None)
    assert not comparison._runs("no-such-python", "pass", None)


def test_tocsin_is_judged_by_how_many_times_more_rows_it_does() -> None:
    assert comparison.TIMES.verdict(1_000) == "moonshot"
    assert comparison.TIMES.verdict(399) == "missed"


def test_a_repetition_in_another_file_counts_for_intelmq_alone(tmp_path: Path) -> None:
    for name, rows in (
        ("2026-11-16-scan_http-x.csv", ["1", "2", "2"]),
        ("2026-11-16-scan_http-x-part1.csv", ["2", "3"]),
        ("2026-11-16-scan_ssl-x.csv", ["3"]),
        ("2026-11-17-scan_ssl-x.csv", ["3"]),
    ):
        (tmp_path / name).write_text("\n".join(['"ip"', *rows]) + "\n", encoding="utf-8")
    assert comparison.distinct(sorted(tmp_path.iterdir())) == (6, 5)


def test_the_numbers_of_events_are_explained() -> None:
    assert comparison.events_note((5, 5), {5}, {5}) == ""
    assert "another file" in comparison.events_note((6, 5), {6}, {5})
    assert "6 are right" in comparison.events_note((6, 5), {4}, {5})
    with pytest.raises(Wrong, match=r"\[4\] events where 5 is right"):
        comparison.events_note((5, 5), {5}, {4})
