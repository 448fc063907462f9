"""Loading Meridia through the real command line, and meeting its story in the store."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import forking
from tests.commands import Command, Completed, environment
from tests.homes import Home
from tests.site.cli.test_serve import free_port, health
from tocsin.site.demo.loading import seen_until
from tocsin.site.demo.writing import write_country

TODAY = "2026-03-07"


def demo(tocsin: Command, home: Path, *arguments: str, **settings: str) -> Completed:
    return tocsin("demo", "--home", home, "--no-serve", *arguments, home=home, **settings)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole country, loaded once."""
    home = tmp_path_factory.mktemp("meridia") / "demo"
    command = ["-m", "tocsin", "demo", "--home", str(home), "--no-serve", "--today", TODAY, "--json"]
    done = forking.run(command, environment(home), timeout_s=300)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["today"], answer["loaded"]) == (TODAY, True)
    assert answer["sign_in"].startswith("http://localhost:8000/sign-in/demo/")
    assert "Loading seven days of Meridia" in done.stderr
    return home


@pytest.mark.parametrize(
    ("now", "until"),
    [("2026-03-07T05:15:40", "05:15"), ("2026-03-07T00:00:10", "00:01"), ("2026-03-07T09:00:00", "06:00"),
     ("2026-03-08T00:30:00", "06:00"), ("2026-03-06T00:30:00", "06:00")],
)  # fmt: skip
def test_its_last_day_is_the_day_of_loading_and_nothing_lies_ahead(now: str, until: str) -> None:
    at = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    assert seen_until(dt.date.fromisoformat(TODAY), at) == dt.time.fromisoformat(until)


def test_without_a_day_it_ends_on_the_day_it_is_loaded(tocsin: Command, tmp_path: Path) -> None:
    home = tmp_path / "cut"
    home.mkdir()
    day = dt.datetime.now(dt.UTC).date()
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin", "demo", "--home", str(home), "--no-serve"],
        env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert str(day) in process.stderr.readline() or day != dt.datetime.now(dt.UTC).date()
        assert (home / "demo").read_text().split()[:2] == [str(day), "loading"]
    finally:
        process.kill()
        process.communicate()


