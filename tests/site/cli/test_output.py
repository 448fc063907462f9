"""Standard output that cannot be written: its own sentence, and what a command did stays done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import environment
from tests.feeds.reports import write
from tests.homes import Home
from tocsin.site.cli.parser import build_parser


@pytest.fixture
def home(ready: Path) -> Home:
    return Home(ready)


def into_full(home: Home, *arguments: str | Path) -> tuple[int, str]:
    """Run `tocsin ARGUMENTS…` into a file that takes nothing; return its exit code and what it complained of."""
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "tocsin", *map(str, arguments)],
            env=environment(home.place),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    return ended.returncode, ended.stderr


SAID = "tocsin: what it says cannot be written to standard output (No space left on device). What it did stays done.\n"


def test_an_import_whose_summary_cannot_be_written_is_not_said_to_have_changed_nothing(
    home: Home, tmp_path: Path
) -> None:
    report = write(tmp_path / "reports", 0, range(3))

    assert into_full(home, "feed", "run", report, "--json") == (1, SAID)
    (run,) = json.loads(home.done("feed", "runs", "--json"))["runs"]
    assert (run["state"], run["rows_kept"]) == ("done", 3)


def test_events_findings_and_help_that_cannot_be_written_end_with_the_same_sentence(home: Home, tmp_path: Path) -> None:
    report = write(tmp_path / "reports", 0, range(3))
    home.done("feed", "run", report)

    for arguments in (("feed", "read", str(report)), ("finding", "export"), ("finding", "list", "--json")):
        assert into_full(home, *arguments) == (1, SAID), arguments


def test_what_is_printed_arrives_whole_and_in_order(home: Home, tmp_path: Path) -> None:
    home.done("feed", "run", write(tmp_path / "reports", 0, range(250)))

    found = [json.loads(line) for line in home.done("finding", "export").splitlines()]
    assert len({each["id"] for each in found}) == 250


AFTER_ONE_ANOTHER = """
import sys
from tocsin.site.cli import run
codes = [run(command.split()) for command in ("feed read nowhere.csv", "doctor")]
sys.exit(10 * codes[0] + codes[1])
"""


def test_that_nobody_reads_what_a_command_says_does_not_change_how_it_ended(tmp_path: Path) -> None:
    """The first complains of what it was given, the second says on standard output what must be mended."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-c", AFTER_ONE_ANOTHER]
        ended = subprocess.run(
            command, env=environment(tmp_path / "none"), stdout=writer, stderr=writer, check=False, timeout=60
        )
    finally:
        os.close(writer)
    assert ended.returncode == 11


@pytest.mark.parametrize("code", [0, 1])
def test_a_full_disk_behind_standard_error_does_not_change_how_a_command_ended(
    home: Home, tmp_path: Path, code: int
) -> None:
    report = write(tmp_path / "reports", 0, range(3))
    (report.parent / "readme.txt").write_text("no report")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "tocsin", "feed", "run", report.parent if code == 0 else tmp_path / "nowhere"],
            env=environment(home.place), stderr=full, stdout=subprocess.PIPE, check=False, timeout=120,
        )  # fmt: skip
    assert ended.returncode == code
    assert (b"3 of 3 rows" in ended.stdout) == (code == 0)


@pytest.mark.parametrize(("limit", "code"), [("0", 0), ("-1", 2), ("many", 2), ("9" * 30, 2), ("9" * 5_000, 2)])
def test_a_limit_that_is_none_is_wrong_usage(limit: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    parse = build_parser().parse_args
    if code == 0:
        assert parse(["finding", "list", "--limit", limit]).limit == 0
        return
    with pytest.raises(SystemExit) as stopped:
        parse(["finding", "list", "--limit", limit])
    assert stopped.value.code == code and "--limit: must be between 0 and" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--gone-after", "0", "must be between 1 and 365"),
        ("--gone-after", "99999999999999999999", "must be between 1 and 365"),
        ("--wait", "-5", "must be between 0 and 86400"),
        ("--wait", "nan", "must be between 0 and 86400"),
        ("--wait", "inf", "must be between 0 and 86400"),
    ],
)
def test_a_number_that_no_run_can_use_is_wrong_usage(home: Home, option: str, value: str, said: str) -> None:
    refused = home("feed", "run", home.place, option, value)

    assert (refused.returncode, said in refused.stderr, "Traceback" in refused.stderr) == (2, True, False)


def test_the_number_of_a_run_that_no_database_can_hold_is_wrong_usage(home: Home) -> None:
    refused = home("feed", "replay", "9" * 20)

    assert (refused.returncode, "must be 9223372036854775807 or less" in refused.stderr) == (2, True)
