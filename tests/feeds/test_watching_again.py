"""`feed watch`: what has not changed delivers nothing again, whatever was done since; and days that lie ahead."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import write
from tests.feeds.test_watching import Post, post, settle
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import intake
from tocsin.feeds.models import Cycle, Report, Run
from tocsin.feeds.unfinished import due_cycles
from tocsin.feeds.watching import MEMORY

__all__ = ["post"]
pytestmark = pytest.mark.django_db


def damage(path: Path, members: dict[str, Path], bad: str) -> Path:
    """Write an archive of which one member cannot be unpacked."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, member in members.items():
            made.write(member, name)
    content = bytearray(path.read_bytes())
    begins = content.find(bad.encode()) + len(bad) + 5
    content[begins : begins + 20] = bytes(0xFF ^ byte for byte in content[begins : begins + 20])
    path.write_bytes(content)
    settle(path)
    return path


def broken(folder: Path, number: int) -> Path:
    """Write a report of a day that nobody can read, of a content of its own in each folder."""
    made = write(folder, number, [1])
    path = folder / f"{made.name}.gz"
    path.write_bytes(b"\x1f\x8b\x08 no gzip " + folder.name.encode())
    made.unlink()
    return path


@pytest.fixture
def daily(post: Post, tmp_path: Path) -> dict[str, Path]:
    """An archive of two reports was looked at, of which the one of telnet cannot be read."""
    made = [write(tmp_path / "made", 1, range(1, 4)), write(tmp_path / "made", 1, range(1, 9), kind="scan_telnet")]
    members = {each.name: each for each in made}
    damage(post.folder / "daily.zip", members, made[1].name)
    assert "Run: 3 rows of 1 report kept." in post.look()
    return members


def counting() -> dict[str, int]:
    """Return the rows of each report that counts."""
    return dict(Report.objects.filter(state="accepted").values_list("name", "kept"))


def test_a_corrected_file_beside_an_archive_with_a_broken_member_counts_and_stays(
    post: Post, daily: dict[str, Path]
) -> None:
    corrected = post.put(1, list(range(1, 9)))
    assert post.look() == ["Run: 8 rows of 1 report kept."]
    assert counting() == {corrected.name: 8}
    post.start()
    later = post.put(2, list(range(1, 9)))
    assert post.look()[:2] == ["Run: 8 rows of 1 report kept.", "Closed scan_rdp of 2026-11-17."]
    assert counting() == {corrected.name: 8, later.name: 8}


def test_what_was_corrected_by_hand_stays(post: Post, store: Store, daily: dict[str, Path], tmp_path: Path) -> None:
    corrected = write(tmp_path / "hand", 1, range(1, 9))
    store.run(corrected)
    post.put(2, list(range(1, 9)))
    assert post.look() == ["Run: 8 rows of 1 report kept."]
    assert counting()[corrected.name] == 8


def test_what_was_withdrawn_stays_withdrawn_and_its_days_are_not_there(
    post: Post, store: Store, daily: dict[str, Path]
) -> None:
    store.withdraw(Run.objects.get().pk)
    later = post.put(2, [50])
    assert post.look() == ["Run: 1 row of 1 report kept."]
    assert counting() == {later.name: 1}
    assert list(Cycle.objects.values_list("type__name", "on")) == [("scan_rdp", dt.date(2026, 11, 18))]


def test_a_day_that_a_person_closed_waits_no_more_for_a_file_that_has_not_changed(
    post: Post, daily: dict[str, Path], tmp_path: Path
) -> None:
    junk = post.folder / "all.zip"
    junk.write_bytes(b"PK\x03\x04 junk")
    settle(junk)
    post.look()
    for kind in ("scan_rdp", "scan_telnet"):
        intake.decide(kind, dt.date(2026, 11, 17), closed=True, by=COMMAND_LINE, at=AT)
    for part in ("-b", "-c"):
        post.put(1, [9], part=part)
        post.put(1, [9], part=part, kind="scan_telnet")
        assert not [said for said in post.look() if "lacks" in said]
    post.put(2, [1])
    assert [said for said in post.look() if "lacks" in said], "another day may have a part in it"


