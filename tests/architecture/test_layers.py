"""Who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.architecture.reading import ROOT, Module, heights, modules

PRIVATE = {"views", "forms", "api", "rules", "jobs"}
"""Modules of a room that nobody outside it imports."""
DOORS = {"models", "actions", "queries", "events", "choices"}
"""Modules of a room that others import. A room declares further ones in the last line of what it says about itself."""
FEATURE_ROOMS = ("portal", "effect", "notices", "feeds", "directory", "people", "courier", "jobs", "audit")
NETWORK = ("urllib.request", "http.client", "http.server", "socketserver", "xmlrpc")


def test_the_contracts_of_import_linter_are_kept() -> None:
    script = "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command as run; run()"
    result = subprocess.run(
        [sys.executable, "-c", script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 kept, 0 broken" in result.stdout


def foreign_imports(module: Module) -> list[tuple[str, str]]:
    """(room, first module inside it) of everything imported from another feature room."""
    parts = [name.split(".") for name in module.imports() if name.startswith("tocsin.")]
    return [(p[1], p[2]) for p in parts if len(p) > 2 and p[1] in FEATURE_ROOMS and p[1] != module.room]


def doors(room: str) -> set[str]:
    """The usual doors and those that the room's docstring declares, but never what is private."""
    (package,) = [module for module in modules() if module.name == f"tocsin.{room}"]
    declared = (ast.get_docstring(package.tree) or "").partition("Doors:")[2]
    return DOORS | {name.split(".")[0] for name in re.findall(r"`([\w.]+)`", declared)} - PRIVATE


@pytest.mark.parametrize("module", [m for m in modules() if m.room in FEATURE_ROOMS], ids=str)
def test_a_room_is_entered_by_its_doors(module: Module) -> None:
    beside = [f"{room}.{inner}" for room, inner in foreign_imports(module) if inner not in doors(room)]
    assert not beside, f"{module} must use {' '.join(sorted(DOORS))}, or a door that the room declares"


@pytest.mark.parametrize("module", [m for m in modules() if m.room == "site"], ids=str)
def test_site_alone_may_take_views_and_jobs_to_put_the_rooms_together_but_never_rules_and_forms(module: Module) -> None:
    assert not [pair for pair in foreign_imports(module) if pair[1] in {"rules", "forms"}]


@pytest.mark.parametrize("module", [m for m in modules() if m.path.name == "models.py"], ids=str)
def test_models_do_not_import_actions(module: Module) -> None:
    assert not [name for name in module.imports() if ".actions" in name]


@pytest.mark.parametrize("module", [m for m in modules() if m.room != "courier"], ids=str)
def test_only_the_courier_opens_network_connections(module: Module) -> None:
    reached = [name for name in module.imports() if name.startswith(NETWORK)]
    assert not reached, f"{module} must be handed a function of the courier"


@pytest.mark.parametrize("module", [m for m in modules() if m.room not in ("courier", "site")], ids=str)
def test_sockets_are_used_for_the_form_of_addresses_only(module: Module) -> None:
    used = [
        node.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "socket"
    ]
    assert set(used) <= {"inet_pton", "inet_ntop", "inet_aton", "inet_ntoa", "AF_INET", "AF_INET6"}


def test_every_room_has_its_place_in_the_layers() -> None:
    rooms = {module.room for module in modules() if module.room}
    assert rooms == set(heights()) - {"__main__"}


def test_foreign_keys_point_downward() -> None:
    from django.apps import apps

    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        if model.__module__.startswith("tocsin.")
        for field in model._meta.get_fields()
        if field.concrete and field.is_relation and _height(field.related_model) > _height(model)
    ]
    assert not upward


def _height(model: type) -> int:
    """Height of the model's room; what others wrote stands below the house."""
    parts = model.__module__.split(".")
    return heights()[parts[1]] if parts[0] == "tocsin" else -1
