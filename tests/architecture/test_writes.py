"""Every write is an action: one transaction, one row in the audit trail, one event."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.reading import SOURCE, Module, exceptions, modules
from tests.architecture.writes import Function, lines, seen, uncovered

PURE = {"kernel", "engine", "formats"}
"""They know no Django and cannot write to the product's database."""


def accessors() -> frozenset[str]:
    """Names by which a row reaches the rows that point to it, whose `add`, `set`, `remove` and `clear` write."""
    from django.apps import apps

    ours = [model for model in apps.get_models() if model.__module__.startswith("tocsin.")]
    return frozenset(
        str(relation.get_accessor_name()) for model in ours for relation in model._meta.related_objects
    ) | {field.name for model in ours for field in model._meta.many_to_many}


def test_every_write_is_an_action_or_is_reached_from_actions_alone() -> None:
    found = uncovered(seen([module for module in modules() if module.room not in PURE], accessors()))
    told = "\n".join(f"{function}: {', '.join(writes)}" for function, writes in found.items())
    assert list(lines(found)) == sorted(exceptions()["writes_outside_actions"]), told


def test_what_may_write_outside_of_an_action_has_its_reason() -> None:
    assert all(len(reason.split()) > 3 for reason in exceptions()["writes_outside_actions"].values())


def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> list[str]:
    """Return what would be found in an invented room."""
    monkeypatch.setattr("tests.architecture.reading.SOURCE", tmp_path)
    folder = tmp_path / "tocsin" / "room"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    found = uncovered(seen([Module(path) for path in sorted(folder.glob("*.py"))], frozenset({"claims"})))
    return [str(function).removeprefix("tocsin.room.") for function in found]


ACTION = """
from tocsin.audit.action import action

@action("thing.changed")
def change_thing(thing, *, by, at):
    _write(thing)

def _write(thing):
    thing.save()
"""


def test_a_helper_of_an_action_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outside(tmp_path, monkeypatch, actions=ACTION) == []


@pytest.mark.parametrize(
    "write",
    [
        "thing.save()",
        "Thing.objects.create(name=1)",
        "Thing.objects.filter(pk=1).update(name=1)",
        "Thing.objects.all().delete()",
        "thing.claims.add(other)",
        "cursor.execute('UPDATE thing SET name = 1')",
        "cursor.execute(f'DELETE FROM {table}')",
        "cursor.execute(statement)",
        "cursor.execute('WITH old AS (SELECT 1) DELETE FROM thing')",
        "cursor.executemany('INSERT', rows)",
        "cursor.copy('COPY thing FROM STDIN')",
        "TOTP.activate(person, secret)",
    ],
)
def test_a_write_in_a_view_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    assert outside(tmp_path, monkeypatch, views=f"def change(request):\n    {write}\n") == ["views.change"]


@pytest.mark.parametrize(
    "read",
    ["found.update(others)", "digest.update(b'1')", "cursor.execute('SELECT 1')", "names.add(1)", "request.GET.copy()"],
)
def test_what_only_looks_like_a_write_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    assert outside(tmp_path, monkeypatch, views=f"def change(request):\n    {read}\n") == []


VIEW = """
from tocsin.room.actions import _write
from tocsin.room import actions
def change(request):
    {call}
"""


@pytest.mark.parametrize("call", ["_write(1)", "actions._write(1)", "later(_write)", "list(map(actions._write, [1]))"])
def test_a_helper_that_a_view_calls_too_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    assert outside(tmp_path, monkeypatch, actions=ACTION, views=VIEW.format(call=call)) == ["actions._write"]


OTHERS = {
    "registered with somebody": f"{ACTION}\nlistens_to(_write)\n",
    "handed on in a table": f"{ACTION}\nTABLE = {{'write': _write}}\n",
    "decorated": ACTION.replace("def _write", "@listens_to(Event)\ndef _write"),
    "named by nobody": ACTION.replace("    _write(thing)", "    pass"),
    "called by a helper of a view": f"{ACTION}\ndef view(request):\n    _more()\ndef _more():\n    _write(1)\n",
    "on loading": "thing.save()\n",
}


@pytest.mark.parametrize("how", OTHERS)
def test_a_write_that_can_be_reached_otherwise_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    assert len(outside(tmp_path, monkeypatch, actions=OTHERS[how])) == 1


def test_two_helpers_that_call_each_other_do_not_cover_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    circle = "def one(x):\n    two(x)\n    x.save()\ndef two(x):\n    one(x)\n"
    assert outside(tmp_path, monkeypatch, views=circle) == ["views.one"]


def test_the_product_has_writes_to_be_found() -> None:
    found = seen([module for module in modules() if module.room not in PURE], accessors())
    assert sum(len(inside.writes) for inside in found.values()) > 70
    assert found[Function("tocsin.people.actions.accounts", "create_person")].is_action
    assert SOURCE.is_dir()
