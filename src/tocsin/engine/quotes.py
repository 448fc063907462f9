"""Where the quotes of many lines stand, all lines at once.

A quote is in its place where it opens a cell at its very beginning, closes one
at its very end, or is one of two within a cell that stand for one (RFC 4180, 2).
Whether it opens or closes follows from the number of quotes before it in its
line, and from whether the line begins inside a quoted cell; so every line is
judged twice, for either beginning, and by no other line.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Counts: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
Bytes: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
LINE_END, RETURN, QUOTE = ord("\n"), ord("\r"), ord('"')
_PIECE_BYTES = 1 << 19
"""Of lines that are looked at together: a column of what is found in them takes up to eight times as much memory."""


@dataclasses.dataclass(frozen=True)
class Quotes:
    """What was found in each line."""

    odd: Mask
    """Whether it leaves a quoted cell open, or closes one that was; with its quotes in their places."""
    astray: Mask
    """Whether one is out of its place when the line begins outside a quoted cell."""
    astray_inside: Mask
    """The same when it begins inside one."""
    ended: Counts
    """How many delimiters end a cell when it begins outside a quoted one."""
    ended_inside: Counts
    """The same when it begins inside one."""


def look(block: Bytes, starts: Numbers, delimiter: int) -> Quotes:
    """Return what stands in the lines of a block that begin at `starts`; it ends with a line end.

    A carriage return before a line end belongs to it.
    """
    count = len(starts)
    found = Quotes(*(np.zeros(count, bool) for _ in range(3)), *(np.zeros(count, np.int32) for _ in range(2)))
    for first, last in _pieces(starts, len(block)):
        end = starts[last] if last < count else len(block)
        part = Quotes(*(values[first:last] for values in vars(found).values()))
        _look_at(block[starts[first] : end], starts[first:last] - starts[first], delimiter, part)
    return found


def _pieces(starts: Numbers, size: int) -> Iterator[tuple[int, int]]:
    """Yield from which line to which others are looked at together."""
    edges = np.unique(np.append(np.searchsorted(starts, np.arange(0, size, _PIECE_BYTES)), len(starts)))
    yield from itertools.pairwise(edges.tolist())


def _look_at(text: Bytes, starts: Numbers, delimiter: int, found: Quotes) -> None:
    """Fill in what stands in some lines."""
    is_quote = text == QUOTE
    quotes, delimiters = np.flatnonzero(is_quote), np.flatnonzero(text == delimiter)
    found.ended[:] = _in_each(delimiters, starts)
    if not len(quotes):
        return
    of_line = np.repeat(np.arange(len(starts)), numbers := _in_each(quotes, starts))
    found.odd[:] = numbers % 2 == 1
    inside = np.bitwise_xor.accumulate(is_quote.view(np.uint8))
    before = np.concatenate((inside[:1] & 0, inside[starts[1:] - 1]))
    opens = (inside[quotes] ^ before[of_line]) == 1
    badly_opening, badly_closing = ~_open_well(text, quotes, delimiter), ~_close_well(text, quotes, delimiter)
    found.astray[of_line[np.where(opens, badly_opening, badly_closing)]] = True
    found.astray_inside[of_line[np.where(opens, badly_closing, badly_opening)]] = True
    held = (inside[delimiters] ^ np.repeat(before, found.ended)) == 1
    found.ended_inside[:] = np.bincount(np.repeat(np.arange(len(starts)), found.ended)[held], minlength=len(starts))
    found.ended[:] -= found.ended_inside


def _in_each(places: Numbers, starts: Numbers) -> Numbers:
    """Return how many places stand in each line."""
    return np.diff(np.searchsorted(places, starts), append=len(places))


def _open_well(text: Bytes, quotes: Numbers, delimiter: int) -> Mask:
    """Return which quotes stand where one may open: behind a delimiter, a line end, or one that has just closed."""
    before = text[quotes - 1]  # of the first byte it is the last one: a line end
    well: Mask = (before == delimiter) | (before == LINE_END) | (before == QUOTE)
    return well


def _close_well(text: Bytes, quotes: Numbers, delimiter: int) -> Mask:
    """Return which quotes stand where one may close: before a delimiter, the end of its line, or one that reopens."""
    after = text[quotes + 1]
    well: Mask = (after == delimiter) | (after == LINE_END) | (after == QUOTE)
    returns = np.flatnonzero(after == RETURN)
    well[returns] = text[quotes[returns] + 2] == LINE_END
    return well
