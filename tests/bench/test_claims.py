"""The directory for the attribution bench is hard in the right places, and its oracle is plainly right."""

from __future__ import annotations

import collections
import datetime as dt
import ipaddress
import json
from pathlib import Path

import pytest

from bench.claims import Claim, Claims, Question, write_claims

DAY = dt.date(2026, 11, 20)


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Claims:
    return write_claims(tmp_path_factory.mktemp("claims"), networks=3_000, asns=200, domains=900)


def claim(constituent: str, network: str, **dates: dt.date) -> Claim:
    return Claim(constituent, ipaddress.ip_network(network), **dates)


def directory(*networks: Claim, asns: dict[int, str] | None = None, domains: dict[str, str] | None = None) -> Claims:
    return Claims(networks, asns or {}, domains or {}, Path("unused"))


def test_the_most_specific_network_wins() -> None:
    some = directory(claim("wide", "10.0.0.0/8"), claim("narrow", "10.1.0.0/16"), claim("one", "10.1.2.3/32"))
    assert some.naive_owner("10.2.0.1", 0, "", DAY) == "wide"
    assert some.naive_owner("10.1.2.2", 0, "", DAY) == "narrow"
    assert some.naive_owner("10.1.2.3", 0, "", DAY) == "one"
    assert some.naive_owner("11.0.0.0", 0, "", DAY) is None


def test_ipv6_is_compared_in_both_halves() -> None:
    some = directory(claim("site", "2001:db8:1::/48"), claim("host", "2001:db8:1::1:0/112"))
    assert some.naive_owner("2001:db8:1::2:0", 0, "", DAY) == "site"
    assert some.naive_owner("2001:db8:1::1:ffff", 0, "", DAY) == "host"
    assert some.naive_owner("2001:db8:2::1:0", 0, "", DAY) is None
    assert some.naive_owner("0.0.0.1", 0, "", DAY) is None


def test_of_equal_networks_the_claim_confirmed_last_wins_and_an_unconfirmed_one_never() -> None:
    early, late = dt.date(2024, 1, 1), dt.date(2025, 1, 1)
    one, other = claim("one", "10.0.0.0/24", confirmed_on=late), claim("other", "10.0.0.0/24", confirmed_on=early)
    never = claim("never", "10.0.0.0/24")
    for some in (directory(one, other, never), directory(never, other, one)):
        assert some.naive_owner("10.0.0.7", 0, "", DAY) == "one"


def test_a_claim_counts_on_its_first_and_last_day_and_not_beyond() -> None:
    first, last = dt.date(2026, 3, 1), dt.date(2026, 3, 31)
    some = directory(claim("wide", "10.0.0.0/8"), claim("march", "10.1.0.0/16", valid_from=first, valid_to=last))
    day = dt.timedelta(days=1)
    answers = [some.naive_owner("10.1.0.0", 0, "", on) for on in (first - day, first, last, last + day)]
    assert answers == ["wide", "march", "march", "wide"]


def test_a_declared_suffix_wins_over_networks_the_longest_first() -> None:
    some = directory(claim("net", "10.0.0.0/8"), domains={"gov.example": "state", "lands.gov.example": "lands"})
    assert some.naive_owner("10.0.0.1", 0, "www.lands.gov.example", DAY) == "lands"
    assert some.naive_owner("10.0.0.1", 0, "WWW.Gov.Example.", DAY) == "state"
    assert some.naive_owner("10.0.0.1", 0, "notgov.example", DAY) == "net"
    assert some.naive_owner("10.0.0.1", 0, "gov.example.org.example", DAY) == "net"


def test_the_autonomous_system_decides_last() -> None:
    some = directory(claim("net", "10.0.0.0/24"), asns={64_496: "provider"})
    assert some.naive_owner("10.0.0.1", 64_496, "", DAY) == "net"
    assert some.naive_owner("10.0.1.1", 64_496, "", DAY) == "provider"
    assert some.naive_owner("10.0.1.1", 64_497, "", DAY) is None


def test_as_many_claims_are_written_as_asked_for(claims: Claims) -> None:
    entries = json.loads(claims.path.read_text(encoding="utf-8"))
    assert sum(len(e["networks"]) for e in entries) == len(claims.networks) == 3_000
    assert sum(len(e["asns"]) for e in entries) == len(claims.asns) == 200
    assert sum(len(e["domains"]) for e in entries) == len(claims.domains) == 900
    assert len({e["id"] for e in entries}) == len(entries)


