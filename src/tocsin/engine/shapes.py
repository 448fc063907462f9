"""How delimited files are written. Apart from their reader, so that describing a feed costs no PyArrow."""

from __future__ import annotations

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Shape:
    """How a delimited file is written. One with remarks in it is read by `formats.tables`."""

    delimiter: str = ","
    header: tuple[str, ...] = ()
    """Column names when the file has no header line of its own."""


def separated_by(separator: str) -> tuple[str, str]:
    """Return what is wrong with a report whose columns are separated by something unexpected, and what helps."""
    written = json.dumps(separator)  # as TOML writes it, too
    remedy = f"Export it with commas, or use a mapping file with delimiter = {written}; see how to map a new report."
    if separator == ",":
        remedy = "Leave delimiter out of its mapping file."
    return f"its columns are separated by {written}.", remedy
