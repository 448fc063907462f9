"""The IntelMQ Data Format: flat events with dotted keys, as CSIRTs know them.

Pure: values in, text out, and back.
Words: event, key, kind, extra.
Doors: `keys`, `kind_of`, `write`, `check`, `read_lines`.
"""

from tocsin.formats.idf.dictionary import Key, is_well_formed, keys, kind_of
from tocsin.formats.idf.events import check, mapping_of, read_lines, write

__all__ = ["Key", "check", "is_well_formed", "keys", "kind_of", "mapping_of", "read_lines", "write"]