def test_the_file_says_what_the_oracle_knows(claims: Claims) -> None:
    for entry in json.loads(claims.path.read_text(encoding="utf-8")):
        own = [c.as_json() for c in claims.networks if c.constituent == entry["id"]]
        assert entry["networks"] == own


def test_networks_are_nested_deeply(claims: Claims) -> None:
    nets = [c.network for c in claims.networks]
    host = ipaddress.ip_network("10.0.0.0/32")
    assert sum(n.version == 4 and host.subnet_of(n) for n in nets) >= 7
    sample = [n for n in nets if n.version == 6][::7]
    depth = [sum(o.version == 6 and n.subnet_of(o) for o in nets) for n in sample]
    assert max(depth) >= 5


def test_no_rule_is_needed_that_nobody_has_written(claims: Claims) -> None:
    held: dict[object, list[Claim]] = collections.defaultdict(list)
    for one in claims.networks:
        held[one.network].append(one)
    disputed = [group for group in held.values() if len(group) > 1]
    assert len(disputed) > 50
    for one, other in disputed:
        assert one.constituent != other.constituent
        apart = (one.valid_to or dt.date.max) < (other.valid_from or dt.date.min)
        assert apart or one.confirmed_on != other.confirmed_on


def test_some_claims_have_begun_ended_or_both(claims: Claims) -> None:
    kinds = collections.Counter((c.valid_from is not None, c.valid_to is not None) for c in claims.networks)
    assert all(kinds[kind] > 20 for kind in [(True, False), (False, True), (True, True), (False, False)])


def test_claims_turn_on_few_days_so_that_spans_between_them_can_be_indexed(claims: Claims) -> None:
    turns = {c.valid_from for c in claims.networks} | {c.valid_to for c in claims.networks}
    assert 4 < len(turns - {None}) <= 12
    one_day = [c for c in claims.networks if c.valid_from and c.valid_from == c.valid_to]
    assert one_day
    assert {q.on for q in claims.questions(2_000)} & {c.valid_to + dt.timedelta(days=1) for c in one_day if c.valid_to}


def test_every_claim_lies_in_harmless_space(claims: Claims) -> None:
    spaces = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "198.18.0.0/15", "2001:db8::/32")]
    for one in claims.networks:
        assert any(one.network.version == s.version and one.network.subnet_of(s) for s in spaces)
    assert min(claims.asns) >= 4_200_000_000
    assert all(domain.endswith(".example") for domain in claims.domains)


def test_questions_are_asked_at_the_edges_and_have_answers_of_every_kind(claims: Claims) -> None:
    questions = list(claims.questions(2_000))
    answers = [claims.naive_owner(q.ip, q.asn, q.host, q.on) for q in questions]
    assert 20 < answers.count(None) < 400
    by_asn = [q for q in questions if not q.host and not len(claims._around(q.ip)) and q.asn in claims.asns]
    assert len(by_asn) > 20
    ends = {str(a) for c in claims.networks for a in (c.network.network_address, c.network.broadcast_address)}
    assert sum(q.ip in ends for q in questions) > 500


def test_the_same_seed_asks_the_same(claims: Claims, tmp_path: Path) -> None:
    again = write_claims(tmp_path, networks=3_000, asns=200, domains=900)
    assert again.path.read_bytes() == claims.path.read_bytes()
    assert list(again.questions(50)) == list(claims.questions(50)) != list(claims.questions(50, seed=2))


def test_the_brute_force_equals_pythons_own_comparison(claims: Claims) -> None:
    def owner(q: Question) -> str | None:
        around = [c for c in claims.networks if ipaddress.ip_address(q.ip) in c.network and c.holds_on(q.on)]
        best = max(around, key=lambda c: (c.network.prefixlen, c.confirmed_on or dt.date.min), default=None)
        return best.constituent if best else claims.asns.get(q.asn)

    for question in claims.questions(300, seed=9):
        if not question.host:
            assert claims.naive_owner(question.ip, question.asn, "", question.on) == owner(question)
