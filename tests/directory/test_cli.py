"""`tocsin directory …` as somebody at the terminal sees it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.directory.conftest import as_json
from tests.directory.test_importing import NATIONAL
from tests.directory.test_tables import DELEGATED, RIB
from tocsin.directory.models import Claim, Constituent
from tocsin.site.cli import directory, parser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_this_noun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other nouns are not needed here."""
    whole = argparse.ArgumentParser(prog="tocsin")
    directory.add_commands(whole.add_subparsers())
    monkeypatch.setattr(parser, "build_parser", lambda: whole)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A national file."""
    path = tmp_path / "constituents.json"
    path.write_bytes(as_json(*NATIONAL))
    return path


def run(*arguments: str | Path) -> int:
    """Run `tocsin directory …`."""
    return parser.run(["directory", *map(str, arguments)])


def test_import_says_what_it_did_and_then_that_nothing_is_left(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", file) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Imported.",
        "Constituents: 3 added, 0 changed, 0 unchanged.",
        "Claims: 6 added, 0 changed.",
        "Contacts: 3 added, 0 changed.",
    ]
    assert run("import", file) == 0
    assert capsys.readouterr().out == "Nothing to change: all 3 constituents are as in constituents.json.\n"


def test_dry_run_changes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", file, "--dry-run") == 0
    assert "dry run" in capsys.readouterr().out
    assert not Constituent.objects.exists()


def test_json_is_one_object_on_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", "--json", file) == 0
    lines = capsys.readouterr().out.splitlines()
    report: dict[str, Any] = json.loads(lines[0])
    assert len(lines) == 1
    assert (report["applied"], report["added"], report["claims_added"], report["conflicts"]) == (True, 3, 6, [])


def test_problems_are_printed_and_the_exit_code_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,name,networks\na,A,192.0.2.1/24\n")
    assert run("import", path) == 1
    assert "t.csv, row 2, column networks: 192.0.2.1/24 is not a whole" in capsys.readouterr().err
    assert run("import", path, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert [(p["row"], p["column"]) for p in report["problems"]] == [(2, "networks")]
    assert not Constituent.objects.exists()


def test_several_files_are_one_import(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "more.csv"
    table.write_text("id,name,parent,networks\nc9,Nine,c0000,198.18.5.0/24\n")
    assert run("import", table, file) == 0
    out = capsys.readouterr().out
    assert "Constituents: 4 added" in out
    assert "1 new conflict to settle" in out and "198.18.5.0/24: c0002, c9" in out


def test_missing_claims_are_named_and_ended_on_request(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("import", file)
    file.write_bytes(as_json({**NATIONAL[2], "networks": []}))
    capsys.readouterr()
    assert run("import", file) == 0
    assert "1 claim is not in the file and was kept; --end-missing ends it:\n  198.18.5.0/24" in capsys.readouterr().out
    assert run("import", file, "--end-missing") == 0
    assert "Claims: 0 added, 0 changed, 1 ended." in capsys.readouterr().out
    assert Claim.objects.filter(valid_to=None).count() == 5


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [("import", "No such file"), ("load-asn", "It cannot be read: it is not there."), ("load-rir", "it is not there.")],
)
def test_a_file_that_is_not_there_is_a_sentence(
    verb: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(verb, tmp_path / "none") == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "content", "count"), [("load-asn", RIB, 3), ("load-rir", DELEGATED, 2)])
def test_tables_are_loaded(
    verb: str, content: str, count: int, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path / "home")
    path = tmp_path / "table.txt"
    path.write_text(content)
    assert run(verb, path) == 0
    assert capsys.readouterr().out == f"Loaded {count} rows from table.txt.\n"
    assert run(verb, path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["applied"] is False
    assert len(list((tmp_path / "home" / "store" / "reference").iterdir())) == 1


def test_wrong_usage_is_2() -> None:
    with pytest.raises(SystemExit) as stopped:
        run("import")
    assert stopped.value.code == 2
