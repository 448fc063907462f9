"""From records to events: the row is kept, the cell quarantined, and every record is accounted for."""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.reports import COLUMNS, ORDINARY, as_csv, batch_of, mapping_of, normalised, row
from tocsin.engine import addresses
from tocsin.engine.mapping import Field, Mapping, Roles
from tocsin.engine.normalise import EVENT_COLUMNS, RAW, Normalised, as_records, normalise
from tocsin.engine.resync import Resynchroniser
from tocsin.kernel.severity import Severity

SIX = dt.datetime(2026, 11, 16, 6, tzinfo=dt.UTC)


def events(result: Normalised) -> list[dict[str, Any]]:
    return result.events.to_pylist()


def quarantined(result: Normalised) -> list[tuple[int, str, str, bytes, bool]]:
    return [
        (one["line"], one["column"], one["reason"], one["raw"], one["whole_row"])
        for one in result.quarantine.to_pylist()
    ]


def test_a_row_becomes_an_event_beside_its_cells() -> None:
    result = normalised([row(hostname="gw.port.example")])
    (event,) = events(result)
    assert quarantined(result) == []
    assert {name: event[name] for name in EVENT_COLUMNS if name not in ("k1", "k2")} == {
        "line": 2,
        "time": SIX,
        "ip_high": 0,
        "ip_low": addresses.of("192.0.2.1")[1],
        "account": None,
        "port": 3389,
        "protocol": "tcp",
        "detail": None,
        "name": None,
        "asn": 64496,
        "country": "XM",
        "identifier": "open-rdp",
        "class": "vulnerable-system",
        "severity": Severity.C5,
    }
    assert {name: event[RAW + name] for name in COLUMNS} == {
        name: ORDINARY[name].encode() if name in ORDINARY else {"hostname": b"gw.port.example"}.get(name)
        for name in COLUMNS
    }


def test_the_columns_of_events_have_the_declared_types() -> None:
    for rows in ([], [row()], [row(), row(port="x", asn="", protocol="")]):
        schema = normalised(rows).events.schema
        assert {name: schema.field(name).type for name in EVENT_COLUMNS} == EVENT_COLUMNS


def test_a_bad_optional_cell_keeps_its_row() -> None:
    result = normalised([row(), row(ip="192.0.2.2", port="99999", asn="TLSv1.2", geo="XMX"), row(cert_length="long")])
    assert [event["port"] for event in events(result)] == [3389, None, 3389]
    assert [event["asn"] for event in events(result)] == [64496, None, 64496]
    assert sorted(quarantined(result)) == [
        (3, "asn", "'TLSv1.2' is not a whole number", b"TLSv1.2", False),
        (3, "geo", "'XMX' is not a country code of two letters", b"XMX", False),
        (3, "port", "'99999' is not a port (0 to 65535)", b"99999", False),
        (4, "cert_length", "'long' is not a whole number", b"long", False),
    ]
    assert (result.rows_quarantined, result.cells_quarantined) == (0, 4)


def test_a_row_without_time_or_asset_is_quarantined_whole() -> None:
    rows = [
        row(),
        row(timestamp=""),
        row(timestamp="yesterday"),
        row(ip=""),
        row(ip="somewhere"),
        row(ip="0.0.0.0"),
        row(timestamp="", ip=""),
    ]
    result = normalised(rows)
    assert result.events.num_rows == 1
    assert [(line, column, reason) for line, column, reason, *_ in quarantined(result)] == [
        (3, "timestamp", "there is no time"),
        (4, "timestamp", "'yesterday' is not a time like 2026-11-16 01:02:03"),
        (5, "ip", "there is no asset"),
        (6, "ip", "'somewhere' is not an address"),
        (7, "ip", "'0.0.0.0' is not the address of a host"),
        (8, "timestamp", "there is no time"),
    ]
    raws = [raw for *_, raw, whole in quarantined(result) if whole]
    again = [next(csv.reader([raw.decode()])) for raw in raws]
    assert again == [[cells.get(column, "") for column in COLUMNS] for cells in rows[1:]]


def test_a_quarantined_row_has_no_quarantined_cells_beside() -> None:
    result = normalised([row(ip="", port="x", asn="y")])
    assert [column for _, column, *_ in quarantined(result)] == ["ip"]
    assert (result.rows_quarantined, result.cells_quarantined) == (1, 0)


