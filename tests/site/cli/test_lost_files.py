"""What commands say when a file of the store is missing or damaged, and how it is mended."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.feeds.reports import write
from tests.homes import Home


@pytest.fixture
def imported(prepared: Home, tmp_path: Path) -> Home:
    """An instance with two days of a type."""
    prepared.run(*(write(tmp_path / "in", number, hosts) for number, hosts in enumerate(([1, 2], [1, 70]))))
    return prepared


def one(home: Home, kind: str) -> Path:
    """Return the first file of a kind."""
    return home.place / "store" / min(file for file in home.files() if file.startswith(kind))


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.rename(path.with_name("elsewhere"))
    elif how == "damaged":
        os.truncate(path, path.stat().st_size // 2)
    else:  # one bit amid the data
        content = bytearray(path.read_bytes())
        content[len(content) // 4] ^= 1
        path.write_bytes(content)


WHY = {
    "missing": "it is missing",
    "damaged": "it is damaged: its end cannot be read",
    "changed": "it is damaged: it does not hold what was written",
}


@pytest.mark.parametrize("how", WHY)
def test_lost_findings_get_a_sentence_from_every_command_and_one_that_mends_them(imported: Home, how: str) -> None:
    before = imported.digest()
    path = one(imported, "state/")
    file = path.relative_to(imported.place / "store").as_posix()
    damage(path, how)

    for command in (["list"], ["list", "--json"], ["export"], ["export", "--format", "csv"]):
        done = imported("finding", *command)
        said = f"tocsin: {file} is missing or damaged. Run `tocsin doctor`: it says what mends it.\n"
        assert (done.returncode, done.stderr) == (1, said), command
    doctor = imported("doctor")
    assert doctor.returncode == 1
    assert doctor.stdout.startswith(f"store: {file}: {WHY[how]}. Run: tocsin feed refold scan_rdp\n")

    mended = imported.done("feed", "refold")

    assert mended.startswith("Computed anew: 3 findings of scan_rdp.\n1 file of findings had been lost.")
    assert imported.digest() == before
    assert imported.done("doctor").startswith("Nothing to mend")
    assert imported.done("feed", "refold") == "No findings are missing or damaged.\n"


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_lost_observations_are_named_with_their_report_and_come_again_with_it(
    imported: Home, tmp_path: Path, how: str
) -> None:
    before = imported.digest()
    damage(one(imported, "observations/"), how)

    doctor = imported("doctor", "--thorough")
    assert doctor.returncode == 1
    assert "or import 2026-11-16-scan_rdp-xm-geo.csv again: tocsin feed run PATH\n" in doctor.stdout
    refused = imported("feed", "refold", "scan_rdp")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    imported.run(tmp_path / "in")

    assert imported.digest() == before
    assert imported.done("doctor").startswith("Nothing to mend")


@pytest.mark.parametrize(
    ("kind", "how"),
    [("observations/", "missing"), ("state/", "damaged"), ("observations/", "changed"), ("state/", "changed")],
)
def test_a_backup_of_a_damaged_store_saves_the_rest_and_says_what_it_lacks(
    imported: Home, tmp_path: Path, kind: str, how: str
) -> None:
    path = one(imported, kind)
    file = path.relative_to(imported.place / "store").as_posix()
    damage(path, how)
    archive, other = tmp_path / "b.tar.zst", Home(tmp_path / "other")

    backup = imported("backup", archive)
    assert backup.returncode == 1
    assert "not whole: 1 file of the store lost" in backup.stdout
    assert backup.stderr.splitlines() == [
        f"tocsin: {file} is missing or damaged.",
        "tocsin: Keep the backups before this one. `tocsin doctor` says what mends the store.",
    ]
    restored = other("restore", archive, "--json")
    assert restored.returncode == 1
    assert json.loads(restored.stdout)["lacks"] == [file]
    assert restored.stderr.startswith(f"tocsin: {file} is missing or damaged.\n")
    assert other("doctor").stdout.startswith(f"store: {file}: ")
    assert other.done("audit", "verify")


def test_a_backup_of_a_whole_store_lacks_nothing(imported: Home, tmp_path: Path) -> None:
    done = json.loads(imported.done("backup", tmp_path / "b.tar.zst", "--json"))
    assert done["lacks"] == []
    assert "lacks" not in Path(tmp_path / "b.tar.zst").read_bytes().decode("latin-1")
