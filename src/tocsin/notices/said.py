"""What the last row about a finding says, as the columns of the table and the page of a finding put it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tocsin.kernel import legible


@dataclasses.dataclass(frozen=True)
class Said:
    """What a row says, by the names of `feeds.last_rows.FACTS`; what it does not say is empty."""

    facts: Mapping[str, str]

    def _of(self, name: str) -> str:
        return legible.shown(self.facts.get(name, ""))

    @property
    def source_port(self) -> str:
        """The port from which a machine spoke, with the protocol."""
        return (
            "/".join(filter(None, (self._of("source_port"), self._of("transport")))) if self._of("source_port") else ""
        )

    @property
    def destination(self) -> str:
        """To whom it spoke: name, address and port, as far as they are known."""
        address, port, host = self._of("destination"), self._of("destination_port"), self._of("destination_host")
        written = f"[{address}]" if ":" in address else address
        place = f"{written}:{port}" if address and port else address or (f"{host}:{port}" if host and port else host)
        return f"{place} ({host})" if host and address else place

    @property
    def page(self) -> str:
        """The page that it is about."""
        return self._of("page")

    @property
    def detail(self) -> str:
        """What else tells what it is: malware, product, tag, or who lists it and why."""
        listed = ": ".join(filter(None, (self._of("listed_by"), self._of("reason"))))
        product = " ".join(filter(None, (self._of("vendor"), self._of("product"))))
        return self._of("malware") or listed or product or self._of("tag")
