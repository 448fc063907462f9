"""Write a directory with many nested claims, and answer by brute force whose an asset is.

For the attribution bench: whatever is fast must give the same answers as
`Claims.naive_owner`, which compares every claim with every question.

Space: 10.0.0.0/8 and 198.18.0.0/15, 2001:db8::/32; private autonomous systems
(4200000000 and up, RFC 6996); names under `.example`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import json
import random
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_ASN = 4_200_000_000
_SECTORS = ("government", "energy", "finance", "health", "telecom", "water", "transport", "education", "business")
_SPACES = ("10.0.0.0/8", "198.18.0.0/15", "2001:db8::/32")
_SHARES = (0.68, 0.14, 0.18)
_NEWEST, _OLDEST = dt.date(2026, 12, 31), dt.date(2020, 1, 1)
_TURNS = tuple(dt.date(year, month, 1) for year in (2024, 2025, 2026) for month in (2, 9))
"""Days on which claims begin or end: few, as when a registry is revised, so that an index for each span stays cheap."""
_EQUAL, _HANDED_OVER, _DATED, _NESTED = 0.03, 0.02, 0.12, 0.35
# What goes wrong first: one start and many lengths, halves of an IPv6 address, whole spaces, single addresses.
_EDGES = (
    *(f"10.0.0.0/{length}" for length in (8, 9, 10, 16, 24, 31, 32)),
    *("10.255.255.255/32", "10.255.255.254/31", "10.128.0.0/9", "198.18.0.0/16", "198.19.255.255/32"),
    *(f"2001:db8::/{length}" for length in (34, 35, 48, 63, 64, 65, 127, 128)),
    *("2001:db8:0:1::/64", "2001:db8:0:0:8000::/65", "2001:db8:ffff:ffff::/64"),
    *("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128", "2001:db8:0:0:ffff:ffff:ffff:ffff/128"),
)


@dataclasses.dataclass(frozen=True)
class Claim:
    """One network and who claims it, with the first and last day (both count) and the day it was confirmed."""

    constituent: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    confirmed_on: dt.date | None = None

    def holds_on(self, day: dt.date) -> bool:
        """Whether the claim is valid on a day; without dates it always is."""
        return (self.valid_from or dt.date.min) <= day <= (self.valid_to or dt.date.max)

    def as_json(self) -> str | dict[str, str]:
        """Return the claim as the directory's format has it."""
        dates = {
            name: getattr(self, name).isoformat()
            for name in ("valid_from", "valid_to", "confirmed_on")
            if getattr(self, name)
        }
        return {"value": str(self.network), **dates} if dates else str(self.network)


@dataclasses.dataclass(frozen=True)
class Question:
    """An asset on a day: the arguments of `Claims.naive_owner`."""

    ip: str
    asn: int
    host: str
    on: dt.date


