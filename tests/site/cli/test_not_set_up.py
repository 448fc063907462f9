"""Every command that works on an instance says, where there is none, what to do first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Command
from tocsin import __version__


@pytest.mark.parametrize(
    "command",
    [
        "user create --email ana@cirt.example --role analyst",
        "user enrol --email ana@cirt.example --json",
        "audit verify",
        "feed runs",
        "finding list",
        "directory import none.csv",
    ],
)
def test_where_nothing_is_set_up_it_says_how(tocsin: Command, home: Path, command: str) -> None:
    done = tocsin(*command.split())

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"tocsin: {home} is not set up. Run `tocsin init` first, or set TOCSIN_HOME to where it is.\n"
    )


def test_an_instance_of_another_version_is_told_to_be_upgraded(tocsin: Command, ready: Path) -> None:
    (ready / "version").write_text("0.0.1\n")

    done = tocsin("user", "enrol", "--email", "ana@cirt.example")

    assert done.returncode == 1
    assert done.stderr == (
        f"tocsin: {ready} is of version 0.0.1, the software of {__version__}. Run `tocsin upgrade` first.\n"
    )
