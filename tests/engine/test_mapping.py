"""A mapping is data: values that can be compared, sent and asked."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from tocsin.engine.convert import CONVERSIONS
from tocsin.engine.mapping import TIME, Field, Mapping, Roles
from tocsin.formats import shadowserver
from tocsin.kernel.severity import Severity

MAPPING = Mapping(
    "own",
    "Own",
    (Field(TIME, "when"), Field("extra.x", "x", "raw")),
    (("classification.type", "scanner"),),
    Roles(),
    "file",
)


def test_a_mapping_says_what_is_the_same_for_all_its_events() -> None:
    assert MAPPING.constant("classification.type") == "scanner"
    assert MAPPING.constant("classification.identifier") == ""
    assert MAPPING.constant("classification.identifier", "none") == "none"


def test_a_field_is_text_and_a_finding_is_mild_unless_told_otherwise() -> None:
    assert Field("extra.y", "y").conversion == "text"
    assert MAPPING.severity is Severity.C5
    assert Roles().time == "timestamp"


def test_mappings_are_values() -> None:
    assert pickle.loads(pickle.dumps(MAPPING)) == MAPPING
    assert hash(MAPPING) == hash(dataclasses.replace(MAPPING))
    with pytest.raises(dataclasses.FrozenInstanceError):
        MAPPING.type = "other"  # type: ignore[misc]


@pytest.mark.parametrize("mapping", shadowserver.built_in().values(), ids=lambda mapping: mapping.type)
def test_a_built_in_mapping_gives_the_engine_what_it_reasons_with(mapping: Mapping) -> None:
    roles = mapping.roles
    assert roles.time in mapping.columns
    assert (roles.address in mapping.columns) != (roles.account in mapping.columns)
    named = [roles.port, roles.protocol, roles.asn, roles.country, *roles.names, *roles.urls, *roles.detail]
    assert {name for name in named if name} <= set(mapping.columns)
    assert all(field.conversion in CONVERSIONS and field.column in mapping.columns for field in mapping.fields)
    assert mapping.constant("classification.type") or any(one.key == "classification.type" for one in mapping.fields)
