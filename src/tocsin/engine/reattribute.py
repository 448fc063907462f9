"""Judge open findings anew when claims have changed. Closed ones keep whoever held them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from tocsin.engine.attribute import attribute
from tocsin.engine.claims import Claims


def reattributed(state: pa.Table, claims: Claims, horizon: dt.date | None) -> pa.Table:
    """Return a state in which each open finding belongs to whoever claims it on the day of its latest observation.

    Findings last seen before `horizon` are gone and stay as they are.
    """
    if not state.num_rows:
        return state
    owner = _owners(state, claims)
    closed = np.zeros(state.num_rows, bool)
    if horizon is not None:
        days = state["last_cycle"].cast(pa.int32()).to_numpy()
        closed = days < (horizon - dt.date(1970, 1, 1)).days
    for name in ("constituent", "claim"):
        values = [getattr(claim, "id" if name == "claim" else name) for claim in claims.claims]
        now = pa.DictionaryArray.from_arrays(
            pa.array(np.maximum(owner, 0), pa.int32(), mask=owner < 0), pa.array(values or [""], pa.utf8())
        ).cast(pa.utf8())
        before = state[name].combine_chunks().cast(pa.utf8())
        chosen = pa.compute.if_else(pa.array(closed), before, now).dictionary_encode()
        state = state.set_column(state.column_names.index(name), name, chosen)
    return state


def _owners(state: pa.Table, claims: Claims) -> np.ndarray:  # type: ignore[type-arg]
    days = state["seen_at"].cast(pa.int64()).to_numpy().astype("datetime64[us]").astype("datetime64[D]")
    names = state["name"]
    own = None if names.null_count == len(names) else names.combine_chunks().cast(pa.binary())
    high, low, asns = (state[name].fill_null(0).to_numpy().astype(np.uint64) for name in ("ip_high", "ip_low", "asn"))
    return attribute(claims, days=days, high=high, low=low, asns=asns, names=own)
