"""Which machines of Meridia show findings: addresses drawn once from the blocks, then used by every report.

One pool for each address family. The same machine can stand in several reports,
as it does in real feeds.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping
from itertools import accumulate
from random import Random

from tocsin.site.demo.country import Block, Country

_NAMED = 0.45
"""Share of machines whose address has a name in reverse DNS."""
_FULLEST = 0.8
"""Largest share of a block that may show findings; beyond it, drawing new ones takes for ever."""


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """One address, and what a feed would know about it."""

    address: str
    asn: int
    name: str
    """Reverse DNS; empty for most."""
    region: str
    city: str
    network: str


class Machines:
    """The machines of one address family, to be drawn by where they stand."""

    def __init__(self, country: Country, version: int, scale: float, rng: Random) -> None:
        islands = country.facts["islands"]
        self._islands = {i["id"]: (i["names"]["en"], i["town"]) for i in islands}
        self._people = list(accumulate(i["population"] for i in islands))
        self._organisations = {o["id"]: o for o in country.organisations}
        self._blocks = [b for b in country.blocks if b.network.version == version and b.hosts]
        self._machines = [self._settle(b, country.origin(b.network), scale, rng) for b in self._blocks]
        self._groups: dict[str, tuple[list[list[Machine]], list[int]]] = {}

    def draw(self, where: Mapping[str, float], rng: Random) -> Machine:
        """Return a machine of one of the places in `where`, each as likely as its weight."""
        place = rng.choices(list(where), list(where.values()))[0] if len(where) > 1 else next(iter(where))
        lists, weights = self._group(place)
        return rng.choice(rng.choices(lists, cum_weights=weights)[0])

    def room(self, where: Mapping[str, float]) -> int:
        """Return how many machines stand at the places in `where`."""
        return sum(self._group(place)[1][-1] for place in where)

    def _group(self, place: str) -> tuple[list[list[Machine]], list[int]]:
        if place not in self._groups:
            lists = [m for b, m in zip(self._blocks, self._machines, strict=True) if _stands_at(b, place)]
            if not lists:
                raise ValueError(f"No block with hosts stands at {place!r}. Name a use, @organisation or #network.")
            self._groups[place] = lists, list(accumulate(len(m) for m in lists))
        return self._groups[place]

    def _settle(self, block: Block, asn: int, scale: float, rng: Random) -> list[Machine]:
        """Return the machines of one block, at distinct addresses."""
        numbers = _addresses(block, scale, rng)
        domain = self._organisations[block.organisation]["domains"][0] if block.organisation else ""
        return [self._machine(block, number, asn, domain, rng) for number in numbers]

    def _machine(self, block: Block, number: int, asn: int, domain: str, rng: Random) -> Machine:
        address = (
            str(ipaddress.ip_address(number)) if block.network.version == 4 else str(ipaddress.IPv6Address(number))
        )
        if block.use == "office" and block.organisation:
            island = self._organisations[block.organisation]["region"]
        else:
            island = rng.choices(list(self._islands), cum_weights=self._people)[0]
        name = _reverse_name(block, address, domain) if domain and rng.random() < _NAMED else ""
        return Machine(address, asn, name, *self._islands[island], str(block.network))


def _stands_at(block: Block, place: str) -> bool:
    if place.startswith("@"):
        return block.organisation == place[1:]
    if place.startswith("#"):
        return str(block.network) == place[1:]
    return block.use == place


def _addresses(block: Block, scale: float, rng: Random) -> Iterable[int]:
    """Return distinct addresses of `block` as numbers; in IPv6 one for each /64."""
    first, bits = int(block.network.network_address), block.network.max_prefixlen - block.network.prefixlen
    wanted = max(1, round(block.hosts * max(1.0, scale)))
    if block.network.version == 4:
        room = 1 << bits
        return [first + offset for offset in rng.sample(range(room), min(wanted, max(1, int(room * _FULLEST))))]
    subnets = rng.sample(range(1 << (bits - 64)), min(wanted, 1 << (bits - 64)))
    return [first + (subnet << 64) + rng.choice((1, 2, 0x25, 0x80, 0x443)) for subnet in subnets]


def _reverse_name(block: Block, address: str, domain: str) -> str:
    label = address.replace(".", "-").replace("::", "--").replace(":", "-")
    prefix = {"home": "c", "mobile": "m", "hosting": "vps"}.get(block.use, "host")
    return f"{prefix}-{label}.{block.use}.{domain}"
