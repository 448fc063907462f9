"""What commands print with `--json` is explained: each key stands in the command's section of the reference."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import forking
from tests.commands import environment
from tests.docs.test_reference import COMMANDS, sections
from tests.feeds.reports import write
from tests.feeds.test_schemas import columns, meaning
from tests.homes import Home

WITH_JSON = {name for name, parser in COMMANDS.items() if "--json" in parser._option_string_actions}
ELSEWHERE = {"tocsin demo", "tocsin feed fetch"}
"""They would load a country, or need a publisher: tests of their own look at what they print."""
KEYED_BY_DATA = {
    "constituents",
    "unknown_columns",
    "lacking_columns",
    "columns",
    "constants",
    "event",
    "gained",
    "waiting",
}
"""Objects whose keys are data: names of constituents, types, columns, reasons."""
AS_ANOTHER = {
    "feed replay": "feed run",
    "feed confirm": "feed close",
    "feed discard": "feed close",
    "mail stop": "mail status",
    "mail start": "mail status",
}
TYPE = "scan_rdp"


def keys_of(answer: Any) -> set[str]:
    """Return the keys of an object and of what stands in it."""
    if isinstance(answer, list):
        return set().union(*map(keys_of, answer))
    if not isinstance(answer, dict):
        return set()
    inner = (keys_of(value) for key, value in answer.items() if key not in KEYED_BY_DATA)
    return set(answer).union(*inner)


def explained(command: str) -> set[str]:
    """Return the words that stand as code in the section of a command, and in those to which it refers."""
    found = sections()
    section = found[f"tocsin {command}"]
    for other in re.findall(r"`((?:feed|finding) [a-z ]+?)(?: --json)?`", section):
        section += found.get(f"tocsin {other}", "")
    return set(re.findall(r"`(\w+)`", section))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, _first_instance: Path) -> dict[str, list[Any]]:
    """What each command printed, in the life of one instance."""
    folder = tmp_path_factory.mktemp("answers")
    home, given = Home(folder / "home"), folder / "given"
    given.mkdir()
    found: dict[str, list[Any]] = {}

    def note(name: str, out: str) -> None:
        found.setdefault(f"tocsin {name}", []).extend(json.loads(line) for line in out.splitlines())

    def alone(name: str, *more: str | Path, fails: bool = False) -> None:
        done = home(*name.split(), *more, "--json")
        assert (done.returncode == 1) == fails, done.stderr
        note(name, done.stdout)

    alone("init")
    for name, content in _FILES.items():
        (given / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    alone("directory import", given / "directory.json")
    alone("directory import", given / "wrong.json", fails=True)
    reports = [write(given / "reports", number, hosts) for number, hosts in enumerate(([1, 2, 200], [1], [1, 2, 3]))]
    short = write(given / "reports", 3, [1], cert_length="many")
    lines = [
        line.split()
        for line in _LINES.format(given=given, reports=given / "reports", keys=home.place / "keys").splitlines()
        if line
    ]
    lines.insert(10, ["feed", "run", "--gone-after", "1", *map(str, [*reports, short])])
    for line, out in zip(lines, home.many(*([*line, "--json"] for line in lines)), strict=True):
        words = 3 if line[1] in ("schema", "key") else 2
        note(" ".join(line[:words]), out)
    home.python(KEEP_TRAIL)
    note("doctor", home("doctor", "--json").stdout)  # on a busy machine work has waited for too long, which it names
    for name in ("upgrade", "audit verify", "audit head", "audit key"):
        alone(name)
    command = ["-m", "tocsin", "mail", "receive", "--json"]
    note("mail receive", forking.run(command, environment(folder / "home"), given="From: a@x.example\n\nHello.").stdout)
    alone("backup", folder / "b.tar.zst")
    alone("restore", "--force", folder / "b.tar.zst")
    return found


KEEP_TRAIL = """
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.site import jobs
jobs.keep_trail({}, None)
"""
_FILES: dict[str, Any] = {
    "directory.json": [{"id": "moh", "name": "Ministry of Health", "sector": "health", "networks": ["192.0.2.0/25"]}],
    "wrong.json": [{"id": "moh", "name": "Ministry", "sector": "no such sector"}],
    "asn.txt": "192.0.2.0/24\t64496\n",
    "rir.txt": "exampleric|XM|ipv4|192.0.2.0|256|20200101|allocated|abc\n",
    "intelmq.json": meaning(),
    "reports.json": columns(),
}
_LINES = """
directory load-asn {given}/asn.txt
directory load-rir {given}/rir.txt
user create --email ana@team.example --role analyst
user enrol --email ana@team.example
mail stop --reason drill
mail start
mail status
mail key make --email cirt@team.example
mail key import {keys}/openpgp.key --replace
mail key export
feed map {reports}/2026-11-16-scan_rdp-xm-geo.csv
feed schema show
feed schema diff {given}/intelmq.json {given}/reports.json
feed runs
feed runs --waiting
feed expire --dry-run
feed confirm scan_rdp 2026-11-19
feed discard scan_rdp 2026-11-19
feed close scan_rdp 2026-11-19
feed replay 1
feed refold scan_rdp
feed watch {reports} --once --settled 0
finding list
finding export
notice preview --constituent moh
notice send --dry-run
notice effect --by class
feed withdraw 1
feed schema load {given}/intelmq.json {given}/reports.json
"""


def test_every_command_that_can_print_json_is_asked(answers: dict[str, list[Any]]) -> None:
    assert WITH_JSON - set(answers) == ELSEWHERE
    assert all(answers[name] or name == "tocsin feed watch" for name in answers)


@pytest.mark.parametrize("command", sorted(name.removeprefix("tocsin ") for name in WITH_JSON - ELSEWHERE))
def test_each_key_is_explained(answers: dict[str, list[Any]], command: str) -> None:
    words = explained(command) | explained(AS_ANOTHER.get(command, command))
    unexplained = set().union(*map(keys_of, answers[f"tocsin {command}"])) - words
    assert unexplained == set(), f"docs/reference/commands.md, tocsin {command}"
