"""What people can read may stand, in every script; what is not seen, or steers, may not."""

from __future__ import annotations

import pytest

from tocsin.kernel.legible import STEERS, UNSEEN, flaw, shown, unturned


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\u200b", "\\u200b"), ("\x1b", "\\x1b"), ("ad\u200bmin", "ad\\u200bmin"), ("a\x1b[2J", "a\\x1b[2J"),
        ("exe\u202egnp", "exe\\u202egnp"), ("\u2066a\u2069", "\\u2066a\\u2069"), ("a\u00adb", "a\\xadb"),
        ("a\tb\nc\0", "a\\tb\\nc\\x00"), ("\u3164", "\\u3164"), ("a\u2800b", "a\\u2800b"), ("\ufeffa", "\\ufeffa"),
        ("\u200d\u200f", "\\u200d\\u200f"), ("\xa0 \u3000", "\\xa0 \\u3000"), ("a\u2028b", "a\\u2028b"),
        ("a\ud800", "a\\ud800"), ("\U000e0041b", "\\U000e0041b"),
    ],
)  # fmt: skip
def test_what_is_not_seen_is_written_out(text: str, said: str) -> None:
    assert shown(text) == said
    assert shown(said) == said


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم", "क्\u200dष", "\u200fعربي", "a\xa0b", "\u0600\u0661", "🏛\ufe0f", "\U00018cd6", "e\u0301", "a b",
        "\\u200b", "", " ",
    ],
)  # fmt: skip
def test_what_is_seen_or_needed_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_what_turns_the_text_that_follows_is_written_out_alone() -> None:
    assert unturned("Reef\u202e Clinic\n\u200b\u200fعربي\u2069") == "Reef\\u202e Clinic\n\u200b\u200fعربي\\u2069"
    turning = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    assert unturned("".join(map(chr, turning))) == "".join(f"\\u{each:x}" for each in turning)


def test_ends_of_lines_and_tabs_stay_where_there_are_several_lines() -> None:
    assert shown("one\tcell\nnext\r\x1b\u202e", lines=True) == "one\tcell\nnext\\r\\x1b\\u202e"
    assert shown("\xa0\n\u200b", lines=True) == "\\xa0\n\\u200b"
    assert shown("\xa0\na\u200b", lines=True) == "\xa0\na\\u200b"
