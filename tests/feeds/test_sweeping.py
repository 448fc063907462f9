"""After whatever happened, the store holds the files that the manifest names, and no others."""

from __future__ import annotations

import errno
import fcntl
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.feeds.conftest import Store
from tests.feeds.reports import write
from tocsin.feeds import intake, sweeping
from tocsin.feeds.models import Report, Run
from tocsin.feeds.sweeping import LEAVING
from tocsin.kernel.refusals import Busy, Unavailable
from tocsin.site.backups import reading
from tocsin.site.backups.contents import LEFT_OUT_ENDINGS


class Stopped(BaseException):
    """The process ends here."""


def stop_at(point: str) -> Callable[[str], None]:
    def checkpoint(reached: str) -> None:
        if reached == point:
            raise Stopped

    return checkpoint


@contextmanager
def backup(store: Store) -> Iterator[None]:
    """Hold the lock that a backup holds."""
    store.root.mkdir(parents=True, exist_ok=True)
    with (store.root / "backup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def marked(store: Store) -> bool:
    return (store.root / "unclean").exists()


def litter(store: Store) -> set[str]:
    """Leave files that nothing names; return them."""
    left = {f"{folder}/scan_rdp/r00000099-aaaaaa-0000.parquet" for folder in sweeping.FOLDERS}
    for name in left:
        path = store.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of a crash")
    return left


def test_an_import_leaves_what_the_manifest_names_and_no_mark(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(5)))
    store.run(write(tmp_path, 1, range(5)))
    assert store.files() == store.named()
    assert len(store.named()) == 3
    assert not marked(store)


def test_the_mark_stands_while_the_store_changes(store: Store, tmp_path: Path) -> None:
    seen: set[tuple[str, bool]] = set()
    store.run(write(tmp_path, 0, [1]), checkpoint=lambda point: seen.add((point, marked(store))))
    assert seen == {(point, True) for point in ("written", "renamed", "state", "committed", "after")}


def test_what_a_crash_after_the_commit_left_goes_with_the_next_import(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(5)))
    with pytest.raises(Stopped):
        store.run(write(tmp_path, 1, range(5)), checkpoint=stop_at("committed"))
    assert len(store.files() - store.named()) >= 2, "the state before and the spill should be lying about"
    assert marked(store)

    store.run(write(tmp_path, 1, range(5)))

    assert store.files() == store.named()
    assert not marked(store)


def test_a_mark_has_every_stray_file_swept_and_nothing_else(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [1], timestamp="no time"), write(tmp_path, 1, [1]))
    reference = store.root / "reference" / "asn" / "table.parquet"
    reference.parent.mkdir(parents=True)
    reference.touch()
    litter(store)
    (store.root / "unclean").touch()

    with sweeping.store_lock():
        assert store.files() == store.named()

    assert {name.partition("/")[0] for name in store.files()} == {"observations", "state", "quarantine"}
    assert reference.exists()
    assert not marked(store)


def test_without_a_mark_nobody_looks(store: Store) -> None:
    left = litter(store)
    with sweeping.store_lock():
        pass
    assert store.files() == left


def test_files_of_withdrawn_reports_stay(store: Store, tmp_path: Path) -> None:
    run = store.run(write(tmp_path, 0, range(5)))["run"]
    store.withdraw(run)
    (part,) = Report.objects.get().parts
    (store.root / "unclean").touch()
    with sweeping.store_lock():
        pass
    assert part in store.files()


def test_a_withdrawn_report_that_comes_again_leaves_no_files_of_before(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path, 0, range(5))
    store.withdraw(store.run(path)["run"])
    store.run(path)
    assert store.files() >= {Report.objects.get().parts[0]}
    assert len([name for name in store.files() if name.startswith("observations/")]) == 1


def test_a_corrected_report_leaves_no_files_of_before(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(5)))
    store.run(write(tmp_path, 0, range(6)))
    assert store.files() == store.named()


def test_a_report_that_ends_in_the_middle_leaves_nothing_of_what_was_read(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path, 0, list(range(250)) * 800)  # several chunks
    packed = tmp_path / "cut" / f"{path.name}.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(path.read_bytes(), 1)[:-20])
    good = write(tmp_path, 1, [1])

    summary = store.run(packed, good)

    assert [broken["name"] for broken in summary["broken"]] == [path.name]
    assert store.files() == store.named()
    assert not marked(store)


def test_the_same_content_by_another_name_leaves_nothing(store: Store, tmp_path: Path) -> None:
    first = write(tmp_path, 0, range(5))
    again = write(tmp_path, 0, range(5), part="-part1")
    summary = store.run(first, again)
    assert summary["unchanged"] == [again.name]
    assert store.files() == store.named()


