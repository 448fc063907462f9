"""In which scripts a name is written, and for which Latin name it would be taken."""

from __future__ import annotations

import pytest

from tocsin.kernel.scripts import mixes_scripts, scripts_of, taken_for

HONEST = (
    "ministry", "société", "straße", "l·l", "ʻokina", "a-1", "министерство", "παράδειγμα", "مثال", "ابو۱۲", "विदेश",
    "ไทย", "한국", "日本テレビー", "日本abc", "ㄅㄆ中文", "한국abc", "ქართული", "հայերեն", "עברית", "123", "",
)  # fmt: skip
MIXED = (
    "аlpha",
    "bеta",
    "miniѕtry",
    "gοv",
    "ministrу1",
    "мοсква",
    "ibn۱",  # Latin with a digit of Persian
    "한カ",
)


@pytest.mark.parametrize("name", HONEST)
def test_what_people_write_together_is_not_mixed(name: str) -> None:
    assert not mixes_scripts(name)


@pytest.mark.parametrize("name", MIXED)
def test_scripts_that_nobody_writes_together_are_found(name: str) -> None:
    assert mixes_scripts(name) and len(scripts_of(name)) > 1


def test_marks_hyphens_and_shared_digits_belong_to_every_script() -> None:
    assert scripts_of("Été-2026") == {"LATIN"} and scripts_of("日々") == {"CJK"} and scripts_of("e\u0301") == {"LATIN"}


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("аррӏе", "apple"),
        ("сосо", "coco"),
        ("ороех", "opoex"),
        ("ΑΝΟΥΚ".lower(), "avouk"),
        ("bank", "bank"),
        ("société", "société"),
        ("москва", "mockba"),
    ],
)
def test_a_name_is_taken_for_what_its_letters_are_drawn_like(name: str, latin: str) -> None:
    assert taken_for(name) == latin
