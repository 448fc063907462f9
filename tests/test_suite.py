"""The suite keeps its own promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import ROOT


def run_suite(folder: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test file with this suite's discipline, apart from the running session."""
    (folder / "conftest.py").write_text((ROOT / "tests/discipline.py").read_text())
    (folder / "test_it.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "no:cacheprovider", "--rootdir", folder, folder],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


SKIPPED = "import pytest\n\ndef test_it(): pytest.skip({reason!r})\n\ndef test_other(): assert True\n"


@pytest.mark.parametrize(
    ("reason", "ci", "code"),
    [("no browser", "true", 1), ("TOCSIN_TEST_FEEDS names no folder", "true", 0), ("no browser", "false", 0)],
)
def test_ci_fails_when_a_test_is_skipped_for_want_of_anything_but_outside_folders(
    tmp_path: Path, reason: str, ci: str, code: int
) -> None:
    result = run_suite(tmp_path, SKIPPED.format(reason=reason), CI=ci)

    assert result.returncode == code, result.stdout
    assert ("SKIPPED IN CI" in result.stdout) == bool(code)


def test_tests_work_in_a_data_directory_of_their_own() -> None:
    from django.conf import settings

    assert settings.CONFIG.home.name.startswith("tocsin-tests-")
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "tocsin.site.settings"


@pytest.mark.django_db
def test_a_test_that_uses_the_database_is_marked_so(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("database")
