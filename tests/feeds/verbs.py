"""The verbs of `tocsin feed` in the process of the tests, on the store of the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tocsin.site.cli import parser


def run(*arguments: str | Path) -> int:
    """Run `tocsin feed …`."""
    return parser.run(["feed", *map(str, arguments)])


def asked(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """Run it with --json; return what it printed."""
    assert run(*arguments, "--json") == code
    (line,) = capsys.readouterr().out.splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer
