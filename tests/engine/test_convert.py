"""The conversions: where they agree with IntelMQ, where they are stricter, and what always holds."""

from __future__ import annotations

import datetime as dt
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine import convert
from tocsin.engine.convert import CONVERSIONS, BadCell, Value


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


NOON = at(2026, 11, 16, 10, 11, 12)

# Facts, observed: the same text gives the same value in IntelMQ 3.5.0 (conversion, then the key's own type).
AGREED: list[tuple[str, str, Value | None]] = [
    ("validate_to_none", "", None),
    ("validate_to_none", "0", None),
    ("validate_to_none", "unknown", None),
    ("validate_to_none", "none", "none"),
    ("validate_to_none", "NULL", "NULL"),
    ("validate_to_none", "0.0", "0.0"),
    ("validate_to_none", "a ", "a "),
    ("validate_to_none", "-", "-"),
    ("validate_to_none", "N/A", "N/A"),
    ("validate_to_none+text", "-", None),
    ("validate_to_none+lower", "N/A", None),
    ("validate_to_none+text", " a ", "a"),
    ("validate_to_none+lower", "MikroTik ", "mikrotik"),
    ("validate_to_none+severity", "High", "high"),
    ("invalidate_zero", "", None),
    ("invalidate_zero", "0", None),
    ("invalidate_zero", "00", None),
    ("invalidate_zero", "64496", 64496),
    ("invalidate_zero", " 5 ", 5),
    ("invalidate_zero+asn", "64496", 64496),
    ("convert_int", "", None),
    ("convert_int", "0", 0),
    ("convert_int", "+5", 5),
    ("convert_int", "-1", -1),
    ("convert_int+port", "65535", 65535),
    ("convert_int+port", "0", 0),
    ("convert_float", "", None),
    ("convert_float", "0", 0.0),
    ("convert_float", "1.50", 1.5),
    ("convert_float", "1e3", 1000.0),
    ("convert_float", " 2.5 ", 2.5),
    ("convert_bool", "", None),
    ("convert_bool", "Y", True),
    ("convert_bool", "yes", True),
    ("convert_bool", "True", True),
    ("convert_bool", "enabled", True),
    ("convert_bool", "1", True),
    ("convert_bool", "N", False),
    ("convert_bool", "no", False),
    ("convert_bool", "FALSE", False),
    ("convert_bool", "disabled", False),
    ("convert_bool", "0", False),
    ("add_UTC_to_timestamp", "2026-11-16 10:11:12", NOON),
    ("add_UTC_to_timestamp", "2026-11-16T10:11:12Z", NOON),
    ("add_UTC_to_timestamp", "2026-11-16 12:11:12+02:00", NOON),
    ("add_UTC_to_timestamp", "2026-11-16  10:11:12", NOON),
    ("add_UTC_to_timestamp", "2026-11-16 10:11", at(2026, 11, 16, 10, 11)),
    ("add_UTC_to_timestamp", "2026-11-16", at(2026, 11, 16)),
    ("add_UTC_to_timestamp", "2026-11-16 10:11:12.5", at(2026, 11, 16, 10, 11, 12, 500_000)),
    ("convert_date", "2026-11-16 10:11:12", NOON),
    ("convert_date", "2026-11-16T10:11:12Z", NOON),
    ("convert_date", "2026-11-16T12:11:12+02:00", NOON),
    ("convert_date", "2026-11-16 10:11:12 UTC", NOON),
    ("convert_date", "2026-11-16", at(2026, 11, 16)),
    ("convert_date", "Mon, 16 Nov 2026 10:11:12 GMT", NOON),
    ("convert_date", "Mon, 16 Nov 2026 10:11:12", NOON),
    ("convert_date", "Mon, 16 Nov 2026 12:11:12 +0200", NOON),
    ("convert_date", "Monday, 16-Nov-26 10:11:12 GMT", NOON),
    ("convert_date", "Mon Nov 16 10:11:12 2026", NOON),
    ("convert_date", "Thu, 01 Jan 1970 00:00:00 GMT", at(1970, 1, 1)),
    ("convert_date_utc", "2026-11-16 10:11:12", NOON),
    ("convert_date_utc", "2026-11-16 10:11:12.456", at(2026, 11, 16, 10, 11, 12, 456_000)),
    ("validate_ip", "", None),
    ("validate_ip", "192.0.2.1", "192.0.2.1"),
    ("validate_ip", " 192.0.2.1 ", "192.0.2.1"),
    ("validate_ip", "2001:DB8:0:0::1", "2001:db8::1"),
    ("validate_ip", "192.0.2.0/24", None),
    ("validate_network", "192.0.2.0/24", "192.0.2.0/24"),
    ("validate_network", "192.0.2.1/24", "192.0.2.0/24"),
    ("validate_network", "2001:DB8::/32", "2001:db8::/32"),
    ("validate_network", "192.0.2.1", None),
    ("validate_fqdn", "", None),
    ("validate_fqdn", "WWW.Example.COM.", "www.example.com"),
    ("validate_fqdn", "bücher.example", "xn--bcher-kva.example"),
    ("validate_fqdn", "_dmarc.a_b.example", "_dmarc.a_b.example"),
    ("validate_fqdn", "localhost", "localhost"),
    ("validate_fqdn", "192.0.2.1", None),
    ("validate_fqdn", "2001:db8::1", None),
    ("extract_cve_from_tag", "", None),
    ("extract_cve_from_tag", "ssl;vpn", None),
    ("extract_cve_from_tag", "cve_2021_1234", None),
    ("extract_cve_from_tag", "xcve-2021-1234x", None),
    ("extract_cve_from_tag", "ssl;cve-2021-1234", "cve-2021-1234"),
    ("extract_cve_from_tag", "cve-2021-1234;cve-2020-999", "cve-2020-999;cve-2021-1234"),
    ("extract_cve_from_tag", "cve-2021-1234;cve-2021-1234", "cve-2021-1234"),
    ("force_base64", "", None),
    ("force_base64", "abc", "YWJj"),
    ("force_base64", "YWJj", "YWJj"),
    ("force_base64", "YWJjZA==", "YWJjZA=="),
    ("force_base64", "GET / HTTP/1.1", "R0VUIC8gSFRUUC8xLjE="),
    ("force_base64", "====", "PT09PQ=="),
    ("scan_exchange_taxonomy", "exchange;cve-2024-21410", "vulnerable"),
    ("scan_exchange_taxonomy", "exchange;webshell", "intrusions"),
    ("scan_exchange_taxonomy", "", "vulnerable"),
    ("scan_exchange_type", "exchange", "vulnerable-system"),
    ("scan_exchange_type", "exchange;webshell", "system-compromise"),
    ("scan_exchange_identifier", "exchange", "vulnerable-exchange-server"),
    ("scan_exchange_identifier", "webshell", "exchange-server-webshell"),
    ("transport", "TCP", "tcp"),
    ("country", "lu", "LU"),
    ("fqdn", "WWW.x.Example.", "www.x.example"),
    ("url", "hxxp://a.example/", "http://a.example/"),
    ("asn", "AS64496", 64496),
]


