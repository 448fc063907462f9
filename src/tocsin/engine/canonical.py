"""One form for what is written in several ways: `Bad.example.` and `bad.example` are one asset.

What stands in place of an address, and what tells two findings on one asset
apart, goes into the key of a finding, which is permanent. So a mapping says of
which kind such a cell is, and its key is made of the kind's one form.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import addresses
from tocsin.engine.cells import BadCells, are_names, recoded
from tocsin.engine.convert import BadCell, as_fqdn, as_network, as_text, as_token, as_url, is_absent

_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21}
_MAILBOX = re.compile(r"[^@\s]+@([^@\s]+)\Z")
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):[0-9]{1,5}\Z")


def one_url(text: str) -> str:
    """Return a URL with scheme and host in small letters, without the port that its scheme implies (RFC 3986, 6.2)."""
    parts = urllib.parse.urlsplit(as_url(text))
    host = one_host(parts.hostname or "")
    try:
        port = parts.port
    except ValueError:
        raise BadCell(f"{text[:60]!r} is not a URL: its port is none") from None
    user, at, _ = parts.netloc.rpartition("@")
    place = f"[{host}]" if ":" in host else host
    shown = f":{port}" if port is not None and port != _DEFAULT_PORTS.get(parts.scheme) else ""
    return urllib.parse.urlunsplit(parts._replace(netloc=f"{user}{at}{place}{shown}", path=parts.path or "/"))


def one_mailbox(text: str) -> str:
    """Return a mail address in small letters, its domain in ASCII. No provider tells mailboxes apart by capitals."""
    word = text.strip().lower()
    found = _MAILBOX.match(word)
    if not found:
        raise BadCell(f"{text[:60]!r} is not a mail address")
    return word[: found.start(1)] + as_fqdn(found[1])


def one_host(text: str) -> str:
    """Return what a `Host` header names, without its port: a host name, or an address."""
    word = text.strip()
    if with_port := _WITH_PORT.match(word):
        word = with_port[1]
    try:
        return str(ipaddress.ip_address(word.strip("[]")))
    except ValueError:
        return as_fqdn(word)


FORMS: dict[str, Callable[[str], str]] = {
    "text": as_text,
    "lower_token": lambda text: as_token(text).lower(),
    "fqdn": as_fqdn,
    "host": one_host,
    "network": as_network,
    "url": one_url,
    "email": one_mailbox,
}
"""By kind: the one form of a cell. Raises BadCell for a cell that is not of the kind."""


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
