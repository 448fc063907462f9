"""The how-to pages that show files and answers: the files are read, and the answers are the answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.commands import Command
from tests.docs.reading import page
from tocsin.kernel.retention import SHORTEST_DAYS
from tocsin.kernel.tlp import TLP
from tocsin.site.config import load


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a how-to page in one language, without the indentation of a list."""
    found = re.findall(rf"^( *)```{language}$\n(.*?)^ *```$", page(f"how-to/{name}"), re.M | re.S)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


@pytest.fixture
def sensors(tmp_path: Path) -> tuple[Path, Path]:
    """The report and the mapping file of "Map a new report"."""
    report, mapping = tmp_path / "sensors-2026-11-20.csv", tmp_path / "sensor_logins.toml"
    report.write_text(blocks("map-a-new-report", "csv")[0], encoding="utf-8")
    mapping.write_text(blocks("map-a-new-report", "toml")[0], encoding="utf-8")
    return report, mapping


def test_the_preview_of_a_mapping_is_as_shown(tocsin: Command, sensors: tuple[Path, Path]) -> None:
    report, mapping = sensors
    done = tocsin("feed", "map", report, "--mapping", mapping)
    assert done.stdout == blocks("map-a-new-report", "text")[0]


def test_the_mapping_that_is_shown_serves_an_import(ready: Path, tocsin: Command, sensors: tuple[Path, Path]) -> None:
    report, mapping = sensors
    (ready / "mappings").mkdir()
    (ready / "mappings" / mapping.name).write_bytes(mapping.read_bytes())
    summary = json.loads(tocsin("feed", "run", report, "--json").stdout)
    assert [(file["type"], file["kept"], file["quarantined"]) for file in summary["files"]] == [("sensor_logins", 2, 1)]


def test_the_settings_for_how_long_data_is_kept_are_as_explained(tmp_path: Path) -> None:
    (shown,) = blocks("limit-how-long-data-is-kept", "toml")
    (tmp_path / "tocsin.toml").write_text(shown, encoding="utf-8")
    retention = load({"TOCSIN_HOME": str(tmp_path)}).retention
    assert [retention.days(label) for label in TLP] == [730, 730, 365, 365, 90]
    assert f"At least {SHORTEST_DAYS} days" in page("how-to/limit-how-long-data-is-kept")


def test_a_claim_is_ended_by_a_file_as_shown(ready: Path, tocsin: Command, tmp_path: Path) -> None:
    shown = json.loads(blocks("settle-who-is-responsible", "json")[0])
    before = json.loads(json.dumps(shown))
    del before[0]["networks"][0]["valid_to"]
    file = tmp_path / "directory.json"
    for content in (before, shown):
        file.write_text(json.dumps(content), encoding="utf-8")
        done = tocsin("directory", "import", file, "--json")
        assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["claims_added"], report["claims_changed"]) == (0, 1)


@pytest.mark.parametrize("verb", ["confirm", "discard"])
def test_a_held_cycle_is_decided_as_shown(ready: Path, tocsin: Command, tmp_path: Path, verb: str) -> None:
    shown = [line for block in blocks("confirm-or-discard-a-held-cycle", "sh") for line in block.splitlines()]
    command = next(line.split()[1:] for line in shown if f"feed {verb}" in line)
    for day, rows in ((19, 9), (20, 9), (21, 3)):
        lines = [f"2026-11-{day} 01:00:00,192.0.2.{row},23" for row in range(1, rows + 1)]
        text = "\n".join(["timestamp,ip,port", *lines, ""])
        (tmp_path / f"2026-11-{day}-scan_telnet-x.csv").write_text(text, encoding="utf-8")
    summary = json.loads(tocsin("feed", "run", tmp_path, "--json").stdout)
    assert [held["date"] for held in summary["held"]] == ["2026-11-21"]
    decided = json.loads(tocsin(*command, "--json").stdout)
    assert (decided["held"], decided["counts"]) == (False, verb == "confirm")


def test_every_command_in_a_how_to_page_exists() -> None:
    from tests.docs.test_reference import COMMANDS

    for name in ("add-a-feed", "settle-who-is-responsible", "map-a-new-report", "withdraw-a-wrong-import", "back-up"):
        for line in "\n".join(blocks(name, "sh")).splitlines():
            words = line.partition(" #")[0].split()
            words = words[words.index("tocsin") :] if "tocsin" in words else []
            known = [command for command in COMMANDS if words[: len(command.split())] == command.split()]
            assert known or not words, f"{name}: {line}"
            options = {option for command in known for a in COMMANDS[command]._actions for option in a.option_strings}
            assert {word for word in words if word.startswith("--")} <= options, f"{name}: {line}"
