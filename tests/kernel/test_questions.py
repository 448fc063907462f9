"""The query part of an address: what is known is taken, the rest is left out and said."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.questions import SHOWN_LENGTH, Question

STATES = ("new", "still", "gone")


class Given(dict[str, list[str]]):
    """A query part, as Django's QueryDict behaves."""

    def getlist(self, key: str) -> list[str]:
        return list(self.get(key, []))

    def setlist(self, key: str, list_: list[str]) -> None:
        self[key] = list_

    def lists(self) -> Iterable[tuple[str, list[str]]]:
        return self.items()


def asked(**values: str | list[str]) -> Question[Given]:
    return Question(Given({name: [value] if isinstance(value, str) else value for name, value in values.items()}))


def test_known_values_are_taken_once_and_in_order() -> None:
    question = asked(state=["gone", "new", "gone"])

    assert question.values("state", STATES) == ("gone", "new")
    assert question.left_out == []


def test_unknown_values_are_left_out_of_the_query_and_named() -> None:
    question = asked(state=["bogus", "new"])

    assert question.values("state", STATES) == ("new",)
    assert question.left_out == ["state=bogus"] and question.query.getlist("state") == ["new"]


def test_values_are_read_and_those_that_are_none_are_named() -> None:
    question = asked(asn=["64496", "x", "", " 7", "64496"])

    assert question.read("asn", int) == [64496, 7]
    assert question.left_out == ["asn=x"] and "x" not in question.query.getlist("asn")
    assert question.read("asn", int) == [64496, 7] and question.left_out == ["asn=x"]


def test_one_value_falls_back_to_its_default() -> None:
    assert asked(sort="x; DROP").value("sort", {"name"}, "name") == "name"
    assert asked(sort=["x", "name"]).value("sort", {"name"}) == "name"
    assert asked().value("sort", {"name"}, "name") == "name"


def test_an_empty_value_asks_for_nothing() -> None:
    question = asked(sort="", page="", q="", state=[""])

    assert (question.value("sort", {"name"}, "name"), question.number("page", 9), question.text("q")) == ("name", 1, "")
    assert question.values("state", STATES) == () and question.left_out == []


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "10", "99999999999", "²", "٣", "1 "])
def test_what_is_no_number_in_range_is_left_out(text: str) -> None:
    question = asked(page=text)

    assert question.number("page", 9) == 1
    assert question.left_out == [f"page={text}"]


def test_text_that_is_too_long_or_holds_no_text_is_left_out() -> None:
    question = asked(q="a" * 201, column="a\0b", reason=" it is \n")

    assert [question.text(name) for name in ("q", "column", "reason")] == ["", "", "it is"]
    assert question.left_out == [f"q={'a' * SHOWN_LENGTH}…", "column=a%00b"]


def test_a_name_that_nothing_asks_for_is_left_out_and_named() -> None:
    question = asked(state="new", stat="new", empty="", long="a" * 99)
    question.values("state", STATES)

    assert question.left_out == ["stat=new", "empty=", f"long={'a' * SHOWN_LENGTH}…"]
    assert question.understood() == {"state": ["new"], "stat": [], "empty": [], "long": []}


def test_what_was_refused_is_named_before_what_is_unknown_and_once() -> None:
    question = asked(stat="x", page=["x", "x"])
    question.number("page", 9)
    question.number("page", 9)

    assert question.left_out == ["page=x", "stat=x"]


def test_what_mailers_hang_on_a_link_is_dropped_without_a_word() -> None:
    question = asked(utm_source="letter", fbclid="x", q="a")
    question.text("q")

    assert question.left_out == [] and question.understood().getlist("utm_source") == []


@given(st.lists(st.text(max_size=60), max_size=6))
def test_what_is_left_out_can_be_shown_and_nothing_unknown_is_left(values: list[str]) -> None:
    question = asked(state=values)

    assert set(question.values("state", STATES)) <= set(STATES)
    assert set(question.query.getlist("state")) <= {*STATES, ""}
    assert all(said.isprintable() and len(said) <= SHOWN_LENGTH + len("state=…") for said in question.left_out)
