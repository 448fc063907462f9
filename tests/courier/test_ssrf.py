"""Nothing that is not of the public Internet is connected to, however its address is written."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.courier.servers import Server, response, serving
from tocsin.courier.addresses import is_public
from tocsin.courier.connecting import Allowance, system_resolver
from tocsin.courier.fetching import fetch
from tocsin.courier.refusals import AddressRefused, FetchRefused


@pytest.fixture(scope="module")
def listener() -> Iterator[Server]:
    with serving(response(b"secret")) as server:
        yield server


@pytest.fixture(scope="module")
def listener_v6() -> Iterator[Server]:
    with serving(response(b"secret"), address="::1") as server:
        yield server


LITERALS = [
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1",
    "0177.0.0.1", "017700000001", "0", "0.0.0.0", "0.0.0.1", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.254", "192.0.0.1",
    "192.0.0.170", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255", "192.88.99.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.31.196.1", "192.52.193.1", "192.175.48.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:8.8.8.8]",
    "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::8.8.8.8]",
    "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:808:808::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:10::1]", "[2001:20::1]", "[2001:db8::1]", "[3fff::1]", "[fe80::1]", "[fec0::1]", "[fc00::1]",
    "[fd12:3456::1]", "[ff02::1]", "[ff0e::1]", "[100::1]", "[5f00::1]", "[2620:4f:8000::1]", "[3ffe::1]",
    "[2a00:1450::5efe:7f00:1]", "[2a00:1450::200:5efe:a00:1]", "localhost", "localhost.", "LOCALHOST",
]  # fmt: skip


@pytest.mark.parametrize("host", LITERALS)
def test_an_address_of_no_public_place_is_refused_before_connecting(
    listener: Server, listener_v6: Server, host: str
) -> None:
    for server in (listener, listener_v6):
        with pytest.raises(FetchRefused) as refused:
            fetch(f"http://{host}:{server.port}/", allowance=Allowance(ports=frozenset({server.port})), longest_s=2)
        assert type(refused.value).__name__ in ("AddressRefused", "NotReachable"), refused.value
        assert "connection failed" not in str(refused.value), "the check refuses, not the network"
        assert server.connections == 0


NAMES = {
    "inward.example": ["127.0.0.1"],
    "inward6.example": ["::1"],
    "mixed.example": ["93.184.215.14", "127.0.0.1"],
    "mixed-first.example": ["10.0.0.1", "93.184.215.14"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "scoped.example": ["fe80::1%1"],
    "scoped-global.example": ["2a00:1450::1%1"],
    "metadata.example": ["169.254.169.254"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "broken.example": ["not an address"],
}


@pytest.mark.parametrize("host", NAMES)
def test_a_name_that_leads_inward_is_refused(listener: Server, host: str) -> None:
    allowance = Allowance(ports=frozenset({listener.port}))
    with pytest.raises(AddressRefused):
        fetch(f"http://{host}:{listener.port}/", allowance=allowance, resolve=lambda name, port: NAMES[name])
    assert listener.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "data:text/plain,x",
        "javascript:alert(1)", "//127.0.0.1:{port}/", "/etc/passwd", "", "http:///x", "http://", "http://:{port}/",
        "http://user@127.0.0.1:{port}/", "http://user:pass@93.184.215.14:{port}/", "http://127.0.0.1:{port}\\@x.example/",
        "http://x.example\\@127.0.0.1:{port}/", "http://127.0.0.1:{port}/\r\nHost: x", "http://127.0.0.1:{port}/\x00",
        " http://127.0.0.1:{port}/", "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[::1", "http://[::1]x/",
        "http://127.0.0.1%2f@x.example/", "http://①②⑦.0.0.1:{port}/", "http://[fe80::1%25lo]:{port}/",
        "http://127。0。0。1:{port}/", "http://x.example\t:{port}/", "http://a" + "a" * 9000,
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(listener: Server, url: str) -> None:
    allowance = Allowance(ports=frozenset({listener.port}))
    with pytest.raises(AddressRefused):
        fetch(url.replace("{port}", str(listener.port)), allowance=allowance, longest_s=2)
    assert listener.connections == 0


@pytest.mark.parametrize("port", [1, 21, 22, 25, 81, 3306, 5432, 6379, 8000, 8080, 8443, 11211])
def test_only_the_ports_of_the_web_are_asked(port: int) -> None:
    with pytest.raises(AddressRefused, match=f"port {port} is none of 80 and 443"):
        fetch(f"http://feeds.example:{port}/", resolve=lambda name, number: ["93.184.215.14"])


def test_the_listener_would_have_been_reached_without_the_check() -> None:
    with serving(response(b"secret")) as server:
        allowance = Allowance(frozenset({"127.0.0.1"}), frozenset({server.port}))
        assert fetch(f"http://2130706433:{server.port}/", allowance=allowance).body == b"secret"
        assert server.connections == 1


@pytest.mark.parametrize(
    "inward", ["http://127.0.0.1:{port}/", "http://[::1]:{port}/", "//localhost:{port}/", "ftp://x/"]
)
def test_a_redirect_inward_is_refused(listener: Server, inward: str) -> None:
    where = inward.replace("{port}", str(listener.port))
    with serving(response(status="302 Found", Location=where), address="127.0.0.9") as server:
        allowance = Allowance(frozenset({"127.0.0.9"}), frozenset({server.port, listener.port}))
        server_name = {"feeds.example": ["127.0.0.9"]}
        with pytest.raises(AddressRefused):
            fetch(
                f"http://feeds.example:{server.port}/",
                allowance=allowance,
                resolve=lambda name, port: server_name.get(name) or system_resolver(name, port),
            )
        assert server.connections == 1
    assert listener.connections == 0


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(listener: Server) -> None:
    asked: list[str] = []

    def rebinding(name: str, port: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) > 1 else ["127.0.0.9"]

    with serving(response(b"public"), address="0.0.0.0") as server:
        allowance = Allowance(frozenset({"127.0.0.9"}), frozenset({server.port}))
        assert fetch(f"http://rebind.example:{server.port}/", allowance=allowance, resolve=rebinding).body == b"public"
    assert asked == ["rebind.example"]


PUBLIC = ["8.8.8.8", "93.184.215.14", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_let_pass(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses())
def test_what_python_knows_to_be_private_is_never_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    inward = address.is_private or address.is_loopback or address.is_multicast or address.is_link_local
    assert not (is_public(address) and (inward or address.is_reserved or address.is_unspecified))


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "::", "64:ff9b::", "2002::", "::ffff:0:0:0"]))
def test_no_ipv4_address_passes_inside_an_ipv6_one(inner: ipaddress.IPv4Address, prefix: str) -> None:
    shift = 80 if prefix == "2002::" else 0
    assert not is_public(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(inner) << shift))


def test_there_are_enough_cases() -> None:
    assert len(LITERALS) + len(NAMES) >= 60
    assert len(set(LITERALS)) == len(LITERALS)
