"""The source as the architecture tests see it: modules, their imports, their functions."""

from __future__ import annotations

import ast
import dataclasses
import functools
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


@dataclasses.dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    path: Path

    @functools.cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def name(self) -> str:
        """Its dotted name: `tocsin.feeds.views`; a package's is without `__init__`."""
        parts = self.path.relative_to(SOURCE).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """`feeds`; empty for what stands at the top."""
        parts = self.path.relative_to(SOURCE).parts
        return parts[1] if len(parts) > 2 else ""

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    def imports(self) -> Iterator[str]:
        """Every name imported, at the top or inside a function: `from a.b import c` gives `a.b.c`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                yield from (f"{origin}.{alias.name}" for alias in node.names)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        base = package[: len(package) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])

    def functions(self) -> Iterator[tuple[str, int]]:
        """Each function's name with its length in lines, docstring not counted."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node, clean=False) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


@functools.cache
def modules() -> tuple[Module, ...]:
    """The product's modules, without migrations."""
    paths = sorted((SOURCE / "tocsin").rglob("*.py"))
    return tuple(Module(path) for path in paths if "migrations" not in path.parts)


@functools.cache
def tracked_files() -> tuple[Path, ...]:
    """What belongs to the project: what git tracks or would add."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listing.stdout.decode().split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


@functools.cache
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@functools.cache
def exceptions() -> dict[str, Any]:
    """What is not yet within the budgets. Entries may go, none may come."""
    return tomllib.loads((Path(__file__).parent / "exceptions.toml").read_text(encoding="utf-8"))


@functools.cache
def heights() -> dict[str, int]:
    """Room -> height in the house, 0 at the bottom, as the layers contract has it. Neighbours share a height."""
    contract = next(c for c in project()["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    floors = [floor.split(" | ") for floor in reversed(contract["layers"])]
    return {room.strip(): height for height, floor in enumerate(floors) for room in floor}
