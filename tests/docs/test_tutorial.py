"""The tutorial does what it says: its commands are run as they stand, in one shell, beside a demonstration."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import once
from tests.commands import ROOT, environment
from tests.docs.reading import DOCS, marked_commands

TUTORIAL = DOCS / "tutorial/your-first-hour.md"
TEXT = TUTORIAL.read_text(encoding="utf-8")
SETTLED = "<!-- settled here -->"
BLOCKS = re.findall(
    rf"({SETTLED})|^```sh run$\n(.*?)^```$\n(?:\n```text$\n(.*?)^```$)?", TEXT, flags=re.MULTILINE | re.DOTALL
)
WAITS = "wait"
"""Of the report of the demonstration that the tutorial leaves waiting: a last line reminds of it."""
END_OF_BLOCK = "--- end of block {} ---"
SETTLE = """
import datetime as dt, django
django.setup()
from tocsin.audit.actors import System
from tocsin.directory import actions
from tocsin.directory.queries import conflicts
from tocsin.kernel.clock import now
[conflict] = conflicts()
claims = {claim.constituent.public_id: claim for claim in (conflict.one, conflict.other)}
actions.settle_conflict(
    confirmed=claims["ministry-of-lands"], ended=claims["island-net"], ends_on=now().date() - dt.timedelta(days=1),
    reason="a slip of the pen", by=System("reader of the tutorial"), at=now(),
)
"""


def script() -> str:
    """What a reader does: the commands in order, and on the page what the text asks for."""
    lines = []
    for number, (settled, commands, _) in enumerate(BLOCKS):
        lines.append("DJANGO_SETTINGS_MODULE=tocsin.site.settings settle" if settled else commands.rstrip("\n"))
        lines.append(f"echo '{END_OF_BLOCK.format(number)}'")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block printed, in a checkout in which `make run` was done: once for all processes of the tests."""
    said = (once.folder(tmp_path_factory, "tutorial", _walk) / "said.txt").read_text(encoding="utf-8")
    return re.split(END_OF_BLOCK.format(r"\d+") + "\n", said)


def _walk(checkout: Path) -> None:
    programs = checkout / ".venv/bin"
    programs.mkdir(parents=True)
    for name, arguments in (("tocsin", '-m tocsin "$@"'), ("settle", f"-c '{SETTLE}'")):
        (programs / name).write_text(f"#!/bin/sh\nexec {sys.executable} {arguments}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    settings = environment(checkout / "var/demo")
    demonstration = [str(programs / "tocsin"), "demo", "--no-serve", "--home", "var/demo"]
    subprocess.run(demonstration, cwd=checkout, env=settings, check=True, capture_output=True, timeout=120)
    del settings["TOCSIN_HOME"]
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script()],
        cwd=checkout,
        env=settings,
        capture_output=True,
        text=True,
        timeout=480,
    )
    if done.returncode:
        pytest.fail(f"{done.stdout[-500:]}\n{done.stderr[-1500:]}")
    (checkout / "said.txt").write_text(done.stdout, encoding="utf-8")


def test_every_command_of_the_tutorial_succeeds(outputs: list[str]) -> None:
    assert len(outputs) == len(BLOCKS) + 1
    assert outputs[-1] == ""


def test_every_answer_shown_in_the_tutorial_is_the_answer(outputs: list[str]) -> None:
    shown = [(number, text) for number, (_, _, text) in enumerate(BLOCKS) if text]
    assert len(shown) >= 4, "the tutorial shows answers"
    for number, text in shown:
        before, _, after = outputs[number].partition(text.strip())
        assert text.strip() in outputs[number] and not before
        assert not after.strip() or WAITS in after.strip().splitlines()[0], "what a reader sees more is told of"


def test_the_bot_network_that_the_tutorial_names_stands_in_the_lines(outputs: list[str]) -> None:
    listed = next(out for out, block in zip(outputs, BLOCKS, strict=False) if "list --type event4_sinkhole" in block[1])
    assert TEXT.count("`tidewash`") == 2 and "tidewash" in listed.lower()


def test_all_findings_of_the_block_change_hands_as_the_tutorial_tells(outputs: list[str]) -> None:
    asked = "list --asset 198.18.141.0/26 --type scan_rdp --state open"
    before, after = (out for out, block in zip(outputs, BLOCKS, strict=False) if asked in block[1])
    number, of = re.findall(r"^(\d+) of (\d+) findings\.$", before, re.MULTILINE)[0]
    assert number == of and int(number) in range(8, 20)
    assert before.count("island-net") == after.count("ministry-of-lands") == int(number)
    assert f"{number} of {number} findings." in after


def test_the_findings_of_the_reader_are_attributed_as_the_tutorial_explains(outputs: list[str]) -> None:
    listed = next(out for out, block in zip(outputs, BLOCKS, strict=False) if "list --type scan_vnc" in block[1])
    assert re.search(r"192\.0\.2\.70:5900\s+scan_vnc\s+our-hospital", listed)
    assert re.search(r"192\.0\.2\.10:5900\s+scan_vnc\s+our-ministry", listed)
    assert re.search(r"203\.0\.113\.5:5900\s+scan_vnc\s+-", listed)


def test_the_tutorial_begins_with_the_two_lines_that_set_everything_up() -> None:
    opening = TEXT.split("## 2.")[0]
    assert "apt install git make python3 python3-venv" in opening
    assert "make run" in opening
    assert "demo" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_french_tutorial_has_the_same_commands(outputs: list[str]) -> None:
    french: Path = DOCS / "tutorial/your-first-hour.fr.md"
    assert marked_commands(french) == marked_commands(TUTORIAL)
    answers = re.findall(r"^```text$\n(.*?)^```$", french.read_text(encoding="utf-8"), re.M | re.S)
    assert answers == [text for _, _, text in BLOCKS if text]
