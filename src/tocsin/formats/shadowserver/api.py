"""The publisher's reports API: what is asked, how it is signed, and what the answers say.

A request is a JSON object that holds the API key; its signature, HMAC-SHA256
of the very bytes sent under the secret that came with the key, goes into a
header of its own. `reports/list` answers with the reports that may be had, each
with an id; the id is a capability: whoever knows it can download the report. A
report itself is CSV at the download address, or from `reports/download` its
rows as JSON, as many as were asked for at most.

Source: "API: Documentation" and "API: Reports Query" of the Shadowserver
Foundation, and the programs that it publishes beside them.
Pure: bytes in, bytes and values out. Sending is `feeds.publisher`.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import hashlib
import hmac
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from tocsin.formats import strict_json
from tocsin.formats.shadowserver.names import read_name
from tocsin.kernel.refusals import InvalidInput

SIGNATURE = "HMAC2"
"""Name of the header."""
LIST, DOWNLOAD = "reports/list", "reports/download"
MOST_LISTED = 1000
MOST_ROWS = 10_000
"""Rows that `reports/download` gives at most."""
MAX_LIST_BYTES = 20_000_000
MAX_ROWS_BYTES = 200_000_000
MAX_REASON = 300
WHAT = "The publisher's answer"
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")
_TYPE = re.compile(r"[a-z0-9][a-z0-9_]{0,99}")


@dataclasses.dataclass(frozen=True)
class Listed:
    """A report that the publisher has for us."""

    id: str = dataclasses.field(repr=False)
    """Whoever knows it can download the report: for no log."""
    file: str
    type: str
    on: dt.date
    subscription: str
    """Whose report it is, when several lists are subscribed to: `example-geo`."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """What `reports/list` answered."""

    reports: tuple[Listed, ...]
    odd: tuple[str, ...]
    """What is wrong with entries that cannot be used, a sentence each."""
    is_full: bool
    """Whether there may be more than were told."""


def list_request(
    key: str,
    first: dt.date,
    last: dt.date,
    *,
    type: str = "",
    subscriptions: Sequence[str] = (),
    limit: int = MOST_LISTED,
) -> bytes:
    """Return the body that asks for the reports of the days from `first` to `last`, both among them."""
    days = first.isoformat() if first == last else f"{first.isoformat()}:{last.isoformat()}"
    asked: dict[str, Any] = {"apikey": key, "date": days, "limit": limit}
    if type:
        asked["type"] = type
    if subscriptions:
        asked["reports"] = list(subscriptions)
    return _body(asked)


def download_request(key: str, id: str, *, limit: int = MOST_ROWS) -> bytes:
    """Return the body that asks for the rows of one report."""
    return _body({"apikey": key, "id": id, "limit": limit})


def _body(asked: dict[str, Any]) -> bytes:
    return json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()


def signature(body: bytes, secret: str) -> str:
    """Return HMAC-SHA256 (RFC 2104) of a body, in lower-case hexadecimal digits."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def error_in(answer: bytes) -> str | None:
    """Return the reason that an answer gives for being none; None when it gives no reason."""
    if answer.lstrip()[:1] != b"{":
        return None
    try:
        said = strict_json.read(answer, where=WHAT, max_bytes=MAX_LIST_BYTES, max_depth=20)
    except InvalidInput:
        return None
    reason = said.get("error", said.get("message"))
    return _plain(reason) if isinstance(reason, str) and reason.strip() else None


def _plain(text: str) -> str:
    """Return what a stranger said as one short line without control characters or a full stop."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:MAX_REASON].rstrip(".")


def read_list(answer: bytes, *, limit: int = MOST_LISTED) -> Listing:
    """Return the reports that an answer lists, oldest first. Raises InvalidInput when it is no list.

    An entry that cannot be used (a file name that is none, no id) does not hinder the others.
    """
    rows = strict_json.read(answer, where=WHAT, max_bytes=MAX_LIST_BYTES, max_depth=20)
    if not isinstance(rows, list):
        raise InvalidInput("is no list of reports.", where=WHAT)
    reports: dict[tuple[str, str], Listed] = {}
    odd = []
    for number, row in enumerate(rows, 1):
        try:
            report = _listed(row)
        except ValueError as problem:
            odd.append(f"Report {number} of the publisher's list cannot be taken: {problem}.")
        else:
            reports.setdefault((report.id, report.file), report)
    ordered = sorted(reports.values(), key=lambda report: (report.on, report.file))
    return Listing(tuple(ordered), tuple(odd), len(rows) >= limit)


def _listed(row: Any) -> Listed:
    """Return one entry of a list. Raises ValueError with what is wrong."""
    if not isinstance(row, dict):
        raise ValueError("it is no object")
    id, file = row.get("id"), row.get("file")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise ValueError("it has no id that is one")
    if not isinstance(file, str) or not _FILE.fullmatch(file):
        raise ValueError("its file name is none that may be written")
    named = read_name(file)
    kind = named.type or row.get("type")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise ValueError(f"{file} says no type of report")
    return Listed(id, file, kind, _day(row, named.date, file), _plain(str(row.get("report") or "")))


def _day(row: dict[str, Any], named: dt.date | None, file: str) -> dt.date:
    """Return the day that a report is of: its name rules, as it does at the import."""
    if named:
        return named
    said = row.get("timestamp")
    try:
        return dt.date.fromisoformat(said[:10] if isinstance(said, str) else "")
    except ValueError:
        raise ValueError(f"{file} says no day") from None


def no_report(head: bytes, last: bytes, *, told_its_length: bool) -> str | None:
    """Say why a download cannot be a report, from its beginning and its last byte; None when it can be one.

    Each line of a report ends with a line break. Where the answer did not say
    how long it is, nothing else tells a whole file from one that was cut short.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "it is empty."
    if reason := error_in(head):
        return f"the publisher says: {reason}."
    if start[:1] in b"<{":
        return "a web page came in its place." if start[:1] == b"<" else "it is no CSV."
    if not told_its_length and last != b"\n" and not head.startswith(_PACKED):
        return "it may be cut short: it ends within a line."
    return None


def rows_as_csv(answer: bytes, *, limit: int = MOST_ROWS) -> bytes:
    """Return the rows that `reports/download` answered as the CSV that the publisher writes of them.

    Raises InvalidInput when it is no list of rows, and when it is as long as
    was asked for: a report that was cut short would make findings gone.
    """
    rows = strict_json.read(answer, where=WHAT, max_bytes=MAX_ROWS_BYTES, max_depth=20, numbers_as_text=True)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("holds no rows of a report.", where=WHAT)
    if len(rows) >= limit:
        raise InvalidInput(f"has {len(rows):,} rows, the most it may have: the report may have more.", where=WHAT)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
