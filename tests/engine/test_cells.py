"""Whole columns are judged and converted as their cells are one by one."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine import cells
from tocsin.engine.cells import bad_cells, convert, may_be_bad
from tocsin.engine.convert import CONVERSIONS, BadCell
from tocsin.formats import shadowserver

TYPED = sorted(
    {field.conversion for mapping in shadowserver.built_in().values() for field in mapping.fields}
    | set(CONVERSIONS)
    | {"time:%d/%m/%Y %H:%M:%S", "time:%Y-%d-%m", "validate_to_none+fqdn", "convert_int+port", "invalidate_zero+asn"}
)


def column(*texts: str | bytes | None) -> pa.Table:
    values = [text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in texts]
    return pa.table({"cell": pa.array([value or None for value in values], pa.binary())})


def reasons(conversion: str, *texts: str | bytes | None) -> dict[int, str]:
    found = bad_cells(column(*texts), "cell", conversion)
    return dict(zip(found.rows.tolist(), found.reasons, strict=True)) if found else {}


def test_a_bad_cell_is_found_with_its_reason() -> None:
    assert reasons("convert_int", "1", "TLSv1.2", None, "3") == {1: "'TLSv1.2' is not a whole number"}


def test_a_column_in_order_has_no_bad_cells() -> None:
    assert bad_cells(column("1", "2", None), "cell", "convert_int") is None
    assert bad_cells(column(None, None), "cell", "convert_int") is None
    assert bad_cells(column(), "cell", "convert_int") is None


def test_a_cell_that_is_not_utf8_is_bad_where_text_is_read() -> None:
    assert reasons("convert_int", b"\xff", "1") == {0: "the text is not UTF-8"}


def test_a_column_is_converted() -> None:
    values = convert(column("80", None, "x", "443", "80", "-"), "cell", "port")
    assert list(values) == [80, None, None, 443, 80, None]
    assert values.bad().rows.tolist() == [2]


def test_a_conversion_may_read_the_cells_beside() -> None:
    table = pa.table(
        {
            "url": pa.array([b"/a", b"/a", None, b"/b"], pa.binary()),
            "http_host": pa.array([b"x.example", b"y.example", b"z.example", None], pa.binary()),
        }
    )
    values = convert(table, "url", "convert_http_host_and_url")
    assert list(values) == ["http://x.example/a", "http://y.example/a", None, None]
    assert values.bad().reasons == ["'/b' is not a URL, and the row names no host"]


URLS = st.one_of(
    st.none(),
    st.sampled_from(
        ["http://a.example/x", "https://b.example:8443?q=1", "/", "/a b", "GET /x HTTP/1.1", "*", "-", "N/A", "é"]
    ),
    st.from_regex(r"\A(https?://)?[a-zA-Z0-9.:@\[\]_-]{0,8}([/?#][!-~]{0,6})?\Z"),
)
HOSTS = st.sampled_from(
    [None, "a.example", "-", ".", "2001:db8::1", "[::1", "a b", "N/A", "198.51.100.1:80", "é.example"]
)


@given(st.lists(st.tuples(URLS, HOSTS), max_size=6))
def test_rows_that_surely_hold_a_url_are_not_looked_at_again(rows: list[tuple[str | None, str | None]]) -> None:
    table = pa.table(
        {
            "url": pa.array([url and url.encode() for url, _ in rows], pa.binary()),
            "http_host": pa.array([host and host.encode() for _, host in rows], pa.binary()),
        }
    )
    quick = bad_cells(table, "url", "convert_http_host_and_url")
    thorough = convert(table, "url", "convert_http_host_and_url").bad()

    assert (quick.rows.tolist() if quick else []) == thorough.rows.tolist()
    assert (quick.reasons if quick else []) == thorough.reasons


def test_an_empty_cell_may_be_filled() -> None:
    assert list(convert(column(None, "webshell"), "cell", "scan_exchange_type")) == [
        "vulnerable-system",
        "system-compromise",
    ]


@pytest.mark.parametrize("name", sorted(CONVERSIONS))
def test_only_conversions_that_never_refuse_are_taken_for_harmless(name: str) -> None:
    if may_be_bad(name):
        return
    for text in ("", "x", "\x07", "é", "9" * 400, "'; DROP TABLE", "http://[", "\ud800"):
        CONVERSIONS[name](text, {other: text for other in CONVERSIONS[name].columns})


NUMERIC = st.text(st.sampled_from("0123456789+-.eExX_ "), min_size=1, max_size=9)
TIMES = st.one_of(
    st.datetimes().map(str),
    st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=2))])).map(
        lambda at: at.isoformat()
    ),
    st.dates().map(str),
    st.from_regex(r"\A[0-2]{4}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9](:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?)?)?Z?\Z"),
)
NAMES = st.text(st.sampled_from("ab0-_.1é "), min_size=1, max_size=10) | st.sampled_from(
    ["a" * 63 + ".b", "a" * 64 + ".b"]
)
ADDRESSES = st.ip_addresses().map(str) | st.sampled_from(["0.0.0.0", "::", "::ffff:0.0.0.0", "1.2.3.4/24", "fe80::1%e"])
WORDS = st.sampled_from(
    [
        "Y",
        "n",
        "tcp",
        "TCP",
        "udp",
        "low",
        "High",
        "info",
        "LU",
        "L",
        "A1",
        "-",
        "N/A",
        "none",
        "0",
        "65536",
        "4294967296",
        "0x10",
        "1e5",
        "1e00001",
        "1e-99999",
        "nan",
        "inf",
        "007",
        "-0",
        "2026-11-16",
        "16/11/2026 10:11:12",
        "\t",
        "\x07",
        "true",
    ]
)
TEXT = st.one_of(NUMERIC, TIMES, NAMES, ADDRESSES, WORDS, st.text(min_size=1, max_size=8))


def is_bad(conversion: str, text: str) -> bool:
    try:
        CONVERSIONS[conversion](text)
    except BadCell:
        return True
    return False


@given(st.sampled_from(TYPED), st.lists(TEXT, min_size=1, max_size=3))
def test_what_is_called_good_at_a_glance_is_good(name: str, texts: list[str]) -> None:
    table = column(*texts)
    if cells._surely_good(table["cell"], CONVERSIONS[name]):
        assert [text for text in texts if is_bad(name, text)] == []


QUICK = [name for name in TYPED if CONVERSIONS[name].kind in cells._QUICK and not CONVERSIONS[name].columns]
FITTING = {
    "int": NUMERIC | WORDS,
    "float": NUMERIC | WORDS,
    "port": NUMERIC | WORDS,
    "asn": NUMERIC | WORDS,
    "time": TIMES,
    "fqdn": NAMES,
    "token": NAMES | st.text(max_size=5),
    "lower_token": NAMES,
    "ip": ADDRESSES,
    "bool": WORDS,
    "country": st.text(st.sampled_from("aB1 é"), min_size=1, max_size=3),
    "transport": WORDS,
    "severity": WORDS,
}


@pytest.mark.parametrize("name", QUICK)
@given(data=st.data())
def test_what_nearly_fits_is_never_called_good(name: str, data: st.DataObject) -> None:
    text = data.draw(FITTING[CONVERSIONS[name].kind].filter(bool))
    if cells._surely_good(column(text)["cell"], CONVERSIONS[name]):
        assert not is_bad(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("convert_int", "0x10"),
        ("port", "0x50"),
        ("asn", "0xff"),
        ("fqdn", "192.0.2.1"),
        ("fqdn", "0"),
        ("validate_ip", "0.0.0.0"),
        ("validate_ip", "::"),
        ("time:%d/%m/%Y %H:%M:%S", "2026-11-16 10:11:12"),
        ("add_UTC_to_timestamp", "0000-01-01 00:00:00"),
        ("convert_float", "nan"),
        ("convert_float", "1e999"),
    ],
)
def test_what_the_quick_look_might_overlook_is_bad(name: str, text: str) -> None:
    assert reasons(name, text).keys() == {0}


def test_ordinary_columns_are_known_at_a_glance() -> None:
    """Speed rests on it: a column in order must not be read cell by cell."""
    ordinary = {
        "convert_int": "12",
        "convert_float": "1.5",
        "add_UTC_to_timestamp": "2026-11-16 06:00:00",
        "port": "443",
        "asn": "64496",
        "fqdn": "www.port.example",
        "validate_to_none+lower_token": "mirai",
        "validate_ip": "192.0.2.1",
        "convert_bool": "Y",
        "country": "XM",
        "transport": "tcp",
        "severity": "medium",
    }
    slow = [n for n, text in ordinary.items() if not cells._surely_good(column(text, None)["cell"], CONVERSIONS[n])]
    assert slow == []


@given(st.sampled_from(TYPED), st.lists(TEXT | st.none(), max_size=6))
def test_a_column_is_converted_as_its_cells_are(name: str, texts: list[str | None]) -> None:
    values = convert(column(*texts), "cell", name)
    expected = []
    for text in texts:
        try:
            expected.append(CONVERSIONS[name](text or ""))
        except (BadCell, UnicodeEncodeError):
            expected.append(None)
    assert repr(list(values)) == repr(expected)
    assert values.bad().rows.tolist() == [row for row, text in enumerate(texts) if text and is_bad(name, text)]


def test_distinct_values_are_exchanged_for_others() -> None:
    encoded = pa.array(["lu", None, "LU", "x", "fr"]).dictionary_encode()
    assert cells.recoded(encoded, ["LU", "LU", None, "FR"]).to_pylist() == ["LU", None, "LU", None, "FR"]
    filled = cells.recoded(encoded, ["LU", "LU", None, "FR"], "LU")
    assert filled.to_pylist() == ["LU", "LU", "LU", None, "FR"]
    assert filled.dictionary.to_pylist() == ["LU", "FR"]


@pytest.mark.parametrize("name", ["raw", "text", "validate_to_none", "lower", "category_or_detail"])
def test_what_takes_any_text_takes_bytes_that_are_none(name: str) -> None:
    table = pa.table({"x": pa.array([b"caf\xe9"], pa.binary())})
    values = convert(table, "x", name)
    assert (list(values), values.reasons[0]) == (["caf\ufffd"], "")


def test_long_cells_are_not_remembered() -> None:
    short, long = b"http://one.example/", b"http://" + b"a" * 300 + b".example/"
    table = pa.table({"url": pa.array([short, long], pa.binary())})
    cells._remembered.cache_clear()
    for _ in range(2):
        assert cells.convert(table, "url", "url").values[0] == short.decode()
    assert cells._remembered.cache_info()[:2] == (1, 1), "the short one, once"


def test_a_column_of_texts_has_each_text_once_whatever_it_was_made_from() -> None:
    column = cells.coded(np.array([3, 0, 1, 2, 3]), ["a", "b", "a", None])
    assert column.to_pylist() == [None, "a", "b", "a", None]
    assert column.dictionary.to_pylist() == ["a", "b"]
