"""Questions to findings and observations, answered by DuckDB over the files that the manifest names.

One database in memory, without extensions and with a memory limit: a web
process asks here, and never opens a file that is being written. Nothing of
PyArrow or NumPy is imported: a page must not cost their memory.
"""

from tocsin.engine.orders import SORTS
from tocsin.engine.query.asked import FACETS, Filter, Moved, Tally
from tocsin.engine.query.blocks import Block, blocks
from tocsin.engine.query.database import Database
from tocsin.engine.query.findings import Finding, Findings
from tocsin.engine.query.observed import (
    Fault,
    faults,
    last_cells,
    observations,
    quarantined,
    reverse_names,
    sighted,
    sightings,
)
from tocsin.engine.query.standing import TypeFiles

__all__ = [
    "FACETS",
    "SORTS",
    "Block",
    "Database",
    "Fault",
    "Filter",
    "Finding",
    "Findings",
    "Moved",
    "Tally",
    "TypeFiles",
    "blocks",
    "faults",
    "last_cells",
    "observations",
    "quarantined",
    "reverse_names",
    "sighted",
    "sightings",
]
