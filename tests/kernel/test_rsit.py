"""The incident taxonomy."""

from __future__ import annotations

import pytest

from tocsin.kernel import rsit


def test_it_has_11_classes_and_39_types() -> None:
    assert (len(rsit.classes()), len(rsit.types())) == (11, 39)


def test_every_type_belongs_to_a_class_and_every_class_has_types() -> None:
    assert {kind.class_name for kind in rsit.types().values()} == set(rsit.classes())


def test_every_label_is_in_english_and_french() -> None:
    for thing in [*rsit.classes().values(), *rsit.types().values()]:
        assert thing.labels.keys() == {"en", "fr"}
        assert all(thing.labels.values())


@pytest.mark.parametrize(
    ("word", "name", "class_name"),
    [
        ("vulnerable-system", "vulnerable-system", "vulnerable"),
        (" Scanner ", "scanner", "information-gathering"),
        ("blacklist", "other", "other"),
        ("unauthorized-use-of-resources", "unauthorised-use-of-resources", "fraud"),
        ("nonsense", "undetermined", "other"),
        ("", "undetermined", "other"),
    ],
)
def test_a_word_is_resolved_to_a_type(word: str, name: str, class_name: str) -> None:
    assert (rsit.resolve(word).name, rsit.resolve(word).class_name) == (name, class_name)
