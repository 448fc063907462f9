"""How a run stands: the lock of the store tells a run that goes on from one that was cut short."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cast import Cast
from tests.commands import environment
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import main_of, signed_in, text
from tests.feeds.reports import write
from tests.homes import Home
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import holding, intake
from tocsin.feeds.choices import RunState
from tocsin.feeds.holding import Holder
from tocsin.feeds.models import Run
from tocsin.feeds.standing import interrupted_runs, shown
from tocsin.site import examination, words
from tocsin.site.cli import parser
from tocsin.site.config import load

KILLED = """
import os, signal, sys
from pathlib import Path
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.audit.actors import COMMAND_LINE
from tocsin.engine.run import Options
from tocsin.feeds import intake
from tocsin.kernel import clock
from tocsin.site import words

def checkpoint(reached):
    if reached == "written":
        print("here", flush=True)
        if sys.argv[2] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()

intake.import_reports(
    [Path(sys.argv[1])], options=Options(gone_after=1), by=COMMAND_LINE, at=clock.now(), checkpoint=checkpoint
)
"""


@contextmanager
def importing(store: Store, said: str) -> Iterator[None]:
    """Hold the lock of the store as somebody else who said this in it."""
    store.root.mkdir(parents=True, exist_ok=True)
    with (store.root / "ingest.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(said)
        file.flush()
        yield


def unfinished(**options: object) -> Run:
    """Return a run whose row says that it goes on."""
    return Run.objects.create(
        started_at=AT, actor_label="the command line", state=RunState.RUNNING, note="a.csv", progress=0.4,
        options=options,
    )  # fmt: skip


def test_a_run_that_nobody_works_on_was_interrupted(store: Store) -> None:
    run = unfinished()

    assert [each.pk for each in interrupted_runs()] == [run.pk]
    with importing(store, f"import {run.pk}\n"):
        assert interrupted_runs() == []
    with importing(store, "import \n"):  # it begins just now
        assert interrupted_runs() == []
    for said in (f"import {run.pk + 1}\n", f"withdrawal {run.pk}\n", "attribution \n"):
        with importing(store, said):
            assert [each.pk for each in interrupted_runs()] == [run.pk], said


def test_what_the_last_holder_left_behind_says_nothing(store: Store) -> None:
    run = unfinished()
    with importing(store, f"import {run.pk}\n"):
        pass

    assert holding.holder() is None
    assert shown([run])[0].look == "interrupted"


def test_an_import_says_in_the_lock_which_run_it_is(store: Store, tmp_path: Path) -> None:
    seen: list[Holder | None] = []

    number = store.run(write(tmp_path, 0, [1]), checkpoint=lambda _point: seen.append(holding.holder()))["run"]

    assert seen[0] == Holder("import", number)
    assert holding.holder() is None
    assert (store.root / "ingest.lock").read_text() == ""


def test_looking_does_not_turn_an_import_away(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [1]))
    looking = (store.root / "ingest.lock").open()
    fcntl.flock(looking, fcntl.LOCK_SH)
    threading.Timer(0.05, looking.close).start()  # longer than any look takes

    with holding.lock("import", 7, wait_s=0):
        assert holding.holder() == Holder("import", 7)


def test_pages_say_interrupted_at_once(week: Store, cast: Cast) -> None:
    run = unfinished()
    browser = signed_in(cast.analyst)

    page = browser.get(f"/feeds/runs/{run.pk}/")
    assert f"Run {run.pk} was interrupted; nothing has changed" in text(page)
    assert "import its files again" in text(page) and "40 % read" not in text(page)
    assert "hx-get" not in main_of(page)
    assert "Interrupted" in text(browser.get("/feeds/"))
    part = browser.get(f"/feeds/runs/{run.pk}/progress/", headers={"HX-Request": "true"})
    assert part["HX-Refresh"] == "true"
    with importing(week, f"import {run.pk}\n"):
        page = text(browser.get(f"/feeds/runs/{run.pk}/"))
        assert "40 % read" in page and page.count("In progress") == 1
        assert "In progress" in text(browser.get("/feeds/"))


def test_an_interrupted_replay_is_mended_by_a_replay_wherever_it_is_said(
    week: Store, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    run = unfinished(replay=2)
    (verdict,) = examination._imports(load())

    assert verdict.fix == "Run it again: tocsin feed replay 2"
    page = text(signed_in(cast.analyst).get(f"/feeds/runs/{run.pk}/"))
    assert "read run 2 again (tocsin feed replay 2)" in page and "import its files" not in page
    assert parser.run(["feed", "runs"]) == 0
    assert "read that run again: tocsin feed replay 2" in capsys.readouterr().out
    intake.clear_up(by=COMMAND_LINE)
    page = text(signed_in(cast.analyst).get(f"/feeds/runs/{run.pk}/"))
    assert "read run 2 again (tocsin feed replay 2)" in page and "import its files" not in page


def test_the_list_of_runs_says_interrupted_at_once(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    run = unfinished()

    assert parser.run(["feed", "runs"]) == 0
    assert "interrupted" in (said := capsys.readouterr().out) and "import its files again" in said
    assert parser.run(["feed", "runs", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["runs"]
    assert (one["run"], one["state"]) == (run.pk, "interrupted")
    with importing(store, f"import {run.pk}\n"):
        parser.run(["feed", "runs", "--json"])
    assert json.loads(capsys.readouterr().out)["runs"][0]["state"] == "running"


@pytest.fixture
def somewhere(made: Home) -> Home:
    """A home with a directory, on each database."""
    return made.prepare()


def driver(home: Home, report: Path, then: str) -> subprocess.Popen[str]:
    """Begin an import that stops when its files are written: to wait, or to be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(report), then],
        env=environment(home.place, **home.settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def states(home: Home) -> list[str]:
    """Return the states of the runs, the latest first."""
    return [run["state"] for run in json.loads(home.done("feed", "runs", "--json"))["runs"]]


def test_a_killed_import_is_interrupted_at_once_and_doctor_names_the_fix(somewhere: Home, tmp_path: Path) -> None:
    report = write(tmp_path / "in", 0, [1, 2])
    with driver(somewhere, report, "wait") as running:
        assert running.stdout and running.stdout.readline() == "here\n"
        assert states(somewhere) == ["running"]
        assert somewhere("doctor").returncode == 0
        os.kill(running.pid, signal.SIGKILL)

    assert states(somewhere) == ["interrupted"]
    done = somewhere("doctor")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        "imports: run 1 was interrupted; nothing of it was counted. "
        "Run it again: tocsin feed run PATH, with the same files"
    )
    somewhere.run(report)
    assert states(somewhere) == ["done", "interrupted"]
    assert somewhere("doctor").returncode == 0


