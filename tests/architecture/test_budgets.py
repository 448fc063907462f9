"""Sizes and habits that keep the house readable."""

from __future__ import annotations

import ast
import re
import statistics

import pytest

from tests.architecture.reading import ROOT, Module, exceptions, modules

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "core", "base", "lib"}
REASON = re.compile(r"#\s*(?!noqa|type:)\w+\s\w+")


def lengths() -> list[int]:
    return sorted(length for module in modules() for _, length in module.functions())


def test_half_of_the_functions_have_eight_lines_at_most() -> None:
    assert statistics.median(lengths()) <= 8


def test_one_function_in_twenty_at_most_is_longer_than_forty_lines() -> None:
    assert statistics.quantiles(lengths(), n=20)[-1] <= 40


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = {f"{module}::{name}": n for module in modules() for name, n in module.functions() if n > 60}
    assert long == exceptions()["long_functions"]


def test_no_file_is_longer_than_six_hundred_lines() -> None:
    long = {str(module): module.lines for module in modules() if module.lines > 600}
    assert long == exceptions()["long_files"]


def test_tests_are_as_long_as_the_source() -> None:
    source = sum(module.lines for module in modules())
    tests = sum(path.read_text(encoding="utf-8").count("\n") for path in (ROOT / "tests").rglob("*.py"))
    missing = exceptions()["missing_test_lines"]["all"]
    assert source - tests <= missing, f"{source} lines of source, {tests} of tests"
    assert missing == 0 or source - tests > 0, "the tests have caught up: set missing_test_lines to 0"


@pytest.mark.parametrize("module", modules(), ids=str)
def test_names_say_what_is_inside(module: Module) -> None:
    assert not FORBIDDEN_NAMES & set(module.path.relative_to(ROOT / "src").with_suffix("").parts)


def broad_handlers(module: Module) -> list[ast.ExceptHandler]:
    """Handlers that catch everything, or everything but the interpreter's own exits, and do not raise it again."""
    return [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or "Exception" in _caught(node.type))
        and not _raises_again(node)
    ]


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _caught(node: ast.expr) -> set[str]:
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return {"Exception"} if names & {"Exception", "BaseException"} else names


def test_broad_excepts_are_rare() -> None:
    found = [f"{module}:{handler.lineno}" for module in modules() for handler in broad_handlers(module)]
    assert len(found) <= 0.3 * max(sum(module.lines for module in modules()), 10_000) / 1000, found


def test_a_broad_except_has_its_reason_beside_it() -> None:
    found = [(module, handler.lineno) for module in modules() for handler in broad_handlers(module)]
    bare = [f"{module}:{line}" for module, line in found if not REASON.search(module.text.splitlines()[line - 1])]
    assert bare == []


@pytest.mark.parametrize("module", [m for m in modules() if m.name.count(".") == 1 and m.room], ids=str)
def test_a_room_says_in_five_lines_what_it_is_for(module: Module) -> None:
    words = ast.get_docstring(module.tree) or ""
    assert 2 <= len([line for line in words.splitlines() if line.strip()]) <= 7
    assert module.room == "site" or ("Words: " in words and "Doors: " in words)
