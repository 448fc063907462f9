"""How far something may travel: the Traffic Light Protocol 2.0 and the Permissible Actions Protocol.

Source: FIRST, Traffic Light Protocol, version 2.0 (August 2022). The labels are
never translated. WHITE (version 1) is read as CLEAR and never written.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable


class TLP(enum.StrEnum):
    """The five labels, widest audience first."""

    CLEAR = "CLEAR"
    GREEN = "GREEN"
    AMBER = "AMBER"
    AMBER_STRICT = "AMBER+STRICT"
    RED = "RED"

    @property
    def strictness(self) -> int:
        """0 for CLEAR to 4 for RED."""
        return list(TLP).index(self)

    @property
    def label(self) -> str:
        """The label as FIRST writes it: `TLP:AMBER+STRICT`."""
        return f"TLP:{self.value}"

    @classmethod
    def read(cls, text: str) -> TLP:
        """Return the label that `text` names, with or without `TLP:`. Raises ValueError for anything else."""
        word = text.strip().upper().removeprefix("TLP:").strip().replace("_", "+").replace(" ", "+")
        return cls.CLEAR if word == "WHITE" else cls(word)


def strictest(labels: Iterable[TLP]) -> TLP:
    """Return the label that holds for a whole made of parts so marked. Raises ValueError when there are none."""
    return max(labels, key=lambda label: label.strictness)


class PAP(enum.StrEnum):
    """What may be done with it, most freedom first."""

    CLEAR = "CLEAR"
    GREEN = "GREEN"
    AMBER = "AMBER"
    RED = "RED"
