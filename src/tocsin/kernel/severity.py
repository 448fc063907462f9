"""The six levels people use for how bad something is, in the manner of the UK incident categories."""

from __future__ import annotations

import enum


class Severity(enum.IntEnum):
    """C1 is worst. Stored and sorted as the number."""

    C1 = 1
    C2 = 2
    C3 = 3
    C4 = 4
    C5 = 5
    C6 = 6
