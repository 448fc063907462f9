"""An invented country of any size: who holds which addresses, kept as painted arrays.

An address is its index in the plan. Whoever holds it is found by painting every
claimed network into one array, the widest first: plain, slow to build for a
planet, obviously right, and nothing like what the engine does.

IPv4: 198.18.0.0/15 (RFC 2544, never routed); when more room is needed, 10.0.0.0/8
(RFC 1918, private) continues it. IPv6: 2001:db8::/32 (documentation, RFC 3849),
one address for each /64. Autonomous systems: 64512-65534 (private, RFC 6996).
"""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SECTORS = ("government", "energy", "finance", "health", "telecom", "water", "transport", "education", "business")
FIRST = 1 << 17
"""Addresses in 198.18.0.0/15."""
MOST = {4: FIRST + (1 << 24), 6: 0xFFFF << 16}
_STEP = 1 << 16
_BASE4 = (int(ipaddress.ip_address("198.18.0.0")), int(ipaddress.ip_address("10.0.0.0")))
_BASE6 = 0x20010DB8 << 96
_LENGTHS = {4: (22, 24, 25, 26, 27, 28, 28, 29, 30, 32), 6: (48, 56, 60, 64)}
_ASNS = 300
_WITH_ASN = 60


class Plan:
    """Constituents, their claims, and the origin of each address.

    `constituents` is what stands in constituents.json. Nothing is claimed twice.
    """

    def __init__(self, seed: int, constituents: int, room: dict[int, int]) -> None:
        """Make a country with at least `room[4]` and `room[6]` addresses. Raises ValueError when it has no room."""
        self._rng = np.random.default_rng([seed, 58])
        self.size = {version: _rounded(version, wanted) for version, wanted in room.items()}
        self.asns = 64_512 + self._rng.permutation(1_000)[:_ASNS]
        self.rib: list[str] = []
        self.origin = {version: self._announce(version) for version in (4, 6)}
        self.constituents: list[dict[str, Any]] = []
        self._claims: dict[int, dict[tuple[int, int], int]] = {4: {}, 6: {}}
        for number in range(constituents):
            self.constituents.append(self._constituent(number))
        self.domains = [domain for c in self.constituents for domain in c["domains"]] or ["nobody.example"]
        self._by_domain = _owners_by(self.constituents, "domains")
        self.owner_of_domain = np.array([self._by_domain.get(d, -1) for d in self.domains], dtype=np.int32)
        self._by_asn = _owners_by(self.constituents, "asns")
        self.holder = {version: self._paint(version) for version in (4, 6)}

    def owner(self, version: int, index: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return who holds each address by network, else by its origin: number of the constituent, -1 for nobody."""
        by_asn = np.full(65_536, -1, dtype=np.int32)
        for asn, owner in self._by_asn.items():
            by_asn[asn] = owner
        held = self.holder[version][index]
        return np.where(held >= 0, held, by_asn[self.asn(version, index)])

    def asn(self, version: int, index: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the origin of each address."""
        origin: NDArray[np.int32] = self.origin[version][index >> (8 if version == 4 else 16)]
        return origin

    def addresses(self, version: int) -> pa.Array:
        """Return all addresses as quoted text, in order of index."""
        return _four(self.size[4]) if version == 4 else _six(self.size[6])

    def network(self, version: int, index: int, length: int) -> str:
        """Return the network of that prefix length which begins at an index."""
        return f"{ipaddress.ip_address(_number(version, index))}/{length}"

    def write(self, folder: Path) -> None:
        """Write constituents.json and rib.txt."""
        (folder / "constituents.json").write_text(json.dumps(self.constituents, indent=1), encoding="utf-8")
        (folder / "rib.txt").write_text("\n".join(self.rib) + "\n", encoding="utf-8")

    def _announce(self, version: int) -> NDArray[np.int32]:
        """Return the origin by /24 or /48: wide announcements, with more specific ones of others inside."""
        wide, units = (16, self.size[4] >> 8) if version == 4 else (1, self.size[6] >> 16)
        origin = np.repeat(self._rng.choice(self.asns[:120], units // wide), wide).astype(np.int32)
        shift, length = (8, 20) if version == 4 else (16, 48)
        for unit in range(0, units, wide):
            self.rib.append(f"{self.network(version, unit << shift, length)}\t{origin[unit]}")
        if version == 4:
            for unit in self._rng.choice(units, max(1, units // 40), replace=False):
                origin[unit] = self._rng.choice(self.asns[:120])
                self.rib.append(f"{self.network(4, int(unit) << 8, 24)}\t{origin[unit]}")
        return origin

    def _constituent(self, number: int) -> dict[str, Any]:
        kind = self._rng.random()
        asns = [int(self.asns[number])] if number < _WITH_ASN else []
        networks = self._networks(number) if number >= _WITH_ASN and kind < 0.8 else []
        names = [f"org{number:04d}.gov.example", f"o{number}.example"]
        domains = names[: 1 + int(self._rng.integers(2))] if kind >= 0.7 else []
        return {
            "id": f"c{number:04d}",
            "name": f"Organisation {number}",
            "contact": f"security@org{number:04d}.example",
            "sector": SECTORS[number % len(SECTORS)],
            "asns": asns,
            "networks": networks,
            "domains": domains,
        }

    def _networks(self, number: int) -> list[str]:
        versions = [4] * int(self._rng.integers(1, 5)) + [6] * int(self._rng.random() < 0.4)
        found = []
        for version in versions:
            length = int(self._rng.choice(_LENGTHS[version]))
            index = int(self._rng.integers(self.size[version])) & -_count(version, length)
            if (length, index) not in self._claims[version]:  # equal claims are for people to settle, not for a truth
                self._claims[version][length, index] = number
                found.append(self.network(version, index, length))
        return found

    def _paint(self, version: int) -> NDArray[np.int32]:
        """Return the holder of each address: the widest claims first, so that the most specific stays on top."""
        holder = np.full(self.size[version], -1, dtype=np.int32)
        for (length, index), number in sorted(self._claims[version].items()):
            holder[index : index + _count(version, length)] = number
        return holder


def _rounded(version: int, wanted: int) -> int:
    size = max(FIRST, -(-wanted // _STEP) * _STEP)
    if size > MOST[version]:
        raise ValueError(f"{wanted:,} addresses of IPv{version} do not fit the plan. Use more types or fewer rows.")
    return size


def _count(version: int, length: int) -> int:
    """Return how many addresses of the plan a network has."""
    return 1 << ((32 if version == 4 else 64) - length)


def _number(version: int, index: int) -> int:
    """Return the first address of the plan's index as a number."""
    if version == 6:
        return _BASE6 + ((index + _STEP) << 64)
    first, more = _BASE4
    return first + index if index < FIRST else more + index - FIRST


def _owners_by(constituents: list[dict[str, Any]], key: str) -> dict[Any, int]:
    return {value: number for number, c in enumerate(constituents) for value in c[key]}


def _four(size: int) -> pa.Array:
    index = np.arange(size, dtype=np.int64)
    number = np.where(index < FIRST, _BASE4[0] + index, _BASE4[1] + index - FIRST)
    octets = pa.array([str(n) for n in range(256)])
    parts = [octets.take(pa.array((number >> shift) & 255)) for shift in (24, 16, 8, 0)]
    parts[0] = pc.binary_join_element_wise('"', parts[0], "")
    parts[3] = pc.binary_join_element_wise(parts[3], '"', "")
    return pc.binary_join_element_wise(*parts, ".")


def _six(size: int) -> pa.Array:
    index = np.arange(size, dtype=np.int64)
    sites = pa.array([f'"2001:db8:{n:x}' for n in range(1, (size >> 16) + 1)])
    subnets = pa.array(['::1"', *(f':{n:x}::1"' for n in range(1, _STEP))])
    return pc.binary_join_element_wise(sites.take(pa.array(index >> 16)), subnets.take(pa.array(index & 0xFFFF)), "")
