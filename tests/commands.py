"""Fixtures for tests that run commands, or that need something from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests import databases, forking, once

ROOT = Path(__file__).resolve().parents[1]


def pytest_unconfigure() -> None:
    """Let go what forks commands."""
    forking.end()


def _folder(variable: str) -> Path:
    if variable not in os.environ:
        pytest.skip(f"{variable} names no folder")
    return Path(os.environ[variable])


@pytest.fixture(scope="session")
def outside_feeds() -> Path:
    """The folder of TOCSIN_TEST_FEEDS: in each sub-folder `reports/`, `constituents.json` and `truth.json`."""
    return _folder("TOCSIN_TEST_FEEDS")


@pytest.fixture(scope="session")
def outside_schema() -> Path:
    """The folder of TOCSIN_TEST_SCHEMA: `intelmq.json` and `reports.json` as Shadowserver publishes them."""
    return _folder("TOCSIN_TEST_SCHEMA")


@pytest.fixture
def postgresql_address() -> Iterator[str]:
    """The address of an empty PostgreSQL database, whatever the database of this run is."""
    with databases.made() as address:
        yield address


Completed = subprocess.CompletedProcess[str]
Command = Callable[..., Completed]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory that is not there yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def _first_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance as `tocsin init` leaves it."""
    return once.folder(tmp_path_factory, "first", _init)


def _init(place: Path) -> None:
    done = _run(place, ("init",), {})
    assert done.returncode == 0, done.stderr


@pytest.fixture
def ready(home: Path, _first_instance: Path) -> Path:
    """A data directory as `tocsin init` leaves it."""
    shutil.copytree(_first_instance, home)
    home.chmod(0o700)
    return home


@pytest.fixture
def tocsin(home: Path) -> Command:
    """Run `tocsin ARGUMENTS…` in a process of its own on `home`; keyword arguments are TOCSIN_ settings."""

    def run(*arguments: str | Path, **settings: str | Path) -> Completed:
        return _run(Path(settings.pop("home", home)), arguments, settings)

    return run


def _run(home: Path, arguments: tuple[str | Path, ...], settings: Mapping[str, str | Path]) -> Completed:
    return forking.run(["-m", "tocsin", *map(str, arguments)], environment(home, **settings))


def environment(home: Path, **settings: str | Path) -> dict[str, str]:
    """Return the environment in which a command works on `home` with its own SQLite and these settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "DJANGO_"))}
    named = {f"TOCSIN_{name.upper()}": str(value) for name, value in settings.items()}
    return {**inherited, "PYTHONPATH": str(ROOT / "src"), "TOCSIN_HOME": str(home), **named}
