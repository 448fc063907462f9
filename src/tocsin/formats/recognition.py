"""Know a delivered report by its name and header: which type, of which day, read by which mapping."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

from tocsin.engine.intake import Recognised
from tocsin.engine.mapping import Mapping
from tocsin.engine.opening import BrokenReport
from tocsin.formats import shadowserver
from tocsin.formats.shadowserver import Mappings

_SEVERITY = "severity"
_DIGITS = re.compile(r"[-_. ]*\d[\d_.: -]*")


class Recognition:
    """Recognises reports by a set of mappings; what no mapping knows is kept all the same, and said to need one."""

    def __init__(self, mappings: Mappings) -> None:
        self.mappings = mappings

    def __call__(self, name: str, columns: tuple[str, ...]) -> Recognised:
        """Return what a report is. Raises BrokenReport when its columns cannot be those of any report."""
        said = shadowserver.read_name(name, self.mappings.by_type)
        kind = said.type or shadowserver.recognise(columns, self.mappings.by_type) or type_from(name)
        mapping = self.mappings.for_type(kind, columns)
        self._check(name, columns, mapping)
        return Recognised(_graded(mapping, columns), said.date)

    def cycle_of(self, name: str) -> tuple[str, dt.date] | None:
        """Return type and day as far as the name alone tells them."""
        said = shadowserver.read_name(name, self.mappings.by_type)
        return (said.type, said.date) if said.type and said.date else None

    def _check(self, name: str, columns: tuple[str, ...], mapping: Mapping) -> None:
        asset = mapping.roles.address or mapping.roles.account
        missing = [column for column in (mapping.roles.time, asset) if column not in columns]
        if mapping.origin != "none" and len(missing) == 2:
            raise BrokenReport(
                f"it is named as {mapping.type} but has neither its column {missing[0]!r} nor {missing[1]!r}.",
                where=name,
            )
        if mapping.origin == "none" and not (mapping.roles.time and asset):
            raise BrokenReport(
                "no mapping knows its type, and no column of it holds a time and an asset.",
                where=name,
                remedy="See how to map a new report.",
            )


def _graded(mapping: Mapping, columns: tuple[str, ...]) -> Mapping:
    """Return a mapping with the type's usual severity, and the report's own where a column says it."""
    severity = shadowserver.meaning_of(mapping.type, mapping.title).severity
    roles = dataclasses.replace(mapping.roles, severity=_SEVERITY if _SEVERITY in columns else "")
    return dataclasses.replace(mapping, severity=severity, roles=roles)


def type_from(name: str) -> str:
    """Return a report type made from a file's name, so that tomorrow's file of the same kind gets the same."""
    stem = name.lower().split(".")[0]
    return _DIGITS.sub("", stem).strip("-_ ") or "unnamed"