@dataclasses.dataclass(frozen=True)
class Claims:
    """Everything that was claimed, with the brute-force answer."""

    networks: tuple[Claim, ...]
    asns: dict[int, str]
    domains: dict[str, str]
    path: Path

    def naive_owner(self, ip: str, asn: int, host: str, on: dt.date) -> str | None:
        """Return the constituent: declared suffix of `host`, else most specific network that holds on that day,
        of equal ones the last confirmed, else the autonomous system; None for nobody.
        """
        name = host.lower().rstrip(".")
        suffixes = [d for d in self.domains if name == d or name.endswith("." + d)] if name else []
        if suffixes:
            return self.domains[max(suffixes, key=len)]
        around = [self.networks[n] for n in self._around(ip) if self.networks[n].holds_on(on)]
        if around:
            best: Claim = max(around, key=lambda c: (c.network.prefixlen, c.confirmed_on or dt.date.min))
            return best.constituent
        return self.asns.get(asn)

    def questions(self, count: int, seed: int = 1) -> Iterator[Question]:
        """Yield questions at the edges: addresses around the ends of a network, days around the ends of a claim."""
        rng = random.Random(seed)
        domains, asns = list(self.domains), list(self.asns)
        for _ in range(count):
            claim = rng.choice(self.networks)
            yield Question(
                ip=_near(claim, rng) if rng.random() < 0.8 else _anywhere(rng),
                asn=rng.choice(asns) if rng.random() < 0.5 else 64_511,
                host=_host(rng.choice(domains), rng) if rng.random() < 0.3 else "",
                on=_day_near(claim, rng),
            )

    def _around(self, ip: str) -> NDArray[np.intp]:
        """Return the numbers of all networks that hold the address: each is compared."""
        address = ipaddress.ip_address(ip)
        high, low = divmod(int(address), 1 << 64)
        version, net_high, net_low, mask_high, mask_low = self._columns
        same = (np.uint64(high) & mask_high == net_high) & (np.uint64(low) & mask_low == net_low)
        return np.flatnonzero(same & (version == address.version))

    @cached_property
    def _columns(self) -> tuple[NDArray[Any], ...]:
        networks = [c.network for c in self.networks]
        numbers = [divmod(int(n.network_address), 1 << 64) for n in networks]
        masks = [divmod(int(n.netmask), 1 << 64) for n in networks]
        return (
            np.array([n.version for n in networks]),
            *(
                np.array([pair[half] for pair in pairs], dtype=np.uint64)
                for pairs in (numbers, masks)
                for half in (0, 1)
            ),
        )


