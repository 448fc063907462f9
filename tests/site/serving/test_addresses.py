"""Where the server may listen."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable
from tocsin.site.config import Config
from tocsin.site.serving.addresses import Listening, check_free, is_loopback, listening


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_this_machine_alone_needs_no_tls(bind: str) -> None:
    assert listening(Config(bind=bind)).url.startswith("http://")


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "10.0.0.5", "2001:db8::1"])
def test_other_machines_are_not_served_in_the_clear(bind: str) -> None:
    with pytest.raises(Conflict, match="TOCSIN_TLS_CERT"):
        listening(Config(bind=bind))


def test_tls_of_its_own_opens_it(tls_pair: tuple[Path, Path]) -> None:
    where = listening(Config(bind="0.0.0.0", tls_cert=tls_pair[0], tls_key=tls_pair[1]))
    assert where.url == "https://0.0.0.0:8000/"


def test_a_declared_proxy_opens_it() -> None:
    assert listening(Config(bind="10.0.0.5", trusted_proxies=("10.0.0.1",))).trusted_proxies == ("10.0.0.1",)


def test_a_certificate_without_its_key_is_refused(tls_pair: tuple[Path, Path]) -> None:
    with pytest.raises(InvalidInput, match="belong together"):
        listening(Config(tls_cert=tls_pair[0]))


def test_a_key_of_another_certificate_is_refused(tls_pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text("nothing")
    with pytest.raises(InvalidInput, match="TOCSIN_TLS_CERT"):
        listening(Config(tls_cert=tls_pair[0], tls_key=other))


def test_a_word_is_no_address() -> None:
    with pytest.raises(InvalidInput, match="TOCSIN_BIND"):
        is_loopback("everywhere")


def test_ipv6_is_written_in_brackets() -> None:
    assert Listening("::1", 8000).bind == "[::1]:8000"


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = Listening("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(Unavailable, match=str(where.port)):
            check_free(where)
    check_free(dataclasses.replace(where, port=0))
