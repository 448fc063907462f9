"""Which asset each row of a report is about: an address, or where there is none what stands for it.

Some publishers write a whole network into the column of the address, as lists of blocked addresses do. Where the
mapping says so, the network is the asset of such a row; what a row with an address is about does not change.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import addresses, canonical
from tocsin.engine.addresses import U64, Mask
from tocsin.engine.convert import ABSENT, CONVERSIONS, BadCell
from tocsin.engine.forms import FORMS
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


def read(table: pa.Table, roles: Roles, *, may_be_network: bool = False) -> Assets:
    """Return the asset of each row, where `roles` name only columns that the table has.

    The address decides, or a network in its place where there `may_be_network`s. Where its cell is empty, the first
    account that is not stands for it.
    """
    nothing = np.zeros(table.num_rows, np.uint64)
    if not roles.address:
        return _with_accounts(table, roles, Assets(nothing, nothing, None, nothing > 0, {}), nothing == 0)
    column = table[roles.address]
    high, low, found = _addresses(addresses.readable(column))
    if found.all():
        return Assets(high, low, None, found, {})
    empty = _empty(column)
    asset = Assets(high, low, None, found, {})
    if may_be_network:
        asset = _with_networks(column, asset, np.flatnonzero(~found & ~empty))
    reasons = _reasons(column, roles.address, np.flatnonzero(~asset.found & ~empty))
    return _with_accounts(table, roles, dataclasses.replace(asset, reasons=reasons), empty)


def _with_networks(column: pa.ChunkedArray, asset: Assets, rows: Any) -> Assets:
    """Return assets with those of `rows` whose cell is a network, in its one form. A network of one is its address."""
    encoded = pc.dictionary_encode(addresses.readable(column).take(pa.array(rows)))
    networks = [_network(cell) for cell in encoded.dictionary.to_pylist()]
    if not any(networks):
        return asset
    codes = encoded.indices.to_numpy()
    hosts = [_only_host(network) for network in networks]
    asset.high[rows], asset.low[rows], is_host = (
        of_each[codes] for of_each in _addresses(pa.array([host.encode() or None for host in hosts], pa.binary()))
    )
    wide = [network if network and not host else None for network, host in zip(networks, hosts, strict=True)]
    account = np.full(len(column), None, object)
    account[rows] = np.array(wide, object)[codes]
    asset.found[rows] = is_host | np.array([network is not None for network in wide])[codes]
    return dataclasses.replace(asset, account=pa.array(account, pa.utf8()) if any(wide) else None)


def _network(cell: bytes) -> str:
    """Return the network that a cell holds; empty for anything else."""
    try:
        return FORMS["network"](cell.decode()) if b"/" in cell else ""
    except (UnicodeDecodeError, BadCell):
        return ""


def _only_host(network: str) -> str:
    """Return the address of a network of one; empty for others."""
    address, _, length = network.partition("/")
    return address if length == ("128" if ":" in address else "32") else ""


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
