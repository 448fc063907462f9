"""The publisher's schema: what it means, and that nothing in it is trusted."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine.convert import CONVERSIONS
from tocsin.engine.mapping import Field
from tocsin.formats.shadowserver import Schema, built_in, read_schema, read_schema_files
from tocsin.formats.shadowserver.schema import MAX_BYTES
from tocsin.kernel.refusals import InvalidInput

GOOD: dict[str, Any] = {
    "_meta": {"date_created": "2026-01-02T03:04:05Z"},
    "event_lamp": {
        "feed_name": "Lamp-Events IPv4",
        "file_name": "event4_lamp",
        "constant_fields": {"classification.type": "infected-system", "protocol.application": "LAMP"},
        "required_fields": [
            ["time.source", "timestamp", "add_UTC_to_timestamp"],
            ["source.ip", "src_ip", "validate_ip"],
        ],
        "optional_fields": [
            ["source.port", "src_port", "convert_int"],
            ["source.geolocation.cc", "src_geo"],
            ["malware.name", "infection", "validate_to_none"],
            ["extra.", "watts", "convert_float"],
            ["extra.", "note"],
            ["extra.shade", "colour", "validate_to_none"],
            ["destination.url", "http_url", "convert_http_host_and_url", True],
        ],
    },
}
COLUMNS: dict[str, Any] = {
    "event4_lamp": {
        "name": "Lamp-Events IPv4",
        "fields": [
            "timestamp",
            "src_ip",
            "src_port",
            "src_geo",
            "src_asn",
            "infection",
            "watts",
            "note",
            "colour",
            "http_url",
        ],
    }
}


def as_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def changed(change: Any) -> bytes:
    entries = copy.deepcopy(GOOD)
    change(entries["event_lamp"])
    return as_bytes(entries)


def refusal(meaning: bytes, columns: bytes = b"") -> str:
    with pytest.raises(InvalidInput) as refused:
        read_schema(meaning, columns)
    return str(refused.value)


def test_a_type_is_read_with_its_fields_constants_and_roles() -> None:
    schema = read_schema(as_bytes(GOOD), as_bytes(COLUMNS))
    mapping = schema.mappings["event4_lamp"]
    assert mapping.title == "Lamp-Events IPv4"
    assert mapping.origin == "published"
    assert mapping.fields == (
        Field("time.source", "timestamp", "add_UTC_to_timestamp"),
        Field("source.ip", "src_ip", "validate_ip"),
        Field("source.port", "src_port", "convert_int+port"),
        Field("source.geolocation.cc", "src_geo", "country"),
        Field("malware.name", "infection", "validate_to_none+lower_token"),
        Field("extra.watts", "watts", "convert_float"),
        Field("extra.note", "note", "raw"),
        Field("extra.shade", "colour", "validate_to_none"),
        Field("destination.url", "http_url", "convert_http_host_and_url"),
    )
    assert mapping.constants == (
        ("classification.taxonomy", "malicious-code"),
        ("classification.type", "infected-system"),
        ("protocol.application", "lamp"),
    )
    assert (mapping.roles.address, mapping.roles.asn, mapping.roles.port) == ("src_ip", "src_asn", "")
    assert mapping.roles.detail == ("infection",)
    assert mapping.columns == tuple(COLUMNS["event4_lamp"]["fields"])
    assert schema.published_at == "2026-01-02T03:04:05Z"
    assert schema.problems == ()


def test_a_type_is_found_by_its_key_and_by_the_name_in_file_names() -> None:
    schema = read_schema(as_bytes(GOOD))
    assert schema.find("event_lamp") is schema.find("event4_lamp") is schema.mappings["event4_lamp"]
    assert schema.find("event4_torch") is None


def test_without_the_columns_file_a_type_has_the_columns_that_are_mapped() -> None:
    mapping = read_schema(as_bytes(GOOD)).mappings["event4_lamp"]
    assert mapping.columns == tuple(field.column for field in mapping.fields)


def test_files_are_told_apart_by_what_they_hold() -> None:
    schema = read_schema_files({"b.json": as_bytes(COLUMNS), "a.json": as_bytes(GOOD)})
    assert "src_asn" in schema.mappings["event4_lamp"].columns
    with pytest.raises(InvalidInput, match=r"b\.json and c\.json are both a reports\.json"):
        read_schema_files({"b.json": as_bytes(COLUMNS), "c.json": as_bytes(COLUMNS)})
    with pytest.raises(InvalidInput, match="is missing"):
        read_schema_files({"b.json": as_bytes(COLUMNS)})


def test_an_unknown_conversion_keeps_the_cell_as_text_and_is_reported() -> None:
    def change(entry: dict[str, Any]) -> None:
        entry["optional_fields"] += [["extra.", "age", "convert_aeons"], ["source.account", "who", "convert_soul"]]

    schema = read_schema(changed(change))
    assert schema.mappings["event4_lamp"].fields[-2:] == (
        Field("extra.age", "age", "raw"),
        Field("source.account", "who", "text"),
    )
    assert schema.problems == (
        "intelmq.json, event_lamp, optional_fields 8: the conversion 'convert_aeons' is not known;"
        " the cell is kept as text.",
        "intelmq.json, event_lamp, optional_fields 9: the conversion 'convert_soul' is not known;"
        " the cell is kept as text.",
    )


def test_a_key_that_is_not_in_the_dictionary_is_kept_and_reported() -> None:
    schema = read_schema(changed(lambda entry: entry["optional_fields"].append(["source.mood", "mood"])))
    assert schema.mappings["event4_lamp"].fields[-1] == Field("source.mood", "mood", "raw")
    assert "the key source.mood is not known" in schema.problems[0]


def test_a_key_that_is_mapped_twice_keeps_the_first() -> None:
    schema = read_schema(changed(lambda entry: entry["optional_fields"].append(["extra.", "note", "convert_int"])))
    notes = [field for field in schema.mappings["event4_lamp"].fields if field.key == "extra.note"]
    assert notes == [Field("extra.note", "note", "raw")]


def test_a_constant_stands_for_the_cell_of_the_same_key() -> None:
    def change(entry: dict[str, Any]) -> None:
        entry["optional_fields"].append(["protocol.application", "application"])

    mapping = read_schema(changed(change)).mappings["event4_lamp"]
    assert mapping.constant("protocol.application") == "lamp"
    assert "protocol.application" not in {field.key for field in mapping.fields}


BROKEN = {
    "no JSON": (b"{", "intelmq.json: is not JSON"),
    "not text": (b"\xffx", "not UTF-8"),
    "a list": (b"[]", "is not a JSON object"),
    "nothing": (b"{}", "describes no report type"),
    "twice": (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
    "not a number": (b'{"a": NaN}', "NaN"),
    "deep": (b"[" * 64 + b"]" * 64, "nested more than 8 deep"),
    "very deep": (b"[" * 200_000, "nested more than 8 deep"),
    "a long number": (b'{"a": ' + b"1" * 10_000 + b"}", "number that is too long"),
    "large": (b" " * (MAX_BYTES + 1), "is larger than"),
    "an entry that is text": (b'{"scan_x": "y"}', "intelmq.json, scan_x: is not a JSON object"),
    "the wrong way round": (as_bytes(COLUMNS), "is a reports.json. Give the two files the other way round"),
    "a type that is a path": (changed(lambda e: e.update(file_name="../../etc")), "not the name of a report type"),
    "no title": (changed(lambda e: e.pop("feed_name")), "'feed_name' is missing or not text"),
    "fields that are text": (changed(lambda e: e.update(optional_fields="x")), "'optional_fields' is missing or not"),
    "a field that is text": (changed(lambda e: e["optional_fields"].append("ip")), "optional_fields 8: is not [key"),
    "a field of one": (changed(lambda e: e["optional_fields"].append(["extra."])), "optional_fields 8: is not [key"),
    "a field of five": (changed(lambda e: e["optional_fields"].append(list("abcde"))), "is not [key"),
    "a number for a column": (changed(lambda e: e["optional_fields"].append(["extra.", 5])), "entry 2 is not text"),
    "an empty column": (changed(lambda e: e["optional_fields"].append(["extra.", ""])), "entry 2 is not text"),
    "a number for a conversion": (changed(lambda e: e["optional_fields"].append(["extra.", "a", 5])), "is not [key"),
    "text for a flag": (changed(lambda e: e["optional_fields"].append(["extra.", "a", None, "y"])), "is not [key"),
    "a strange key": (changed(lambda e: e["optional_fields"].append(["No Key", "a"])), "'No Key' is not a key"),
    "a constant that is a list": (changed(lambda e: e["constant_fields"].update(a=[])), "constant_fields: entry"),
    "no time": (changed(lambda e: e["required_fields"].pop(0)), "intelmq.json, event_lamp: has no field for time"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_the_place(name: str) -> None:
    data, sentence = BROKEN[name]
    assert sentence in refusal(data)


def test_a_type_described_twice_is_refused() -> None:
    entries = GOOD | {"event_torch": GOOD["event_lamp"]}
    assert "intelmq.json, event_torch: describes the type event4_lamp twice" in refusal(as_bytes(entries))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"event4_lamp": []}, "reports.json, event4_lamp: is not a JSON object"),
        ({"event4_lamp": {"fields": "ip"}}, "reports.json, event4_lamp: 'fields' is missing or not a list"),
        ({"event4_lamp": {"fields": ["ip", 5]}}, "reports.json, event4_lamp, fields: entry 2 is not text"),
        ([], "reports.json: is not a JSON object"),
    ],
)
def test_a_broken_columns_file_is_refused_with_the_place(columns: object, sentence: str) -> None:
    assert sentence in refusal(as_bytes(GOOD), as_bytes(columns))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PARTS = st.sampled_from(["feed_name", "file_name", "constant_fields", "required_fields", "optional_fields"])


@given(part=PARTS, value=JSON)
def test_whatever_stands_in_an_entry_it_is_read_or_refused(part: str, value: object) -> None:
    data = changed(lambda entry: entry.update({part: value}))
    try:
        schema = read_schema(data)
    except InvalidInput as refused:
        assert "intelmq.json" in str(refused)
        return
    assert all(field.conversion in CONVERSIONS for m in schema.mappings.values() for field in m.fields)


# The real schema, where it is at hand.


def test_the_published_schema_is_understood_whole(published: Schema) -> None:
    assert len(published.mappings) >= 170
    assert published.problems == ()
    for mapping in published.mappings.values():
        assert {field.column for field in mapping.fields} <= set(mapping.columns) | {mapping.roles.time}
        assert len({field.key for field in mapping.fields}) == len(mapping.fields)
        assert all(field.conversion in CONVERSIONS for field in mapping.fields)
        assert not any(field.key == "extra." for field in mapping.fields)


def test_published_types_are_found_under_both_names(published: Schema) -> None:
    assert published.find("event_sinkhole") is published.mappings["event4_sinkhole"]
    assert len(published.aliases) >= 18


def test_every_published_type_knows_its_asset(published: Schema) -> None:
    for mapping in published.mappings.values():
        asset = mapping.roles.address or mapping.roles.account
        assert asset in mapping.columns, mapping.type


def test_every_published_type_without_address_knows_whose_it_is(published: Schema) -> None:
    without = {name for name, mapping in published.mappings.items() if not mapping.roles.address}
    assert without == {"compromised_account", "ransomware_victim", "sandbox_dns"}
    assert all(published.mappings[name].roles.names or published.mappings[name].roles.urls for name in without)


def test_names_are_never_taken_from_reverse_dns(published: Schema) -> None:
    for mapping in published.mappings.values():
        hints = {field.column for field in mapping.fields if field.key.endswith("reverse_dns")}
        assert not hints & {*mapping.roles.names, *mapping.roles.urls}, mapping.type


def test_ports_belong_to_identities_as_declared(published: Schema) -> None:
    for name, mapping in published.mappings.items():
        has_port = bool({"port", "src_port"} & set(mapping.columns))
        lasting = has_port and bool(mapping.roles.address) and not name.startswith("event")
        assert bool(mapping.roles.port) is lasting, name
        assert bool(mapping.roles.protocol) is (lasting and "protocol" in mapping.columns), name
        assert (mapping.roles.detail == ("infection",)) is name.startswith("event"), name


def test_built_in_and_published_mappings_give_the_same_roles(published: Schema) -> None:
    for name, mapping in built_in().items():
        assert mapping.roles == published.mappings[name].roles, name


def test_built_in_mappings_name_the_columns_that_there_are(published: Schema) -> None:
    for name, mapping in built_in().items():
        assert set(mapping.columns) == set(published.mappings[name].columns), name
        assert mapping.title == published.mappings[name].title


def test_built_in_mappings_classify_as_the_publisher_does(published: Schema) -> None:
    for name, mapping in built_in().items():
        assert mapping.constants == published.mappings[name].constants, name


def test_built_in_and_published_mappings_put_cells_under_the_same_keys(published: Schema) -> None:
    ours_only = {"naics", "sector", "src_naics", "src_sector", "tag"}  # the publisher varies; we do not
    for name, mapping in built_in().items():
        ours = {(field.key, field.column) for field in mapping.fields}
        theirs = {(field.key, field.column) for field in published.mappings[name].fields}
        assert {column for _key, column in ours ^ theirs} <= ours_only, name
