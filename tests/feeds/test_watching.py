"""`feed watch`: take in what is complete, close what is due, never stop."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import threading
import time
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.feeds import folders, intake, watching
from tocsin.feeds.models import Cycle, Run
from tocsin.feeds.unfinished import due_cycles
from tocsin.feeds.watching import MEMORY, Memory, Watch
from tocsin.kernel.refusals import InvalidInput


class Post:
    """A folder that is watched, and what was said about it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said, self.at = folder, list[str](), AT
        folder.mkdir(exist_ok=True)
        self.watch = self.start()

    def start(self, settled_s: float = 5) -> Watch:
        """Start to watch, as after a restart."""
        self.watch = Watch(self.folder, by=COMMAND_LINE, tell=self.hear, now=lambda: self.at, settled_s=settled_s)
        return self.watch

    def hear(self, sentence: str, _data: dict[str, Any]) -> None:
        self.said.append(re.sub(r"^Run \d+", "Run", sentence))

    def put(self, number: int, hosts: list[int], **facts: Any) -> Path:
        path = write(self.folder, number, hosts, **facts)
        settle(path)
        return path

    def look(self) -> list[str]:
        """Look once; return what was said."""
        self.said.clear()
        self.watch.look()
        return list(self.said)


def settle(path: Path) -> None:
    """Let a file be a minute old."""
    os.utime(path, (time.time() - 60, time.time() - 60))


@pytest.fixture
def post(store: Store, tmp_path: Path) -> Post:
    return Post(tmp_path / "post")


def test_a_report_is_taken_in_once_and_left_where_it_is(post: Post, store: Store) -> None:
    path = post.put(0, [1, 2])
    assert post.look() == ["Run: 2 rows of 1 report kept."]
    assert post.look() == []
    assert path.is_file()
    assert set(store.states()) == {"192.0.2.1", "192.0.2.2"}
    assert Run.objects.count() == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_a_day_is_not_closed_while_an_archive_that_may_be_of_it_is_broken(
    post: Post, store: Store, tmp_path: Path, is_first: bool
) -> None:
    for part, hosts in (("", [1, 2]), ("-b", [3])):
        post.put(0, hosts, part=part)
    post.look()
    bad = write(tmp_path / "made", 1, [3], part="-b")
    archive, whole = post.folder / "all.zip", tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as made:
        made.write(bad, bad.name)
    archive.write_bytes(whole.read_bytes()[:-30])
    settle(archive)
    if is_first:
        assert len(post.look()) == 2, "that it is broken, and which day waits for it"
    post.put(1, [1, 2])
    said = post.look()
    assert len([each for each in said if each.startswith("all.zip")]) == (0 if is_first else 1), "it is told of once"
    post.put(2, [1, 2, 3])
    assert "Closed scan_rdp of 2026-11-17." not in post.look()
    assert "gone" not in store.states().values()

    shutil.copyfile(whole, archive)
    settle(archive)
    assert "Closed scan_rdp of 2026-11-17." in post.look()
    assert set(store.states().values()) == {"still"}


def test_each_day_that_begins_to_wait_is_named_once_with_what_it_waits_for(post: Post) -> None:
    bad = post.folder / "daily.zip"
    bad.write_bytes(b"PK\x03\x04 junk")
    settle(bad)
    post.put(0, [1, 2, 3, 4])
    told = post.look()
    for number in (1, 2):
        assert told[-1].startswith(
            f"scan_rdp of 2026-11-{15 + number} lacks what could not be read: daily.zip. Import a whole copy"
        )
        assert post.look() == []
        post.put(number, [1, 2, 3, 4])
        told = post.look()
    bad.unlink()
    assert not [said for said in post.look() if "waits" in said]


def test_a_day_that_is_held_is_named_when_it_is_closed(post: Post) -> None:
    for number, hosts in ((0, [1, 2, 3, 4, 5]), (1, [1])):
        post.put(number, hosts)
        post.look()
    post.at = Cycle.objects.get(closed=False).arrived_at + dt.timedelta(hours=36)
    said = post.look()
    assert said[0] == "Closed scan_rdp of 2026-11-17."
    assert said[1].startswith("scan_rdp of 2026-11-17 is held: ")


