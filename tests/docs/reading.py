"""Reads our documents as a test needs them: sections, tables, marked commands."""

from __future__ import annotations

import re
from pathlib import Path

from tests.commands import ROOT

DOCS = ROOT / "docs"


def page(name: str) -> str:
    """Return a page below `docs`, named without its ending."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return what stands between a heading and the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$\n", text, re.M)
    assert found, f"there is no heading {heading!r}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.M)
    return rest[: end.start()] if end else rest


def tables(text: str) -> list[list[list[str]]]:
    """Return every table of a text as rows of cells, the heading row first."""
    blocks = re.findall(r"(?:^\|.*\|$\n?)+", text, re.M)
    return [[_cells(line) for line in block.splitlines() if not re.match(r"\|[-:| ]+\|$", line)] for block in blocks]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def described(text: str, table: int = 0) -> dict[str, tuple[str, ...]]:
    """Return the rows of a table by the name in their first cell, in order."""
    return {row[0].strip("`"): tuple(row[1:]) for row in tables(text)[table][1:]}


def marked_commands(path: Path) -> list[str]:
    """Return the fenced blocks of a document that are marked `sh run`: those that a test executes."""
    return re.findall(r"^```sh run$\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)