@pytest.mark.parametrize("point", ["written", "renamed", "state"])
def test_a_failed_import_leaves_nothing_at_once(store: Store, tmp_path: Path, point: str) -> None:
    store.run(write(tmp_path, 0, range(5)))
    before = store.files()
    with pytest.raises(Stopped):
        store.run(write(tmp_path, 1, range(5)), checkpoint=stop_at(point))
    assert store.files() == before
    assert list(Run.objects.values_list("state", flat=True)) == ["failed", "done"]


def test_an_import_that_is_stopped_when_all_is_committed_keeps_its_files(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = intake.actions.commit_run

    def commit_and_be_stopped(*arguments: object, **named: object) -> None:
        commit(*arguments, **named)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(intake.actions, "commit_run", commit_and_be_stopped)
    with pytest.raises(KeyboardInterrupt):
        store.run(write(tmp_path, 0, range(5)))

    assert store.named() <= store.files()
    assert Run.objects.get().state == "done"
    assert len(store.findings()) == 5


def test_what_was_replaced_stays_a_while_for_readers(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "GRACE_S", 300)
    store.run(write(tmp_path, 0, range(5)))
    replaced = {name for name in store.files() if name.startswith("state/")}
    store.run(write(tmp_path, 1, range(5)))
    assert store.files() - store.named() == store.leaving() == replaced
    store.run(write(tmp_path, 2, range(5)))
    assert len(store.leaving()) == 2, "nothing may be forgotten"

    now = sweeping.time.time()
    monkeypatch.setattr(sweeping.time, "time", lambda: now + 301)
    with sweeping.store_lock():
        pass

    assert store.files() == store.named()
    assert not store.leaving()


def test_a_sweep_leaves_to_readers_what_is_leaving(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "GRACE_S", 300)
    store.run(write(tmp_path, 0, range(5)))
    store.run(write(tmp_path, 1, range(5)))
    litter(store)
    with sweeping.store_lock():
        sweeping.sweep()
    assert store.files() == store.named() | store.leaving() != store.named()


def test_nothing_is_deleted_while_a_backup_runs_and_it_is_made_up_for(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(5)))
    before = store.files()
    left = litter(store)
    with backup(store):
        store.run(write(tmp_path, 1, range(5)))
        with sweeping.store_lock():
            sweeping.sweep()
        assert before | left < store.files()
    assert store.files() == store.named() | store.leaving()

    with sweeping.store_lock():
        pass

    assert store.files() == store.named()
    assert not marked(store)


def test_a_crash_while_files_are_deleted_forgets_none(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: object) -> None:
        raise Stopped

    store.run(write(tmp_path, 0, range(5)))
    with monkeypatch.context() as crash:
        crash.setattr(sweeping, "_delete", stop)
        with pytest.raises(Stopped):
            store.run(write(tmp_path, 1, range(5)))
    with sweeping.store_lock():
        pass
    assert store.files() == store.named()


def test_the_list_of_what_is_leaving_is_on_the_disk_before_the_mark_goes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "GRACE_S", 300)
    store.run(write(tmp_path, 0, range(5)))
    on_disk: set[tuple[str, int]] = set()
    sync, unlink = sweeping.durable.sync, Path.unlink
    lost: list[set[str]] = []

    def remember(path: Path) -> None:
        sync(path)
        if path == store.root:  # what it names now is what a power cut leaves
            on_disk.clear()
            on_disk.update((entry.name, entry.stat().st_ino) for entry in store.root.iterdir())

    def compare(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == sweeping.MARK:
            here = {(entry.name, entry.stat().st_ino) for entry in store.root.iterdir() if entry.name == LEAVING}
            lost.append({name for name, _ in here - on_disk})
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(sweeping.durable, "sync", remember)
    monkeypatch.setattr(Path, "unlink", compare)
    store.run(write(tmp_path, 1, range(5)))
    assert store.leaving() and lost == [set()]


def test_a_restored_store_is_swept(store: Store) -> None:
    assert reading.SURPLUS_MARK == sweeping.MARK
    assert sweeping.LEAVING.endswith(LEFT_OUT_ENDINGS)


def test_a_second_one_is_told_to_wait(store: Store) -> None:
    with (
        sweeping.store_lock(),
        pytest.raises(Busy, match="another import has kept the store busy for more than 0 s"),
        sweeping.store_lock(0),
    ):
        pass


def test_a_full_disk_is_told_before_anything_begins(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sweeping, "_make_durably", full)
    with pytest.raises(Unavailable, match=r"The disk is full\. Nothing was changed"):
        store.run(write(tmp_path, 0, [1]))
    assert not Run.objects.exists()
