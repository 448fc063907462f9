"""The suite keeps its own promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password

from tests.commands import ROOT
from tests.discipline import WITHOUT_DATABASE


def run_suite(folder: Path, source: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test file with this suite's discipline, apart from the running session."""
    (folder / "conftest.py").write_text((ROOT / "tests/discipline.py").read_text())
    (folder / "test_it.py").write_text(source)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:django",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            folder,
            *options,
            folder,
        ],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


SKIPPED = "import pytest\n\ndef test_it(): pytest.skip({reason!r})\n\ndef test_other(): assert True\n"


@pytest.mark.parametrize(
    ("reason", "ci", "options", "code"),
    [
        ("no browser", "true", (), 1),
        ("no browser", "true", ("-n", "2"), 1),
        ("TOCSIN_TEST_FEEDS names no folder", "true", ("-n", "2"), 0),
        ("no browser", "false", (), 0),
    ],
)
def test_ci_fails_when_a_test_is_skipped_for_want_of_anything_but_outside_folders(
    tmp_path: Path, reason: str, ci: str, options: tuple[str, ...], code: int
) -> None:
    result = run_suite(tmp_path, SKIPPED.format(reason=reason), *options, CI=ci)

    assert result.returncode == code, result.stdout
    assert ("SKIPPED IN CI" in result.stdout) == bool(code)


def folders_in(path: str, line: str) -> list[str]:
    """Return the folders of tests that a line of a script names."""
    (found,) = re.findall(f"{line}.*", (ROOT / path).read_text(encoding="utf-8"))
    return re.findall(r"tests/[a-z]+", found)


def test_what_is_left_out_in_one_place_is_run_in_the_other() -> None:
    elsewhere = folders_in("tools/run-tests", r"elsewhere=\(--ignore")
    checked = folders_in(".ci/run", "export TOCSIN_TEST_CHECKED=")
    assert folders_in("tools/test-pure-rooms", "    tests/kernel") == elsewhere
    assert folders_in("Makefile", "-p no:cacheprovider -n 2") == checked
    assert folders_in("tools/run-tests", r"without=\(--ignore") == list(WITHOUT_DATABASE)
    assert all((ROOT / folder).is_dir() for folder in (*elsewhere, *checked, *WITHOUT_DATABASE))


@pytest.mark.parametrize("folder", ["tests", "bench", "tools"])
def test_no_file_beside_the_source_is_longer_than_a_file_of_the_source_may_be(folder: str) -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert [path for path, number in lines.items() if number > 600] == []


def test_tests_work_in_a_data_directory_of_their_own() -> None:
    from django.conf import settings

    assert settings.CONFIG.home.name.startswith("tocsin-tests-")
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "tocsin.site.settings"


def test_passwords_cost_little_in_every_process_that_shares_the_tests() -> None:
    encoded = make_password("of the tests")

    assert "$m=8,t=1,p=1$" in encoded, "tests.settings are not in force"


@pytest.mark.django_db
def test_a_test_that_uses_the_database_is_marked_so(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("database")
