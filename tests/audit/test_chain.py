"""The chain names the rows that are not as they were written."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.audit.chain import GENESIS, MOST_BREAKS, Break, Link, canonical_json, check, row_hash, written

AT = dt.datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=dt.UTC)


def make_chain(length: int) -> list[Link]:
    links: list[Link] = []
    for sequence in range(1, length + 1):
        previous = links[-1].hash.decode() if links else GENESIS
        fields = ("person:1", "Ana <ana@cirt.example>", "case.closed", canonical_json({"case": sequence}), previous)
        links.append(stored(sequence, *fields))
    return links


def stored(sequence: int, *fields: str) -> Link:
    """Return a row as the database holds it, with the hash that belongs to it."""
    texts = (written(AT), *fields, row_hash(sequence, AT, *fields))
    return Link(sequence, *(text.encode() for text in texts))


def first(links: list[Link]) -> tuple[int | None, str]:
    """Return which row is named first, and why."""
    verdict = check(links)
    return verdict.broken_at, verdict.problem


def breaks(links: list[Link]) -> list[Break]:
    """Return all that is named."""
    return list(check(links).breaks)


def changed(link: Link) -> Link:
    return link._replace(code=b"case.opened")


def test_an_untouched_chain_is_sound() -> None:
    links = make_chain(20)
    verdict = check(links)
    assert verdict == (20, links[-1].hash.decode(), 20, {}, (), 0)
    assert (verdict.broken_at, verdict.problem) == (None, "")


def test_the_hashes_of_marked_rows_are_kept_where_they_fit() -> None:
    links = make_chain(20)
    links[9] = changed(links[9])
    hashes = {number: links[number - 1].hash.decode() for number in (3, 9, 15)}
    assert check(links, {3, 9, 10, 15}).marked == hashes


def test_an_empty_chain_is_sound() -> None:
    assert check([]) == (0, GENESIS, 0, {}, (), 0)


def test_each_change_is_one_break_and_what_follows_is_as_it_was_written() -> None:
    links = make_chain(40)
    for number in (5, 6, 7, 20):
        links[number - 1] = changed(links[number - 1])
    links[29] = links[29]._replace(hash=b"0" * 64)
    del links[9:12]
    expected = [("changed", 5, 7), ("missing", 10, 12), ("changed", 20, 20), ("changed", 30, 30)]
    assert breaks(links) == expected
    verdict = check(links)
    assert (verdict.rows, verdict.head, verdict.last) == (4, links[3].hash.decode(), 40)


def test_breaks_are_bounded_and_the_others_counted() -> None:
    links = make_chain(2 * MOST_BREAKS + 20)
    for number in range(0, len(links), 2):
        links[number] = changed(links[number])
    verdict = check(links)
    assert [each.row for each in verdict.breaks] == list(range(1, 2 * MOST_BREAKS, 2))
    assert verdict.more_breaks == 10


def test_a_run_of_changes_is_one_break_also_behind_the_last_that_is_named() -> None:
    links = make_chain(2 * MOST_BREAKS + 20)
    for number in [*range(0, 2 * MOST_BREAKS, 2), *range(2 * MOST_BREAKS, len(links))]:
        links[number] = changed(links[number])
    assert check(links).more_breaks == 1
    assert check([changed(link) for link in links]).breaks == (("changed", 1, len(links)),)


@pytest.mark.parametrize("field", Link._fields)
@pytest.mark.parametrize("row", [1, 7, 20])
def test_a_change_of_any_field_is_found_in_its_row(field: str, row: int) -> None:
    links = make_chain(20)
    old = getattr(links[row - 1], field)
    new = 99 if field == "sequence" else old + b"x"
    links[row - 1] = links[row - 1]._replace(**{field: new})
    verdict = check(links)
    assert (verdict.broken_at, verdict.rows) == (row, row - 1)


def test_a_row_taken_out_is_missing() -> None:
    links = make_chain(20)
    del links[4]
    assert first(links) == (5, "missing")


def test_a_row_before_the_first_was_never_written() -> None:
    links = make_chain(3)
    assert first([links[0]._replace(sequence=0), *links]) == (1, "order")


def test_two_rows_that_changed_places_are_found() -> None:
    links = make_chain(20)
    links[4], links[5] = links[5]._replace(sequence=5), links[4]._replace(sequence=6)
    assert first(links) == (5, "order")
    assert breaks(links) == [("order", 5, 7)], "the one behind them follows neither"


@pytest.mark.parametrize("number", ["five", 5.5, b"5", None])
def test_a_number_that_is_none_is_no_row(number: object) -> None:
    links = make_chain(20)
    links[4] = links[4]._replace(sequence=number)  # type: ignore[arg-type]
    assert first(links) == (5, "order")


def test_rows_renumbered_after_taking_one_out_are_out_of_order() -> None:
    links = make_chain(20)
    del links[4]
    links = [link._replace(sequence=number) for number, link in enumerate(links, 1)]
    assert first(links) == (5, "order")


def test_a_row_rewritten_with_a_fitting_hash_breaks_the_next_one() -> None:
    links = make_chain(20)
    fields = [field.decode() for field in links[4][2:-1]]
    links[4] = stored(5, "person:2", *fields[1:])
    assert first(links) == (6, "order")


@given(st.lists(st.text(), min_size=5, max_size=5), st.lists(st.text(), min_size=5, max_size=5))
def test_rows_with_different_texts_have_different_hashes(one: list[str], other: list[str]) -> None:
    assert (row_hash(1, AT, *one) == row_hash(1, AT, *other)) == (one == other)


def test_text_does_not_move_from_one_field_to_the_next() -> None:
    assert row_hash(1, AT, "ab", "c") != row_hash(1, AT, "a", "bc")
    assert row_hash(1, AT, "a1:b", "") != row_hash(1, AT, "a", "1:b")


def test_the_same_instant_in_another_zone_is_the_same_row() -> None:
    elsewhere = AT.astimezone(dt.timezone(dt.timedelta(hours=7)))
    assert row_hash(1, AT, "x") == row_hash(1, elsewhere, "x")


def test_the_form_that_is_hashed_stays_as_it_is() -> None:
    """A changed form would make every existing trail look forged."""
    fields = ("person:1", "Ana", "case.closed", canonical_json({"b": 1, "a": "é"}), GENESIS)
    assert fields[3] == '{"a":"\\u00e9","b":1}'
    assert row_hash(1, AT, *fields) == "cca0167f14c37552ef6c77c85d7cc22ee74823c8cfaf557f4322fa631e586568"


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json({"score": float("nan")})


def test_a_row_is_checked_in_a_few_microseconds() -> None:
    links = make_chain(20_000)
    started = time.process_time()
    assert check(links).broken_at is None
    assert (time.process_time() - started) / len(links) < 10e-6
