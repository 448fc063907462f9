"""Kernel, engine and formats are a library: they load, and their tests pass, where Django does not exist.

`tools/test-pure-rooms` shows the same in an environment where only the core dependencies are installed.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.architecture.reading import ROOT, modules

PURE = ("kernel", "engine", "formats", "reason")
REFUSE_DJANGO = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        absent = "allauth argon2 cryptography dask dj_database_url django gunicorn ninja pandas psycopg whitenoise"
        if name.split(".")[0] in absent.split():
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


WITH_INSTANCE = (
    "init",
    "demo --home {home}/demo --no-serve",
    "user create --email ana@cirt.example --role analyst",
    "directory import {home}/constituents.csv",
    "feed run {home}",
    "feed watch {home}",
    "finding list",
    "notice preview",
    "mail receive",
    "audit verify",
    "backup {home}/backup",
    "restore {home}/backup",
    "serve",
)
ONE_AFTER_THE_OTHER = """
from tocsin.site.cli import run
for command in sys.argv[1:]:
    code = run(command.split())
    print(code, flush=True)
    print("---", file=sys.stderr, flush=True)
"""


def test_without_django_a_command_that_needs_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))
    result = run_without_django(ONE_AFTER_THE_OTHER, *(command.format(home=tmp_path) for command in WITH_INSTANCE))

    sentences = [said.strip() for said in result.stderr.split("---\n")[:-1]]
    assert result.stdout.split() == ["1"] * len(WITH_INSTANCE), result.stderr
    for command, sentence in zip(WITH_INSTANCE, sentences, strict=True):
        assert sentence.startswith("tocsin: ") and "\n" not in sentence, f"{command}: {sentence}"
        assert "is not installed: this command works on an instance" in sentence, command
        assert sentence.endswith("Install the rest: pip install 'tocsin[server]'."), command
    assert not list(tmp_path.iterdir()), "what cannot work makes nothing"


def test_the_wheel_holds_the_reference_data_and_the_translations(tmp_path: Path) -> None:
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    with ZipFile(built) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()

    data = {f"tocsin/_shipped/{file.relative_to(ROOT)}" for file in (ROOT / "data").rglob("*.toml")}
    assert data and data <= names
    assert "tocsin/_shipped/locale/fr/LC_MESSAGES/django.mo" in names
    assert {"tocsin/site/static/site/tocsin.css", "tocsin/feeds/templates/feeds/findings.html"} <= names
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"Requires-Dist: {project['dependencies'][0]}\n" in metadata
    assert "; extra == 'server'" in metadata
