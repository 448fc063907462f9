"""An export that lasts finds its files, whatever is imported meanwhile, and keeps them no longer than it lasts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import end, signed_in
from tests.feeds.reports import write
from tests.homes import Home
from tocsin.engine.lost import LostFile
from tocsin.feeds import exports, queries
from tocsin.feeds.leases import Lease, Leased

KINDS = ("scan_rdp", "scan_ssl", "scan_telnet")


@pytest.fixture
def three(store: Store, tmp_path: Path) -> Store:
    """Findings of three types, and so in three files. The store deletes what was replaced at once."""
    store.run(*(write(tmp_path / "a", 0, [1, 2], kind=kind) for kind in KINDS))
    return store


def replace_all(store: Store, folder: Path) -> set[str]:
    """Import the next day of each type; return the files of findings that were there before."""
    before = {file for file in store.files() if file.startswith("state/")}
    store.run(*(write(folder, 1, [3], kind=kind) for kind in KINDS), accept_drop=True)
    return before


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_download_that_lasts_longer_than_the_grace_is_whole(
    three: Store, cast: Cast, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_ROWS_A_CHUNK", 1)
    expected = three.findings()
    response: Any = signed_in(cast.analyst).get(f"/findings/export.{form}")
    chunks = iter(response)
    got = [next(chunks), next(chunks)]

    before = replace_all(three, tmp_path / "b")
    assert before <= three.files(), "nothing that is being read is deleted"
    body = b"".join([*got, *chunks])
    end(response)
    assert all(body.count(one["id"].encode()) == 1 for one in expected)

    three.run(write(tmp_path / "c", 2, [4]))
    assert not before & three.files(), "the next import deletes them"


def test_a_download_that_is_broken_off_or_never_begun_keeps_nothing(three: Store, cast: Cast, tmp_path: Path) -> None:
    browser = signed_in(cast.analyst)
    broken_off: Any = browser.get("/findings/export.csv")
    next(iter(broken_off))
    broken_off._iterator.close()  # what a server does, in the wrapping of the test client
    never_begun: Any = browser.get("/findings/export.json")
    end(never_begun)
    assert not replace_all(three, tmp_path / "b") & three.files()


def test_a_workbook_is_read_to_its_end_before_it_is_sent(three: Store, cast: Cast, tmp_path: Path) -> None:
    book: Any = signed_in(cast.analyst).get("/findings/export.xlsx")
    assert not replace_all(three, tmp_path / "b") & three.files()
    assert b"".join(book).startswith(b"PK")


def test_what_is_read_without_a_lease_is_gone(three: Store, tmp_path: Path) -> None:
    """So that the tests above mean something."""
    found = queries.findings().stream(queries.Filter(), batch=1)
    next(found)
    replace_all(three, tmp_path / "b")
    with pytest.raises(LostFile, match="is missing or damaged"):
        list(found)


def test_what_is_closed_before_it_begins_is_ended(three: Store, tmp_path: Path) -> None:
    never_begun = Leased(one for one in [1, 2])
    before = replace_all(three, tmp_path / "b")
    never_begun.close()
    three.run(write(tmp_path / "c", 2, [4]))
    assert not before & three.files() and list(never_begun) == []


def test_many_may_have_one_and_each_ends_by_itself(three: Store, tmp_path: Path) -> None:
    one, other = Lease(), Leased(iter([1, 2]))
    before = replace_all(three, tmp_path / "b")
    one.close()
    one.close()
    three.run(write(tmp_path / "c", 2, [4]))
    assert before <= three.files(), "the other one holds them still"
    assert list(other) == [1, 2]
    three.run(write(tmp_path / "d", 3, [4]))
    assert not before & three.files()


@pytest.mark.parametrize("verb", ["export", "list --json"])
def test_a_command_whose_reader_is_slow_finds_its_files(ready: Path, tmp_path: Path, verb: str) -> None:
    """`tocsin finding export | slow`: the pipe is full after 64 KiB, and the command waits amid its files."""
    home = Home(ready).prepare()
    hosts, parts = range(1, 250), [f"-{n}" for n in range(4)]
    for number, kind in enumerate(KINDS):
        home.run(
            *(write(tmp_path / "a", 0, hosts, kind=kind, part=p, port=str(number * 10 + int(p[1:]))) for p in parts)
        )
    process = home.start("finding", *verb.split())
    assert process.stdout
    begun = os.read(process.stdout.fileno(), 1)
    assert begun in (b"{", b"[")

    aside = home.place / "store/files.leaving"
    home.run("--accept-drop", *(write(tmp_path / "b", 1, [3], kind=kind) for kind in KINDS))
    aside.write_text("".join(f"0 {line.partition(' ')[2]}\n" for line in aside.read_text().splitlines()))  # long ago
    home.run("--accept-drop", write(tmp_path / "c", 2, [3]))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    text = begun.decode() + out
    assert len(json.loads(text) if verb != "export" else text.splitlines()) == 3 * 4 * 249