def test_records_that_could_not_be_read_are_quarantined_with_the_rest() -> None:
    data = as_csv([row()]) + b"too,short\n" + as_csv([row(), row(port="x")]).split(b"\n", 1)[1]
    result = normalise(batch_of(data), mapping_of("scan_rdp"))
    assert [(line, column, whole) for line, column, _, _, whole in sorted(quarantined(result))] == [
        (3, "", True),
        (5, "port", False),
    ]
    assert result.events["line"].to_pylist() == [2, 4, 5]
    assert result.rows_quarantined == 1


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-16 06:00:00", SIX),
        ("2026-11-16T06:00:00Z", SIX),
        ("2026-11-16T08:00:00+02:00", SIX),
        ("2026-11-16 06:00:00.250", SIX.replace(microsecond=250_000)),
        ("2026-11-16", SIX.replace(hour=0)),
        ("0001-01-01 00:00:00", dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
        ("9999-12-31 23:59:59", dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)),
    ],
)
def test_times_are_read_as_utc_whatever_stands_beside(text: str, at: dt.datetime) -> None:
    for rows in (
        [row(timestamp=text)],
        [row(timestamp=text), row(timestamp="x"), row(timestamp="2026-11-16T06:00:00Z")],
    ):
        assert events(normalised(rows))[0]["time"] == at


def test_a_year_that_python_does_not_know_costs_its_row_only() -> None:
    result = normalised([row(timestamp="0000-05-05 00:00:00"), row()])
    assert [line for line, *_ in quarantined(result)] == [2]
    assert result.events.num_rows == 1


def own(**changes: Any) -> Mapping:
    """Return a mapping such as an operator writes."""
    fields = {
        "type": "own",
        "title": "Own",
        "fields": (Field("time.source", "when", "time:%d/%m/%Y"), Field("source.ip", "who", "ip")),
        "constants": (("classification.type", "scanner"), ("classification.identifier", "own")),
        "roles": Roles(time="when", address="who"),
        "origin": "file",
        "severity": Severity.C3,
    }
    return Mapping(**{**fields, **changes})


def test_a_format_of_its_own_is_obeyed_even_where_text_looks_like_iso() -> None:
    mapping = own(fields=(Field("time.source", "when", "time:%Y-%d-%m"),))
    result = normalise(batch_of(b"when,who\n2026-02-03,192.0.2.1\n"), mapping)
    assert events(result)[0]["time"] == dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    refused = normalise(batch_of(b"when,who\n2026-02-03,192.0.2.1\n"), own())
    assert (refused.rows_quarantined, refused.events.num_rows) == (1, 0)


def test_a_type_without_address_knows_an_account() -> None:
    result = normalised(
        [{"timestamp": "2026-11-16", "email": "a@port.example"}, {"timestamp": "2026-11-16", "email": ""}],
        "compromised_account",
        ("timestamp", "email"),
    )
    (event,) = events(result)
    assert (event["account"], event["ip_high"], event["ip_low"], event["name"]) == (
        "a@port.example",
        None,
        None,
        "a@port.example",
    )
    assert quarantined(result)[0][:3] == (3, "email", "there is no asset")


def test_the_first_name_that_is_there_is_the_own_name() -> None:
    columns = ("timestamp", "ip", "port", "http_host", "url")
    result = normalised(
        [row(http_host="a.example", url="http://b.example/"), row(url="http://b.example/"), row()],
        "compromised_website",
        columns,
    )
    assert [event["name"] for event in events(result)] == ["a.example", "http://b.example/", None]


def test_reverse_dns_is_no_own_name() -> None:
    assert events(normalised([row(hostname="gw.port.example")]))[0]["name"] is None


def test_the_reports_severity_stands_where_there_is_one() -> None:
    mapping = own(roles=Roles(time="when", address="who", severity="level"))
    data = b"when,who,level\n" + b"".join(
        b"01/02/2026,192.0.2.1,%b\n" % word for word in (b"critical", b"High", b"", b"odd", b"info")
    )
    result = normalise(batch_of(data), mapping)
    assert [event["severity"] for event in events(result)] == [2, 3, Severity.C3, Severity.C3, 6]


def test_a_classification_may_come_from_a_column() -> None:
    mapping = own(fields=(*own().fields, Field("classification.type", "kind", "validate_to_none+lower")))
    data = b"when,who,kind\n01/02/2026,192.0.2.1,Phishing\n01/02/2026,192.0.2.1,\n"
    assert [event["class"] for event in events(normalise(batch_of(data), mapping))] == ["phishing", "scanner"]