def findings(home: Path, *filters: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Return what each of these filters finds."""
    return [json.loads(each) for each in Home(home).many(*(["finding", "list", "--json", *each] for each in filters))]


def test_the_outbreak_the_clean_up_and_the_disputed_block_are_there(loaded: Path) -> None:
    """The block stands under the claim confirmed last."""
    sinkhole, resolvers, disputed = findings(
        loaded,
        ["--type", "event4_sinkhole", "--constituent", "lagoon-telecom"],
        ["--type", "scan_dns"],
        ["--asset", "198.18.141.0/26", "--type", "scan_rdp"],
    )
    assert Counter(finding["first_seen"][:10] for finding in sinkhole).most_common(1)[0][0] >= "2026-03-05"
    assert Counter(finding["state"] for finding in resolvers)["gone"] > 20
    assert {finding["constituent"] for finding in disputed} == {"island-net"}


def test_what_waits_after_the_week_is_told(loaded: Path, tocsin: Command) -> None:
    doctor = tocsin("doctor", home=loaded)
    waits = "cycles: scan_telnet of 2026-03-07"
    assert (doctor.returncode, doctor.stdout.startswith(waits), doctor.stdout.count("\n")) == (1, True, 1), (
        doctor.stdout
    )


def test_its_files_through_the_commands_of_real_input_give_the_same(loaded: Path, ready: Path, tmp_path: Path) -> None:
    """Byte by byte, ids and all: a finding's id is made of what it is about, not of who took it in or when.

    Of the run only who imported and when may differ. The answers, notices and members of the
    demonstration stand beside the findings and change none.
    """
    files = write_country(tmp_path, dt.date.fromisoformat(TODAY))
    came, home = Home(loaded), Home(ready)
    asked = [["feed", "runs", "--json"], ["finding", "export"]]
    taken_in = [
        ["directory", "import", str(files.directory)],
        ["directory", "load-asn", str(files.rib)],
        ["feed", "run", *map(str, files.reports)],
    ]
    told, exported = came.many(*asked)
    *_, told_by_commands, exported_by_commands = home.many(*taken_in, *asked)
    (run,), (by_command,) = (json.loads(each)["runs"] for each in (told, told_by_commands))
    assert {name for name in run if run[name] != by_command[name]} == {"by", "started_at", "finished_at"}
    assert (run["state"], run["files"], run["by"], by_command["by"]) == ("done", 124, "demonstration", "command line")
    assert run["rows_kept"] > 100_000
    assert exported.count("\n") > 10_000
    assert hashlib.sha256(exported.encode()).digest() == hashlib.sha256(exported_by_commands.encode()).digest()


def test_a_second_time_it_is_there_at_once_with_a_new_link(loaded: Path, tocsin: Command) -> None:
    first = json.loads(demo(tocsin, loaded, "--json").stdout)
    second = json.loads(demo(tocsin, loaded, "--json", "--today", TODAY).stdout)
    assert not first["loaded"]
    assert first["sign_in"] != second["sign_in"]
    assert len({first["sign_in_member"], second["sign_in_member"], second["sign_in"]}) == 3
    assert len(json.loads(tocsin("feed", "runs", "--json", home=loaded).stdout)["runs"]) == 1


def test_another_day_is_refused_with_a_way_on(loaded: Path, tocsin: Command) -> None:
    done = demo(tocsin, loaded, "--today", "2026-03-08")
    assert done.returncode == 1
    assert done.stderr.endswith("was loaded for 2026-03-07. Remove it, or name another folder with --home.\n")


def test_a_real_instance_is_never_made_a_demonstration(ready: Path, tocsin: Command) -> None:
    done = demo(tocsin, ready)
    assert done.returncode == 1
    assert "is an instance with data of its own" in done.stderr
    assert not (ready / "demo").exists()


def test_the_database_of_the_real_instance_is_left_alone(loaded: Path, tocsin: Command) -> None:
    done = demo(tocsin, loaded, database_url="postgresql://nobody@127.0.0.1:1/real")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_load_that_was_cut_short_is_taken_up_for_its_day(loaded: Path, tocsin: Command, tmp_path: Path) -> None:
    home = tmp_path / "cut"
    shutil.copytree(loaded, home)
    (home / "demo").write_text(f"{TODAY} loading\n")
    answer = json.loads(demo(tocsin, home, "--json").stdout)
    assert (answer["today"], answer["loaded"]) == (TODAY, True)
    assert findings(home, ["--type", "scan_rdp"]) == findings(loaded, ["--type", "scan_rdp"])
    assert (home / "demo").read_text() == f"{TODAY}\n"


def test_an_earlier_demonstration_gets_the_steps_it_lacks(loaded: Path, tocsin: Command, tmp_path: Path) -> None:
    home = tmp_path / "earlier"
    shutil.copytree(loaded, home)
    with closing(sqlite3.connect(home / "tocsin.sqlite3")) as connection, connection:
        counted = connection.execute("SELECT sum(new), sum(gone) FROM feeds_movement").fetchall()
        for table in (
            "typemovement",
            "constituentmovement",
            "download",
            "baseline",
            "delivery",
            "saying",
            "judgement",
            "answer",
        ):
            connection.execute(f"DROP TABLE feeds_{table}")
        for column in ("also", "expired_at"):
            connection.execute(f"ALTER TABLE feeds_report DROP COLUMN {column}")
        connection.execute("DELETE FROM django_migrations WHERE app = 'feeds' AND name >= '0003'")
    assert demo(tocsin, home).returncode == 0
    with closing(sqlite3.connect(home / "tocsin.sqlite3")) as connection:
        for table in ("feeds_typemovement", "feeds_constituentmovement"):
            assert connection.execute(f"SELECT sum(new), sum(gone) FROM {table}").fetchall() == counted


SECOND_START_S = 5
"""CPU seconds of all processes until the first answer, of a demonstration that was loaded before."""


def cpu_of_family_s(pid: int) -> float:
    """Return the CPU seconds of a process and of all below it, with those that have ended."""
    first = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:4]) for each in (first, *first.children(recursive=True)))


def test_it_serves_and_lets_its_visitor_in(loaded: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "tocsin", "demo", "--home", str(loaded), "--port", str(port), "--json"]
    started = time.monotonic()
    with subprocess.Popen(
        command, env=environment(loaded), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout
            link = json.loads(server.stdout.readline())["sign_in"]
            assert link.startswith(f"http://localhost:{port}/")
            assert health(f"http://127.0.0.1:{port}", seconds=60)["ok"] is True
            assert time.monotonic() - started < 60
            assert cpu_of_family_s(server.pid) <= SECOND_START_S
            again = subprocess.run(
                [*command, "--no-serve"], env=environment(loaded), capture_output=True, text=True, timeout=60
            )
            assert (again.returncode, again.stdout) == (1, "")
            assert again.stderr == (
                f"tocsin: `tocsin demo` runs already, at http://127.0.0.1:{port}/. "
                "For a new link stop it with Ctrl-C, then start it again.\n"
            )
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
            form = re.search(
                r'name="csrfmiddlewaretoken" value="(\w+)"', browser.open(link, timeout=60).read().decode()
            )
            assert form
            page = browser.open(link, f"csrfmiddlewaretoken={form[1]}".encode(), timeout=60)
            assert page.status == 200
            assert "sign-in" not in page.geturl()
        finally:
            server.terminate()
            server.communicate(timeout=60)
