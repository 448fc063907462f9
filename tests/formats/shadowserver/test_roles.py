"""What tells findings apart, written down once more: a change here would give open findings new identities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine.mapping import Field, Roles
from tocsin.formats.shadowserver import Schema, built_in
from tocsin.formats.shadowserver.roles import roles_of

# type, address, account, port, protocol, further columns
IDENTITIES = """
blocklist                          ip       -        -      -         -
compromised_account                -        email    -      -         -
compromised_iot                    ip       -        port   protocol  -
compromised_iot6                   ip       -        port   protocol  -
compromised_website                ip       -        port   protocol  http_host
compromised_website6               ip       -        port   protocol  http_host
device_id                          ip       -        port   protocol  -
device_id6                         ip       -        port   protocol  -
event4_ddos_participant            src_ip   -        -      -         infection
event4_honeypot_adb_scan           src_ip   -        -      -         infection
event4_honeypot_brute_force        src_ip   -        -      -         infection
event4_honeypot_darknet            src_ip   -        -      -         infection
event4_honeypot_ddos               src_ip   -        -      -         infection
event4_honeypot_ddos_amp           src_ip   -        -      -         infection
event4_honeypot_ddos_target        src_ip   -        -      -         infection
event4_honeypot_http_scan          src_ip   -        -      -         infection
event4_honeypot_rdp_scan           src_ip   -        -      -         infection
event4_honeypot_smb_scan           src_ip   -        -      -         infection
event4_ip_spoofer                  src_ip   -        -      -         infection
event4_microsoft_sinkhole          src_ip   -        -      -         infection
event4_sinkhole                    src_ip   -        -      -         infection
event4_sinkhole_dns                src_ip   -        -      -         infection
event4_sinkhole_http               src_ip   -        -      -         infection
event6_sinkhole                    src_ip   -        -      -         infection
event6_sinkhole_http               src_ip   -        -      -         infection
malware_url                        ip       -        port   -         -
sandbox_conn                       ip       -        port   protocol  -
sandbox_url                        ip       -        port   -         -
scan6_bgp                          ip       -        port   protocol  -
scan6_cwmp                         ip       -        port   protocol  -
scan6_dns                          ip       -        port   protocol  -
scan6_elasticsearch                ip       -        port   protocol  -
scan6_exchange                     ip       -        port   protocol  -
scan6_ftp                          ip       -        port   protocol  -
scan6_http                         ip       -        port   protocol  -
scan6_http_proxy                   ip       -        port   protocol  -
scan6_http_vulnerable              ip       -        port   protocol  -
scan6_imap                         ip       -        port   protocol  -
scan6_ipp                          ip       -        port   protocol  -
scan6_isakmp                       ip       -        port   protocol  -
scan6_ldap_tcp                     ip       -        port   protocol  -
scan6_mongodb                      ip       -        port   protocol  -
scan6_mqtt                         ip       -        port   protocol  -
scan6_mysql                        ip       -        port   protocol  -
scan6_ntp                          ip       -        port   protocol  -
scan6_ntpmonitor                   ip       -        port   protocol  -
scan6_pop3                         ip       -        port   protocol  -
scan6_postgres                     ip       -        port   protocol  -
scan6_rdp                          ip       -        port   protocol  -
scan6_rsync                        ip       -        port   protocol  -
scan6_slp                          ip       -        port   protocol  -
scan6_smb                          ip       -        port   protocol  -
scan6_smtp                         ip       -        port   protocol  -
scan6_smtp_vulnerable              ip       -        port   protocol  -
scan6_snmp                         ip       -        port   protocol  -
scan6_ssh                          ip       -        port   protocol  -
scan6_ssl                          ip       -        port   protocol  -
scan6_ssl_freak                    ip       -        port   protocol  -
scan6_ssl_poodle                   ip       -        port   protocol  -
scan6_telnet                       ip       -        port   protocol  -
scan6_vnc                          ip       -        port   protocol  -
scan_adb                           ip       -        port   protocol  -
scan_afp                           ip       -        port   protocol  -
scan_bgp                           ip       -        port   protocol  -
scan_chargen                       ip       -        port   protocol  -
scan_cisco_smart_install           ip       -        port   protocol  -
scan_coap                          ip       -        port   protocol  -
scan_cwmp                          ip       -        port   protocol  -
scan_dns                           ip       -        port   protocol  -
scan_docker                        ip       -        port   protocol  -
scan_elasticsearch                 ip       -        port   protocol  -
scan_exchange                      ip       -        port   protocol  -
scan_ftp                           ip       -        port   protocol  -
scan_http                          ip       -        port   protocol  -
scan_http_proxy                    ip       -        port   protocol  -
scan_http_vulnerable               ip       -        port   protocol  -
scan_ics                           ip       -        port   protocol  -
scan_imap                          ip       -        port   protocol  -
scan_ipmi                          ip       -        port   protocol  -
scan_ipp                           ip       -        port   protocol  -
scan_isakmp                        ip       -        port   protocol  -
scan_ldap_tcp                      ip       -        port   protocol  -
scan_ldap_udp                      ip       -        port   protocol  -
scan_mdns                          ip       -        port   protocol  -
scan_memcached                     ip       -        port   protocol  -
scan_mongodb                       ip       -        port   protocol  -
scan_mqtt                          ip       -        port   protocol  -
scan_mssql                         ip       -        port   protocol  -
scan_mysql                         ip       -        port   protocol  -
scan_netbios                       ip       -        port   protocol  -
scan_ntp                           ip       -        port   protocol  -
scan_ntpmonitor                    ip       -        port   protocol  -
scan_pop3                          ip       -        port   protocol  -
scan_portmapper                    ip       -        port   protocol  -
scan_postgres                      ip       -        port   protocol  -
scan_radmin                        ip       -        port   protocol  -
scan_rdp                           ip       -        port   protocol  -
scan_redis                         ip       -        port   protocol  -
scan_rsync                         ip       -        port   protocol  -
scan_sip                           ip       -        port   protocol  -
scan_slp                           ip       -        port   protocol  -
scan_smb                           ip       -        port   protocol  -
scan_smtp                          ip       -        port   protocol  -
scan_smtp_vulnerable               ip       -        port   protocol  -
scan_snmp                          ip       -        port   protocol  -
scan_socks                         ip       -        port   protocol  -
scan_ssdp                          ip       -        port   protocol  -
scan_ssh                           ip       -        port   protocol  -
scan_ssl                           ip       -        port   protocol  -
scan_ssl_freak                     ip       -        port   protocol  -
scan_ssl_poodle                    ip       -        port   protocol  -
scan_telnet                        ip       -        port   protocol  -
scan_tftp                          ip       -        port   protocol  -
scan_ubiquiti                      ip       -        port   protocol  -
scan_vnc                           ip       -        port   protocol  -
spam_url                           ip       -        port   -         -
"""
PINNED = {line.split()[0]: line.split()[1:] for line in IDENTITIES.strip().splitlines()}


def identity(roles: Roles) -> list[str]:
    parts = [roles.address, roles.account, roles.port, roles.protocol, ",".join(roles.detail)]
    return [part or "-" for part in parts]


def test_every_built_in_type_is_pinned() -> None:
    assert PINNED.keys() == built_in().keys()


@pytest.mark.parametrize("name", sorted(PINNED))
def test_the_identity_of_a_type_stays_what_it_is(name: str) -> None:
    assert identity(built_in()[name].roles) == PINNED[name]


def test_the_published_schema_gives_the_pinned_identities(published: Schema) -> None:
    assert {name: identity(published.mappings[name].roles) for name in PINNED} == PINNED


@pytest.mark.parametrize(
    ("name", "account", "names", "urls"),
    [
        ("compromised_account", "email", ("email",), ()),
        ("ransomware_victim", "entity_name", (), ("website",)),
        ("sandbox_dns", "request", ("request",), ()),
    ],
)
def test_types_without_address_have_an_account(
    name: str, account: str, names: tuple[str, ...], urls: tuple[str, ...]
) -> None:
    roles = roles_of(name, ["timestamp", account])
    assert (roles.address, roles.account, roles.names, roles.urls) == ("", account, names, urls)
    assert (roles.port, roles.protocol, roles.detail) == ("", "", ())


def test_the_address_of_a_referring_site_is_its_own_and_not_its_visitors() -> None:
    roles = roles_of("event4_sinkhole_http_referer", ["timestamp", "http_referer_ip", "http_referer_asn", "dst_ip"])
    assert (roles.address, roles.asn) == ("http_referer_ip", "http_referer_asn")


def test_a_destination_is_never_the_asset() -> None:
    assert roles_of("event4_lamp", ["timestamp", "dst_ip", "dst_port"]).address == ""


COLUMN = st.sampled_from(
    ["timestamp", "ip", "src_ip", "port", "src_port", "protocol", "asn", "geo", "hostname", "infection", "http_host"]
)
TYPES = st.sampled_from(["scan_x", "event4_x", "event6_x", "event_x", "compromised_website", "blocklist", "x"])


@given(TYPES, st.lists(COLUMN, unique=True), st.lists(st.builds(Field, st.just("extra.x"), COLUMN)))
def test_identities_rest_on_type_and_columns_alone(name: str, columns: list[str], fields: list[Field]) -> None:
    roles = roles_of(name, columns, fields)
    assert identity(roles) == identity(roles_of(name, columns[::-1]))
    assert {*identity(roles)[0].split(), roles.port, roles.protocol, *roles.detail} - {"", "-"} <= set(columns)
    if name.startswith("event"):
        assert (roles.port, roles.protocol) == ("", "")


@given(TYPES, st.lists(COLUMN, unique=True))
def test_a_reverse_name_is_never_the_events_own(name: str, columns: list[str]) -> None:
    fields = [Field("source.reverse_dns", column) for column in columns]
    roles = roles_of(name, columns, fields)
    assert (roles.names, roles.urls) == ((), ())
