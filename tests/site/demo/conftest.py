"""Meridia's week, written once for all tests."""

from __future__ import annotations

import pytest

from tests.site.demo.reading import FRIDAY, Week
from tocsin.site.demo.country import Country, read_country
from tocsin.site.demo.writing import write_country


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    return Week(write_country(tmp_path_factory.mktemp("meridia"), FRIDAY))


@pytest.fixture(scope="session")
def country() -> Country:
    return read_country()
