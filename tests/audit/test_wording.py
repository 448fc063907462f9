"""Every row can be read: each code has its sentence, beside the room that owns it."""

from __future__ import annotations

import ast
import dataclasses
import datetime as dt
import functools
import importlib
import types
import typing
from typing import Any

import pytest
from django.utils import translation

from tests.architecture.reading import modules
from tocsin.audit import action, wording
from tocsin.kernel.events import Event, plain
from tocsin.people.choices import Role

SAMPLES: dict[str, Any] = {
    "role": Role.ANALYST.value, "form": "csv", "decision": "confirmed", "method": "code", "kind": "asn",
    "constituents": ("moh", "bank"), "faults": (),
}  # fmt: skip
"""Values that are codes, or of which there are two."""
OF_TYPE: dict[Any, Any] = {
    int: 3, str: "some text", bool: True, dt.date: dt.date(2026, 3, 2), float: 1.5,
    dt.datetime: dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC),
}  # fmt: skip


def codes_in_the_source() -> set[str]:
    """Return the code of every action in the product."""
    decorators = (
        decorator
        for module in modules()
        if "@action(" in module.text
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
    )
    return {
        str(each.args[0].value)
        for each in decorators
        if isinstance(each, ast.Call)
        and getattr(each.func, "id", "") == "action"
        and isinstance(each.args[0], ast.Constant)
    }


def sample(kind: Any, name: str = "") -> Any:
    """Return a value of a type, as an event may carry it."""
    if name in SAMPLES:
        return SAMPLES[name]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return sample(inner[0])
    if origin is tuple:
        return (sample(inner[0]),) if inner[-1] is Ellipsis else tuple(map(sample, inner))
    if origin is dict:
        return {} if inner[1] is Any else {"scan_rdp": sample(inner[1])}
    return OF_TYPE[kind]


@functools.cache
def load_every_action() -> None:
    for module in modules():
        if "@action(" in module.text:
            importlib.import_module(module.name)


def event_of(code: str) -> Event:
    """Return an event as the action of that code returns it."""
    load_every_action()
    kind = typing.get_type_hints(action.known[code])["return"]
    hints = typing.get_type_hints(kind)
    return kind(**{field.name: sample(hints[field.name], field.name) for field in dataclasses.fields(kind)})  # type: ignore[no-any-return]


CODES = sorted(codes_in_the_source())


def test_every_code_in_the_source_has_a_sentence_and_every_sentence_a_code() -> None:
    said = {code for group in wording.groups().values() for code in group.sentences}
    assert sorted(said) == CODES, "a room's module `recorded` says what its rows say: see tocsin.audit.wording"


@pytest.mark.django_db
@pytest.mark.parametrize("code", CODES)
def test_a_row_reads_as_a_sentence_in_each_language(code: str) -> None:
    data = event_of(code).as_data()
    for language in ("en", "fr"):
        with translation.override(language):
            said = wording.sentence(code, data)
        assert said not in ("", code)
        assert "{" not in said
        assert " " in said


@pytest.mark.parametrize(
    ("code", "data"),
    [("room.unknown", {}), ("run.started", {}), ("claim.ended", {"values": 7}), ("audit.checked", {"faults": 1})],
)
def test_a_row_that_another_version_wrote_is_shown_by_its_code(code: str, data: dict[str, Any]) -> None:
    assert wording.sentence(code, data) == code


def test_a_code_belongs_to_one_group() -> None:
    codes = [code for group in wording.groups().values() for code in group.sentences]
    assert len(codes) == len(set(codes))


def test_what_a_row_is_about_is_named_once() -> None:
    data = {"constituents": ["moh", "bank"], "values": ["192.0.2.0/24"], "constituent": "moh"}
    assert wording.things("claim.added", data) == [("constituent", "moh"), ("constituent", "bank")]
    assert wording.things("run.replayed", {"run": 3, "replay": 4}) == [("run", "3"), ("run", "4")]
    assert wording.things("room.unknown", {"run": 3}) == []
    assert wording.things("reports.fetched", {"run": None}) == []


@pytest.mark.django_db
def test_each_kind_of_thing_is_known_where_rows_name_it() -> None:
    named = {kind for group in wording.groups().values() for kind in group.about.values()}
    assert named == set(wording.kinds())
    for kind in wording.kinds().values():
        assert kind.find("there is no such thing") is None
        assert kind.address("1") == "" or kind.address("1").startswith("/")


@pytest.mark.django_db
def test_every_fact_of_a_change_has_a_label() -> None:
    for group in wording.groups().values():
        assert all(fact.label for fact in group.facts().values())


FAULTS = ["missing", "order", "changed", "rewritten", "cut off", "signature", "key", "no head", "emptied"]


@pytest.mark.parametrize("problem", FAULTS)
def test_each_fault_has_its_sentence(problem: str) -> None:
    from tocsin.audit import recorded, verifying

    assert sorted(FAULTS) == sorted(verifying.FAULTS)
    fault = verifying.Fault(problem, 5, 8, dt.date(2026, 3, 2))
    said = recorded.fault(fault.as_data())
    assert said.endswith(".")
    if problem in ("missing", "order", "changed"):
        assert said.startswith("Rows 5 to 8 ")
        assert recorded.fault({**fault.as_data(), "until": None}).startswith("Row 5 ")
    assert wording.sentence("audit.checked", plain({"rows": 4, "heads": 0, "faults": [fault.as_data()]})).endswith(said)
