"""Our own mapping: enough types, and each of them whole."""

from __future__ import annotations

import pytest

from tocsin.engine.convert import CONVERSIONS
from tocsin.engine.mapping import Mapping, Roles
from tocsin.formats.idf.dictionary import EXTRA, keys
from tocsin.formats.shadowserver import built_in, mappings, read_schema, unmapped
from tocsin.kernel import rsit

BUILT_IN = built_in()
COMMON = """
scan_http scan_ssl scan_rdp scan_dns scan_snmp scan_telnet scan_ftp scan_smb scan_ntp scan_ssh scan_vnc scan_ldap_udp
scan_mysql scan_postgres scan_mongodb scan_redis scan_elasticsearch scan_memcached scan_mssql scan_ipp scan_mqtt
scan_isakmp scan_exchange scan_ssdp scan_netbios scan_portmapper scan_rsync scan_adb scan_smtp_vulnerable scan6_http
scan6_ssl scan6_rdp event4_sinkhole event6_sinkhole event4_sinkhole_http event4_honeypot_brute_force
event4_honeypot_ddos event4_honeypot_ddos_amp event4_ip_spoofer blocklist compromised_website compromised_website6
compromised_iot malware_url device_id device_id6
"""


def test_the_common_types_work_out_of_the_box() -> None:
    assert set(COMMON.split()) <= BUILT_IN.keys()
    assert len(BUILT_IN) >= 100


@pytest.mark.parametrize("mapping", BUILT_IN.values(), ids=lambda mapping: mapping.type)
def test_every_type_is_whole(mapping: Mapping) -> None:
    fields = [field.key for field in mapping.fields]
    assert len(fields) == len(set(fields))
    assert all(key in keys() or key.startswith(EXTRA) for key in fields)
    assert all(field.conversion in CONVERSIONS for field in mapping.fields)
    assert not {*fields} & dict(mapping.constants).keys()
    assert set(mapping.columns) - {field.column for field in mapping.fields} <= {"protocol"}  # fixed for the type
    assert len(set(mapping.columns)) == len(mapping.columns)
    assert mapping.origin == "built-in"
    roles = mapping.roles
    used = {roles.time, roles.address, roles.account, roles.port, roles.protocol, roles.asn, roles.country}
    assert (used | {*roles.names, *roles.urls, *roles.detail}) - {""} <= set(mapping.columns)


@pytest.mark.parametrize("mapping", BUILT_IN.values(), ids=lambda mapping: mapping.type)
def test_every_type_is_classified(mapping: Mapping) -> None:
    name = mapping.constant("classification.type")
    if not name:  # read from the row
        assert "classification.type" in {field.key for field in mapping.fields}
        return
    assert rsit.resolve(name).class_name == mapping.constant("classification.taxonomy")
    assert name == "undetermined" or rsit.resolve(name).name != rsit.UNDETERMINED


def test_a_scan_is_told_apart_by_port_and_protocol() -> None:
    assert BUILT_IN["scan_rdp"].roles == Roles(address="ip", port="port", protocol="protocol", asn="asn", country="geo")


def test_an_infection_is_told_apart_by_its_family_and_never_by_the_source_port() -> None:
    assert BUILT_IN["event6_sinkhole"].roles == Roles(
        address="src_ip", asn="src_asn", country="src_geo", detail=("infection",)
    )


def test_a_compromised_site_is_told_apart_by_its_name_which_also_says_whose_it_is() -> None:
    roles = BUILT_IN["compromised_website6"].roles
    assert (roles.port, roles.protocol, roles.detail) == ("port", "protocol", ("http_host",))
    assert (roles.names, roles.urls) == (("http_host",), ("url",))


@pytest.mark.parametrize("name", ["malware_url", "spam_url", "sandbox_conn", "sandbox_url"])
def test_the_events_own_name_is_no_reverse_dns(name: str) -> None:
    assert BUILT_IN[name].roles.names == ("hostname",)
    assert BUILT_IN["scan_http"].roles.names == ()


def test_spam_is_about_the_advertised_site_and_not_about_its_relay() -> None:
    mapping = BUILT_IN["spam_url"]
    assert mapping.roles.address == "ip"
    assert ("extra.relay.ip", "src_ip") in {(field.key, field.column) for field in mapping.fields}


def test_the_publishers_mapping_comes_before_ours_and_the_operators_own_before_both() -> None:
    schema = read_schema(
        b'{"scan_rdp": {"feed_name": "New", "file_name": "scan_rdp", "constant_fields": {},'
        b' "required_fields": [["time.source", "timestamp"]], "optional_fields": []},'
        b' "event_x": {"feed_name": "X", "file_name": "event4_x", "constant_fields": {},'
        b' "required_fields": [["time.source", "timestamp"]], "optional_fields": []}}'
    )
    both = mappings(schema)
    assert both.for_type("scan_rdp").title == "New"
    assert both.for_type("scan_http").origin == "built-in"
    assert both.for_type("event_x") is both.for_type("event4_x")
    own = unmapped("scan_rdp", ["a"])
    assert mappings(schema, own=[own]).for_type("scan_rdp") is own


def test_an_unknown_type_keeps_everything_and_is_listed() -> None:
    all_of_them = mappings()
    header = ["timestamp", "ip", "port", "protocol", "asn", "geo", "hostname", "colour", "colour", ""]
    mapping = all_of_them.for_type("scan_lamp", header)
    assert mapping.origin == "none"
    assert [field.key for field in mapping.fields] == [
        "time.source", "source.ip", "source.port", "protocol.transport", "source.asn", "source.geolocation.cc",
        "extra.hostname", "extra.colour",
    ]  # fmt: skip
    assert mapping.constant("classification.taxonomy") == "other"
    assert mapping.constant("classification.type") == "undetermined"
    assert (mapping.roles.address, mapping.roles.port, mapping.roles.names) == ("ip", "port", ())
    assert all_of_them.needs_mapping(["scan_lamp", "scan_http", "scan_lamp"]) == ("scan_lamp",)


def test_an_unknown_event_has_no_lasting_port() -> None:
    roles = mappings().for_type("event4_lamp", ["timestamp", "src_ip", "src_port", "infection"]).roles
    assert (roles.address, roles.port, roles.detail) == ("src_ip", "", ("infection",))


def test_an_unknown_type_without_address_takes_what_names_its_asset() -> None:
    roles = mappings().for_type("leak", ["timestamp", "email", "colour"]).roles
    assert (roles.address, roles.account) == ("", "email")
