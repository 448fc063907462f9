"""Where the quotes of lines stand, against reading each line byte by byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine import quotes


def found_in(lines: list[bytes], delimiter: bytes = b",") -> list[tuple[bool, bool, bool, int, int]]:
    """Return what is found in each line, in the order of the fields of `Quotes`."""
    text = b"".join(line + b"\n" for line in lines)
    starts = np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
    found = quotes.look(np.frombuffer(text, np.uint8), starts, ord(delimiter))
    return list(zip(*(values.tolist() for values in vars(found).values()), strict=True))


def walked(line: bytes, delimiter: bytes, *, inside: bool) -> tuple[bool, int, bool]:
    """Return whether a quote of a line is out of its place, how many delimiters end a cell, and where the line ends."""
    line = line.removesuffix(b"\r")
    astray, ended = False, 0
    for at, byte in enumerate(line):
        before, after = line[at - 1 : at] if at else b"", line[at + 1 : at + 2]
        if byte == ord('"'):
            astray |= (after if inside else before) not in (b"", delimiter, b'"')
            inside = not inside
        ended += byte == ord(delimiter) and not inside
    return astray, ended, inside


def test_each_line_is_judged_for_either_beginning() -> None:
    lines = [b"a,b", b'"a,b",c', b'"a', b'a"', b'a",b', b'"a""b"', b'"a"b', b"", b'""', b'"""']
    assert found_in(lines) == [
        (False, False, False, 1, 0),
        (False, False, True, 1, 1),
        (True, False, True, 0, 0),
        (True, True, False, 0, 0),
        (True, True, False, 0, 1),
        (False, False, True, 0, 0),
        (False, True, True, 0, 0),
        (False, False, False, 0, 0),
        (False, False, False, 0, 0),
        (True, False, False, 0, 0),
    ]


def test_a_return_is_of_the_line_end_only_before_it() -> None:
    assert [astray for _, astray, *_ in found_in([b'"a"\r', b'"a"\r\r', b'"a"\rb', b'"\r'])] == [
        False,
        True,
        True,
        False,
    ]


@given(
    st.lists(st.text(st.sampled_from('a",;\r'), max_size=12).map(str.encode) | st.binary(max_size=6), min_size=1),
    st.sampled_from([b",", b";"]),
    st.integers(1, 64),
)
def test_lines_are_judged_as_if_they_were_walked_through(lines: list[bytes], delimiter: bytes, piece: int) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotes, "_PIECE_BYTES", piece)
        found = found_in(lines, delimiter)
    for line, (odd, astray, astray_inside, ended, ended_inside) in zip(lines, found, strict=True):
        outside, within = (walked(line, delimiter, inside=inside) for inside in (False, True))
        assert odd == outside[2]
        assert (astray, ended) == outside[:2]
        assert (astray_inside, ended_inside) == within[:2]
