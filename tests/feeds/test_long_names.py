"""Names that are longer or stranger than a column holds: the report beside them is imported all the same."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.feeds.conftest import Store
from tests.feeds.reports import COLUMNS, day, write
from tocsin.feeds.models import Report, ReportType

pytestmark = pytest.mark.django_db
AT_SIX = f"{day(0)}T06:00:00+00:00"


def test_a_type_with_a_very_long_name_is_kept_under_a_shorter_one(store: Store, tmp_path: Path) -> None:
    long = "scan_" + "x" * 150
    for number, kind in enumerate((long, long, f"{long}y")):
        store.run(write(tmp_path / str(number), number, [1, 2], kind=kind))
    names = sorted(ReportType.objects.values_list("name", flat=True))
    assert len(names) == 2 and all(name.startswith("scan_xxx") and len(name) <= 100 for name in names)
    assert set(Report.objects.values_list("type__name", "on")) == {
        (Report.objects.get(on=day(0)).type.name, day(0)),
        (Report.objects.get(on=day(0)).type.name, day(1)),
        (Report.objects.get(on=day(2)).type.name, day(2)),
    }


def test_a_file_without_a_type_in_its_long_name_is_kept(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path, 0, [1])
    store.run(path.rename(tmp_path / f"{'list of what is open ' * 8}.csv"))
    (name,) = ReportType.objects.values_list("name", flat=True)
    assert len(name) <= 100


def test_a_member_of_an_archive_may_have_a_very_long_name(store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for part, hosts in ((1, [1]), (2, [2])):
            path = write(tmp_path / str(part), 0, hosts)
            archive.write(path, f"{day(0)}-scan_rdp-xm-geo{'y' * 300}-part{part}.csv")
    summary = store.run(tmp_path / "all.zip", write(tmp_path, 1, [3]))
    assert summary["broken"] == [] and set(store.states()) == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    names = Report.objects.filter(on=day(0)).values_list("name", flat=True)
    assert {(len(name), name[-10:]) for name in names} == {(255, "-part1.csv"), (255, "-part2.csv")}


def test_a_control_character_in_a_key_refuses_its_row_alone(store: Store, tmp_path: Path) -> None:
    good = {"time.source": AT_SIX, "source.ip": "192.0.2.1", "classification.type": "scanner"}
    bad = [good | {"a\0b": "x", "source.ip": "192.0.2.2"}, good | {"extra.a\nb": "x", "source.ip": "192.0.2.3"}]
    path = tmp_path / f"{day(0)}-events.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (good, *bad)))
    summary = store.run(path, write(tmp_path, 0, [9]))
    assert (summary["rows_quarantined"], summary["broken"]) == (2, [])
    assert set(store.states()) == {"192.0.2.1", "192.0.2.9"}


def test_what_cannot_be_the_name_of_a_class_is_none(store: Store, tmp_path: Path) -> None:
    events = [
        {"time.source": AT_SIX, "source.ip": f"192.0.2.{host}", "classification.type": said}
        for host, said in enumerate(("x\0y", "z" * 90, "a\nb"), start=1)
    ]
    path = tmp_path / f"{day(0)}-events.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in events))
    summary = store.run(path, write(tmp_path, 0, [9]))
    assert summary["broken"] == [] and "192.0.2.9" in store.states()


def test_a_zero_octet_in_a_header_hinders_no_other_file(store: Store, tmp_path: Path) -> None:
    bad = write(tmp_path / "bad", 0, [1], columns=(*COLUMNS, "bad\0column"))
    summary = store.run(bad, write(tmp_path, 1, [2]))
    assert len(summary["broken"]) == 1 and set(store.states()) == {"192.0.2.2"}
