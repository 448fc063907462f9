"""Turn the text of a cell into a value, or say why that cannot be done.

Two families under one table. The first carries the names that Shadowserver's
published schema uses, with the meaning that its users know from IntelMQ
wherever that meaning is sound. The second, `KINDS`, holds what a key of the
IntelMQ Data Format may contain. `first+second` is both in turn, `time:FORMAT`
reads times in a format of `datetime.strptime`.

Rules that hold for every conversion: an empty cell is None, and so are `-` and
`N/A` where a kind of value is asked for; a cell that is not what its column promises raises BadCell, so that the caller
can keep the row and quarantine the cell. Values are JSON's own, or an aware
datetime in UTC. Scalars in, scalars out: call them on distinct values only.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import email.utils
import functools
import ipaddress
import math
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeAlias

from tocsin.kernel import networks, rsit

Value: TypeAlias = str | int | float | bool | dt.datetime
Row: TypeAlias = Mapping[str, str]
Output: TypeAlias = Literal["text", "int", "float", "bool", "time"]

ABSENT = frozenset({"", "-", "N/A"})
"""What reporters write into a cell that holds nothing."""
INT_RANGE = range(-(2**63), 2**63)
MAX_PORT = 65_535
_NO_ROW: Row = {}


class BadCell(ValueError):
    """A cell is not what its column promises. `reason` is one sentence for the quarantine list."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A named way from text to a value."""

    name: str
    output: Output
    function: Callable[[str, Row], Value | None]
    """Takes the stripped-of-nothing text and the cells of `columns`; returns a value or None, or raises BadCell."""
    columns: tuple[str, ...] = ()
    """Further columns that it reads; a column that the report lacks is missing from the row."""
    kind: str = ""
    """Name in `KINDS` of what its results always are; empty when they can be anything."""
    fills_empty: bool = False
    """Whether it can return a value for an empty cell, so that empty cells must be given to it as well."""

    def __call__(self, text: str, row: Row = _NO_ROW) -> Value | None:
        """Return the value of `text`; None when it holds none. Raises BadCell."""
        if not self.fills_empty and (is_absent(text) if self.kind else not text.strip()):
            return None
        return self.function(text, row)


def is_absent(text: str) -> bool:
    """Say whether a cell holds nothing."""
    return text in ABSENT or text.strip() in ABSENT


def _bad(text: str, what: str) -> BadCell:
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return BadCell(f"{shown!r} is not {what}")


# Text


def as_text(text: str) -> str:
    """Return the text without spaces around it."""
    return text.strip()


def as_lower(text: str) -> str:
    """Return the text in lower case, without spaces around it."""
    return text.strip().lower()


def as_token(text: str) -> str:
    """Return text of printable ASCII, as hashes and names of malware are."""
    word = text.strip()
    if not (word.isascii() and word.isprintable()):
        raise _bad(text, "printable ASCII")
    return word


def without_unknown(text: str) -> str | None:
    """Return the text as it is; None where the reporter wrote that it knows nothing."""
    return None if text in ("0", "unknown") else text


# Numbers and truth

_NO_SYSTEM = re.compile(r"(AS|[+-])?0+\Z")
_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_TRUTH = {
    **dict.fromkeys(("y", "yes", "true", "t", "on", "enabled", "1"), True),
    **dict.fromkeys(("n", "no", "false", "f", "off", "disabled", "0"), False),
}


def as_int(text: str) -> int:
    """Return a whole number of 64 bits."""
    word = text.strip()
    if not _WHOLE.match(word) or len(word) > 40:
        raise _bad(text, "a whole number")
    number = int(word)
    if number not in INT_RANGE:
        raise _bad(text, "a number of 64 bits")
    return number


def as_float(text: str) -> float:
    """Return a finite number; JSON knows no others."""
    word = text.strip()
    if not _DECIMAL.match(word) or not math.isfinite(number := float(word)):
        raise _bad(text, "a finite number")
    return number


