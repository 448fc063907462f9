"""The cells of whole columns in the one form of their kind (see `forms`)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import addresses
from tocsin.engine.cells import BadCells, are_names, recoded
from tocsin.engine.convert import BadCell, is_absent
from tocsin.engine.forms import FORMS


def accounts(column: pa.ChunkedArray, kind: str) -> tuple[pa.Array, BadCells]:
    """Return what cells name, in one form, null where that is nothing; and those that are not of their kind."""
    cells = addresses.readable(column)
    if kind == "fqdn" and _are_all_names(cells):
        return pc.utf8_lower(pc.cast(cells, pa.utf8())), BadCells(np.zeros(0, np.int64), [])
    encoded = pc.dictionary_encode(cells)
    found = [_account(cell, kind) for cell in encoded.dictionary.to_pylist()]
    wrong = np.array([*(bool(reason) for _, reason in found), False])
    codes = pc.fill_null(encoded.indices, len(found)).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(wrong[codes])
    bad = BadCells(rows, [found[code][1] for code in codes[rows].tolist()])
    return recoded(encoded, [form for form, _ in found]).cast(pa.utf8()), bad


def _account(cell: bytes, kind: str) -> tuple[str | None, str]:
    try:
        text = cell.decode()
        return (None, "") if is_absent(text) else (FORMS[kind](text), "")
    except UnicodeDecodeError:
        return None, "the text is not UTF-8"
    except BadCell as bad:
        return None, bad.reason


def details(column: pa.ChunkedArray, kind: str) -> pa.Array:
    """Return what tells findings on one asset apart: each cell in one form, or as it is where it is not of its kind.

    Its row stands without it, so it is not worth the row.
    """
    cells = addresses.readable(column)
    if not kind or (kind in ("fqdn", "host") and _are_all_names(cells)):
        text = text_of(cells)
        return pc.utf8_lower(text) if kind else text
    encoded = pc.dictionary_encode(cells)
    return recoded(encoded, [_detail(cell, kind) for cell in encoded.dictionary.to_pylist()]).cast(pa.utf8())


def _detail(cell: bytes, kind: str) -> str | None:
    text = cell.decode("utf-8", "backslashreplace")
    try:
        return None if is_absent(text) else FORMS[kind](text)
    except BadCell:
        return text.strip()


def text_of(cells: pa.Array) -> pa.Array:
    """Return binary cells as text; bytes that are not UTF-8 are written out, so that different cells stay different."""
    try:
        return pc.cast(cells, pa.utf8())
    except pa.ArrowInvalid:
        shown = [None if cell is None else cell.decode("utf-8", "backslashreplace") for cell in cells.to_pylist()]
        return pa.array(shown, pa.utf8())


def _are_all_names(cells: pa.Array) -> bool:
    held = cells.drop_null()
    return not len(held) or are_names(held)
