"""What people can read may stand, in every script; what is not seen, or steers, may not."""

from __future__ import annotations

import pytest

from tocsin.kernel.legible import STEERS, UNSEEN, flaw


@pytest.mark.parametrize(
    "text",
    [
        "Ministry of Lands", "Ministère de l’Intérieur", "وزارة الداخلية", "می\u200cخواهم", "内務省", "क्\u200dष",
        "🏛\ufe0f", "\U00018cd6", "7", "e\u0301cole", "\u200fعربي", "", "  ",
    ],
)  # fmt: skip
def test_what_is_written_in_any_script_is_fit(text: str) -> None:
    assert flaw(text) == ""


@pytest.mark.parametrize(
    "text", ["\u200b", "\u2060", "\u200b \u200d\ufeff", "\u00ad", "\u3164", "\u2800", "\u0301", "\u202e", " \u034f "]
)
def test_what_shows_nothing_is_not(text: str) -> None:
    assert flaw(text) == flaw(text, lines=True) == UNSEEN


@pytest.mark.parametrize("text", ["a\x1b[2J", "\x07", "a\0b", "a\x7f", "a\x9bb", "a\ud800"])
def test_what_steers_a_terminal_is_not(text: str) -> None:
    assert flaw(text) == flaw(text, lines=True) == STEERS


def test_lines_may_end_where_there_are_several() -> None:
    assert [flaw("one\r\n\ttwo", lines=True), flaw("one\ntwo")] == ["", STEERS]
