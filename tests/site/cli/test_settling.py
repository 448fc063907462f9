"""Settling at a served instance: the next page shows the new holder, whether a worker runs or not."""

from __future__ import annotations

import dataclasses
import email.message
import fcntl
import http.cookiejar
import json
import os
import re
import subprocess
import time
import types
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from tests import forking
from tests.commands import ROOT, Command, environment
from tests.feeds.reports import write
from tests.site.cli.test_serve import health, serving

SIGN_IN = """
from tocsin.site.starting import set_up_django
set_up_django()
from tests.feeds.pages import signed_in
from tocsin.people.models import Person
person = Person(email="a@cirt.example", name="A", role="analyst")
person.save()
print(signed_in(person).cookies["session"].value)
"""
JOBS = """
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.jobs.models import Job
print(*(f"{job.state}:{job.attempts}" for job in Job.objects.filter(kind="feeds.reattribute").order_by("pk")[2:]))
"""
LAPSE = """
import datetime as dt
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.jobs.models import Job
from tocsin.kernel.clock import now
past = now() - dt.timedelta(minutes=1)
Job.objects.filter(kind="feeds.reattribute", state="running").update(lease_until=past, run_after=past)
"""
DIRECTORY = [
    {"id": "bank", "name": "Island Bank", "networks": ["192.0.2.0/25"]},
    {"id": "moh", "name": "Ministry of Health", "networks": ["192.0.2.0/25"]},
]


def call(home: Path, *arguments: str) -> str:
    """Run Python on an instance; return what it printed."""
    done = forking.run(arguments, environment(home))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclasses.dataclass
class Browser:
    """A browser of somebody who is signed in."""

    address: str
    session: str

    def __post_init__(self) -> None:
        jar = http.cookiejar.CookieJar()
        answer, asked = email.message.Message(), urllib.request.Request(self.address)
        answer["Set-Cookie"] = f"session={self.session}; Path=/"
        jar.extract_cookies(types.SimpleNamespace(info=lambda: answer), asked)  # type: ignore[arg-type]
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def get(self, path: str, body: bytes | None = None) -> str:
        """Ask for a page, as a form when there is a body; follow where it leads; return the text of the main part."""
        request = urllib.request.Request(self.address + path, body, {"Referer": self.address})
        with self._opener.open(request, timeout=60) as answer:
            page: str = answer.read().decode()
        self.page = page
        return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("</main>")[0]).split())

    def send(self, path: str, to: str = "", **fields: str) -> str:
        """Fill in the form of a page and send it."""
        self.get(path)
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page)[0]
        return self.get(to or path, urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode())


@pytest.fixture
def disputed(ready: Path, tocsin: Command, tmp_path: Path) -> Path:
    """An instance in which three open findings are disputed and the ministry has them; one is nobody's."""
    file = tmp_path / "directory.json"
    for some in (DIRECTORY[1:], DIRECTORY[:1]):  # the one that is there first stands
        file.write_text(json.dumps(some), encoding="utf-8")
        assert tocsin("directory", "import", file).returncode == 0
    assert tocsin("feed", "run", write(tmp_path / "reports", 0, [1, 2, 3, 200])).returncode == 0
    return ready


@contextmanager
def browsing(home: Path, *parts: str, patience_s: float = 50) -> Iterator[tuple[subprocess.Popen[str], Browser]]:
    """A served instance, whose pages wait so long for others' work, and a browser at it."""
    session = call(home, "-c", SIGN_IN)
    patient = {
        "DJANGO_SETTINGS_MODULE": "tests.patient",
        "PATIENCE_S": str(patience_s),
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }
    with serving(home, *parts, patient=patient) as (process, address):
        assert health(address)["ok"] is True
        yield process, Browser(address, session)


def settle(browser: Browser, winner: str) -> str:
    """Settle the one conflict for a constituent, ending the other claim before the findings were seen."""
    browser.get("/directory/conflicts/")
    (path,) = re.findall(r'href="(/directory/conflicts/\d+-\d+/)"', browser.page)
    browser.get(path)
    (claim,) = re.findall(rf'value="(\d+)"[^>]*>\s*Confirm {winner}', browser.page)
    return browser.send(path, decision=claim, reason="Asked both.", ends_on="2026-01-01")


def who_holds(home: Path) -> list[str]:
    listed = json.loads(call(home, "-m", "tocsin", "finding", "list", "--json"))
    return sorted(finding["constituent"] or "-" for finding in listed)


