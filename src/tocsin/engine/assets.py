"""Which asset each row of a report is about: an address, or where there is none what stands for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import addresses, canonical
from tocsin.engine.addresses import U64, Mask
from tocsin.engine.convert import ABSENT, CONVERSIONS, BadCell
from tocsin.engine.mapping import Roles

_ABSENT = pa.array([word.encode() for word in sorted(ABSENT)], pa.binary())


@dataclasses.dataclass(frozen=True)
class Assets:
    """The asset of each row: the words of its address, or an account; and why a row has none."""

    high: U64
    low: U64
    account: pa.Array | None
    """None where every row with an asset has an address; null in rows that have one."""
    found: Mask
    reasons: dict[int, tuple[str, str]]
    """By row: the column and the reason, where a cell is no asset; rows without a cell are left out."""

    def of_rows(self, rows: Mask) -> Assets:
        """Return the assets of some rows."""
        account = self.account.filter(pa.array(rows)) if self.account is not None else None
        return Assets(self.high[rows], self.low[rows], account, self.found[rows], {})

    @property
    def is_account(self) -> Mask:
        """Which rows have an account in place of an address."""
        if self.account is None:
            return np.zeros(len(self.high), bool)
        mask: Mask = pc.is_valid(self.account).to_numpy(zero_copy_only=False)
        return mask


def read(table: pa.Table, roles: Roles) -> Assets:
    """Return the asset of each row, where `roles` name only columns that the table has.

    The address decides. Where its cell is empty, the first account that is not stands for it.
    """
    nothing = np.zeros(table.num_rows, np.uint64)
    if not roles.address:
        return _with_accounts(table, roles, Assets(nothing, nothing, None, nothing > 0, {}), nothing == 0)
    column = table[roles.address]
    high, low, found = _addresses(addresses.readable(column))
    if found.all():
        return Assets(high, low, None, found, {})
    empty = _empty(column)
    reasons = _reasons(column, roles.address, np.flatnonzero(~found & ~empty))
    return _with_accounts(table, roles, Assets(high, low, None, found, reasons), empty)


def _with_accounts(table: pa.Table, roles: Roles, assets: Assets, empty: Mask) -> Assets:
    """Return assets with the accounts of the rows that are `empty` so far."""
    account, found, reasons = assets.account, assets.found, dict(assets.reasons)
    for column in filter(None, (roles.account, *roles.instead)):
        if not empty.any():
            break
        named, bad = canonical.accounts(table[column], roles.kind(column) or "text")
        named = pc.if_else(pa.array(empty), named, None)
        account = named if account is None else pc.coalesce(account, named)
        faults = zip(bad.rows.tolist(), bad.reasons, strict=True)
        reasons |= {row: (column, reason) for row, reason in faults if empty[row]}
        taken = pc.is_valid(named).to_numpy(zero_copy_only=False)
        found, empty = found | taken, empty & ~taken
        empty[bad.rows] = False
    return dataclasses.replace(assets, account=account, found=found, reasons=reasons)


def _addresses(cells: pa.Array) -> tuple[U64, U64, Mask]:
    """Return the words of the addresses in cells, and which are those of a host. Spaces around one do no harm."""
    high, low, valid = addresses.read(cells)
    rest = np.flatnonzero(~valid)
    if len(rest) > cells.null_count:
        stripped = [cell and cell.strip() for cell in cells.take(pa.array(rest)).to_pylist()]
        high[rest], low[rest], valid[rest] = addresses.read(pa.array(stripped, pa.binary()))
    return high, low, valid & ~addresses.unspecified(high, low)


def _empty(column: pa.ChunkedArray) -> Mask:
    cells = addresses.readable(column)
    mask: Mask = pc.or_kleene(pc.is_null(cells), pc.is_in(cells, _ABSENT)).to_numpy(zero_copy_only=False)
    return mask


def _reasons(column: pa.ChunkedArray, name: str, rows: Any) -> dict[int, tuple[str, str]]:
    cells = addresses.readable(column).take(pa.array(rows)).to_pylist()
    return {row: (name, _reason(cell, name)) for row, cell in zip(rows.tolist(), cells, strict=True)}


def _reason(cell: bytes, column: str) -> str:
    try:
        CONVERSIONS["ip"](cell.decode("utf-8", "replace"))
    except BadCell as bad:
        return bad.reason
    return f"the {column} is not an address"
