"""No cell of a CSV file becomes a formula, however a spreadsheet parts it."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.spreadsheets import harmless

CELLS = st.text(st.sampled_from("=+-@;\t\r\n\"', x1"), max_size=12)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n=1", "\n'=1"),
        ("x;=HYPERLINK(1)", "x;'=HYPERLINK(1)"),
        ('x;"=1"', 'x;\'"=1"'),
        ("x;;@SUM(A1);y", "x;;'@SUM(A1);y"),
        ("SSH-2.0\r\n-1", "SSH-2.0\r\n'-1"),
    ],
)
def test_an_apostrophe_stands_before_what_begins_a_formula(cell: str, written: str) -> None:
    assert harmless(cell) == written


@pytest.mark.parametrize("cell", ["mirai", "a=b", "a;b", "a-b; c", "2001:db8::1", "'=1", "", -5, 5, None])
def test_harmless_cells_stay_as_they_are(cell: Any) -> None:
    assert harmless(cell) == cell


@given(CELLS, CELLS)
def test_no_separator_makes_a_cell_that_begins_a_formula(before: str, cell: str) -> None:
    file = io.StringIO()
    csv.writer(file).writerow([harmless(before), harmless(cell)])
    for piece in re.split(r"[;\t\r\n]", file.getvalue().removesuffix("\r\n")):
        assert not re.match(r'[ "]*[=+\-@]', piece)


@given(CELLS)
def test_nothing_but_apostrophes_is_added(cell: str) -> None:
    assert harmless(cell).replace("'", "") == cell.replace("'", "")