def broken(folder: Path) -> Path:
    """Write a report that cannot be read."""
    path = folder / "2026-11-20-scan_ssl-xm-geo.csv.gz"
    path.write_bytes(b"\x1f\x8b\x08 this is no gzip")
    return path


def test_pages_tell_a_run_of_which_nothing_could_be_read_from_one_that_is_done(
    week: Store, cast: Cast, tmp_path: Path
) -> None:
    nothing = week.run(broken(tmp_path))["run"]
    partly = week.run(broken(tmp_path), write(tmp_path, 4, range(1, 9)))["run"]
    browser = signed_in(cast.analyst)

    listed = text(browser.get("/feeds/"))
    assert "Nothing could be read" in listed and "Done, 1 file could not be read" in listed
    assert words.STATES["partly"].icon == "failed", "the clock is for what is still going on"
    page = text(browser.get(f"/feeds/runs/{nothing}/"))
    assert f"Run {nothing}: nothing could be read" in page and "0 findings new" not in page
    page = text(browser.get(f"/feeds/runs/{partly}/"))
    assert f"Run {partly}: 0 findings new, 4 came back" in page and "Done, 1 file could not be read" in page


def test_a_run_of_files_that_were_known_is_not_one_of_which_nothing_could_be_read(week: Store, tmp_path: Path) -> None:
    week.run(write(tmp_path, 0, [*range(1, 9), 70, 200]), broken(tmp_path))

    assert shown([Run.objects.latest("pk")])[0].look == "partly"
