"""Attribution answers as a naive search through all claims does, on the day of the observation."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.feeds import write_claims
from tests.engine.manifest import Bench
from tests.engine.reports import MONDAY, day
from tocsin.engine import addresses
from tocsin.engine.attribute import attribute, names_only, own_name
from tocsin.engine.claims import ASN, NETWORK, SUFFIX, Claim, Claims
from tocsin.engine.reattribute import reattributed
from tocsin.engine.reduce import read_state
from tocsin.formats import shadowserver
from tocsin.formats.delimited import shipped_feeds
from tocsin.formats.recognition import Recognition

Question = tuple[str | None, int, bytes | None, dt.date]
"""Address, autonomous system, own name, day of observation."""


def ask(claims: Claims, questions: list[Question]) -> list[Claim | None]:
    """Return the claim that decides each question."""
    words = [addresses.of(ip) if ip else (0, 0) for ip, *_ in questions]
    found = attribute(
        claims,
        days=np.array([on for *_, on in questions], "datetime64[D]"),
        high=np.array([high for high, _ in words], np.uint64),
        low=np.array([low for _, low in words], np.uint64),
        asns=np.array([asn for _, asn, *_ in questions], np.uint64),
        names=pa.array([name for _, _, name, _ in questions], pa.binary()),
    )
    return [claims.claims[at] if at >= 0 else None for at in found.tolist()]


def who(claims: Claims, *questions: Question) -> list[str | None]:
    return [claim.constituent if claim else None for claim in ask(claims, list(questions))]


CLAIMS = Claims(
    [
        Claim("n", "by network", NETWORK, "192.0.2.0/24"),
        Claim("m", "by narrower network", NETWORK, "192.0.2.128/25"),
        Claim("a", "by system", ASN, "64496"),
        Claim("s", "by name", SUFFIX, "port.example"),
    ]
)


def test_a_name_comes_before_a_network_and_that_before_a_system() -> None:
    assert who(
        CLAIMS,
        ("192.0.2.1", 64496, b"www.port.example", MONDAY),
        ("192.0.2.1", 64496, None, MONDAY),
        ("192.0.2.200", 64496, b"elsewhere.example", MONDAY),
        ("198.51.100.1", 64496, b"", MONDAY),
        ("198.51.100.1", 64497, None, MONDAY),
        (None, 0, b"mail.port.example", MONDAY),
        (None, 0, None, MONDAY),
    ) == ["by name", "by network", "by narrower network", "by system", None, "by name", None]


def test_the_deciding_claim_is_told() -> None:
    (claim,) = ask(CLAIMS, [("192.0.2.200", 0, None, MONDAY)])
    assert claim is not None
    assert claim.id == "m"


def test_no_events_are_attributed_to_nobody() -> None:
    assert who(CLAIMS) == []


def test_the_day_of_the_observation_decides_not_that_of_the_import() -> None:
    claims = Claims(
        [
            Claim("1", "then", NETWORK, "192.0.2.0/24", valid_to=day(0)),
            Claim("2", "now", NETWORK, "192.0.2.0/24", valid_from=day(1), valid_to=day(2)),
            Claim("3", "name", SUFFIX, "port.example", valid_from=day(2)),
            Claim("4", "system", ASN, "64496", valid_from=day(2), valid_to=day(2)),
        ]
    )
    days = [day(2), day(0), day(1), day(3), day(0)]
    assert who(claims, *(("192.0.2.1", 0, None, on) for on in days)) == ["now", "then", "now", None, "then"]
    assert who(claims, *((None, 64496, b"port.example", day(n)) for n in range(4))) == [None, None, "name", "name"]
    assert who(claims, *((None, 64496, None, day(n)) for n in range(4))) == [None, None, "system", None]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (b"www.Port.Example", "www.port.example"),
        (b"www.port.example.", "www.port.example"),
        (b"www.port.example:8080", "www.port.example"),
        (b"http://www.port.example/a?b", "www.port.example"),
        (b"https://user@www.port.example:443/", "www.port.example"),
        (b"ftp://WWW.PORT.EXAMPLE", "www.port.example"),
        (b" www.port.example ", "www.port.example"),
        (b"someone@port.example", "port.example"),
        ("bücher.example".encode(), "xn--bcher-kva.example"),
        (b"www.port.example/a//b", "www.port.example"),
        (b"//www.port.example/a", "www.port.example"),
        (b"http://www.port.example/a//b", "www.port.example"),
        (b"N/A", ""),
        (b"-", ""),
        (b"192.0.2.1", ""),
        (b"http://192.0.2.1/", ""),
        (b"192.0.2.1:80", ""),
        (b"[2001:db8::1]:80", ""),
        (b"http://[2001:db8::1]/", ""),
        (b"http://[2001:db8::1", ""),
        (b"", ""),
        (b"/only/a/path", ""),
        (b"\xff\xfe", ""),
        (b"x" * 70 + b".\xc3\xa9", ""),
    ],
)
def test_a_cell_names_a_host_or_none(cell: bytes, name: str) -> None:
    assert own_name(cell) == name


@given(st.binary(max_size=30) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_cell_names_a_host_or_none(cell: bytes) -> None:
    name = own_name(cell)
    assert name == name.lower()
    assert not name.endswith(".")


NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def naive(claims: list[Claim], question: Question) -> str | None:
    """Return the id of the claim that decides: every claim is looked at."""
    ip, asn, name, on = question
    best: tuple[tuple[object, ...], str] | None = None
    for claim in sorted(claims, key=lambda claim: (claim.added_at or NEVER, claim.constituent, claim.id)):
        if not (claim.valid_from or dt.date.min) <= on <= (claim.valid_to or dt.date.max):
            continue
        rank = _rank(claim, ip, asn, (name or b"").decode())
        confirmed = claim.confirmed_at or NEVER
        if rank and (best is None or (*rank, confirmed) > best[0]):
            best = (*rank, confirmed), claim.id
    return best[1] if best else None


def _rank(claim: Claim, ip: str | None, asn: int, name: str) -> tuple[int, int] | None:
    if claim.kind == SUFFIX:
        return (3, len(claim.value)) if name == claim.value or name.endswith("." + claim.value) else None
    if claim.kind == NETWORK:
        network = ipaddress.ip_network(claim.value)
        return (2, network.prefixlen) if ip and ipaddress.ip_address(ip) in network else None
    return (1, 0) if asn == int(claim.value) else None


NETWORKS = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/9",
    "10.128.0.0/9",
    "10.128.0.0/24",
    "10.128.0.1/32",
    "10.255.255.255/32",
    "2001:db8::/32",
    "2001:db8::/48",
    "2001:db8::/128",
]
ADDRESSES = [
    "9.255.255.255",
    "10.0.0.0",
    "10.127.255.255",
    "10.128.0.0",
    "10.128.0.1",
    "10.128.0.2",
    "10.255.255.255",
    "11.0.0.0",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db8::",
    "2001:db8::1",
    "2001:db8:1::",
]
NAMES = [b"example", b"port.example", b"www.port.example", b"xport.example", b"", None]
SOME_DAY = st.integers(0, 6).map(day)


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    values = st.sampled_from(
        [(NETWORK, value) for value in NETWORKS]
        + [(ASN, "1"), (ASN, "2"), (SUFFIX, "example"), (SUFFIX, "port.example"), (SUFFIX, "www.port.example")]
    )
    made = []
    for number in range(draw(st.integers(0, 12))):
        kind, value = draw(values)
        first, last = draw(st.none() | SOME_DAY), draw(st.none() | SOME_DAY)
        confirmed = draw(st.none() | st.integers(0, 3))
        at = None if confirmed is None else dt.datetime(2026, 1, 1 + confirmed, tzinfo=dt.UTC)
        added = dt.datetime(2025, 1, 1 + draw(st.integers(0, 1)), tzinfo=dt.UTC)
        made.append(Claim(f"claim{number:02d}", f"c{draw(st.integers(0, 3))}", kind, value, first, last, at, added))
    return made


@given(
    claim_lists(),
    st.lists(
        st.tuples(st.none() | st.sampled_from(ADDRESSES), st.integers(0, 3), st.sampled_from(NAMES), SOME_DAY),
        max_size=12,
    ),
)
def test_the_answer_is_that_of_a_naive_search(claims: list[Claim], questions: list[Question]) -> None:
    found = ask(Claims(claims), questions)
    assert [claim.id if claim else None for claim in found] == [naive(claims, question) for question in questions]


@pytest.mark.slow
def test_there_is_no_wrong_answer_among_fifty_thousand_networks(tmp_path: Path) -> None:
    made = write_claims(tmp_path)
    assert (len(made.networks), len(made.asns), len(made.domains)) == (50_000, 3_000, 20_000)
    claims = [
        Claim(
            f"n{number:05d}",
            one.constituent,
            NETWORK,
            str(one.network),
            one.valid_from,
            one.valid_to,
            dt.datetime.combine(one.confirmed_on, dt.time(), dt.UTC) if one.confirmed_on else None,
        )
        for number, one in enumerate(made.networks)
    ]
    claims += [Claim(f"a{asn}", constituent, ASN, str(asn)) for asn, constituent in made.asns.items()]
    claims += [Claim(f"s{name}", constituent, SUFFIX, name) for name, constituent in made.domains.items()]
    # Each epoch is an index of its own, so the questions are asked on few days, those at edges among them.
    questions = list(made.questions(2_500))
    days = sorted({question.on for question in questions})[:: max(len({q.on for q in questions}) // 2, 1)]
    asked: list[Question] = [
        (one.ip, one.asn, one.host.encode(), days[number % len(days)]) for number, one in enumerate(questions)
    ]
    found = who(Claims(claims), *asked)
    wrong = [
        (question, answer, right)
        for question, answer in zip(asked, found, strict=True)
        if answer
        != (right := made.naive_owner(question[0] or "", question[1], (question[2] or b"").decode(), question[3]))
    ]
    assert wrong == []
    assert sum(answer is not None for answer in found) > 900


def test_cells_that_name_no_host_are_left_out() -> None:
    cells = pa.array(["www.port.example", None, "-", "192.0.2.1", "http://port.example/"])
    assert names_only(cells).to_pylist() == ["www.port.example", None, None, None, "http://port.example/"]
    assert names_only(cells.slice(0, 2)).to_pylist() == ["www.port.example", None]


NESTED = Claims(
    [
        Claim("wide", "wide", NETWORK, "192.0.2.0/24"),
        Claim("left", "left", NETWORK, "192.0.2.0/25"),
        Claim("later", "later", NETWORK, "192.0.2.0/26", valid_from=day(1)),
        Claim("six", "six", NETWORK, "2001:db8::/32"),
    ]
)


@pytest.mark.parametrize(
    ("account", "on", "holder"),
    [
        ("192.0.2.0/24", 0, "wide"),
        ("192.0.2.0/25", 0, "left"),
        ("192.0.2.128/25", 0, "wide"),
        ("192.0.2.0/26", 0, "left"),
        ("192.0.2.0/26", 1, "later"),
        ("192.0.2.0/23", 0, None),
        ("192.0.2.1/32", 1, "later"),
        ("198.51.100.0/24", 0, None),
        ("2001:db8:1::/48", 0, "six"),
        ("2001:db8::/31", 0, None),
        ("999.0.0.0/8", 0, None),
        ("somebody", 0, None),
        (None, 0, None),
    ],
)
def test_a_network_belongs_to_the_most_specific_claim_on_the_whole_of_it(
    account: str | None, on: int, holder: str | None
) -> None:
    nothing = np.zeros(2, np.uint64)
    (_, found) = attribute(
        NESTED, days=np.array([day(on)] * 2, "datetime64[D]"), high=nothing, low=nothing, asns=nothing, names=None,
        accounts=pa.array([None, account], pa.utf8()),
    ).tolist()  # fmt: skip
    assert (NESTED.claims[found].constituent if found >= 0 else None) == holder


def test_a_list_of_networks_is_attributed_when_it_is_read_and_when_claims_change(tmp_path: Path) -> None:
    feeds = Recognition(shadowserver.mappings(), list(shipped_feeds().values()))
    bench = Bench(tmp_path / "store", NESTED.claims, recognise=feeds)
    path = tmp_path / "spamhaus_drop_text.txt"
    path.write_text("; remark\n192.0.2.128/26 ; SBL1\n198.51.100.0/24 ; SBL2\n")
    (report,) = bench.run([path]).accepted
    assert report.constituents == {"wide": 1}
    (state,) = bench.manifest.states.values()
    (partition,) = state.partitions
    claims = Claims([Claim("x", "other", NETWORK, "198.51.0.0/16")])
    changed = reattributed(read_state(bench.root / partition), claims, None).to_pylist()
    assert {one["account"]: one["constituent"] for one in changed} == {
        "192.0.2.128/26": None,
        "198.51.100.0/24": "other",
    }
