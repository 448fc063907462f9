"""Refusals: one sentence each, and all mistakes of an attempt at once."""

from __future__ import annotations

import pickle

import pytest

from tocsin.kernel.refusals import Conflict, InvalidInput, refuse


def test_nothing_wrong_is_not_refused() -> None:
    refuse([])
    refuse(iter(()))


def test_the_first_mistake_is_raised_with_the_others_behind_it() -> None:
    first, second, third = InvalidInput("No.", where="name"), Conflict("There.", where="id"), Conflict("Late.")
    with pytest.raises(InvalidInput) as refused:
        refuse(iter([first, second, third]))

    assert refused.value is first and first.further == (second, third)
    assert [each.where for each in (first, second, third)] == ["name", "id", ""]
    assert (str(first), str(second)) == ("name: No.", "There.")


def test_a_single_mistake_stands_alone() -> None:
    with pytest.raises(Conflict) as refused:
        refuse([Conflict("There.")])

    assert refused.value.further == ()


def test_a_refusal_comes_back_from_another_process() -> None:
    back = pickle.loads(pickle.dumps(Conflict("There.", where="id")))

    assert (str(back), back.where) == ("There.", "id")