def as_bool(text: str) -> bool:
    """Return the truth value that a word stands for."""
    truth = _TRUTH.get(text.strip().lower())
    if truth is None:
        raise _bad(text, "yes or no")
    return truth


def nonzero(text: str) -> int | None:
    """Return a whole number; None for zero, which reporters write for unknown."""
    return as_int(text) or None


def as_port(text: str) -> int:
    """Return a port number. Zero stands where a protocol has no ports."""
    number = as_int(text)
    if not 0 <= number <= MAX_PORT:
        raise _bad(text, f"a port (0 to {MAX_PORT})")
    return number


def as_asn(text: str) -> int | None:
    """Return the number of an autonomous system, with or without `AS`; None for 0, which nobody holds."""
    if _NO_SYSTEM.match(text.strip().upper()):
        return None
    try:
        return networks.asn(text)
    except ValueError:
        raise _bad(text, "an autonomous system number") from None


# Time

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|\Z)")
_EPOCH = re.compile(r"[0-9]{9,10}(\.[0-9]{1,9})?\Z|[0-9]{13}\Z|[0-9]{16}\Z")
_TIME_FORMATS = ("%a %b %d %H:%M:%S %Y", "%A, %d-%b-%y %H:%M:%S", "%a, %d-%b-%Y %H:%M:%S", "%d %b %Y %H:%M:%S")
_EPOCH_SCALE = {13: 1_000, 16: 1_000_000}
_EPOCH_START = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _in_utc(moment: dt.datetime, text: str) -> dt.datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC)
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        raise _bad(text, "a time") from None


def _without_zone_name(word: str) -> str:
    head, _, tail = word.rpartition(" ")
    return head if tail.upper() in ("UTC", "GMT", "Z") else word


def iso_time(text: str) -> dt.datetime:
    """Return an ISO 8601 time, with a space or `T` between day and hour; UTC where no zone is written."""
    word = _without_zone_name(" ".join(text.split()))
    if not _ISO.match(word):
        raise _bad(text, "a time like 2026-11-16 01:02:03")
    try:
        return _in_utc(dt.datetime.fromisoformat(word), text)
    except ValueError:
        raise _bad(text, "a time like 2026-11-16 01:02:03") from None