def test_a_class_is_a_type_of_the_taxonomy_whatever_a_mapping_says() -> None:
    data = b"when,who\n01/02/2026,192.0.2.1\n"
    for said, kept in {"blacklist": "other", "Odd": "undetermined", "": "undetermined", "scanner": "scanner"}.items():
        result = normalise(batch_of(data), own(constants=(("classification.type", said),)))
        assert [event["class"] for event in events(result)] == [kept]
    mapping = own(constants=(), fields=(*own().fields, Field("classification.type", "kind", "raw")))
    data = b"when,who,kind\n" + b"".join(
        b"01/02/2026,192.0.2.1,%b\n" % cell for cell in (b"tor", b"", b"x" * 99, b"\xff")
    )
    found = [event["class"] for event in events(normalise(batch_of(data), mapping))]
    assert found == ["other", *["undetermined"] * 3]


def test_details_are_joined() -> None:
    mapping = own(roles=Roles(time="when", address="who", detail=("a", "b")))
    data = b"when,who,a,b\n01/02/2026,192.0.2.1,x,y\n01/02/2026,192.0.2.1,x,\n01/02/2026,192.0.2.1,,\n"
    data += b"01/02/2026,192.0.2.1,z,w\n"
    found = events(normalise(batch_of(data), mapping))
    assert found[0]["detail"] == "x y"
    assert found[1]["detail"] == "x"
    assert found[2]["detail"] is None
    assert found[3]["detail"] == "z w"
    assert len({(one["k1"], one["k2"]) for one in found}) == 4


def test_details_that_read_alike_stay_apart() -> None:
    mapping = own(roles=Roles(time="when", address="who", detail=("a", "b")))
    pairs = [("x y", "z"), ("x", "y z"), ("x", ""), ("", "x"), ("", "")]
    data = as_csv(
        [{"when": "01/02/2026", "who": "192.0.2.1", "a": a, "b": b} for a, b in pairs], ("when", "who", "a", "b")
    )
    found = events(normalise(batch_of(data), mapping))
    assert len({(one["k1"], one["k2"]) for one in found}) == len(pairs)
    without = normalise(batch_of(b"when,who,a\n01/02/2026,192.0.2.1,x\n"), mapping)
    assert events(without)[0]["k1"] == found[2]["k1"]


def test_a_website_is_one_however_its_name_is_written() -> None:
    columns = ("timestamp", "ip", "port", "http_host")
    names = ["www.port.example", "WWW.Port.example", " www.port.example. ", "www.port.example:80"]
    others = ["192.0.2.1", "a b", "\udce9", "\udce8", ""]
    found = events(normalised([row(http_host=name) for name in names + others], "compromised_website", columns))
    assert {one["detail"] for one in found[:4]} == {"www.port.example"}
    assert len({one["k1"] for one in found}) == 1 + len(others)
    assert [one["detail"] for one in found[4:]] == ["192.0.2.1", "a b", "\\xe9", "\\xe8", None]


def test_what_is_no_account_is_set_aside() -> None:
    rows = [{"timestamp": "2026-11-16", "email": text} for text in ("A@Port.example", "a@port.example", "junk", "N/A")]
    result = normalised(rows, "compromised_account", ("timestamp", "email"))
    assert [event["account"] for event in events(result)] == ["a@port.example"] * 2
    assert len({event["k1"] for event in events(result)}) == 1
    assert [one[:3] for one in quarantined(result)] == [
        (4, "email", "'junk' is not a mail address"),
        (5, "email", "there is no asset"),
    ]


def test_an_account_stands_for_the_asset_where_the_address_is_empty() -> None:
    mapping = own(roles=Roles(time="when", address="who", account="name", instead=("link",), kinds=(("link", "url"),)))
    data = b"when,who,name,link\n" + b"".join(
        b"01/02/2026,%b\n" % cells
        for cells in (b"192.0.2.1,a,", b",a,http://b.example", b",,http://B.example", b"x,a,", b",,junk", b"-,-,")
    )
    result = normalise(batch_of(data), mapping)
    assert [(event["line"], event["account"], event["ip_low"] is None) for event in events(result)] == [
        (2, None, False),
        (3, "a", True),
        (4, "http://b.example/", True),
    ]
    assert [one[:3] for one in quarantined(result)] == [
        (5, "who", "'x' is not an address"),
        (6, "link", "'junk' is not a URL with scheme and host"),
        (7, "who", "there is no asset"),
    ]
    alone = normalise(batch_of(b"when,name\n01/02/2026,a\n"), mapping)
    assert events(alone)[0]["k1"] == events(result)[1]["k1"]