@pytest.mark.parametrize(("name", "text", "value"), AGREED)
def test_agrees_with_what_users_know(name: str, text: str, value: Value | None) -> None:
    result = CONVERSIONS[name](text)
    assert result == value
    assert type(result) is type(value)


# Where the other tool drops the row, loses the cell in silence or makes nonsense of it.
REFUSED = [
    ("convert_int", "abc"),
    ("convert_int", "1.5"),
    ("convert_int", "1_000"),
    ("convert_int", "0x10"),
    ("convert_int", "TLSv1.2"),
    ("convert_int", "99999999999999999999"),
    ("convert_int", "٣"),
    ("convert_int+port", "65536"),
    ("convert_int+port", "-1"),
    ("invalidate_zero+asn", "4294967296"),
    ("invalidate_zero+asn", "-1"),
    ("convert_float", "nan"),
    ("convert_float", "inf"),
    ("convert_float", "1e999"),
    ("convert_float", "1,5"),
    ("convert_bool", "maybe"),
    ("convert_bool", "2"),
    ("add_UTC_to_timestamp", "abc"),
    ("add_UTC_to_timestamp", "1700000000"),
    ("add_UTC_to_timestamp", "16/11/2026 01:02:03"),
    ("add_UTC_to_timestamp", "2026-11-16 25:02:03"),
    ("add_UTC_to_timestamp", "0001-01-01 00:00:00+14:00"),
    ("convert_date", "abc"),
    ("convert_date", "-1"),
    ("convert_date", "9999-99-99"),
    ("convert_date_utc", "abc"),
    ("validate_ip", "abc"),
    ("validate_ip", "192.0.2.01"),
    ("validate_ip", "3232235777"),
    ("validate_ip", "0.0.0.0"),
    ("validate_ip", "::"),
    ("validate_ip", "fe80::1%eth0"),
    ("validate_ip", "192.0.2.0/33"),
    ("validate_network", "abc"),
    ("validate_network", "192.0.2.0/33"),
    ("validate_fqdn", "a b"),
    ("validate_fqdn", "a..b"),
    ("validate_fqdn", "0"),
    ("validate_fqdn", "http://a.example/"),
    ("validate_fqdn", "a.example,b.example"),
    ("validate_fqdn", "x" * 64 + ".example"),
    ("validate_to_none+severity", "weird"),
    ("validate_to_none+lower_token", "Mirai\x07"),
    ("transport", "tcq"),
    ("country", "LUX"),
    ("url", "/path"),
    ("url", "mailto:a@b.example"),
    ("url", "http:///p"),
    ("url", "http://[::1/p"),
    ("asn", "ASX"),
    ("time", "yesterday"),
    ("time", "20261116"),
    ("convert_http_host_and_url", "/path"),
]


