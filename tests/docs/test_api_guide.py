"""The guide to the API: its commands and its program are run against a running server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.reading import page
from tests.feeds.reports import write
from tests.homes import Home
from tests.site.cli.test_serve import health, serving

GUIDE = "how-to/fetch-your-findings-by-program"
KEY_OF_A_MEMBER = """
from tocsin.site.starting import set_up_django
set_up_django()
import datetime as dt
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory.actions import add_member
from tocsin.directory.models import Constituent
from tocsin.kernel import clock
from tocsin.people import actions, keys, links
from tocsin.people.models import Person
at, ministry = clock.now(), Constituent.objects.get(public_id="moh")
facts = {"email": "it@moh.example", "name": "It", "is_administrator": False, "token": links.new_token()}
person = Person.objects.get(pk=add_member(ministry, **facts, by=COMMAND_LINE, at=at).person)
secret = keys.new_secret()
until = at + dt.timedelta(days=9)
actions.make_api_key(
    person, name="Guide", scopes=["findings:read"], secret=secret, expires_at=until, by=person, at=at
)
print(secret, end="")
"""


def blocks(kind: str) -> list[str]:
    """The blocks of the guide that a test runs."""
    return re.findall(rf"^```{kind} client$\n(.*?)^```$", page(GUIDE), re.M | re.S)


@pytest.fixture
def asking(ready: Path, tmp_path: Path) -> Iterator[tuple[Home, dict[str, str]]]:
    """An instance that is served, and what a client's shell knows."""
    home = Home(ready).prepare()
    home.run(write(tmp_path / "in", 0, range(1, 13)))
    key = home.python(KEY_OF_A_MEMBER)
    (tmp_path / "client").mkdir()
    with serving(ready, "--only", "web") as (_process, address):
        health(address)
        yield home, {**os.environ, "TOCSIN": address, "KEY": key}


def test_the_guide_is_as_it_says(asking: tuple[Home, dict[str, str]], tmp_path: Path) -> None:
    home, environment = asking
    place = tmp_path / "client"

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    everything, resume, changed = blocks("sh")
    (program,) = blocks("python")
    end = json.loads(run("sh", "-eu", "-c", everything))
    assert (end["end"], end["count"]) == (True, 12)
    run("sh", "-eu", "-c", resume)
    lines, again = ((place / name).read_text().splitlines()[:-1] for name in ("findings.jsonl", "whole.jsonl"))
    assert again == lines and len(set(lines)) == 12
    assert run(sys.executable, "-c", program).strip() == "12 open of 12"

    home.run(write(tmp_path / "in", 1, [*range(1, 11), 40]))
    run("sh", "-eu", "-c", changed)
    told = [json.loads(line) for line in (place / "changes.jsonl").read_text().splitlines()]
    assert len(told) == 14 and told[-1]["count"] == 13
    assert run(sys.executable, "-c", program).strip() == "11 open of 13"
    assert run(sys.executable, "-c", program).strip() == "11 open of 13"
