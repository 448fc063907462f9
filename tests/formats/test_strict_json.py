"""JSON without trust."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.formats import strict_json
from tocsin.kernel.refusals import InvalidInput

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def read(data: bytes, *, max_bytes: int = 10_000, max_depth: int = 20) -> object:
    return strict_json.read(data, where="x.json", max_bytes=max_bytes, max_depth=max_depth)


@given(VALUES)
def test_what_json_writes_is_read(value: object) -> None:
    assert read(json.dumps(value).encode()) == value


def test_a_byte_order_mark_is_no_part_of_it() -> None:
    assert read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_numbers_can_stay_as_they_are_written() -> None:
    data = b'{"a": 1.10, "b": 12345678901234567890123}'
    assert strict_json.read(data, where="", max_bytes=99, max_depth=2, numbers_as_text=True) == {
        "a": "1.10",
        "b": "12345678901234567890123",
    }


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"a": 1, "a": 1}', "x.json: has the key 'a' twice."),
        (b'[{"b": {"c": 1, "c": 2}}]', "has the key 'c' twice"),
        (b"[Infinity]", "holds Infinity, which is not JSON."),
        (b"[-Infinity]", "-Infinity"),
        (b"[1,", "x.json: is not JSON: Expecting value at line 1, column 4."),
        (b"", "is not JSON"),
        (b"\xff", "is not UTF-8 text (byte 0)."),
        (b"[" * 22 + b"]" * 22, "is nested more than 20 deep."),
        (b'{"a":' * 20_000, "is nested more than 20 deep."),  # beyond the stack of every Python
        (b"1" * 5_000, "holds a number that is too long."),
        (b" " * 10_001, "is larger than 10,000 bytes."),
    ],
    ids=range(11),
)
def test_what_cannot_be_trusted_is_refused_with_the_reason(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(data, max_bytes=100_000 if data.startswith(b'{"a":{') else 10_000)
    assert sentence in str(refused.value)


@given(st.integers(1, 40))
def test_depth_is_counted_exactly(depth: int) -> None:
    data = b"[" * depth + b"]" * depth
    if depth - 1 <= 20:
        assert read(data) is not None
    else:
        with pytest.raises(InvalidInput):
            read(data)


@pytest.mark.parametrize("data", [rb'{"a": "\ud800"}', rb'{"\uDFFFb": 1}', rb'["x", {"a": ["\ud83dx"]}]'])
def test_half_of_a_character_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="half of a character"):
        read(data)


def test_both_halves_of_a_character_and_the_text_of_an_escape_are_read() -> None:
    assert read(rb'["\ud83d\ude00", "\\ud800", "\u00e9"]') == ["\U0001f600", r"\ud800", "\xe9"]