def write_claims(
    folder: Path, networks: int = 50_000, asns: int = 3_000, domains: int = 20_000, seed: int = 58
) -> Claims:
    """Write claims.json, in the directory's format, with as many claims of each kind; return them with the oracle.

    Two constituents never claim an equal network with the same day of confirmation
    while both claims hold, and never an equal domain or autonomous system: for
    those, no rule says who wins.
    """
    rng = random.Random(seed)
    ids = [f"c{number:04d}" for number in range(max(20, networks // 20))]
    claims = Claims(
        tuple(_networks(networks, ids, rng)),
        {FIRST_ASN + 7 * number: rng.choice(ids) for number in range(asns)},
        _domains(domains, ids, rng),
        folder / "claims.json",
    )
    folder.mkdir(parents=True, exist_ok=True)
    claims.path.write_text(json.dumps(_directory(claims, ids), indent=1) + "\n", encoding="utf-8")
    return claims


def _networks(count: int, ids: list[str], rng: random.Random) -> list[Claim]:
    taken = {ipaddress.ip_network(text) for text in _EDGES}
    claims = [Claim(rng.choice(ids), network) for network in sorted(taken, key=str)][:count]
    disputed: set[Any] = set()
    while len(claims) < count:
        chance = rng.random()
        other = rng.choice(claims)
        if chance < _EQUAL:
            claims += _rivals(other, disputed, ids, rng)
        elif chance < _EQUAL + _HANDED_OVER:
            network = _fresh(taken, claims, rng)
            disputed.add(network)
            last = rng.choice(_TURNS)
            one, next_one = rng.sample(ids, 2)
            claims += [Claim(one, network, valid_to=last), Claim(next_one, network, last + dt.timedelta(days=1))]
        else:
            network = _fresh(taken, claims, rng)
            claims.append(_dated(Claim(rng.choice(ids), network), rng))
    return claims[:count]


def _rivals(claim: Claim, disputed: set[Any], ids: list[str], rng: random.Random) -> list[Claim]:
    """Return a second claim to the network, confirmed on a day of its own; none where there are two already."""
    confirmed = _date(rng)
    if claim.network in disputed or confirmed == claim.confirmed_on:
        return []
    disputed.add(claim.network)
    others = [constituent for constituent in ids if constituent != claim.constituent]
    return [Claim(rng.choice(others), claim.network, confirmed_on=confirmed)]


def _fresh(taken: set[Any], claims: list[Claim], rng: random.Random) -> Any:
    """Return a network that nobody has claimed, often one inside a claimed one."""
    while True:
        if rng.random() < _NESTED:
            outer = rng.choice(claims).network
            network = _inside(outer, min(outer.max_prefixlen, outer.prefixlen + rng.randint(1, 9)), rng)
        else:
            outer = ipaddress.ip_network(rng.choices(_SPACES, _SHARES)[0])
            lengths = range(36, 65) if outer.version == 6 else range(18, 33)
            network = _inside(outer, rng.choice(lengths), rng)
        if network not in taken:
            taken.add(network)
            return network


def _inside(outer: Any, length: int, rng: random.Random) -> Any:
    bits = outer.max_prefixlen - length
    offset = rng.getrandbits(length - outer.prefixlen) << bits if length > outer.prefixlen else 0
    return ipaddress.ip_network((int(outer.network_address) + offset, length))


def _dated(claim: Claim, rng: random.Random) -> Claim:
    """Return the claim with dates, for some: begun, ended, both, or confirmed."""
    chance = rng.random()
    if chance < _DATED:
        first, last = sorted(rng.choices(_TURNS, k=2))
        kind = rng.randrange(3)
        return dataclasses.replace(claim, valid_from=first if kind != 1 else None, valid_to=last if kind != 0 else None)
    return dataclasses.replace(claim, confirmed_on=_date(rng)) if chance < 0.4 else claim


def _date(rng: random.Random) -> dt.date:
    return _OLDEST + dt.timedelta(days=rng.randrange((_NEWEST - _OLDEST).days))


def _domains(count: int, ids: list[str], rng: random.Random) -> dict[str, str]:
    """Return suffixes and who declared them; a third lie below another."""
    found: dict[str, str] = {}
    names: list[str] = []
    number = 0
    while len(names) < count:
        number += 1
        below = names[rng.randrange(len(names))] if names and rng.random() < 0.33 else "example"
        name = f"d{number}.{below}"
        if name.count(".") < 8:
            names.append(name)
            found[name] = rng.choice(ids)
    return found


def _directory(claims: Claims, ids: list[str]) -> list[dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {
        constituent: {
            "id": constituent,
            "name": f"Organisation {number}",
            "sector": _SECTORS[number % len(_SECTORS)],
            "asns": [],
            "networks": [],
            "domains": [],
        }
        for number, constituent in enumerate(ids)
    }
    for claim in claims.networks:
        entries[claim.constituent]["networks"].append(claim.as_json())
    for asn, constituent in claims.asns.items():
        entries[constituent]["asns"].append(asn)
    for domain, constituent in claims.domains.items():
        entries[constituent]["domains"].append(domain)
    return list(entries.values())


def _near(claim: Claim, rng: random.Random) -> str:
    """Return an address at an edge of the network, one beyond it, or somewhere inside."""
    first, last = int(claim.network.network_address), int(claim.network.broadcast_address)
    number = rng.choice((first - 1, first, last, last + 1, rng.randint(first, last)))
    return str(ipaddress.IPv6Address(number) if claim.network.version == 6 else ipaddress.IPv4Address(number))


def _anywhere(rng: random.Random) -> str:
    """Return an address that few or none have claimed."""
    space = ipaddress.ip_network(rng.choice(("198.19.0.0/16", "192.0.2.0/24", "2001:db8:8000::/33", "3fff::/20")))
    return str(space[rng.randrange(space.num_addresses)])


def _day_near(claim: Claim, rng: random.Random) -> dt.date:
    edges = [day + dt.timedelta(days=n) for day in (claim.valid_from, claim.valid_to) if day for n in (-1, 0, 1)]
    return rng.choice(edges) if edges and rng.random() < 0.8 else _date(rng)


def _host(domain: str, rng: random.Random) -> str:
    """Return a name at, below, above or just beside a suffix."""
    return rng.choice(
        (
            domain,
            f"www.{domain}",
            f"a.b.{domain.upper()}",
            f"not{domain}",
            domain.partition(".")[2],
            f"{domain}.org.example",
        )
    )