@pytest.mark.parametrize(("name", "text"), REFUSED)
def test_refuses_a_cell_that_is_not_what_it_should_be(name: str, text: str) -> None:
    with pytest.raises(BadCell) as refusal:
        CONVERSIONS[name](text)
    assert repr(text)[:20] in refusal.value.reason


# Where there is a sound value and the other tool finds none.
BETTER: list[tuple[str, str, Value | None]] = [
    ("convert_bool", " true ", True),
    ("convert_bool", "off", False),
    ("extract_cve_from_tag", "CVE-2021-1234, exploited", "cve-2021-1234"),
    ("validate_fqdn", "example.com:8080", "example.com"),
    ("validate_fqdn", "192.0.2.1:80", None),
    ("validate_fqdn", "[2001:db8::1]:80", None),
    ("validate_ip", "::ffff:192.0.2.1", "192.0.2.1"),
    ("convert_date_utc", "2026-11-16T12:11:12+02:00", NOON),
    ("force_base64", "é", "w6k="),
    ("scan_exchange_type", "WebShell", "system-compromise"),
    ("transport", "17", "udp"),
    ("time", "1794823872", NOON),
    ("time", "1794823872000", NOON),
    ("time", "1794823872000000", NOON),
    ("time", "1794823872.5", at(2026, 11, 16, 10, 11, 12, 500_000)),
    ("time", "2026-11-16T10:11:12Z", NOON),
    ("time:%d/%m/%Y %H:%M:%S", "16/11/2026 10:11:12", NOON),
    ("asn", "0", None),
]


@pytest.mark.parametrize(("name", "text", "value"), BETTER)
def test_finds_the_value_that_is_there(name: str, text: str, value: Value | None) -> None:
    assert CONVERSIONS[name](text) == value


SITE = {"http_host": "h.example", "hostname": "rdns.example", "ip": "192.0.2.1", "application": "http"}
URLS = [
    ("/p", SITE, "http://h.example/p"),
    ("/p", SITE | {"application": "https"}, "https://h.example/p"),
    ("/p", SITE | {"http_host": ""}, "http://rdns.example/p"),
    ("/p", {"http_host": "h.example:81"}, "http://h.example:81/p"),
    ("//x", SITE, "http://h.example//x"),
    ("GET /x HTTP/1.1", SITE, "http://h.example/x"),
    ("*", SITE, "http://h.example"),
    ("http://a.example/b", {}, "http://a.example/b"),
    ("", SITE, None),
    # The other tool glues the host before an absolute URL, and drops a path without slash:
    ("http://other.example/x", SITE, "http://other.example/x"),
    ("hxxps://other.example/x", SITE, "https://other.example/x"),
    ("p?q=1", SITE, "http://h.example/p?q=1"),
    ("H.example/p", SITE, "http://h.example/p"),
    ("a.example/b", {}, "http://a.example/b"),
    # …and drops the row when there is a path and no name:
    ("/p", {"dst_ip": "192.0.2.7"}, "http://192.0.2.7/p"),
    ("/p", {"ip": "2001:db8::7"}, "http://[2001:db8::7]/p"),
]


