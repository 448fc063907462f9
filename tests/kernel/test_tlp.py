"""How far something may travel."""

from __future__ import annotations

import itertools

import pytest

from tocsin.kernel.tlp import TLP, strictest

BY_STRICTNESS = [TLP.CLEAR, TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED]


@pytest.mark.parametrize("labels", list(itertools.permutations(BY_STRICTNESS, 2)))
def test_of_two_labels_the_stricter_holds_for_the_whole(labels: tuple[TLP, TLP]) -> None:
    assert strictest(labels) == BY_STRICTNESS[max(map(BY_STRICTNESS.index, labels))]


def test_of_equal_labels_each_holds_and_of_none_there_is_none() -> None:
    assert [strictest([label, label]) for label in TLP] == BY_STRICTNESS
    with pytest.raises(ValueError, match="empty"):
        strictest([])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("TLP:AMBER+STRICT", TLP.AMBER_STRICT), ("amber strict", TLP.AMBER_STRICT), ("AMBER_STRICT", TLP.AMBER_STRICT),
        (" tlp: red ", TLP.RED), ("WHITE", TLP.CLEAR), ("TLP:CLEAR", TLP.CLEAR),
    ],
)  # fmt: skip
def test_labels_are_read_as_people_write_them_and_written_as_first_does(text: str, label: TLP) -> None:
    assert TLP.read(text) is label and TLP.read(label.label) is label


def test_what_is_no_label_is_refused() -> None:
    with pytest.raises(ValueError, match="PINK"):
        TLP.read("TLP:PINK")