def test_countries_and_protocols_have_one_form_and_bad_ones_are_none() -> None:
    rows = [
        row(geo="lu", protocol="6"),
        row(geo="LU ", protocol="TCP"),
        row(geo="Luxembourg", protocol="junk"),
        row(geo="N/A", protocol="-"),
    ]
    result = normalised(rows)
    assert [(event["country"], event["protocol"]) for event in events(result)] == [
        ("LU", "tcp"),
        ("LU", "tcp"),
        (None, None),
        (None, None),
    ]
    assert len({event["k1"] for event in events(result)}) == 2
    assert sorted(one[:2] for one in quarantined(result)) == [(4, "geo"), (4, "protocol")]


@pytest.mark.parametrize("cell", ["", "N/A", "-", "192.0.2.1"])
def test_a_cell_without_a_name_does_not_hide_that_of_the_url(cell: str) -> None:
    columns = ("timestamp", "ip", "port", "http_host", "url")
    (event,) = events(normalised([row(http_host=cell, url="http://b.example/")], "compromised_website", columns))
    assert event["name"] == "http://b.example/"
    (alone,) = events(normalised([row(http_host=cell)], "compromised_website", columns))
    assert alone["name"] == (cell or None)


LISTED = ("timestamp", "ip", "source", "reason", "asn")


def test_a_whole_network_in_a_column_of_both_is_the_asset_of_its_row() -> None:
    cells = ["192.0.2.1", "198.51.100.88/29", " 198.51.100.90/29 ", "2001:DB8::/48", "192.0.2.1/32", "2001:db8::7/128"]
    result = normalised([row(ip=cell) for cell in cells], "blocklist", LISTED)
    assert quarantined(result) == []
    found = events(result)
    assert [(event["account"], event["ip_high"], event["ip_low"]) for event in found] == [
        (None, *addresses.of("192.0.2.1")),
        ("198.51.100.88/29", None, None),
        ("198.51.100.88/29", None, None),
        ("2001:db8::/48", None, None),
        (None, *addresses.of("192.0.2.1")),
        (None, *addresses.of("2001:db8::7")),
    ]
    keys = [(event["k1"], event["k2"]) for event in found]
    assert len(set(keys)) == 4 and keys[0] == keys[4] and keys[1] == keys[2]
    alone = events(normalised([row(ip=cells[0])], "blocklist", LISTED))
    assert (alone[0]["k1"], alone[0]["k2"]) == keys[0], "networks beside it change nothing of an address"


@pytest.mark.parametrize(
    "cell", ["198.51.100.0/33", "198.51.100.0/", "/24", "0.0.0.0/32", "198.51.100.1-198.51.100.9", "a/24", "0.0.0.0"]
)
def test_what_is_neither_address_nor_network_is_no_asset(cell: str) -> None:
    result = normalised([row(), row(ip=cell), row(ip="198.51.100.0/24")], "blocklist", LISTED)
    assert [(line, column) for line, column, *_ in quarantined(result)] == [(3, "ip")]
    assert [event["account"] for event in events(result)] == [None, "198.51.100.0/24"]


def test_where_no_mapping_speaks_of_networks_one_is_no_address() -> None:
    result = normalised([row(ip="198.51.100.0/24"), row()])
    assert [one[2] for one in quarantined(result)] == ["'198.51.100.0/24' is not an address"]


def test_a_mapping_file_may_speak_of_networks_too() -> None:
    fields = (Field("source.ip", "ip", "validate_ip"), Field("source.network", "ip", "validate_network"))
    roles = Roles(time="timestamp", address="ip", account="host", kinds=(("host", "fqdn"),))
    mapping = Mapping("list", "List", fields, (), roles, "file")
    rows = [row(ip="198.51.100.0/24"), row(host="A.example"), row(ip="", host="A.example"), row(ip="198.51.100.0/x")]
    result = normalise(batch_of(as_csv(rows, ("timestamp", "ip", "host"))), mapping)
    assert [event["account"] for event in events(result)] == ["198.51.100.0/24", None, "a.example"]
    assert [(one[0], one[1]) for one in quarantined(result)] == [(5, "ip")]