@pytest.mark.parametrize(("text", "row", "value"), URLS)
def test_a_url_is_completed_from_its_row(text: str, row: dict[str, str], value: str | None) -> None:
    assert CONVERSIONS["convert_http_host_and_url"](text, row) == value


@pytest.mark.parametrize(
    ("category", "detail", "value"),
    [("phishing", "d", "phishing"), ("", "d", "d"), ("a", "", "a"), ("", "", None), ("none", "x", "none")],
)
def test_the_detail_stands_in_for_an_empty_category(category: str, detail: str, value: str | None) -> None:
    conversion = CONVERSIONS["category_or_detail"]
    assert conversion.fills_empty
    assert conversion.columns == ("detail",)
    assert conversion(category, {"detail": detail}) == value


def test_a_combination_reads_what_its_first_half_reads() -> None:
    combined = CONVERSIONS["category_or_detail+lower"]
    assert combined("", {"detail": "Shell"}) == "shell"
    assert (combined.columns, combined.fills_empty, combined.output) == (("detail",), True, "text")
    assert CONVERSIONS["convert_int+port"].output == "int"


def test_a_key_gets_what_it_may_hold() -> None:
    assert convert.for_kind("", "") == "raw"
    assert convert.for_kind("", "country") == "country"
    assert convert.for_kind("convert_int", "") == "convert_int"
    assert convert.for_kind("convert_int", "port") == "convert_int+port"
    assert convert.for_kind("validate_ip", "ip") == "validate_ip"


@pytest.mark.parametrize("name", ["nonsense", "nonsense+lower", "text+nonsense", "time:", "time:abc", ""])
def test_an_unknown_name_is_a_key_error(name: str) -> None:
    assert name not in CONVERSIONS
    with pytest.raises(KeyError):
        CONVERSIONS[name]


ALL = sorted(CONVERSIONS)
OUTPUTS = {"text": str, "int": int, "float": float, "bool": bool, "time": dt.datetime}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_an_empty_cell_has_no_value(name: str, empty: str) -> None:
    conversion = CONVERSIONS[name]
    assert conversion(empty) is None or conversion.fills_empty


@pytest.mark.parametrize("name", sorted(convert.KINDS))
@pytest.mark.parametrize("mark", ["-", "N/A", " - "])
def test_a_mark_of_absence_is_no_value_of_any_kind(name: str, mark: str) -> None:
    assert CONVERSIONS[name](mark) is None
    assert CONVERSIONS["raw"](mark) == mark


@given(name=st.sampled_from(ALL), text=st.text())
def test_any_text_gives_a_value_of_the_declared_sort_or_a_bad_cell(name: str, text: str) -> None:
    conversion = CONVERSIONS[name]
    try:
        value = conversion(text, {column: text for column in conversion.columns})
    except BadCell as bad:
        assert bad.reason
        return
    assert value is None or type(value) is OUTPUTS[conversion.output]
    if isinstance(value, dt.datetime):
        assert value.utcoffset() == dt.timedelta(0)
    else:
        json.dumps(value, allow_nan=False)


@given(st.sampled_from(sorted(convert.KINDS)), st.text())
def test_a_canonical_value_stays_what_it_is(name: str, text: str) -> None:
    conversion = CONVERSIONS[name]
    try:
        value = conversion(text)
    except BadCell:
        return
    if isinstance(value, str):
        assert conversion(value) in (value, None)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_of_64_bits_is_read(number: int) -> None:
    assert CONVERSIONS["int"](str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read(number: float) -> None:
    value = CONVERSIONS["float"](repr(number))
    assert isinstance(value, float)
    assert math.isclose(value, number, rel_tol=0)


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_every_iso_time_is_read(moment: dt.datetime) -> None:
    assert CONVERSIONS["add_UTC_to_timestamp"](moment.isoformat()) == moment
    assert CONVERSIONS["time"](moment.isoformat(" ")) == moment


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_every_address_of_a_host_is_read(address: object) -> None:
    text = str(address)
    if text in ("0.0.0.0", "::") or getattr(address, "ipv4_mapped", None):
        return
    assert CONVERSIONS["ip"](text.upper()) == text
