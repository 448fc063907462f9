"""The order of words."""

from __future__ import annotations

import pytest

from tocsin.kernel.collation import collated, folded


def test_accents_and_case_do_not_part_what_belongs_together() -> None:
    words = ["Zone", "Énergie", "Œuvres", "eau", "Enfance", "Ożarów", "Łódź", "Lyon", "Øster", "Ouest"]

    assert sorted(words, key=collated) == [
        "eau", "Énergie", "Enfance", "Łódź", "Lyon", "Œuvres", "Øster", "Ouest", "Ożarów", "Zone",
    ]  # fmt: skip


def test_equals_are_always_in_the_same_order() -> None:
    assert sorted(["côte", "Côte", "cote"], key=collated) == sorted(["cote", "côte", "Côte"], key=collated)


def test_what_is_searched_for_is_found_without_accents() -> None:
    assert folded("Santé") == folded("SANTE") == "sante"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Œuvre", "oeuvre"),
        ("Musée d’Œuvres", "D'OEUVRES"),
        ("Ærø Kommune", "aero"),
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("Þingvellir", "thing"),
        ("Għajn", "ghajn"),
        ("Nukuʻalofa", "nuku'alofa"),
    ],
)
def test_what_is_typed_on_any_keyboard_finds_the_name_and_the_name_what_was_typed(name: str, typed: str) -> None:
    assert folded(typed) in folded(name)
    assert folded(name) in folded(f"{typed} {name.upper()}")
    assert folded(folded(name)) == folded(name)
