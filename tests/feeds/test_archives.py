"""Reports in archives: of which day and type they are, what beside them is none, and how they are called."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.feeds.conftest import Store
from tests.feeds.reports import day, write
from tests.feeds.verbs import asked, run
from tocsin.feeds import reasons
from tocsin.feeds.models import Cycle, Report

pytestmark = pytest.mark.django_db
UNTIMED = b"lamp,colour\n192.0.2.7,red\n192.0.2.8,blue\n"
DAMAGED = b"\x1f\x8b\x08 this is no gzip"


def archive(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def content(folder: Path, number: int, hosts: list[int], **facts: Any) -> bytes:
    return write(folder / "made", number, hosts, **facts).read_bytes()


def counting() -> set[tuple[str, str, str, int]]:
    """Return type, day, name and rows of what counts."""
    rows = Report.objects.filter(state="accepted").values_list("type__name", "on", "name", "records")
    return {(kind, str(on), name, records) for kind, on, name, records in rows}


def test_a_day_that_only_the_archive_says_is_that_of_its_files(store: Store, tmp_path: Path) -> None:
    for number in (0, 1):
        members = {"scan_rdp.csv": content(tmp_path, 0, [1, 2]), "lamps.csv": UNTIMED}
        summary = store.run(archive(tmp_path / f"{day(number)}.zip", members))
        assert summary["broken"] == []
    assert counting() == {
        (kind, str(day(number)), f"{day(number)}/{name}", 2)
        for number in (0, 1)
        for kind, name in (("scan_rdp", "scan_rdp.csv"), ("lamps", "lamps.csv"))
    }


def test_files_of_one_name_in_archives_of_one_day_take_nothing_from_each_other(store: Store, tmp_path: Path) -> None:
    for site, hosts in (("north", [1]), ("south", [2, 3])):
        members = {"report.csv": content(tmp_path, 0, hosts), "lamps.csv": UNTIMED + f"{site},\n".encode()}
        assert store.run(archive(tmp_path / f"{site}-{day(0)}.zip", members))["broken"] == []
    on = str(day(0))
    assert counting() == {
        ("north-report", on, f"north-{on}/report.csv", 1),
        ("south-report", on, f"south-{on}/report.csv", 2),
        ("north-lamps", on, f"north-{on}/lamps.csv", 3),
        ("south-lamps", on, f"south-{on}/lamps.csv", 3),
    }
    assert set(store.states()) == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}


def test_a_corrected_archive_takes_the_place_of_the_earlier_one(store: Store, tmp_path: Path) -> None:
    path = tmp_path / f"{day(0)}.zip"
    store.run(archive(path, {"scan_rdp.csv": content(tmp_path, 0, [1]), "lamps.csv": UNTIMED}))
    summary = store.run(archive(path, {"scan_rdp.csv": content(tmp_path, 0, [2]), "lamps.csv": UNTIMED}))
    assert (summary["corrected"][0]["name"], summary["unchanged"]) == (
        f"{day(0)}/scan_rdp.csv",
        [f"{day(0)}/lamps.csv"],
    )
    assert set(store.states()) == {"192.0.2.2"}


def test_a_damaged_file_of_an_archive_keeps_the_archives_day_open(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{day(0)}.zip"
    archive(path, {"in/scan_rdp.csv": DAMAGED, "scan_ssh.csv": content(tmp_path, 0, [1], kind="scan_ssh")})
    assert run("run", path) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"tocsin: {path.name}/in/scan_rdp.csv: it is packed as gz within another archive")
    assert Cycle.objects.get(type__name="scan_rdp").broken == [f"{day(0)}/scan_rdp.csv"]
    archive(path, {"in/scan_rdp.csv": content(tmp_path, 0, [1]), "README": b""})
    assert run("run", path) == 0
    assert f"In archives 1 file is passed over, which by its name is no report: {path.name}/README." in (
        capsys.readouterr().out
    )


def test_what_is_wrong_with_a_file_in_an_archive_is_said_with_both_names(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, torn = f"{day(0)}-scan_rdp-xm.csv", f"{day(0)}-scan_ssh-xm.csv"
    path = archive(tmp_path / "post.zip", {good: content(tmp_path, 0, [1]), f"in/{torn}": DAMAGED})
    late = archive(tmp_path / "late.zip", {"2030-01-01-scan_rdp-xm.csv": content(tmp_path, 0, [1])})
    data = asked(capsys, "run", path, late, code=1)
    names = {broken["name"]: broken["reason"].partition(": ")[0] for broken in data["broken"]}
    assert names == {
        torn: f"post.zip/in/{torn}",
        "2030-01-01-scan_rdp-xm.csv": "late.zip/2030-01-01-scan_rdp-xm.csv",
    }
    assert run("read", path) == 1
    assert capsys.readouterr().err.startswith(f"tocsin: post.zip/in/{torn}: it is packed as gz")
    for broken in data["broken"]:
        assert reasons.file_called(broken["name"], broken["reason"]) == names[broken["name"]]
        with translation.override("fr"):
            assert "fichier" in reasons.said_of_file(broken["name"], broken["reason"])


def test_notes_beside_a_report_in_an_archive_hinder_nobody(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = {"README.txt": b"\0 to read", "in/notes.md": b"#", "page.html": b"<p>", "sheet.pdf": b"%PDF-1.7"}
    path = archive(tmp_path / f"{day(0)}-scan_rdp-xm.zip", {"report.csv": content(tmp_path, 0, [1]), **notes})
    data = asked(capsys, "run", path)
    assert data["passed_over"] == [f"{path.name}/{name}" for name in sorted(notes)]
    assert [file["name"] for file in data["files"]] == [f"{day(0)}-scan_rdp-xm.csv"]
    assert run("run", path) == 0
    assert capsys.readouterr().out == (
        f"{day(0)}-scan_rdp-xm.csv was imported before; nothing to do.\n"
        "In archives 4 files are passed over, which by their names are no reports: "
        f"{', '.join(f'{path.name}/{name}' for name in sorted(notes))}.\n"
    )
    for verb in ("read", "map"):
        assert run(verb, path) == 0
        captured = capsys.readouterr()
        assert "192.0.2.1" in captured.out and captured.err.startswith("tocsin: 4 files are passed over")
    assert Cycle.objects.get().counts


def test_an_archive_of_nothing_but_notes_is_broken(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(tmp_path / f"{day(0)}-scan_rdp-xm.zip", {"README.txt": b"Nothing today."})
    assert run("run", path) == 1
    assert capsys.readouterr().err == (
        f"tocsin: {path.name}: by their names none of the files in the archive is a report.\n"
    )
    assert Cycle.objects.get().broken == [f"{day(0)}-scan_rdp-xm"]


def test_a_note_that_somebody_names_is_tried(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, 0, [1]).rename(tmp_path / "README.txt")
    assert run("run", path) == 0 and capsys.readouterr().err == ""
    assert set(store.states()) == {"192.0.2.1"}
