"""Feeds described by a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.collected import table_of
from tocsin.engine.convert import CONVERSIONS
from tocsin.engine.mapping import Field
from tocsin.formats.delimited import read_feed, shipped_feeds
from tocsin.kernel.reference_data import DATA
from tocsin.kernel.refusals import InvalidInput

LAMPS = """
[feed]
name = "lamps"
title = "Lamps of the ministry"
time_format = "%d/%m/%Y %H:%M"

[read]
delimiter = ";"
comment = "#"

[fields]
"time.source" = "seen"
"source.ip" = "address"
"source.port" = "port"
"source.fqdn" = { column = "lamp", conversion = "validate_fqdn" }
"extra.watts" = { column = "watts", conversion = "float" }

[constants]
"classification.type" = "vulnerable-system"
"protocol.application" = "LAMP"

[roles]
port = "port"
detail = ["lamp"]
"""


def test_a_feed_is_read_with_what_it_means() -> None:
    feed = read_feed(LAMPS.encode(), "lamps.toml")
    mapping = feed.mapping
    assert (mapping.type, mapping.title, mapping.origin) == ("lamps", "Lamps of the ministry", "file")
    assert mapping.fields == (
        Field("time.source", "seen", "time:%d/%m/%Y %H:%M"),
        Field("source.ip", "address", "ip"),
        Field("source.port", "port", "port"),
        Field("source.fqdn", "lamp", "validate_fqdn"),
        Field("extra.watts", "watts", "float"),
    )
    assert mapping.constants == (
        ("classification.taxonomy", "vulnerable"),
        ("classification.type", "vulnerable-system"),
        ("protocol.application", "lamp"),
    )
    roles = mapping.roles
    assert (roles.time, roles.address, roles.port, roles.names) == ("seen", "address", "port", ("lamp",))
    assert roles.detail == ("lamp",)


def test_its_records_are_read_as_it_says() -> None:
    feed = read_feed(LAMPS.encode(), "lamps.toml")
    table = table_of(feed.reading.records([b"# lamps\n", b"seen;address;port\n", b"16/11/2026 10:11;192.0.2.1;80\n"]))
    assert table.columns == {"seen": ["16/11/2026 10:11"], "address": ["192.0.2.1"], "port": ["80"]}
    time = CONVERSIONS[feed.mapping.fields[0].conversion](table.columns["seen"][0])
    assert str(time) == "2026-11-16 10:11:00+00:00"


def test_an_incident_type_from_a_column_brings_its_class_and_keeps_an_odd_word() -> None:
    text = '[feed]\nname = "x"\n[fields]\n"source.url" = "u"\n"classification.type" = "kind"'
    fields = read_feed(text.encode(), "x.toml").mapping.fields
    found = {field.key: CONVERSIONS[field.conversion](" Odd") for field in fields if field.column == "kind"}
    assert found == {
        "classification.type": "undetermined",
        "classification.taxonomy": "other",
        "extra.classification.type": " Odd",
    }
    fixed = read_feed(f'{text}\n[constants]\n"classification.taxonomy" = "fraud"'.encode(), "x.toml").mapping
    assert "classification.taxonomy" not in {field.key for field in fixed.fields}
    assert fixed.constant("classification.taxonomy") == "fraud"


def test_accounts_and_details_are_of_the_kind_of_their_key_or_as_the_file_says() -> None:
    assert read_feed(LAMPS.encode(), "lamps.toml").mapping.roles.kinds == (("lamp", "fqdn"),)
    said = f'{LAMPS}account = "mail"\ninstead = ["watts"]\nkinds = {{ mail = "email", lamp = "host" }}\n'
    roles = read_feed(said.encode(), "lamps.toml").mapping.roles
    assert (roles.account, roles.instead, roles.kind("watts")) == ("mail", ("watts",), "")
    assert (roles.kind("mail"), roles.kind("lamp")) == ("email", "host")
    kinds = {name: feed.mapping.roles.kinds for name, feed in shipped_feeds().items() if not feed.mapping.roles.address}
    assert kinds == {
        "list_of_domains": (("fqdn", "fqdn"),),
        "list_of_urls": (("url", "url"),),
        "spamhaus_drop": (("cidr", "network"),),
        "spamhaus_drop_text": (("cidr", "network"),),
        "urlhaus": (("url", "url"),),
    }


@pytest.mark.parametrize(
    ("kinds", "problem"),
    [
        ('{ port = "fqdn" }', r"\[roles\] kinds.port: is no column of account, instead or detail"),
        ('{ lamp = "lamp" }', r"\[roles\] kinds.lamp: 'lamp' is not known; there are email, fqdn"),
        ("3", r"\[roles\] kinds: 3 is not a table"),
    ],
)
def test_a_kind_that_cannot_be_is_refused(kinds: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read_feed(f"{LAMPS}kinds = {kinds}\n".encode(), "lamps.toml")


def test_a_feed_without_class_is_undetermined() -> None:
    text = '[feed]\nname = "x"\n[fields]\n"source.url" = "u"'
    mapping = read_feed(text.encode(), "x.toml").mapping
    assert mapping.constant("classification.type") == "undetermined"
    assert mapping.constant("classification.taxonomy") == "other"
    assert (mapping.roles.time, mapping.roles.account, mapping.roles.urls) == ("", "u", ("u",))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[feed]", "[fead]", "x.toml: There is no table [fead]; there are constants, feed, fields, read, roles."),
        ('name = "lamps"', "", "x.toml, [feed] name: is missing."),
        ('name = "lamps"', "name = 5", "x.toml, [feed] name: 5 is not text."),
        ('name = "lamps"', 'name = "../x"', "is not a name of small letters"),
        ("title =", "titel =", "x.toml, [feed] titel: is not known; there are files, name, severity, shape, time_form"),
        ("time_format", "shape = 'xml'\ntime_format", "[feed] shape: 'xml' is not known; there are delimited, json-l"),
        ("time_format", "severity = 1\ntime_format", "x.toml, [feed] severity: 1 is not a level from 2 to 6."),
        ("time_format", "severity = 'C3'\ntime_format", "x.toml, [feed] severity: 'C3' is not a whole number."),
        ('delimiter = ";"', 'delimiter = ";;"', "x.toml, [read] delimiter: ';;' is not one character."),
        ('comment = "#"', "skip_lines = 'two'", "x.toml, [read] skip_lines: 'two' is not a whole number."),
        ('comment = "#"', "encoding = 'klingon'", "x.toml, [read] encoding: 'klingon' is not known, or"),
        ('comment = "#"', "encoding = 'undefined'", "x.toml, [read] encoding: 'undefined' is not known, or"),
        ('comment = "#"', "encoding = 'utf-16'", "[read] encoding: 'utf-16' is not known, or writes ASCII otherwise"),
        ('comment = "#"', "encoding = 'utf-7'", "[read] encoding: 'utf-7' is not known, or writes ASCII otherwise"),
        ('comment = "#"', 'encoding = "utf\\u0000"', "x.toml, [read] encoding: 'utf\\x00' is not known, or"),
        ('comment = "#"', "columns = ['seen', 'seen']", "x.toml, [read] columns: names 'seen' twice."),
        ('comment = "#"', "columns = ['seen', 'address']", "[fields] source.port: 'port' is none of the columns of [r"),
        ('comment = "#"', "skip_lines = -1", "x.toml, [read] skip_lines: -1 is less than none."),
        ('"%d/%m/%Y %H:%M"', '"%Q"', "x.toml, [feed] time_format: '%Q' is no format of a time; write it like"),
        ('"validate_fqdn"', '"validate_to_none+lower"', "the conversion 'validate_to_none+lower' "),
        ('"classification.type" = "vulnerable-system"', '"classification.taxonomy" = "zz"', "'zz' is not a class of"),
        ("[roles]", "'classification.taxonomy' = 'zzz'\n[roles]", "'zzz' is not the class of vulnerable-system, which"),
        ('comment = "#"', "columns = [1]", "x.toml, [read] columns: is not a list of column names."),
        ('"source.ip"', '"source.address"', "x.toml, [fields] source.address: is not a key of an event; put it under"),
        ('"source.ip" = "address"', '"source.ip" = ""', "x.toml, [fields] source.ip: names no column."),
        ('"source.ip" = "address"', '"source.ip" = 5', "x.toml, [fields] source.ip: is neither a column nor"),
        ('"source.ip" = "address"', '"source.ip" = {}', "x.toml, [fields] source.ip.column: is missing."),
        ('conversion = "float"', 'conversion = "watt"', "[fields] extra.watts: the conversion 'watt' is not known"),
        ('"vulnerable-system"', '"broken"', "[constants] classification.type: 'broken' is not a type of the taxonomy"),
        ('"LAMP"', "5", "x.toml, [constants] protocol.application: 5 is not text."),
        ('"LAMP"', '"\\u00e9"', "x.toml, [constants] protocol.application: 'é' is not printable ASCII."),
        ("[roles]", "[roles]\ncolour = 'x'", "x.toml, [roles] colour: is not known; there are account, address"),
        ('detail = ["lamp"]', 'detail = "lamp"', "x.toml, [roles] detail: 'lamp' is not a list."),
        ('port = "port"\ndetail', "address = ''\ndetail", "[roles] address: no column says which asset a row is about"),
        ("[feed]", "[feed", "x.toml: is not TOML: "),
    ],
)
def test_a_mistake_is_named_with_file_table_and_key(old: str, new: str, sentence: str) -> None:
    assert old in LAMPS
    with pytest.raises(InvalidInput) as refused:
        read_feed(LAMPS.replace(old, new, 1).encode(), "x.toml")
    assert sentence in str(refused.value)


def test_all_mistakes_are_named_at_once_and_none_that_only_follows_from_another() -> None:
    changes = {
        'name = "lamps"': "name = 5",
        "title =": "titel =",
        'delimiter = ";"': 'delimiter = ";;"',
        '"source.ip" = "address"': '"source.ip" = 5',
        '"LAMP"': "5",
        "[roles]": "[rolls]",
    }
    text = LAMPS
    for old, new in changes.items():
        text = text.replace(old, new, 1)
    with pytest.raises(InvalidInput) as refused:
        read_feed(text.encode(), "x.toml")
    found = [said.partition(": ")[0] for said in str(refused.value).split("x.toml")[1:]]
    places = [
        "[feed] titel",
        "[feed] name",
        "[fields] source.ip",
        "[constants] protocol.application",
        "[read] delimiter",
    ]
    assert found == ["", *(f", {place}" for place in places)]
    assert "no column says which asset" not in str(refused.value), "the address is there, written wrongly"


def test_a_feed_says_how_bad_its_findings_are() -> None:
    assert read_feed(LAMPS.encode(), "x.toml").mapping.severity == 5
    assert read_feed(LAMPS.replace("title =", "severity = 3\ntitle =").encode(), "x.toml").mapping.severity == 3


@pytest.mark.parametrize("data", [b"", b"\xff", b"[feed]\nname = 'x'", b" " * (2**20 + 1)], ids=range(4))
def test_a_file_that_describes_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"x\.toml"):
        read_feed(data, "x.toml")


@given(st.text(max_size=40), st.sampled_from(LAMPS.splitlines()))
def test_no_change_of_a_line_makes_it_fail_otherwise(text: str, line: str) -> None:
    try:
        feed = read_feed(LAMPS.replace(line, text).encode(), "x.toml")
    except InvalidInput:
        return
    assert feed.mapping.fields


SHIPPED = shipped_feeds()


def test_the_shipped_feeds_are_named_like_their_files() -> None:
    assert SHIPPED.keys() == {path.stem for path in (DATA / "feeds").glob("*.toml")}
    assert SHIPPED.keys() >= {"urlhaus", "feodo", "spamhaus_drop", "spamhaus_drop_text", "list_of_addresses"}


@pytest.mark.parametrize(
    ("name", "lines", "column", "cells"),
    [
        (
            "urlhaus",
            [b"#####", b"# id,dateadded,url,url_status", b'"1","2026-11-16 10:11:12","http://a.example/,b","online"'],
            "url",
            ["http://a.example/,b"],
        ),
        (
            "feodo",
            [b"# List", b'"first_seen_utc","dst_ip","dst_port"', b'"2026-11-16 10:11:12","192.0.2.1","443"', b"# END"],
            "dst_ip",
            ["192.0.2.1"],
        ),
        (
            "spamhaus_drop",
            [b'{"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"ripencc"}', b'{"type":"metadata","size":1}'],
            "cidr",
            ["192.0.2.0/24", ""],
        ),
        ("spamhaus_drop_text", [b"; DROP", b"192.0.2.0/24 ; SBL1"], "cidr", ["192.0.2.0/24"]),
        ("list_of_addresses", [b"# bad", b"192.0.2.1", b"", b"2001:db8::1"], "ip", ["192.0.2.1", "2001:db8::1"]),
        ("list_of_domains", [b"a.example"], "fqdn", ["a.example"]),
        ("list_of_urls", [b"http://a.example/,x"], "url", ["http://a.example/,x"]),
    ],
)
def test_a_shipped_feed_reads_its_publishers_format(
    name: str, lines: list[bytes], column: str, cells: list[str]
) -> None:
    feed = SHIPPED[name]
    table = table_of(feed.reading.records(lines))
    assert table.columns[column] == cells
    assert table.refused == []
    assert column in {feed.mapping.roles.address, feed.mapping.roles.account}
    conversion = next(field.conversion for field in feed.mapping.fields if field.column == column)
    assert CONVERSIONS[conversion](cells[0]) == cells[0]
