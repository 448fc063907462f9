"""How delimited files are written. Apart from their reader, so that describing a feed costs no PyArrow."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Shape:
    """How a delimited file is written."""

    delimiter: str = ","
    header: tuple[str, ...] = ()
    """Column names when the file has no header line of its own."""
    comment: str = ""
    """Lines that begin so are no records; a header may stand in the last of them before the data."""
