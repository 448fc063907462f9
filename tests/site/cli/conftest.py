"""Homes for commands that change a store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import once
from tests.homes import Home


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory, _first_instance: Path) -> Home:
    """An instance with a directory and no report."""

    def prepare(place: Path) -> None:
        shutil.copytree(_first_instance, place)
        place.chmod(0o700)
        Home(place).prepare()

    return Home(once.folder(tmp_path_factory, "prepared", prepare))


@pytest.fixture
def prepared(_prepared: Home, tmp_path: Path) -> Home:
    """An instance with the ministry and the bank in its directory, of the test's own."""
    return _prepared.copy(tmp_path / "home")


@pytest.fixture(scope="module")
def fresh_home(_prepared: Home, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Home]:
    """Make instances with a directory, for a whole module."""
    return lambda: _prepared.copy(tmp_path_factory.mktemp("home") / "home")