def written_time(text: str) -> dt.datetime:
    """Return a time in ISO 8601 or in one of the three forms that web servers write (RFC 9110, section 5.6.7)."""
    word = " ".join(text.split())
    if _ISO.match(word):
        return iso_time(word)
    try:
        return _in_utc(email.utils.parsedate_to_datetime(word), text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return _time_in_formats(text, _without_zone_name(word), _TIME_FORMATS)


def _time_in_formats(text: str, word: str, formats: tuple[str, ...]) -> dt.datetime:
    for form in formats:
        try:
            return _in_utc(dt.datetime.strptime(word, form), text)  # noqa: DTZ007 - the zone is set by _in_utc
        except ValueError:
            continue
    raise _bad(text, "a time that can be read")


def any_time(text: str) -> dt.datetime:
    """Return a time in ISO 8601, as web servers write it, or as seconds (milli-, microseconds) since 1970."""
    word = text.strip()
    if not _EPOCH.match(word):
        return written_time(text)
    seconds = float(word) / _EPOCH_SCALE.get(len(word) if word.isdigit() else 0, 1)
    return _EPOCH_START + dt.timedelta(seconds=seconds)


# Addresses and names

_LABEL = re.compile(r"[a-z0-9_-]{1,63}\Z")
_COUNTRY = re.compile(r"[A-Za-z0-9]{2}\Z")
_HOST_WITH_PORT = re.compile(r"(.*[^:]):[0-9]{1,5}\Z")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def as_ip(text: str) -> str:
    """Return an address in its canonical form; an IPv4 address mapped into IPv6 as the IPv4 address that it is."""
    address = _address(text)
    if address is None:
        raise _bad(text, "an address")
    if address.is_unspecified:
        raise _bad(text, "the address of a host")
    return str(address)


def ip_or_none(text: str) -> str | None:
    """Return an address; None for a network, which columns for both may hold."""
    return None if "/" in text and _network(text) else as_ip(text)


def _network(text: str) -> str | None:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        return None


def as_network(text: str) -> str:
    """Return a network in its canonical form; a lone address is a network of one."""
    network = _network(text)
    if network is None:
        raise _bad(text, "a network")
    return network


def network_or_none(text: str) -> str | None:
    """Return a network; None for a lone address, which columns for both may hold."""
    return as_network(text) if "/" in text or _address(text) is None else None


def as_country(text: str) -> str:
    """Return a country code of two characters in upper case."""
    word = text.strip()
    if not _COUNTRY.match(word):
        raise _bad(text, "a country code of two letters")
    return word.upper()


def as_fqdn(text: str) -> str:
    """Return a host name: lower case, in its ASCII form, without a dot at the ends.

    More lenient than a registry: what stands in DNS answers and requests may
    hold underscores and hyphens anywhere. An address is no name.
    """
    word = text.strip().strip(".").lower()
    try:
        name = networks.ascii_name(word)
    except UnicodeError:
        raise _bad(text, "a host name") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise _bad(text, "a host name")
    return name


def fqdn_or_none(text: str) -> str | None:
    """Return the host name in a `Host` header, without its port; None when the host was asked by address."""
    word = text.strip()
    if with_port := _HOST_WITH_PORT.match(word):
        word = word if _address(word) else with_port[1]
    return None if _address(word.strip("[]")) else as_fqdn(word)


# URLs

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DEFANGED = re.compile(r"hxxp(s?)://", re.IGNORECASE)
_REQUEST = re.compile(r"[A-Z]+ (\S+)( HTTP/[0-9.]+)?\Z")
_URL_COLUMNS = ("http_host", "hostname", "dst_ip", "ip", "application")


def as_url(text: str) -> str:
    """Return a URL that names its scheme and host; `hxxp://` is read as `http://`."""
    word = _DEFANGED.sub(r"http\1://", text.strip(), count=1)
    if not _SCHEME.match(word) or not _host_of(word):
        raise _bad(text, "a URL with scheme and host")
    return word


def _host_of(url: str) -> str:
    try:
        return urllib.parse.urlsplit(url).hostname or ""
    except ValueError:
        return ""


def url_of_row(text: str, row: Row) -> str | None:
    """Return the whole URL of a cell that may hold only its path, with the host that the row names elsewhere."""
    word = text.strip()
    request = _REQUEST.match(word)
    target = request[1] if request else word
    if _SCHEME.match(target):
        return as_url(target)
    host = _row_host(row)
    if not host:
        return _url_of_bare_host(text, target)
    if target == "*":
        target = ""
    elif target.lower().split("/", 1)[0] == host.lower():
        target = target[len(host) :]
    slash = "" if target.startswith("/") or not target else "/"
    return as_url(f"{_row_scheme(row)}://{host}{slash}{target}")


def _url_of_bare_host(text: str, target: str) -> str:
    """A cell without scheme in a row without host: `host.example/path`, else nothing that can be completed."""
    if "." not in target.split("/", 1)[0] or target.startswith(("/", ".")):
        raise _bad(text, "a URL, and the row names no host")
    return as_url(f"http://{target}")


def _row_host(row: Row) -> str:
    for column in _URL_COLUMNS[:-1]:
        host = row.get(column, "").strip()
        if host not in ABSENT:
            address = _address(host)
            return f"[{host}]" if address is not None and address.version == 6 else host
    return ""


def _row_scheme(row: Row) -> str:
    return "https" if row.get("application", "").strip().lower() == "https" else "http"


# What only reports need

_CVE = re.compile(r"(?<![A-Za-z0-9])cve-[0-9]{4}-[0-9]{1,9}(?![A-Za-z0-9])", re.IGNORECASE)
_PROTOCOL_NUMBERS = {"1": "icmp", "2": "igmp", "6": "tcp", "17": "udp", "47": "gre", "58": "ipv6-icmp", "132": "sctp"}
_PROTOCOL = re.compile(
    "(ip|icmp|igmp|ipencap|tcp|egp|igp|udp|dccp|rdp|idpr|xtp|ipv6|ipv6-route|ipv6-frag|rsvp|gre|esp|ah|narp|mobile"
    r"|ipv6-icmp|ipv6-nonxt|ipv6-opts|eigrp|ospf|ipip|etherip|encap|pim|ipcomp|vrrp|pgm|l2tp|st|isis|sctp|fc)\Z"
)
SEVERITIES = ("critical", "high", "medium", "low", "info", "undefined")


def cves(text: str) -> str | None:
    """Return the CVE numbers in a list of tags: lower case, each once, sorted, joined by `;`."""
    return ";".join(sorted({found.lower() for found in _CVE.findall(text)})) or None


def as_transport(text: str) -> str:
    """Return the name of a protocol that IP carries; the numbers of the usual ones are understood."""
    word = text.strip().lower()
    name = _PROTOCOL_NUMBERS.get(word, word)
    if not _PROTOCOL.match(name):
        raise _bad(text, "a transport protocol")
    return name


def as_severity(text: str) -> str:
    """Return a reporter's level."""
    word = text.strip().lower()
    if word not in SEVERITIES:
        raise _bad(text, f"a severity ({', '.join(SEVERITIES)})")
    return word


def as_incident_type(text: str) -> str:
    """Return a type of the incident taxonomy, or what others write for one; `undetermined` for any other word."""
    return text.strip().lower() if rsit.knows(text) else rsit.UNDETERMINED


def class_of_type(text: str) -> str:
    """Return the class to which the incident type belongs that a word means."""
    return rsit.resolve(text).class_name


def unlisted_type(text: str) -> str | None:
    """Return what stands where an incident type should; None where it means one."""
    return None if rsit.knows(text) else text


def in_base64(text: str) -> str:
    """Return raw bytes as Base64; what already is Base64 stays."""
    try:
        known = text.isascii() and base64.b64encode(base64.b64decode(text, validate=True)) == text.encode()
    except (binascii.Error, ValueError):
        known = False
    return text if known else base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def category_or_detail(text: str, row: Row) -> str | None:
    """Return the category; where it is empty, the detail."""
    for candidate in (text, row.get("detail", "")):
        if not is_absent(candidate):
            return candidate.strip()
    return None


def _for_exchange(on_webshell: str, else_: str) -> Callable[[str, Row], str]:
    """What a tag says of a mail server: already entered by a web shell, or only open to attack."""
    return lambda text, _row: on_webshell if "webshell" in text.lower() else else_


# The table


def _plain(function: Callable[[str], Value | None]) -> Callable[[str, Row], Value | None]:
    return lambda text, _row: function(text)


def _conversions(*rows: tuple[str, Output, Callable[[str], Value | None], str]) -> dict[str, Conversion]:
    return {name: Conversion(name, output, _plain(function), kind=kind) for name, output, function, kind in rows}


KINDS = _conversions(
    ("text", "text", as_text, "text"),
    ("lower", "text", as_lower, "lower"),
    ("token", "text", as_token, "token"),
    ("lower_token", "text", lambda text: as_token(text).lower(), "lower_token"),
    ("int", "int", as_int, "int"),
    ("float", "float", as_float, "float"),
    ("bool", "bool", as_bool, "bool"),
    ("time", "time", any_time, "time"),
    ("port", "int", as_port, "port"),
    ("asn", "int", as_asn, "asn"),
    ("ip", "text", as_ip, "ip"),
    ("network", "text", as_network, "network"),
    ("fqdn", "text", as_fqdn, "fqdn"),
    ("url", "text", as_url, "url"),
    ("country", "text", as_country, "country"),
    ("transport", "text", as_transport, "transport"),
    ("severity", "text", as_severity, "severity"),
    ("cve", "text", cves, "lower"),
    ("incident_type", "text", as_incident_type, "incident_type"),
    ("incident_class", "text", class_of_type, "lower"),
)
"""What a key may hold; each is a conversion of its own."""

_ROW_AWARE = (
    Conversion("convert_http_host_and_url", "text", url_of_row, columns=_URL_COLUMNS, kind="url"),
    Conversion("category_or_detail", "text", category_or_detail, columns=("detail",), kind="text", fills_empty=True),
    Conversion(
        "scan_exchange_taxonomy", "text", _for_exchange("intrusions", "vulnerable"), kind="lower", fills_empty=True
    ),
    Conversion(
        "scan_exchange_type",
        "text",
        _for_exchange("system-compromise", "vulnerable-system"),
        kind="lower",
        fills_empty=True,
    ),
    Conversion(
        "scan_exchange_identifier",
        "text",
        _for_exchange("exchange-server-webshell", "vulnerable-exchange-server"),
        kind="text",
        fills_empty=True,
    ),
)

PUBLISHED = {
    **_conversions(
        ("validate_to_none", "text", without_unknown, ""),
        ("invalidate_zero", "int", nonzero, "int"),
        ("convert_int", "int", as_int, "int"),
        ("convert_float", "float", as_float, "float"),
        ("convert_bool", "bool", as_bool, "bool"),
        ("convert_date", "time", written_time, "time"),
        ("convert_date_utc", "time", written_time, "time"),
        ("add_UTC_to_timestamp", "time", iso_time, "time"),
        ("validate_ip", "text", ip_or_none, "ip"),
        ("validate_network", "text", network_or_none, "network"),
        ("validate_fqdn", "text", fqdn_or_none, "fqdn"),
        ("extract_cve_from_tag", "text", cves, "lower"),
        ("force_base64", "text", in_base64, "token"),
    ),
    **{conversion.name: conversion for conversion in _ROW_AWARE},
}
"""The names that Shadowserver's published schema uses."""

_AS_IT_IS = {
    "raw": Conversion("raw", "text", lambda text, _row: text),
    "unlisted_type": Conversion("unlisted_type", "text", _plain(unlisted_type)),
}
"""For `extra.…`: the cell, character by character."""


def _in_turn(name: str, first: Conversion, second: Conversion) -> Conversion:
    def function(text: str, row: Row) -> Value | None:
        value = first(text, row)
        if value is None:
            return None
        return second(value.isoformat() if isinstance(value, dt.datetime) else str(value), row)

    return dataclasses.replace(
        second, name=name, function=function, columns=first.columns, fills_empty=first.fills_empty
    )


class _Conversions(Mapping[str, Conversion]):
    """All conversions by name; `first+second` and `time:FORMAT` are made when asked for."""

    def __init__(self, single: dict[str, Conversion]) -> None:
        self._single = single
        self._made = functools.cache(self._make)

    def __getitem__(self, name: str) -> Conversion:
        return self._single.get(name) or self._made(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._single)

    def __len__(self) -> int:
        return len(self._single)

    def _make(self, name: str) -> Conversion:
        if name.startswith("time:") and "%" in name:
            form = name.removeprefix("time:")
            return Conversion(
                name, "time", lambda text, _row: _time_in_formats(text, text.strip(), (form,)), (), "time"
            )
        first, plus, second = name.partition("+")
        if not plus:
            raise KeyError(name)
        return _in_turn(name, self._single[first], self._single[second])


CONVERSIONS: Mapping[str, Conversion] = _Conversions({**KINDS, **_AS_IT_IS, **PUBLISHED})


def for_kind(name: str, kind: str) -> str:
    """Return the name of the conversion that does `name` and gives what a key of `kind` may hold.

    Either may be empty: no conversion is published for the cell, or the key takes anything.
    """
    if not name or not kind:
        return name or kind or "raw"
    return name if CONVERSIONS[name].kind == kind else f"{name}+{kind}"
