"""What a newer schema would change."""

from __future__ import annotations

import dataclasses
import json

from tocsin.engine.mapping import Field, Roles
from tocsin.formats.shadowserver import Schema, built_in, difference

OLD = built_in()


def test_nothing_changes_between_equals() -> None:
    nothing = difference(OLD, OLD)
    assert not nothing
    assert nothing.as_data() == {"types_added": [], "types_removed": [], "types_changed": []}


def test_added_and_removed_types_are_named() -> None:
    new = {name: mapping for name, mapping in OLD.items() if name != "scan_rdp"} | {"scan_lamp": OLD["scan_rdp"]}
    found = difference(OLD, new)
    assert (found.types_added, found.types_removed, found.types_changed) == (("scan_lamp",), ("scan_rdp",), ())


def test_changed_fields_conversions_constants_and_columns_are_told_apart() -> None:
    rdp = OLD["scan_rdp"]
    fields = tuple(
        dataclasses.replace(field, conversion="raw") if field.key == "extra.tag" else field
        for field in rdp.fields
        if field.key != "extra.jarm"
    )
    newer = dataclasses.replace(
        rdp,
        title="Remote-Desktop",
        fields=(*fields, Field("extra.lamp", "lamp", "convert_int")),
        constants=(("classification.type", "weak-crypto"), ("protocol.application", "rdp")),
        columns=(*rdp.columns[1:], "lamp"),
    )
    (change,) = difference(OLD, OLD | {"scan_rdp": newer}).types_changed
    assert change.type == "scan_rdp"
    assert change.fields_added == (Field("extra.lamp", "lamp", "convert_int"),)
    assert [field.key for field in change.fields_removed] == ["extra.jarm"]
    assert [(a.conversion, b.conversion) for a, b in change.conversions_changed] == [("validate_to_none", "raw")]
    assert ("classification.type", "vulnerable-system", "weak-crypto") in change.constants_changed
    assert ("classification.taxonomy", "vulnerable", "") in change.constants_changed
    assert (change.columns_added, change.columns_removed) == (("lamp",), (rdp.columns[0],))
    assert change.title == ("Accessible-RDP", "Remote-Desktop")
    assert not change.identity_changes
    assert not change.attribution_changes


def test_a_change_of_identity_or_attribution_is_said() -> None:
    rdp = OLD["scan_rdp"]
    other_port = dataclasses.replace(rdp, roles=dataclasses.replace(rdp.roles, port=""))
    other_name = dataclasses.replace(rdp, roles=dataclasses.replace(rdp.roles, names=("hostname",)))
    (identity,) = difference(OLD, OLD | {"scan_rdp": other_port}).types_changed
    (attribution,) = difference(OLD, OLD | {"scan_rdp": other_name}).types_changed
    assert (identity.identity_changes, identity.attribution_changes) == (True, False)
    assert (attribution.identity_changes, attribution.attribution_changes) == (False, True)
    assert rdp.roles != Roles()


def test_a_difference_can_be_printed_as_json() -> None:
    newer = dataclasses.replace(OLD["scan_rdp"], fields=())
    data = json.loads(json.dumps(difference(OLD, {"scan_rdp": newer}).as_data()))
    (change,) = data["types_changed"]
    assert change["type"] == "scan_rdp"
    assert change["fields_removed"][0].keys() == {"key", "column", "conversion"}
    assert change.keys() == {"type", "fields_removed"}


def test_going_from_the_built_in_to_the_published_mapping_changes_no_identity(published: Schema) -> None:
    found = difference(OLD, published.mappings)
    assert found.types_removed == ()
    assert not any(change.identity_changes or change.attribution_changes for change in found.types_changed)