def holder_of(browser: Browser, name: str) -> int:
    """Return how many open findings of the network are shown with that holder."""
    browser.get("/findings/?q=192.0.2.0/25")
    rows = re.findall(r"<tr\b.*?</tr>", browser.page.partition("<tbody")[2], re.S)
    return sum(name in row for row in rows)


@contextmanager
def held_store(home: Path) -> Iterator[IO[str]]:
    """Hold the store as an import does."""
    with (home / "store/ingest.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def until(browser: Browser, holds: Callable[[str], bool]) -> str:
    """Look at the work list until something holds of its text; return that."""
    deadline = time.monotonic() + 90
    while not holds(said := browser.get("/directory/conflicts/")):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said


def helpers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes that a server has started to do what a page waits for."""
    family = psutil.Process(process.pid).children(recursive=True)
    return [child for child in family if child.cmdline()[-2:] == ["--only", "feeds.reattribute"]]


def settles(browser: Browser) -> None:
    """Settle the dispute and look at the findings."""
    assert holder_of(browser, "Ministry of Health") == 3

    said = settle(browser, "Island Bank")

    assert (holder_of(browser, "Ministry of Health"), holder_of(browser, "Island Bank")) == (0, 3)
    assert "Settled. 3 open findings now belong to Island Bank." in said
    assert 'id="attribution"' not in browser.page


def test_the_next_page_after_settling_shows_the_new_holder(disputed: Path) -> None:
    with browsing(disputed) as (process, browser):
        settles(browser)
        assert helpers_of(process) == [], "the worker was woken"
        family = psutil.Process(process.pid).children(recursive=True)
        web = [child for child in family if "gunicorn" in " ".join(child.cmdline())]
        assert sum(child.memory_full_info().pss for child in web) < 250e6


def test_without_a_worker_settling_and_claiming_take_effect_as_soon(disputed: Path) -> None:
    with browsing(disputed, "--only", "web") as (_process, browser):
        settles(browser)
        assert "1 open finding is nobody’s" in browser.get("/directory/unattributed/")
        form = browser.get("/directory/unattributed/claim/?value=192.0.2.0/24&constituent=moh")
        assert "What is Ministry of Health responsible for?" in form

        said = browser.send("/directory/constituents/moh/claims/add/", kind="network", value="192.0.2.128/25")

        assert "The claim is entered. 1 open finding now belongs to Ministry of Health." in said
        assert "Every open finding has somebody responsible" in browser.get("/directory/unattributed/")
        assert holder_of(browser, "Island Bank") == 3


def test_what_takes_longer_is_said_and_a_killed_helper_leaves_it_to_the_next(disputed: Path) -> None:
    with browsing(disputed, "--only", "web", patience_s=1) as (process, browser), held_store(disputed) as lock:
        said = settle(browser, "Island Bank")
        assert "Settled. Open findings are being attributed anew. This page says when it is done." in said
        until(browser, lambda said: "Open findings are attributed anew as soon as it ends." in said)
        browser.send("/directory/constituents/bank/claims/add/", kind="network", value="192.0.2.128/25")
        (helper,) = helpers_of(process)

        helper.kill()
        helper.wait(30)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert call(disputed, "-c", JOBS) == "running:1 waiting:0"
        call(disputed, "-c", LAPSE)

        until(browser, lambda said: "no worker runs. Do it now" in said)
        browser.send("/directory/conflicts/", to="/directory/attribution/")
        until(browser, lambda said: "attributed anew:" not in said and 'id="attribution"' not in browser.page)
        assert {state.partition(":")[0] for state in call(disputed, "-c", JOBS).split()} == {"done"}
        assert holder_of(browser, "Island Bank") == 3
        assert "Every open finding has somebody responsible" in browser.get("/directory/unattributed/")


def test_a_command_attributes_at_once_and_says_so(disputed: Path, tocsin: Command, tmp_path: Path) -> None:
    file = tmp_path / "more.json"
    file.write_text(json.dumps([{"id": "bank", "name": "Island Bank", "networks": ["192.0.2.200/32"]}]))
    done = tocsin("directory", "import", file)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("Open findings: 1 changed hands.", ""), done.stdout
    assert "-" not in who_holds(disputed)

    claim = {"value": "192.0.2.200/32", "confirmed_by": "letter 7", "confirmed_on": "2026-01-05"}
    file.write_text(json.dumps([{"id": "moh", "name": "Ministry of Health", "networks": [claim]}]))
    report = json.loads(tocsin("directory", "import", file, "--json").stdout)
    assert report["reattributed"] == {"done": True, "findings": 1, "gained": {"moh": 1}}
