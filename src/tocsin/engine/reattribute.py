"""Judge open findings anew when claims have changed. Closed ones keep whoever held them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.engine.attribute import deciding
from tocsin.engine.claims import Claims, Indices

NEEDED = ("k1", "k2", "ip_high", "ip_low", "asn", "name", "seen_at", "last_cycle", "constituent", "claim", "account")
"""Columns of a state that say whether anything of it changes."""


@dataclasses.dataclass(frozen=True)
class Changed:
    """The open findings of one partition that belong to somebody else, or by another claim, than was written."""

    handed_over: pa.Table
    """`k1`, `k2`, `before`, `after` of those with another constituent; null for nobody."""
    findings: int
    """All that change, with those that stay with their constituent by another claim."""


def changed(state: pa.Table, claims: Claims, horizon: dt.date | None) -> Changed:
    """Return what changes in a state, of which `NEEDED` is enough, once claims are what they are now."""
    is_open = _is_open(state, horizon)
    owner = deciding(claims, state, "seen_at")
    before, after = _codes(state["constituent"], [claim.constituent for claim in claims.claims], owner)
    old, new = _codes(state["claim"], [claim.id for claim in claims.claims], owner)
    moved = np.flatnonzero(is_open & (before.codes != after.codes))
    rows = pa.array(moved)
    table = pa.table(
        {
            "k1": state["k1"].take(rows),
            "k2": state["k2"].take(rows),
            "before": before.take(moved),
            "after": after.take(moved),
        }
    )
    touched = is_open & ((before.codes != after.codes) | (old.codes != new.codes))
    return Changed(table, int(touched.sum()))


def reattributed(state: pa.Table, claims: Claims, horizon: dt.date | None) -> pa.Table:
    """Return a state in which each open finding belongs to whoever claims it on the day of its latest observation.

    Findings last seen before `horizon` are gone and stay as they are.
    """
    if not state.num_rows:
        return state
    is_open = _is_open(state, horizon)
    owner = deciding(claims, state, "seen_at")
    for name, values in (
        ("constituent", [claim.constituent for claim in claims.claims]),
        ("claim", [claim.id for claim in claims.claims]),
    ):
        before, after = _codes(state[name], values, owner)
        chosen = _Codes(np.where(is_open, after.codes, before.codes), before.words)
        state = state.set_column(state.column_names.index(name), name, chosen.array())
    return state


HOLDERS = ("k1", "k2", "report", "line", "constituent", "claim")
"""Columns of a state that say who held which finding, by which observation."""


def with_holders(state: pa.Table, before: pa.Table) -> pa.Table:
    """Return a state folded anew, in which findings known by the same observation as `before` keep their holders.

    So closed findings stay with whom they were last with, whatever was handed over since they were observed. Both
    tables are in order of their keys; `before` has the columns of `HOLDERS`.
    """
    if not (state.num_rows and before.num_rows):
        return state
    at = np.minimum(np.searchsorted(before["k1"].to_numpy(), state["k1"].to_numpy()), before.num_rows - 1)
    same = np.ones(state.num_rows, bool)
    for name in ("k1", "k2", "report", "line"):
        same &= before[name].to_numpy()[at] == state[name].to_numpy()
    for name in ("constituent", "claim"):
        now, was = _in_one_dictionary(state[name], before[name])
        chosen = np.where(same, was.codes[at], now.codes)
        state = state.set_column(state.column_names.index(name), name, _Codes(chosen, now.words).array())
    return state


@dataclasses.dataclass(frozen=True)
class _Codes:
    """A column as positions among words; -1 for none."""

    codes: Indices
    words: list[str]

    def array(self) -> pa.Array:
        return pa.DictionaryArray.from_arrays(
            pa.array(self.codes, mask=self.codes < 0), pa.array(self.words, pa.utf8())
        )

    def take(self, rows: Any) -> pa.Array:
        return _Codes(self.codes[rows], self.words).array().cast(pa.utf8())


def _codes(column: pa.ChunkedArray, values: list[str], owner: Indices) -> tuple[_Codes, _Codes]:
    """Return a column as it is, and as the claims' values at `owner` make it, as positions among the same words."""
    encoded = column.combine_chunks()
    known = encoded.dictionary.to_pylist()
    words = list(dict.fromkeys([*known, *values]))
    place = {word: at for at, word in enumerate(words)}
    of_known = np.array([*(place[word] for word in known), -1], np.int32)
    of_claim = np.array([*(place[value] for value in values), -1], np.int32)
    codes = encoded.indices.fill_null(len(known)).to_numpy()
    return _Codes(of_known[codes], words), _Codes(of_claim[owner], words)


def _in_one_dictionary(one: pa.ChunkedArray, other: pa.ChunkedArray) -> tuple[_Codes, _Codes]:
    """Return two columns as positions among the words of both."""
    columns = [column.combine_chunks() for column in (one, other)]
    words = list(dict.fromkeys(word for column in columns for word in column.dictionary.to_pylist()))
    place = {word: at for at, word in enumerate(words)}
    codes = []
    for column in columns:
        known = np.array([*(place[word] for word in column.dictionary.to_pylist()), -1], np.int32)
        codes.append(known[column.indices.fill_null(len(known) - 1).to_numpy()])
    return _Codes(codes[0], words), _Codes(codes[1], words)


def _is_open(state: pa.Table, horizon: dt.date | None) -> Any:
    if horizon is None:
        return np.ones(state.num_rows, bool)
    return state["last_cycle"].cast(pa.int32()).to_numpy() >= (horizon - dt.date(1970, 1, 1)).days
