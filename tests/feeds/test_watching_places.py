"""`feed watch`: what could not be read is known by its place, not by its name; and by the mappings of then."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import write
from tests.feeds.test_watching import Post, post, settle
from tests.feeds.test_watching_again import counting, damage
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import intake
from tocsin.feeds.models import Cycle, Run
from tocsin.feeds.watching import MEMORY, TRIED_UNDER

__all__ = ["post"]
pytestmark = pytest.mark.django_db
LAMPS = '[feed]\nname = "lamps"\nfiles = ["*lamps*"]\n[fields]\n"time.source" = "when"\n"source.ip" = "{column}"\n'


def archive(path: Path, reports: Iterable[Path]) -> Path:
    """Write an archive that can be read."""
    with zipfile.ZipFile(path, "w") as made:
        for each in reports:
            made.write(each, each.name)
    settle(path)
    return path


def cut(path: Path, report: Path) -> Path:
    """Write a packed file that ends in the middle."""
    path.write_bytes(gzip.compress(report.read_bytes())[:60])
    settle(path)
    return path


def pair(folder: Path, hosts: int = 8) -> dict[str, Path]:
    """Write a report of 3 rows and one of more, both of a day."""
    made = [write(folder, 1, range(1, 4), part="-a"), write(folder, 1, range(1, hosts + 1), part="-b")]
    return {each.name: each for each in made}


def lamps(home: Path, column: str) -> None:
    """Describe lamps, whose address stands in a column."""
    (home / "mappings").mkdir(parents=True, exist_ok=True)
    (home / "mappings" / "lamps.toml").write_text(LAMPS.format(column=column))


def lamp(folder: Path, name: str = "lamps-1.csv") -> Path:
    """Write a report of one lamp."""
    path = folder / name
    path.write_text("when,lamp\n2026-11-17 06:00:00,192.0.2.1\n")
    settle(path)
    return path


@pytest.fixture
def home(store: Store) -> Path:
    return store.root.parent


# ---- a whole file beside what is broken


@pytest.fixture
def again(post: Post, tmp_path: Path) -> dict[str, Path]:
    """An archive came with its larger report damaged, and was put beside it whole."""
    made = pair(tmp_path / "made")
    damage(post.folder / "daily.zip", made, max(made))
    assert post.look()[-2] == "Run: 3 rows of 1 report kept."
    archive(post.folder / "daily-again.zip", made.values())
    assert post.look() == ["Run: 8 rows of 1 report kept."]
    return made


def test_what_is_withdrawn_of_a_whole_archive_stays_so_beside_a_broken_one(
    post: Post, store: Store, again: dict[str, Path]
) -> None:
    store.withdraw(Run.objects.latest("pk").pk)
    post.put(2, [50])
    assert post.look()[0] == "Run: 1 row of 1 report kept."
    assert max(again) not in counting()


def test_a_correction_of_what_a_whole_archive_held_is_no_namesake_of_it(post: Post, again: dict[str, Path]) -> None:
    corrected = post.put(1, [1, 2, 3, 4], part="-b")
    assert post.look() == ["Run: 4 rows of 1 report kept."]
    post.put(2, [50])
    post.look()
    assert counting()[corrected.name] == 4


def test_a_cut_file_beside_a_whole_archive_has_nothing_of_it_delivered_again(
    post: Post, store: Store, tmp_path: Path
) -> None:
    made = pair(tmp_path / "made")
    cut(post.folder / f"{min(made)}.gz", made[min(made)])
    post.look()
    archive(post.folder / "daily.zip", made.values())
    assert post.look() == ["Run: 11 rows of 2 reports kept."]
    store.withdraw(Run.objects.latest("pk").pk)
    later = post.put(2, [50])
    post.look()
    assert counting() == {later.name: 1}


def test_a_broken_file_is_named_whatever_the_archive_beside_holds(post: Post, tmp_path: Path) -> None:
    made = pair(tmp_path / "made")
    damage(post.folder / "daily.zip", made, max(made))
    post.look()
    for name, report in made.items():
        file = cut(post.folder / f"{name}.gz", report)
        assert post.look()[0].startswith(f"{file.name}: it cannot be unpacked")
        assert post.look() == []


def test_of_two_archives_with_a_broken_member_of_one_name_each_is_known_by_itself(
    post: Post, store: Store, tmp_path: Path
) -> None:
    for folder, hosts in (("x", 8), ("y", 9)):
        made = pair(tmp_path / folder, hosts)
        (own,) = [write(tmp_path / folder, 1, [90], kind="scan_ssh", part=f"-{folder}")]
        damage(post.folder / f"{folder}.zip", {**made, own.name: own}, max(made))
    said = post.look()
    assert [each.partition(":")[0] for each in said if "unpacked" in each] == [
        f"x.zip/{max(made)}",
        f"y.zip/{max(made)}",
    ]
    assert post.watch.memory.broken() == ["x.zip", "y.zip"]
    store.withdraw(Run.objects.get().pk)
    archive(post.folder / "x.zip", [*pair(tmp_path / "x").values()])
    assert post.look()[0] == "Run: 8 rows of 1 report kept."
    assert counting() == {max(made): 8}
    post.put(2, [50])
    post.look()
    assert set(counting().values()) == {8, 1}


# ---- members of several fates


def test_of_an_archive_a_day_waits_for_what_is_broken_though_another_report_waits_for_its_day(
    post: Post, store: Store, tmp_path: Path
) -> None:
    good, ahead = write(tmp_path / "made", 1, [1, 2, 3]), write(tmp_path / "made", 40, [1])
    undated = write(tmp_path / "made", 2, range(1, 9)).rename(tmp_path / "made" / "all.csv")
    made = {each.name: each for each in (good, ahead, undated)}
    damage(post.folder / "daily.zip", made, undated.name)
    told = post.look()
    assert any("It is looked at again on 2026-11-25" in each for each in told)
    store.withdraw(Run.objects.get().pk)
    post.start()
    post.put(2, [1, 2])
    assert [each for each in post.look() if "2026-11-18 lacks what could not be read: all.csv" in each]
    post.at = AT.replace(day=25)
    assert post.look()[0].startswith("daily.zip/all.csv: it cannot be unpacked")
    assert set(counting().values()) == {2, 1}, "what was withdrawn is not there"


@pytest.mark.parametrize("suffix", [".gz", ".zip"])
def test_a_namesake_that_was_refused_takes_no_place_until_it_changes(
    post: Post, home: Path, tmp_path: Path, suffix: str
) -> None:
    for folder, hosts in (("a", 4), ("b", 8)):
        (post.folder / folder).mkdir()
        made = write(tmp_path / folder, 1, range(1, hosts + 1))
        file = post.folder / folder / f"{made.name}{suffix}"
        if suffix == ".gz":
            file.write_bytes(gzip.compress(made.read_bytes()))
            settle(file)
        else:
            bad = write(tmp_path / folder, 1, range(9), kind="scan_ssh", part=f"-{folder}")
            damage(file, {made.name: made, bad.name: bad}, bad.name)
    assert [each for each in post.look() if "another file of the same call has its name" in each]
    counted = counting()[made.name]
    post.put(2, [50])
    assert post.look()[0] == "Run: 1 row of 1 report kept."
    assert counting()[made.name] == counted
    lamps(home, "lamp")
    post.start()
    post.look()
    assert counting()[made.name] == counted


def test_a_member_that_was_taken_in_and_that_another_mapping_refuses_is_neither_lacking_nor_delivered_again(
    post: Post, store: Store, home: Path, tmp_path: Path
) -> None:
    lamps(home, "lamp")
    made = [lamp(tmp_path, "2026-11-17-lamps.csv"), write(tmp_path, 1, range(1, 9))]
    damage(post.folder / "daily.zip", {each.name: each for each in made}, made[1].name)
    assert "Run: 1 row of 1 report kept." in post.look()
    store.withdraw(Run.objects.get().pk)
    for column in ("host", "lamp"):
        lamps(home, column)
        assert not [each for each in post.look() if "lamps" in each or each.startswith("Run")]
    assert counting() == {} and not Cycle.objects.filter(type__name="lamps").exists()


# ---- mappings that change while nobody looks


def test_what_a_mapping_refused_is_tried_again_after_a_restart_when_it_was_mended(post: Post, home: Path) -> None:
    lamps(home, "host")
    lamp(post.folder)
    assert "no column 'host'" in post.look()[0]
    post.start()
    assert post.look() == []
    lamps(home, "lamp")
    post.start()
    assert post.look() == ["Run: 1 row of 1 report kept."]
    post.start()
    assert post.look() == []


def test_a_mapping_that_is_written_again_as_it_was_has_nothing_tried_again(post: Post, home: Path) -> None:
    lamps(home, "host")
    lamp(post.folder)
    post.look()
    lamps(home, "host")
    settle(home / "mappings" / "lamps.toml")
    assert post.look() == []


def test_a_file_that_may_not_be_tried_yet_under_other_mappings_is_tried_later(post: Post, home: Path) -> None:
    lamps(home, "host")
    path = lamp(post.folder)
    post.look()
    away = path.rename(home / path.name)
    lamps(home, "lamp")
    post.put(1, [1])
    post.start()
    assert post.look() == ["Run: 1 row of 1 report kept."]
    away.rename(path)
    post.start()
    assert post.look() == ["Run: 1 row of 1 report kept."]
    assert counting()["lamps-1.csv"] == 1


def test_what_an_older_version_remembers_as_broken_is_tried_once_more(post: Post, home: Path) -> None:
    lamps(home, "host")
    lamp(post.folder)
    post.look()
    memory = json.loads((home / MEMORY).read_text())
    del memory[TRIED_UNDER]
    (home / MEMORY).write_text(json.dumps(memory))
    post.start()
    assert "no column 'host'" in post.look()[0]
    post.start()
    assert post.look() == []


def test_files_of_one_name_that_a_mapping_refused_are_tried_again_both(post: Post, home: Path) -> None:
    lamps(home, "host")
    for folder in ("a", "b"):
        (post.folder / folder).mkdir()
        lamp(post.folder / folder)
    assert len(post.look()) == 2
    post.start()
    assert post.look() == []
    lamps(home, "lamp")
    post.start()
    assert post.look() == ["Run: 1 row of 1 report kept."]


def test_an_older_version_can_read_what_is_remembered(post: Post, home: Path) -> None:
    lamp(post.folder)
    post.put(40, [1])
    post.look()
    held = json.loads((home / MEMORY).read_text())
    assert held.keys() == {str(post.folder), TRIED_UNDER}
    for size, changed, sha256, broken, again_on, taken in held[str(post.folder)].values():
        assert (size > 0, changed > 0, len(sha256), bool(broken or again_on), taken) == (True, True, 64, True, [])


def test_a_day_that_was_withdrawn_is_not_there_again_when_what_it_lacked_is_tried_again_in_vain(
    post: Post, store: Store, home: Path, tmp_path: Path
) -> None:
    made = pair(tmp_path / "made")
    damage(post.folder / "daily.zip", made, max(made))
    post.look()
    store.withdraw(Run.objects.get().pk)
    lamps(home, "lamp")
    (said,) = post.look()
    assert "it cannot be unpacked" in said
    assert not Cycle.objects.exists()


def test_under_another_mapping_another_day_lacks_what_is_tried_again_in_vain(
    post: Post, home: Path, tmp_path: Path
) -> None:
    report = write(tmp_path, 1, range(1, 9), kind="lamp_post")
    cut(post.folder / f"{report.name}.gz", report)
    assert post.look()[-1].startswith("lamp_post of 2026-11-17 lacks")
    (home / "mappings").mkdir()
    (home / "mappings" / "lamps.toml").write_text(LAMPS.format(column="lamp").replace("*lamps*", "*lamp_post*"))
    post.start()
    assert post.look()[-1].startswith("lamps of 2026-11-17 lacks")


def test_a_day_that_a_person_closed_stays_so_when_what_it_lacks_is_tried_again_in_vain(
    post: Post, home: Path, tmp_path: Path
) -> None:
    post.put(1, [1])
    cut(post.folder / "2026-11-17-scan_rdp-xm-geo-b.csv.gz", write(tmp_path, 1, [2]))
    assert post.look()[-1].startswith("scan_rdp of 2026-11-17 lacks")
    intake.decide("scan_rdp", dt.date(2026, 11, 17), closed=True, by=COMMAND_LINE, at=AT)
    lamps(home, "lamp")
    (said,) = post.look()
    assert "it cannot be unpacked" in said
    assert Cycle.objects.get().broken == []