@given(
    st.lists(
        st.one_of(
            st.ip_addresses().map(str),
            st.ip_addresses(network="192.0.2.0/24").map(str),
            st.tuples(st.ip_addresses(), st.integers(0, 140)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
            st.sampled_from(["", "-", "x", "1/2", "::/0"]),
        ),
        max_size=12,
    )
)
def test_assets_of_a_column_of_both_are_those_of_a_naive_reading(cells: list[str]) -> None:
    result = normalised([row(ip=cell) for cell in cells], "blocklist", LISTED)
    expected: list[tuple[str | None, tuple[int, int] | None]] = []
    for cell in cells:
        try:
            network = ipaddress.ip_network(cell, strict=False)
        except ValueError:
            continue
        host = network.network_address
        if network.prefixlen < network.max_prefixlen:
            expected.append((str(network), None))
        elif not host.is_unspecified and host != ipaddress.ip_address("::ffff:0:0"):
            expected.append((None, addresses.of(host)))
    assert [
        (event["account"], None if event["ip_low"] is None else (event["ip_high"], event["ip_low"]))
        for event in events(result)
    ] == expected
    assert len(expected) + result.rows_quarantined == len(cells)


def test_spaces_around_an_address_cost_no_row() -> None:
    result = normalised([row(), row(ip=" 192.0.2.2"), row(ip="2001:db8::1 "), row(ip=" x")])
    assert [event["ip_low"] for event in events(result)] == [
        addresses.of(text)[1] for text in ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    ]
    assert [one[:2] for one in quarantined(result)] == [(5, "ip")]


def test_roles_whose_columns_are_missing_are_left_out() -> None:
    result = normalised([{"timestamp": "2026-11-16", "ip": "192.0.2.1"}], columns=("timestamp", "ip"))
    (event,) = events(result)
    assert (event["port"], event["protocol"], event["asn"], event["country"]) == (None, None, None, None)


def test_unknown_columns_are_kept() -> None:
    result = normalised([row(surprise="kept")], columns=(*COLUMNS, "surprise"))
    assert events(result)[0]["c.surprise"] == b"kept"


def test_text_that_is_not_utf8_is_kept_and_shown() -> None:
    data = as_csv([row(protocol="\udcff", hostname="\udcfd", tag="\udcfe")])
    result = normalise(batch_of(data), mapping_of("scan_rdp"))
    (event,) = events(result)
    assert (event["protocol"], event["c.protocol"], event["c.tag"]) == (None, b"\xff", b"\xfe")
    assert ("hostname", "the text is not UTF-8", b"\xfd") in [one[1:4] for one in quarantined(result)]


def test_hexadecimal_ports_and_systems_are_bad_cells() -> None:
    result = normalised([row(port="0x50", asn="0x10")])
    assert [(event["port"], event["asn"]) for event in events(result)] == [(None, None)]
    assert {column for _, column, *_ in quarantined(result)} == {"port", "asn"}


CELLS = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from(["2026-11-16 06:00:00", "2026-11-16T06:00:00Z", "", "x", "0000-01-01"]),
        "ip": st.sampled_from(["192.0.2.1", "2001:db8::1", "", "x", "1.2.3", "::"]),
        "port": st.sampled_from(["1", "", "x", "70000", "0x1", "-1"]),
        "asn": st.sampled_from(["64496", "0", "AS1", "", "x"]),
        "protocol": st.sampled_from(["tcp", "UDP", "", "x"]),
        "geo": st.sampled_from(["XM", "", "XXX"]),
        "tag": st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=5),
    }
)


@given(st.lists(CELLS, max_size=12))
def test_every_record_is_either_kept_or_quarantined(rows: list[dict[str, str]]) -> None:
    result = normalised(rows)
    whole = [line for line, *_, is_row in quarantined(result) if is_row]
    assert result.rows_quarantined == len(whole)
    assert result.cells_quarantined == result.quarantine.num_rows - len(whole)
    assert len(result.events["line"]) + len(whole) == len(rows)
    assert not set(result.events["line"].to_pylist()) & set(whole)


@given(st.lists(CELLS, min_size=1, max_size=8))
def test_what_a_row_means_does_not_depend_on_the_rows_beside(rows: list[dict[str, str]]) -> None:
    together = {event["line"]: event for event in events(normalised(rows))}
    for number, one in enumerate(rows, 2):
        alone = events(normalised([one]))
        assert (number in together) == bool(alone)
        if alone:
            assert {**alone[0], "line": number} == together[number]


@given(st.lists(st.lists(st.binary(max_size=8) | st.none(), min_size=3, max_size=3), min_size=1, max_size=4))
def test_rows_are_written_down_so_that_they_can_be_read_again(rows: list[list[bytes | None]]) -> None:
    columns = [pa.array([cell or None for cell in column], pa.binary()) for column in zip(*rows, strict=True)]
    for width in (1, 3):
        table = pa.table(columns[:width], names=list("abc")[:width])
        for text, cells in zip(as_records(table).to_pylist(), rows, strict=True):
            assert text == b",".join(b'"' + (cell or b"").replace(b'"', b'""') + b'"' for cell in cells[:width])
            assert Resynchroniser(width).cells(text) == [cell or b"" for cell in cells[:width]]
