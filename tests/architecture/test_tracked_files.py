"""Nothing about one machine, or about where one machine fetches its packages, stands in the project."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.reading import ROOT, tracked_files

TEXT_SIZE_LIMIT = 5_000_000
# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = "|".join([r"(?<![\w.])/" + "work/", "/tmp/" + "lab", "(?<![a-z])/" + "root/", "/home/" + r"\w+/"])
INDEX_HOSTS = "|".join(
    [
        "pypi" + r"\.org",
        "python" + r"hosted\.org",
        "deb" + r"\.debian",
        "--(extra-)?index" + "-url",
        "--find" + "-links",
    ]
)


def lines_with(pattern: str) -> list[str]:
    found = []
    for path in tracked_files():
        for number, line in enumerate(_lines(path), 1):
            if re.search(pattern, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    return found


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > TEXT_SIZE_LIMIT:
        return []
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert not lines_with(MACHINE_PATHS)


def test_no_file_names_the_host_of_a_package_index() -> None:
    assert not lines_with(INDEX_HOSTS)


def test_every_locked_dependency_has_its_hash() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        pins = re.findall(
            r"^[a-z0-9-]+(?:\[[a-z,]+\])?==\S+(?: \\\n +--hash=sha256:[0-9a-f]{64})*", lock.read_text(), re.M
        )
        assert pins
        assert [pin.split()[0] for pin in pins if "--hash" not in pin] == []


def test_nothing_large_or_private_is_tracked() -> None:
    assert [path for path in tracked_files() if path.stat().st_size > TEXT_SIZE_LIMIT] == []
    assert [path for path in tracked_files() if path.suffix in {".key", ".pem", ".sqlite3"}] == []
