"""The mappings in force: the operator's own, the published schema that was loaded, and the built-in ones.

They are files in the data directory (`schema/`, `mappings/`), so that the pure
commands can read the same ones.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from tocsin.formats import shadowserver
from tocsin.formats.shadowserver import Mappings, Schema


def current() -> Mappings:
    """Return the mappings in force."""
    return shadowserver.mappings(schema_in(settings.TOCSIN.home / "schema"))


def schema_in(folder: Path) -> Schema | None:
    """Return the published schema that stands in a folder, None when there is none. Raises InvalidInput."""
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))} if folder.is_dir() else {}
    return shadowserver.read_schema_files(files) if files else None
