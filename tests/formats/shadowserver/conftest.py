"""The publisher's schema, where the machine that runs the tests has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tocsin.formats.shadowserver import Schema, read_schema


@pytest.fixture(scope="session")
def schema_files() -> dict[str, bytes]:
    folder = os.environ.get("TOCSIN_TEST_SCHEMA")
    if not folder:
        pytest.skip("TOCSIN_TEST_SCHEMA names no folder with the publisher's intelmq.json and reports.json")
    return {name: (Path(folder) / name).read_bytes() for name in ("intelmq.json", "reports.json")}


@pytest.fixture(scope="session")
def published(schema_files: dict[str, bytes]) -> Schema:
    return read_schema(schema_files["intelmq.json"], schema_files["reports.json"])
