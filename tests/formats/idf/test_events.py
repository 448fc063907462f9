"""Events written, checked and read back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.manifest import Bench
from tests.formats.collected import table_of
from tocsin.engine.convert import CONVERSIONS, KINDS
from tocsin.engine.opening import Source
from tocsin.formats import idf, shadowserver
from tocsin.formats.reading import Tally, events
from tocsin.formats.recognition import Recognition
from tocsin.formats.shadowserver import built_in
from tocsin.kernel import rsit

MOMENT = dt.datetime(2026, 11, 16, 10, 11, 12, tzinfo=dt.UTC)
EVENT = {
    "time.source": MOMENT,
    "source.ip": "2001:db8::1",
    "source.port": 443,
    "source.asn": 64496,
    "source.fqdn": "www.example.com",
    "source.geolocation.cc": "LU",
    "source.tor_node": False,
    "protocol.transport": "tcp",
    "malware.name": "mirai",
    "extra.amplification": 1.5,
    "extra.Odd Column": True,
    "classification.type": "scanner",
}


def test_an_event_is_one_line_with_sorted_keys_and_nothing_empty() -> None:
    line = idf.write({"time.source": MOMENT, "extra.b": "é\n", "extra.a": None, "extra.c": "", "extra.d": 0})
    assert line == '{"extra.b":"é\\n","extra.d":0,"time.source":"2026-11-16T10:11:12+00:00"}'


def test_an_instant_of_another_zone_is_written_in_utc() -> None:
    east = MOMENT.astimezone(dt.timezone(dt.timedelta(hours=11)))
    assert idf.write({"time.source": east}) == idf.write({"time.source": MOMENT})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), MOMENT.replace(tzinfo=None)])
def test_what_json_cannot_carry_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|time zone"):
        idf.write({"extra.a": value})


def test_a_good_event_has_no_problems() -> None:
    assert idf.check(EVENT) == []
    assert idf.check(json.loads(idf.write(EVENT))) == []


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("source.ip", "192.0.2.300", "source.ip: '192.0.2.300' is not an address."),
        ("source.ip", "2001:DB8::1", "source.ip: '2001:DB8::1' should be '2001:db8::1'."),
        ("source.port", "443", "source.port: '443' is not a number."),
        ("source.port", 70000, "source.port: '70000' is not a port (0 to 65535)."),
        ("source.port", True, "source.port: True is not a number."),
        ("source.tor_node", 1, "source.tor_node: 1 is not a truth value."),
        ("malware.name", "Mirai", "malware.name: 'Mirai' should be 'mirai'."),
        ("source.url", "/path", "source.url: '/path' is not a URL with scheme and host."),
        ("source.mood", "x", "source.mood: is not in the dictionary; put it under extra."),
        ("No Key", "x", "No Key: is not a key of an event."),
        ("extra.", "x", "extra.: is not a key of an event."),
        ("extra.a", float("nan"), "extra.a: nan is not a number that JSON knows."),
    ],
)
def test_each_problem_is_named(key: str, value: object, problem: str) -> None:
    assert idf.check({**EVENT, key: value}) == [problem]


def test_an_event_without_time_is_incomplete() -> None:
    assert idf.check({"source.ip": "192.0.2.1"}) == ["time.source is missing."]


def test_every_key_is_of_a_kind_that_can_be_read() -> None:
    assert len(idf.keys()) >= 80
    for key in idf.keys().values():
        assert key.kind in KINDS
        assert key.meaning
        assert idf.is_well_formed(key.name)
    assert idf.kind_of("source.ip") == "ip"
    assert idf.kind_of("extra.ip") == idf.kind_of("nonsense") == ""


def test_events_are_read_back_as_columns_under_their_own_keys() -> None:
    table = table_of(
        idf.read_lines([idf.write(EVENT).encode(), b'{"time.source": "x", "time.source": "y"}', b'{"new": 1}'])
    )
    assert table.columns["source.ip"] == ["2001:db8::1", ""]
    assert table.columns["source.port"] == ["443", ""]
    assert [refused.line for refused in table.refused] == [2]
    mapping = idf.mapping_of(table.columns)
    places = {field.column: field.key for field in mapping.fields}
    assert places["source.ip"] == "source.ip"
    assert places["new"] == "extra.new"
    assert places["extra.amplification"] == "extra.amplification"
    roles = mapping.roles
    assert (roles.time, roles.address, roles.names, roles.port) == ("time.source", "source.ip", ("source.fqdn",), "")
    assert not any(column.startswith("classification") for column in roles.detail)


def test_events_without_address_are_about_a_name(tmp_path: Path) -> None:
    assert idf.mapping_of(["time.source", "source.url"]).roles.account == "source.url"
    cells = [
        {"source.ip": "192.0.2.1", "source.fqdn": "a.example"},
        {"source.fqdn": "B.example."},
        {"source.url": "http://B.example", "malware.name": "Mirai"},
        {"source.ip": "junk", "source.fqdn": "c.example"},
    ]
    path = tmp_path / "2026-11-16-things.jsonl"
    path.write_text("\n".join(json.dumps({"time.source": "2026-11-16", **one}) for one in cells))
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([path]).accepted
    found = bench.observations(report).to_pylist()
    assert [(one["account"], one["detail"]) for one in found] == [
        (None, None),
        ("b.example", None),
        ("http://b.example/", "mirai"),
    ]
    assert [(one["line"], one["column"]) for one in bench.quarantine(report) if one["whole_row"]] == [(4, "source.ip")]
    assert len(bench.state("things")) == 3


def test_an_incident_type_is_one_of_the_taxonomy_whatever_a_file_says(tmp_path: Path) -> None:
    words = ["blacklist", None, " C2-Server", "phishing", "x" * 61, "nul\0", "Ünsinn"]
    lines = [{"time.source": "2026-11-16", "source.ip": f"192.0.2.{at}"} for at in range(len(words))]
    for line, word in zip(lines, words, strict=True):
        line |= {"classification.type": word} if word else {}
    path = tmp_path / "2026-11-16-things.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([path]).accepted
    types = ["blacklist", "undetermined", "c2-server", "phishing", *["undetermined"] * 3]
    assert bench.observations(report)["class"].to_pylist() == ["other", *types[1:]]
    found = list(events(Source(path, path.name), Recognition(shadowserver.mappings()), Tally()))
    assert [event["classification.type"] for event in found] == types
    assert [event["classification.taxonomy"] for event in found] == [rsit.resolve(name).class_name for name in types]
    assert [event.get("extra.classification.type") for event in found] == [*[None] * 4, *words[4:]]
    assert all(idf.check(event) == [] for event in found)


def test_a_class_that_a_file_gives_is_kept_and_one_type_for_all_is_undetermined(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-16-things.jsonl"
    path.write_text('{"time.source": "2026-11-16", "source.ip": "192.0.2.1", "classification.taxonomy": "fraud"}')
    (event,) = events(Source(path, path.name), Recognition(shadowserver.mappings()), Tally())
    assert (event["classification.taxonomy"], event["classification.type"]) == ("fraud", "undetermined")


@given(
    st.dictionaries(
        st.sampled_from(["source.account", "comment", "extra.a", "extra.b c", "status"]),
        st.text(st.characters(codec="utf-8"), min_size=1),
        min_size=1,
    )
)
def test_what_is_written_is_read(event: dict[str, str]) -> None:
    table = table_of(idf.read_lines([idf.write(event).encode()]))
    assert {key: cells[0] for key, cells in table.columns.items()} == event


@given(st.sampled_from(sorted(built_in())), st.data())
def test_whatever_a_mapping_makes_of_a_row_is_a_good_event(name: str, data: st.DataObject) -> None:
    mapping = built_in()[name]
    field = data.draw(st.sampled_from([field for field in mapping.fields if field.key != "time.source"]))
    conversion = CONVERSIONS[field.conversion]
    text = data.draw(st.sampled_from(["0", "80", "192.0.2.1", "High", "Y", "cve-2021-1234", "A.example", "x y", "1.5"]))
    try:
        value = conversion(text, {column: "a.example" for column in conversion.columns})
    except ValueError:
        return
    event = {"time.source": MOMENT} | ({field.key: value} if value is not None else {})
    assert idf.check(event) == []
