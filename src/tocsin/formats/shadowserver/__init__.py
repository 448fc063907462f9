"""Shadowserver's reports: which types there are, what their columns mean, what they say to people.

Pure: bytes and names in, values out; the engine reads the rows.
Words: type, schema (the publisher's two files), mapping, role, meaning.
Doors: `mappings`, `read_schema`, `read_schema_files`, `difference`, `read_name`, `recognise`, `meaning_of`.
"""

from tocsin.formats.shadowserver.builtin import built_in
from tocsin.formats.shadowserver.difference import Difference, TypeDifference, difference
from tocsin.formats.shadowserver.mappings import Mappings, mappings, unmapped
from tocsin.formats.shadowserver.meanings import Meaning, meaning_of
from tocsin.formats.shadowserver.names import ReportName, read_name, recognise
from tocsin.formats.shadowserver.schema import Schema, read_schema, read_schema_files

__all__ = [
    "Difference",
    "Mappings",
    "Meaning",
    "ReportName",
    "Schema",
    "TypeDifference",
    "built_in",
    "difference",
    "mappings",
    "meaning_of",
    "read_name",
    "read_schema",
    "read_schema_files",
    "recognise",
    "unmapped",
]