def test_what_is_no_report_by_its_name_is_named_once_and_never_taken_in(post: Post, store: Store) -> None:
    path = post.put(0, [1])
    unfinished = path.rename(path.with_name(f"{path.name}.part"))
    log = post.folder / "fetch.log"
    log.write_text("done")
    settle(log)
    assert post.look() == [
        f"{unfinished.name}: by its name it is no report. It is passed over.",
        "fetch.log: by its name it is no report. It is passed over.",
    ]
    assert post.look() == [] and not Run.objects.exists() and not post.watch.growing
    unfinished.rename(path)
    assert post.look() == ["Run: 1 row of 1 report kept."]


def test_a_file_that_is_still_being_written_waits(post: Post) -> None:
    path = write(post.folder, 0, [1])
    assert post.look() == []
    with path.open("a") as file:
        file.write("2026-11-16 06:00:00,low,192.0.2.9,tcp,3389,rdp,64496,XM,\n")
    assert post.look() == []
    assert post.watch.growing == [path.name]
    settle(path)
    assert post.look() == ["Run: 2 rows of 1 report kept."]
    assert post.watch.growing == []


def test_a_file_that_settles_while_others_are_taken_in_is_not_missed(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.put(0, [1])
    post.start(settled_s=0.2)
    write(post.folder, 1, [1, 2])
    taken_in = intake.import_reports

    def slowly(*arguments: Any, **options: Any) -> dict[str, Any]:
        time.sleep(0.3)
        return taken_in(*arguments, **options)

    monkeypatch.setattr(intake, "import_reports", slowly)
    post.said.clear()
    post.watch.look_once()
    assert post.said == [
        "Run: 1 row of 1 report kept.",
        "Run: 2 rows of 1 report kept.",
        "Closed scan_rdp of 2026-11-16.",
    ]


def test_a_file_that_goes_on_growing_is_waited_for_so_long_and_then_named(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.start(settled_s=0.2)
    path, waits = write(post.folder, 0, [1]), list[float]()

    def grow(seconds: float) -> None:
        waits.append(seconds)
        with path.open("a") as file:
            file.write("2026-11-16 06:00:00,low,192.0.2.9,tcp,3389,rdp,64496,XM,\n")

    monkeypatch.setattr(time, "sleep", grow)
    post.watch.look_once()
    assert post.said == [f"1 file is still being written, and left for another time: {path.name}."]
    assert waits == [0.2] * (watching.LOOKS - 1)
    settle(path)
    post.said.clear()
    post.watch.look_once()
    assert post.said == ["Run: 6 rows of 1 report kept."]


def test_what_has_gone_is_not_waited_for(post: Post) -> None:
    path = write(post.folder, 0, [1])
    assert post.look() == []
    path.unlink()
    post.watch.look_once()
    assert post.said == [] and post.watch.growing == []


def test_what_lies_beside_reports_in_an_archive_is_named_once(post: Post, tmp_path: Path) -> None:
    report = write(tmp_path, 0, [1])
    with zipfile.ZipFile(post.folder / "day.zip", "w") as archive:
        archive.write(report, report.name)
        archive.writestr("README.txt", b"\0")
    settle(post.folder / "day.zip")
    assert post.look() == [
        "day.zip/README.txt: by its name it is no report. It is passed over.",
        "Run: 1 row of 1 report kept.",
    ]
    assert post.look() == []


def test_a_look_at_a_large_folder_does_not_compare_each_file_with_all(store: Store, tmp_path: Path) -> None:
    held = {f"{number}.csv": [1, 1, "0" * 64, False, ""] for number in range(3_000)}
    (tmp_path / MEMORY).write_text(json.dumps({str(tmp_path): held}))
    memory = Memory(tmp_path / MEMORY, tmp_path)
    began = time.process_time()
    for number in range(3_000):
        assert not memory.knows(f"new-{number}.csv", tmp_path / f"new-{number}.csv", (1, 1), AT)
    assert time.process_time() - began < 2


def test_a_file_whose_clock_is_ahead_is_taken_once_it_stops_changing(post: Post) -> None:
    path = write(post.folder, 0, [1])
    os.utime(path, (time.time() + 9999, time.time() + 9999))
    post.start(settled_s=0.05)
    assert post.look() == []
    time.sleep(0.06)
    assert post.look() == ["Run: 1 row of 1 report kept."]


def test_hidden_files_and_those_in_hidden_folders_are_passed_over(post: Post) -> None:
    path = post.put(0, [1])
    shutil.copy2(path, post.folder / ".2026-11-16-scan_rdp-xm-geo.csv.part")
    (post.folder / ".partial").mkdir()
    path.rename(post.folder / ".partial" / path.name)
    assert post.look() == []


def test_contents_are_remembered_over_a_restart_a_copy_and_a_touch(post: Post) -> None:
    path = post.put(0, [1])
    post.look()
    post.start()
    assert post.look() == []
    (post.folder / "archive").mkdir()
    shutil.copy2(path, post.folder / "archive" / path.name)
    os.utime(path, (1, 1))
    assert post.look() == []
    assert Run.objects.count() == 1


def test_a_damaged_memory_costs_a_look_and_nothing_else(post: Post, store: Store) -> None:
    post.put(0, [1])
    post.look()
    (store.root.parent / MEMORY).write_text("{not json")
    post.start()
    assert post.look() == []
    assert store.states() == {"192.0.2.1": "new"}


def test_a_bad_file_is_named_once_passed_over_and_tried_again_when_it_changes(post: Post, store: Store) -> None:
    bad = post.folder / "2026-11-16-scan_ssh-xm-geo.csv"
    bad.write_bytes(b"\x00\x01\x02 nothing")
    settle(bad)
    post.put(0, [1])
    said = post.look()
    assert [sentence for sentence in said if "scan_ssh" in sentence and "passed over until it changes" in sentence]
    assert set(store.states()) == {"192.0.2.1"}
    assert post.look() == []
    post.put(0, [7], kind="scan_ssh")
    assert post.look() == ["Run: 1 row of 1 report kept."]


def test_a_file_that_no_mapping_knew_is_tried_again_when_there_is_one(post: Post, store: Store) -> None:
    path = post.folder / "lamps.csv"
    path.write_text("when,lamp\n2026-11-16 06:00:00,192.0.2.1\n")
    settle(path)
    assert "no mapping knows" in post.look()[0]
    folder = store.root.parent / "mappings"
    folder.mkdir()
    (folder / "lamps.toml").write_text(
        '[feed]\nname = "lamps"\n[fields]\n"time.source" = "when"\n"source.ip" = "lamp"\n'
    )
    assert post.look() == ["Run: 1 row of 1 report kept."]


def test_a_report_dated_too_far_ahead_is_looked_at_again_when_its_day_comes(post: Post) -> None:
    path = post.put(40, [1])
    (said,) = post.look()
    assert "2026-12-26, which lies too far ahead" in said
    assert said.endswith("It is looked at again on 2026-11-25, or when it changes.")
    post.start()  # remembered over a restart
    post.at = AT.replace(day=24)
    assert post.look() == []
    post.at = AT.replace(day=25)
    assert post.look()[0] == "Run: 1 row of 1 report kept."
    assert post.look() == []
    assert path.is_file()


def test_a_copy_of_a_report_dated_too_far_ahead_waits_as_it_does(post: Post) -> None:
    path = post.put(40, [1])
    post.look()
    (post.folder / "archive").mkdir()
    path.rename(post.folder / "archive" / path.name)
    assert post.look() == []
    post.at = AT.replace(day=25)
    assert post.look()[0] == "Run: 1 row of 1 report kept."


def test_an_archive_that_holds_a_report_dated_too_far_ahead_is_looked_at_again(post: Post, tmp_path: Path) -> None:
    inside = write(tmp_path / "aside", 40, [1])
    with zipfile.ZipFile(post.folder / "day.zip", "w") as archive:
        archive.write(inside, inside.name)
    settle(post.folder / "day.zip")
    assert "looked at again on 2026-11-25" in post.look()[0]
    post.at = AT.replace(day=25)
    assert post.look()[0] == "Run: 1 row of 1 report kept."


def test_what_an_older_version_remembers_of_a_file_is_understood(post: Post, store: Store) -> None:
    post.put(0, [1])
    post.look()
    memory = store.root.parent / MEMORY
    held = json.loads(memory.read_text())
    memory.write_text(
        json.dumps({folder: {n: seen[:4] for n, seen in files.items()} for folder, files in held.items()})
    )
    post.start()
    assert post.look() == []


def test_a_type_that_nobody_knows_needs_a_mapping(post: Post) -> None:
    post.put(0, [1], kind="lamp_post")
    assert post.look() == ["Run: 1 row of 1 report kept. lamp_post needs a mapping."]


def test_a_folder_that_goes_away_is_named_once_and_looked_for(post: Post, tmp_path: Path) -> None:
    post.put(0, [1])
    assert len(post.look()) == 1
    post.folder.rename(tmp_path / "away")
    (told,) = post.look()
    assert told == f"{post.folder}: it is not there any more. It is looked for again."
    assert post.look() == []
    (tmp_path / "away").rename(post.folder)
    post.put(1, [1])
    assert post.look()[0] == "Run: 1 row of 1 report kept."


def test_a_file_that_may_not_be_read_is_named_once_and_hinders_no_other(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.put(0, [1])
    barred = post.put(0, [1], kind="scan_snmp")
    may = folders.may_be_read  # root may read everything
    monkeypatch.setattr(folders, "may_be_read", lambda path: path != barred and may(path))
    assert post.look() == [
        f"{barred.name}: this user may not read it. It is looked at again.",
        "Run: 1 row of 1 report kept.",
    ]
    assert post.look() == [] and Run.objects.count() == 1
    post.put(1, [1])
    assert "Closed scan_rdp of 2026-11-16." in post.look()

    monkeypatch.undo()
    assert post.look()[0] == "Run: 1 row of 1 report kept."


def test_what_is_no_file_is_named_once_and_never_opened(post: Post) -> None:
    post.put(0, [1])
    pipe = post.folder / "2026-11-17-scan_rdp-xm-geo.csv"
    os.mkfifo(pipe)
    os.mkfifo(post.folder / ".hidden")
    (post.folder / "lost.csv").symlink_to("nowhere")
    (post.folder / "elsewhere").symlink_to(post.folder.parent)
    assert post.look() == [
        "2026-11-17-scan_rdp-xm-geo.csv: it is no file but a pipe, a socket or a device, which is never read. "
        "It is passed over.",
        "elsewhere: it is a link to a folder. It is passed over; to take it in, name that folder.",
        "lost.csv: it is a link that leads nowhere. It is passed over.",
        "Run: 1 row of 1 report kept.",
    ]
    assert post.look() == []
    pipe.unlink()
    post.put(1, [1])
    assert post.look()[0] == "Run: 1 row of 1 report kept."


def test_a_cycle_is_closed_when_the_next_one_begins(post: Post, store: Store) -> None:
    post.put(0, [1, 2])
    post.put(0, [3], part="-part2")
    post.look()
    assert set(Cycle.objects.values_list("closed", flat=True)) == {False}
    post.put(1, [1, 2])
    assert post.look()[-1] == "Closed scan_rdp of 2026-11-16."
    assert list(Cycle.objects.values_list("closed", "counts")) == [(True, True), (False, False)]
    assert set(store.states().values()) == {"still"}
    row = AuditRow.objects.get(code="cycle.closed")
    assert row.data["cycles"] == [["scan_rdp", "2026-11-16"]]


def test_many_days_at_once_are_taken_in_and_closed_together(post: Post, store: Store) -> None:
    for number in range(5):
        post.put(number, [1, 2] if number < 1 else [1])
    post.look()
    assert list(Cycle.objects.values_list("closed", flat=True)) == [True] * 4 + [False]
    assert AuditRow.objects.filter(code="cycle.closed").count() == 1
    assert store.states() == {"192.0.2.1": "still", "192.0.2.2": "gone"}


def test_a_cycle_is_closed_a_day_and_a_half_after_its_last_report(post: Post) -> None:
    post.at = dt.datetime.now(dt.UTC)
    post.put(0, [1])
    post.look()
    arrived = Cycle.objects.get().arrived_at
    assert due_cycles(arrived + dt.timedelta(hours=35, minutes=59)) == []
    post.at = arrived + dt.timedelta(hours=36)
    assert post.look() == ["Closed scan_rdp of 2026-11-16."]


def test_a_cycle_that_lacks_a_broken_report_stays_open(post: Post) -> None:
    post.put(0, [1, 2])
    bad = post.folder / "2026-11-16-scan_rdp-xm-geo-part2.csv"
    bad.write_bytes(b"\x00")
    settle(bad)
    post.look()
    post.put(1, [1])
    post.look()
    assert due_cycles(dt.datetime.now(dt.UTC) + dt.timedelta(days=9)) == [("scan_rdp", dt.date(2026, 11, 17))]


def test_a_running_import_is_no_reason_to_stop(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.feeds import intake
    from tocsin.kernel.refusals import Busy

    def busy(*_paths: Any, **_options: Any) -> None:
        raise Busy("another import is running.")

    post.put(0, [1])
    with monkeypatch.context() as patched:
        patched.setattr(intake, "import_reports", busy)
        assert post.look() == ["another import is running."]
        assert post.look() == []  # said once
    assert post.look() == ["Run: 1 row of 1 report kept."]


def test_a_correction_that_comes_during_the_import_is_taken_in_by_the_next_look(
    post: Post, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected, gone = post.put(0, [1, 2]), post.put(0, [1], kind="scan_ssh")
    real = intake.import_reports

    def during(*paths: Any, **options: Any) -> dict[str, Any]:
        summary = real(*paths, **options)
        write(post.folder, 0, [1, 2, 3])
        gone.unlink()
        return summary

    with monkeypatch.context() as patched:
        patched.setattr(intake, "import_reports", during)
        assert post.look() == ["Run: 3 rows of 2 reports kept."]
    settle(corrected)
    assert post.look() == ["Run: 3 rows of 1 report kept."]
    assert post.look() == []
    assert "192.0.2.3" in store.states()


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_database_that_is_restarted_is_no_reason_to_stop(
    post: Post, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def gone(*_arguments: Any, **_options: Any) -> None:
        raise kind("server closed the connection unexpectedly\n\tThis probably means …")

    looks: list[int] = []
    monkeypatch.setattr(watching, "close_old_connections", lambda: looks.append(1))
    monkeypatch.setattr(watching, "connection", types.SimpleNamespace(in_atomic_block=False))
    post.put(0, [1])
    with monkeypatch.context() as patched:
        patched.setattr(watching, "due_cycles", gone)
        patched.setattr(intake, "import_reports", gone)
        said = "The database cannot be used (server closed the connection unexpectedly). It is tried again."
        assert post.look() == [said]
        assert post.look() == []  # said once
    assert post.look() == ["Run: 1 row of 1 report kept."]
    assert len(looks) == 3, "a broken connection is let go before each look"


def test_it_stops_when_told(post: Post) -> None:
    stop = threading.Event()
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            stop.set()

    post.watch.look = look  # type: ignore[method-assign]
    post.watch.run(stop, every_s=0.001)
    assert len(looks) == 3


def test_a_folder_that_is_not_there_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such folder"):
        Watch(tmp_path / "none", by=COMMAND_LINE, tell=lambda *_: None, now=lambda: AT)


# ---- what has not changed delivers nothing again
