"""Kernel, engine and formats are a library: they load, and their tests pass, where Django does not exist.

`tools/test-pure-rooms` shows the same in an environment where only the core dependencies are installed.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.reading import ROOT, modules

PURE = ("kernel", "engine", "formats", "reason")
REFUSE_DJANGO = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("django", "allauth", "psycopg", "gunicorn", "whitenoise", "pandas", "dask"):
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, Refuse())
sys.path[:0] = ["src", "."]
"""


def run_without_django(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", REFUSE_DJANGO + script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_refusal_works() -> None:
    assert "django is not installed here" in run_without_django("import django").stderr


def test_pure_rooms_load_without_django() -> None:
    names = [module.name for module in modules() if module.room in PURE and not module.name.endswith("__main__")]
    result = run_without_django(f"import importlib\nfor name in {names!r}: importlib.import_module(name)")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [("--help",), ("feed", "read", "--help")])
def test_the_command_line_offers_pure_commands_without_django(command: tuple[str, ...]) -> None:
    result = run_without_django("from tocsin.__main__ import main; sys.exit(main())", *command)
    assert result.returncode == 0, result.stderr