def test_what_is_mended_of_an_archive_is_taken_in_and_the_rest_of_it_not_again(
    post: Post, store: Store, daily: dict[str, Path], tmp_path: Path
) -> None:
    archive, (good, bad) = post.folder / "daily.zip", daily
    store.withdraw(Run.objects.get().pk)
    archive.write_bytes(archive.read_bytes()[:-30])
    settle(archive)
    post.look()
    post.start()
    with zipfile.ZipFile(archive, "w") as made:
        for name, member in daily.items():
            made.write(member, name)
    settle(archive)
    assert "Run: 8 rows of 1 report kept." in post.look()
    assert counting() == {bad: 8} and good not in counting()


@pytest.mark.parametrize("kind", ["scan_rdp", "scan_telnet"])
def test_a_member_that_is_mended_is_taken_in_though_another_holds_the_same(
    post: Post, tmp_path: Path, kind: str
) -> None:
    made = [write(tmp_path / "made", 1, [1, 2]), write(tmp_path / "made", 1, [1, 2], kind=kind, part="-b")]
    archive = damage(post.folder / "daily.zip", {each.name: each for each in made}, made[1].name)
    assert "Run: 2 rows of 1 report kept." in post.look()
    post.start()
    with zipfile.ZipFile(archive, "w") as whole:
        for each in made:
            whole.write(each, each.name)
    settle(archive)
    post.look()
    assert [cycle.broken for cycle in Cycle.objects.all()] == [[]] * len({"scan_rdp", kind})
    assert Report.objects.filter(type__name=kind, kept=2).exists()


def test_what_an_older_version_remembers_of_an_archive_is_not_taken_in_again(
    post: Post, store: Store, daily: dict[str, Path]
) -> None:
    store.withdraw(Run.objects.get().pk)
    memory = store.root.parent / MEMORY
    memory.write_text(re.sub(r'(\["[0-9a-f]{64}) [^"]+', r"\1", memory.read_text()))
    post.start()
    (taken,) = post.watch.memory.taken().values()
    assert [len(each) for each in taken] == [64]
    post.put(2, [50])
    assert post.look() == ["Run: 1 row of 1 report kept."]


def test_other_mappings_have_only_the_rest_of_an_archive_tried_again(
    post: Post, store: Store, daily: dict[str, Path]
) -> None:
    store.withdraw(Run.objects.get().pk)
    folder = store.root.parent / "mappings"
    folder.mkdir()
    (folder / "lamps.toml").write_text('[feed]\nname = "lamps"\n[fields]\n"source.ip" = "lamp"\n')
    assert not [said for said in post.look() if said.startswith("Run")]
    assert counting() == {}


# ---- files of one name in several folders


def test_a_broken_file_that_is_mended_is_taken_in_though_another_of_its_name_holds_the_same(
    post: Post, tmp_path: Path
) -> None:
    made = write(tmp_path / "made", 1, range(1, 9))
    whole = tmp_path / f"{made.name}.gz"
    whole.write_bytes(gzip.compress(made.read_bytes()))
    for place, content in (("a", whole.read_bytes()), ("b", whole.read_bytes()[:60])):
        (post.folder / place).mkdir()
        (post.folder / place / whole.name).write_bytes(content)
        settle(post.folder / place / whole.name)
    assert post.look()[-1].startswith("scan_rdp of 2026-11-17 lacks what could not be read: ")
    shutil.copyfile(whole, post.folder / "b" / whole.name)
    settle(post.folder / "b" / whole.name)
    post.start()
    post.look()
    assert Cycle.objects.get().broken == []


