"""The two address families of a report type: `scan_rdp` is seen over IPv4, `scan6_rdp` over IPv6."""

from __future__ import annotations

import re

_SIX = re.compile(r"(scan|population|event)6_|(.*_website|.*_iot|device_id)6\Z")


def six(name: str) -> str:
    """Return the IPv6 variant's name of a type."""
    for four, variant in (("scan_", "scan6_"), ("population_", "population6_"), ("event4_", "event6_")):
        if name.startswith(four):
            return variant + name.removeprefix(four)
    return f"{name}6"


def plain(name: str) -> str:
    """Return the name under which a type and its IPv6 variant are described together."""
    found = _SIX.match(name)
    if not found:
        return name
    family = {"scan": "scan_", "population": "population_", "event": "event4_"}.get(found[1] or "")
    return family + name[found.end() :] if family else name.removesuffix("6")
