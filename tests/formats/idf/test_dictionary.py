"""The dictionary of event keys."""

from __future__ import annotations

import pytest

from tocsin.engine.convert import CONVERSIONS
from tocsin.formats import idf

KINDS = {
    "time.source": "time", "source.ip": "ip", "destination.ip": "ip", "source.port": "port", "source.asn": "asn",
    "source.fqdn": "fqdn", "source.reverse_dns": "fqdn", "source.url": "url", "source.network": "network",
    "source.geolocation.cc": "country", "protocol.transport": "transport", "severity": "severity",
    "malware.name": "lower_token", "malware.hash.md5": "token", "product.vendor": "lower", "source.account": "text",
    "source.geolocation.latitude": "float", "source.tor_node": "bool", "rtir_id": "int",
}  # fmt: skip


@pytest.mark.parametrize(("key", "kind"), KINDS.items())
def test_a_key_is_of_its_kind(key: str, kind: str) -> None:
    assert idf.kind_of(key) == kind
    assert CONVERSIONS[kind].kind in (kind, "lower")


def test_what_is_known_of_one_side_is_known_of_the_other() -> None:
    sides = {
        side: {key.partition(".")[2] for key in set(idf.keys()) if key.startswith(side)} for side in ("source", "dest")
    }
    assert sides["source"] == sides["dest"]


@pytest.mark.parametrize("key", ["source.ip", "extra.a", "extra.Odd Column", "comment", "a_b.c1"])
def test_a_key_is_well_formed(key: str) -> None:
    assert idf.is_well_formed(key)


@pytest.mark.parametrize("key", ["", "extra.", "Source.IP", "a b", "a..b", ".a", "a.", "1a", "a\n"])
def test_a_key_is_not_well_formed(key: str) -> None:
    assert not idf.is_well_formed(key)


def test_meanings_are_short_and_each_its_own_sentence() -> None:
    for key in idf.keys().values():
        assert len(key.meaning) <= 80
        assert not key.meaning.endswith(".")
