"""What `make setup` says where something is missing: the package to install, by its name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import ROOT, environment


def a_python(place: Path, name: str, script: str) -> Path:
    """Write a program that is called like a Python; return its path."""
    path = place / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def without_ensurepip(place: Path, name: str) -> Path:
    """A Python as Debian installs it without the package for virtual environments."""
    (place / "ensurepip.py").write_text("raise ModuleNotFoundError", encoding="utf-8")
    return a_python(place, name, f'PYTHONPATH="{place}" exec {sys.executable} "$@"')


def refusal(python: Path | str, place: Path) -> str:
    """Return what the set-up says when it gives up."""
    done = subprocess.run(
        [ROOT / "tools/set-up-venv", place / "venv", ROOT / "requirements.lock"],
        env={**environment(place), "PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("name", "package"),
    [("python3", "python3-venv"), ("python3.13", "python3.13-venv"), ("our-own-python", "python3-venv")],
)
def test_a_python_without_virtual_environments_is_told_its_package(tmp_path: Path, name: str, package: str) -> None:
    said = refusal(without_ensurepip(tmp_path, name), tmp_path)
    assert said == (f"The Python package for virtual environments is missing. Install it with: apt install {package}\n")
    assert not (tmp_path / "venv").exists()


def test_what_an_attempt_without_the_package_left_is_no_environment(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    assert "apt install python3-venv" in refusal(without_ensurepip(tmp_path, "python3"), tmp_path)


def test_no_python_at_all(tmp_path: Path) -> None:
    assert "apt install python3 python3-venv" in refusal("python3.99", tmp_path)


def test_a_python_that_is_too_old_is_named_with_the_way_out(tmp_path: Path) -> None:
    said = refusal(a_python(tmp_path, "python3", '[ "$1" = -V ] && echo Python 3.9.2; exit 1'), tmp_path)
    assert "Tocsin needs Python 3.11 or newer" in said
    assert "is Python 3.9.2. Name another with: make PYTHON=python3.12" in said
