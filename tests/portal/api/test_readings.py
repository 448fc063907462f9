"""A reading breaks off, goes on, and is followed by what changed: nothing twice, nothing lost."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.chance import fewer
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import end
from tests.feeds.reports import write
from tests.portal.api.asking import FINDINGS, Program, ids, key_of, member, whole
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent, Membership
from tocsin.feeds import reattribution, sweeps
from tocsin.feeds.actions.findings import change_terms
from tocsin.feeds.leases import LOCK
from tocsin.feeds.models import Feed, Run
from tocsin.portal import cursors
from tocsin.portal.cursors import Cursor, Question

pytestmark = pytest.mark.django_db
Records = dict[str, dict[str, Any]]
CHANCE = random.Random(7)


def everything(program: Program, **asked: Any) -> Records:
    """Return all own findings by their ids."""
    pages, _changes = program.pages(limit=1000, **asked)
    return {each["id"]: each for page in pages for each in page}


def test_pages_hold_each_finding_once(program: Program) -> None:
    pages, changes = program.pages(limit=4)
    assert [len(page) for page in pages] == [4, 4, 4, 4, 2] and changes
    found = [each for page in pages for each in ids(page)]
    assert len(set(found)) == 18 and set(found) == set(everything(program))


def test_a_stream_is_the_pages_together(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 5)
    answer, lines = program.stream()
    pages, _changes = program.pages(limit=7)
    assert ids(whole(lines)) == [each for page in pages for each in ids(page)]
    end = json.loads(lines.splitlines()[-1])
    assert end == {"end": True, "count": 18, "changes": answer["Tocsin-Changes"]}


def test_a_stream_that_breaks_off_anywhere_goes_on_behind_the_last_whole_line(program: Program) -> None:
    answer, lines = program.stream(state="open")
    for cut in (0, len(lines) - 1, *(CHANCE.randrange(len(lines)) for _ in range(20))):
        begun = whole(lines[:cut])
        more = {"after": begun[-1]["id"]} if begun else {}
        _answer, rest = program.stream(state="open", cursor=answer["Tocsin-Cursor"], **more)
        assert ids([*begun, *whole(rest)]) == ids(whole(lines)), cut


def test_imports_between_two_pages_lose_and_double_nothing_that_was_there_all_the_time(
    program: Program,
    store: Store,
    tmp_path: Path,
) -> None:
    before = everything(program)
    got: list[str] = []
    onward, changes, day = "", None, 4
    while changes is None:
        said = program.said(limit=3, **({"cursor": onward} if onward else {}))
        got += ids(said["findings"])
        onward, changes = said["next"], said["changes"]
        store.run(write(tmp_path / str(day), day, [1, 2, 3, 40 + day, 70]), accept_drop=True)
        day += 1
    after = everything(program)
    assert len(got) == len(set(got)) and set(before) & set(after) <= set(got)
    pages, _next = program.pages(cursor=changes)
    copy = {each["id"]: each for page in pages for each in page}
    missed = set(after) - set(got)
    assert missed <= set(copy) and all(copy[each] == after[each] for each in copy)


Act = Callable[[Store, Path], None]


def next_day(store: Store, place: Path) -> None:
    store.run(write(place, 4, [1, 2, 20, 33, 70]), accept_drop=True)


def next_two_days(store: Store, place: Path) -> None:
    next_day(store, place)
    store.run(write(place, 5, [2, 6, 34]), accept_drop=True)


def late_day(store: Store, place: Path) -> None:
    store.run(write(place, -2, [1, 4, 50]), accept_drop=True)


def more_of_the_last_day(store: Store, place: Path) -> None:
    store.run(write(place, 3, [4, 51], part="-part2"))


def corrected_day(store: Store, place: Path) -> None:
    store.run(write(place / "again", 3, [1, 2, 20, 52]), accept_drop=True)


def withdrawn_last(store: Store, _place: Path) -> None:
    store.withdraw(Run.objects.latest("pk").pk)


def withdrawn_first(store: Store, _place: Path) -> None:
    store.withdraw(Run.objects.earliest("pk").pk)


def another_type(store: Store, place: Path) -> None:
    store.run(write(place, 3, [1, 60], kind="scan_telnet"))


def changed_hands(_store: Store, _place: Path) -> None:
    bank = Constituent.objects.get(public_id="bank")
    directory.add_claim(bank, kind=ClaimKind.NETWORK, value="192.0.2.0/30", by=COMMAND_LINE, at=AT)
    reattribution.catch_up(by=COMMAND_LINE)


def came_into_own_hands(_store: Store, _place: Path) -> None:
    ministry = Constituent.objects.get(public_id="moh")
    directory.add_claim(ministry, kind=ClaimKind.NETWORK, value="192.0.2.200/32", by=COMMAND_LINE, at=AT)
    reattribution.catch_up(by=COMMAND_LINE)


def other_terms(_store: Store, _place: Path) -> None:
    change_terms(Feed.objects.get(), tlp="GREEN", terms="For all who need it.", by=COMMAND_LINE, at=AT)


FORWARD: tuple[Act, ...] = (next_day, next_two_days, another_type)
"""Only later days came, or what is new: what comes then is exactly what changed."""
BACKWARD: tuple[Act, ...] = (
    late_day, more_of_the_last_day, corrected_day, withdrawn_last, withdrawn_first, changed_hands,
    came_into_own_hands, other_terms,
)  # fmt: skip


CASES = [*((act, 1) for act in (*FORWARD, *BACKWARD)), *((act, 2) for act in (*FORWARD, late_day, withdrawn_last))]


@pytest.mark.parametrize(("act", "gone_after"), fewer(CASES), ids=lambda case: getattr(case, "__name__", case))
def test_changes_are_all_that_differs(
    program: Program,
    store: Store,
    tmp_path: Path,
    act: Act,
    gone_after: int,
) -> None:
    if gone_after == 2:
        store.run(write(tmp_path, 3, [8], kind="scan_rdp", part="-b"), gone_after=2)
    pages, changes = program.pages(limit=1000)
    before = {each["id"]: each for page in pages for each in page}
    act(store, tmp_path)
    after = everything(program)
    differs = {each for each in after if after[each] != before.get(each)}
    pages, onward = program.pages(cursor=changes)
    told = {each["id"]: each for page in pages for each in page}
    assert differs <= set(told) and all(told[each] == after[each] for each in told)
    if act in FORWARD and gone_after == 1:
        assert set(told) == differs
    assert program.pages(cursor=onward)[0] == [[]]


def test_nothing_has_changed_where_nothing_came(program: Program, store: Store, tmp_path: Path) -> None:
    _pages, changes = program.pages()
    assert program.pages(cursor=changes)[0] == [[]]
    store.run(write(tmp_path, 3, [70, 200], kind="scan_telnet"))
    assert program.pages(cursor=changes)[0] == [[]], "the findings of others"


def test_changes_go_on_from_page_to_page_and_from_a_broken_line(
    program: Program,
    store: Store,
    tmp_path: Path,
) -> None:
    _pages, changes = program.pages()
    next_day(store, tmp_path)
    pages, _onward = program.pages(limit=2, cursor=changes)
    answer, lines = program.stream(cursor=changes)
    begun = whole(lines)[:2]
    _again, rest = program.stream(cursor=answer["Tocsin-Cursor"], after=begun[-1]["id"])
    assert [each for page in pages for each in ids(page)] == ids(whole(lines)) == ids([*begun, *whole(rest)])


def test_who_belongs_to_more_reads_everything(program: Program, cast: Cast) -> None:
    _pages, changes = program.pages()
    part = program.said(limit=2)["next"]
    member(cast.contact, "bank")
    assert set(everything(program, cursor=changes)) == set(everything(program)) != set()
    pages, onward = program.pages(cursor=part)
    assert sum(map(len, pages)) == 17 and set(everything(program, cursor=onward)) == set(everything(program))


def test_who_belongs_no_more_gets_nothing_by_an_old_cursor(program: Program, cast: Cast) -> None:
    _pages, changes = program.pages()
    part = program.said(limit=2)["next"]
    directory.end_membership(Membership.objects.get(), by=COMMAND_LINE, at=AT)
    for cursor in (changes, part):
        assert program.pages(cursor=cursor)[0] == [[]]


def test_a_cursor_is_good_for_its_reader_and_question_alone(program: Program, cast: Cast) -> None:
    cursor = program.said(limit=2, state="open")["next"]
    again = Program(key_of(cast.contact))
    assert again.said(limit=2, state="open", cursor=cursor)["findings"], "another key of the same person"
    stranger = Program(key_of(member(cast.stranger, "moh")))
    for answer in (
        stranger.ask(limit=2, state="open", cursor=cursor),
        program.ask(limit=2, state="gone", cursor=cursor),
        program.ask(limit=2, state="open", cursor=f"{cursor[:-1]}x"),
        program.ask(limit=2, state="open", cursor=cursor[:-9]),
    ):
        assert answer.status_code == 422 and json.loads(answer.content)["errors"][0]["where"] == "cursor"


def test_the_order_of_the_question_is_no_matter_to_its_cursor(program: Program) -> None:
    cursor = program.said(limit=2, state=["new", "gone"])["next"]
    assert program.said(limit=2, state=["gone", "new"], cursor=cursor)["findings"]


def test_a_cursor_keeps_within_an_address_and_forgets_types_rather_than_changes() -> None:
    question = Question(7, "everything", "moh")
    day = dt.date(2026, 11, 19)
    many = {f"type_{number}": sweeps.Mark(day, None, CHANCE.randbytes(6).hex()) for number in range(400)}
    text = cursors.written(Cursor(many, many, "a" * 26), question)
    read = cursors.read(text, question)
    assert len(text) <= cursors.LONGEST and read.since is not None
    assert 20 < len(read.began) < 400 and all(read.began[name] == many[name] for name in read.began)
    assert all(read.since[name] == many[name] for name in read.since)


def test_a_stream_says_when_a_file_of_it_is_lost(program: Program, store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 5)
    answer = program.client.get(FINDINGS, {"format": "jsonl"}, headers=program.headers)
    lines = iter(answer.streaming_content)
    for file in (store.root / "state").rglob("*.parquet"):
        file.unlink()
    told = json.loads(next(lines).splitlines()[-1])
    assert told["end"] is False and "missing or damaged" in told["why"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_files_of_a_stream_are_kept_until_its_end(program: Program, store: Store, form: str) -> None:
    def is_kept() -> bool:
        with (store.root / LOCK).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    read, never_begun = program.ask(format=form), program.ask(format=form)
    assert is_kept() and b"".join(read.streaming_content) and is_kept()
    end(never_begun)
    assert not is_kept()
