"""The format of mapping files is explained whole, and the example in the reference is a mapping file."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.docs.reading import described, page, section, tables
from tocsin.engine.convert import CONVERSIONS, KINDS
from tocsin.engine.mapping import Roles
from tocsin.formats.delimited import feedfile
from tocsin.kernel.refusals import InvalidInput

PAGE = page("reference/mapping-files")
EXAMPLE = re.findall(r"^```toml$\n(.*?)^```$", PAGE, re.M | re.S)[0]


def test_every_table_has_its_section() -> None:
    assert set(re.findall(r"^## \[(\w+)\]$", PAGE, re.M)) == feedfile._TABLES


@pytest.mark.parametrize(("table", "keys"), [("[feed]", feedfile._FEED), ("[read]", feedfile._READ)])
def test_every_key_of_a_table_is_explained(table: str, keys: set[str]) -> None:
    assert set(described(section(PAGE, table))) == keys


def test_every_role_is_explained_with_its_sort() -> None:
    sorts = {
        field.name: "list" if isinstance(getattr(Roles(), field.name), tuple) else "text"
        for field in dataclasses.fields(Roles)
    } | {"kinds": "table"}
    assert {name: row[0] for name, row in described(section(PAGE, "[roles]")).items()} == sorts


def test_every_conversion_is_explained_here_or_among_the_kinds() -> None:
    explained = {row[0].strip("`") for row in tables(section(PAGE, "Conversions"))[0][1:]}
    assert explained == set(CONVERSIONS) - set(KINDS)


def test_the_example_is_a_mapping_file() -> None:
    feed = feedfile.read_feed(EXAMPLE.encode(), "example.toml")
    assert feed.mapping.type == "sensor_logins"
    assert feed.mapping.constant("classification.taxonomy") == "intrusion-attempts"


def test_a_slip_is_refused_with_file_table_and_key_as_the_page_promises() -> None:
    with pytest.raises(InvalidInput, match=r"example\.toml, \[fields\] source\.adress"):
        feedfile.read_feed(EXAMPLE.replace("source.ip", "source.adress").encode(), "example.toml")