def test_a_file_that_is_put_back_to_what_another_of_its_name_holds_counts_again(post: Post, store: Store) -> None:
    first = post.put(1, list(range(1, 9)))
    (post.folder / "kept").mkdir()
    kept = first.rename(post.folder / "kept" / first.name)
    assert post.look() == ["Run: 8 rows of 1 report kept."]
    post.put(1, list(range(1, 5)))
    assert post.look() == ["Run: 4 rows of 1 report kept."]
    shutil.copyfile(kept, first)
    settle(first)
    assert post.look() == ["Run: 8 rows of 1 report kept."]
    assert counting() == {first.name: 8}
    assert post.look() == []


# ---- days that have not come


def test_a_report_of_a_day_ahead_is_named_and_closes_no_other_day(post: Post) -> None:
    ahead = post.put(20, [99])
    told = post.look()
    assert told[0] == "Run: 1 row of 1 report kept."
    assert told[1].startswith(f"{ahead.name} is dated 2026-12-06, which lies ahead: it counts when that day")
    post.put(3, [1, 2, 3])
    assert post.look() == ["Run: 3 rows of 1 report kept."]
    assert due_cycles(AT) == []
    post.put(4, [1, 2])  # it is tomorrow already where the publisher is
    assert post.look()[-1] == "Closed scan_rdp of 2026-11-19."


def test_a_day_ahead_is_closed_when_it_has_come(post: Post) -> None:
    post.put(20, [99])
    post.look()
    post.at = dt.datetime(2026, 12, 4, 23, tzinfo=dt.UTC)
    assert post.look() == []
    post.at = dt.datetime(2026, 12, 6, tzinfo=dt.UTC)
    assert post.look() == ["Closed scan_rdp of 2026-12-06."]


# ---- what closed a day


def test_a_day_that_a_wrong_import_of_a_later_one_closed_is_open_again_without_it(
    post: Post, store: Store, tmp_path: Path
) -> None:
    store.run(write(tmp_path, 0, range(1, 9)))
    post.at = Cycle.objects.get().arrived_at
    post.put(1, list(range(1, 6)))
    post.look()
    wrong = [store.run(write(tmp_path, on, range(60, 66)))["run"] for on in (2, 3)]
    assert post.look() == ["Closed scan_rdp of 2026-11-17."]
    assert "gone" in store.states().values()

    store.withdraw(wrong[1])
    assert Cycle.objects.get(on=dt.date(2026, 11, 17)).closed, "another later day is here"
    store.withdraw(wrong[0])
    assert not Cycle.objects.get(on=dt.date(2026, 11, 17)).closed
    assert set(store.states().values()) == {"still"} and post.look() == []


def test_a_day_that_a_broken_file_of_a_later_one_closed_is_open_again_without_it(
    post: Post, store: Store, tmp_path: Path
) -> None:
    post.put(0, list(range(1, 9)))
    post.look()
    post.at = Cycle.objects.get().arrived_at
    post.put(1, list(range(1, 6)))
    post.look()
    wrong = [broken(tmp_path / place, 2) for place in ("a", "b")]
    runs = [store.run(path, complete=False)["run"] for path in wrong]
    assert post.look() == ["Closed scan_rdp of 2026-11-17."]
    assert "gone" in store.states().values()

    store.withdraw(runs[0])
    assert Cycle.objects.get(on=dt.date(2026, 11, 17)).closed, "another run says that a later day has begun"
    store.withdraw(runs[1])
    assert not Cycle.objects.get(on=dt.date(2026, 11, 17)).closed
    assert "gone" not in store.states().values() and post.look() == []


def test_a_day_whose_time_had_passed_stays_closed_whatever_is_withdrawn(
    post: Post, store: Store, tmp_path: Path
) -> None:
    post.put(1, [1])
    post.look()
    later = store.run(write(tmp_path, 2, [1]))["run"]
    post.at = Cycle.objects.get(closed=False).arrived_at + dt.timedelta(hours=36)
    assert post.look() == ["Closed scan_rdp of 2026-11-17."]
    store.withdraw(later)
    assert Cycle.objects.get().closed
