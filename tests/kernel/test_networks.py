"""Networks and domain names in one canonical form."""

from __future__ import annotations

import pytest

from tocsin.kernel import networks


@pytest.mark.parametrize("text", ["fe80::1%eth0/128", "fe80::%1/64", "fe80::1%1"])
def test_a_network_of_one_link_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="holds on one link only"):
        networks.network(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
    ],
)
def test_ipv4_written_as_ipv6_is_the_same_network(text: str, meant: str) -> None:
    assert str(networks.network(text)) == meant


@pytest.mark.parametrize("name", ["straße.example", "οδός.example", "a\u200db.example", "WEIß.example"])
def test_a_name_that_idna_writes_in_two_ways_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(ValueError, match="Write its ASCII form"):
        networks.suffix(name)
    with pytest.raises(UnicodeError, match="differently"):
        networks.ascii_name(name)


@pytest.mark.parametrize("name", ["10.0.0.1", "host.7", "7", "münchen..example", "-a.example", "a" * 64 + ".example"])
def test_what_is_no_domain_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a domain name"):
        networks.suffix(name)


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("Ministère.EXAMPLE.", "xn--ministre-60a.example"),
        ("*.gov.example", "gov.example"),
        ("xn--fa-hia.de", "xn--fa-hia.de"),
    ],
)
def test_a_suffix_has_one_form(name: str, ascii_name: str) -> None:
    assert networks.suffix(name) == ascii_name


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("192.0.2.0/25", 0xFFFF_C000_0200, 0xFFFF_C000_027F),
        ("0.0.0.0/0", 0xFFFF_0000_0000, 0xFFFF_FFFF_FFFF),
        ("2001:db8::/127", 0x2001_0DB8 << 96, 0x2001_0DB8 << 96 | 1),
        ("::/0", 0, 2**128 - 1),
    ],
)
def test_a_network_reaches_from_its_first_address_to_its_last(text: str, first: int, last: int) -> None:
    assert networks.span(networks.network(text)) == (first, last)


@pytest.mark.parametrize("text", ["::/0", "::/64", "::/79"])
def test_what_an_ipv6_network_holds_is_no_ipv4(text: str) -> None:
    first, last = networks.span(networks.network(text))
    of_ipv4 = networks.span(networks.network("0.0.0.0/0"))
    assert networks.spans(networks.network(text)) == [(first, of_ipv4[0] - 1), (of_ipv4[1] + 1, last)]


@pytest.mark.parametrize("text", ["::/80", "::8000:0:0/81", "::fffe:0:0/95"])
def test_an_ipv6_network_that_ends_in_ipv4_ends_before_it(text: str) -> None:
    first, last = networks.span(networks.network(text))
    of_ipv4 = networks.span(networks.network("0.0.0.0/0"))
    assert last == of_ipv4[1]
    assert networks.spans(networks.network(text)) == [(first, of_ipv4[0] - 1)]


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "192.0.2.0/25", "::ffff:0:0/96", "2001:db8::/32", "::/96", "::fffe:0:0/96"]
)
def test_every_other_network_is_one_span(text: str) -> None:
    assert networks.spans(networks.network(text)) == [networks.span(networks.network(text))]


@pytest.mark.parametrize("text", ["192.0.2.7", "0.0.0.0", "255.255.255.255", "2001:db8::7", "::", "::1", "::1:0:0:0"])
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert networks.address_text(networks.span(networks.network(text))[0]) == text
