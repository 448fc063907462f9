"""Which functions of the product write to the database, and who reaches them.

A write is a call by one of Django's writing names, or SQL that changes something. A function that writes must be an
action, or be reached from actions alone: each function that names it (and so may call it, or hand it on) is an action
or is itself reached from actions alone. What nobody names, and what is named outside of any function, where it may be
registered with anybody, is reached from who knows where.

By name, not by type: a name that a module defines or imports stands for the function there. Where that is too much it
errs on the side of finding a write.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.architecture.reading import Module

WRITING = {
    "save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete", "executemany",
    "save_base", "asave", "acreate", "abulk_create", "abulk_update", "aget_or_create", "aupdate_or_create", "aupdate",
    "adelete", "_raw_delete", "create_user", "create_superuser",
}  # fmt: skip
"""Names that write whoever they are asked of; `update`, `execute` and `copy` only write as `_is_write` says."""
OF_OTHERS = {("TOTP", "activate"), ("RecoveryCodes", "activate"), ("", "mark_as_viewed")}
"""Functions of libraries that write for us."""
_READS = re.compile(r"^\s*(SELECT|PRAGMA|SHOW)\b", re.I)
_RELATED = {"add", "set", "remove", "clear"}


@dataclasses.dataclass(frozen=True)
class Function:
    """A function of the product, or, with an empty name, what stands outside of functions in a module."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name or '(outside of functions)'}"


@dataclasses.dataclass
class Seen:
    """What stands in a function."""

    writes: list[str] = dataclasses.field(default_factory=list)
    """`save, line 12`."""
    names: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    """(module, name) of every function that it may mean."""
    is_action: bool = False


def seen(modules: Iterable[Module], accessors: frozenset[str] = frozenset()) -> dict[Function, Seen]:
    """Return what stands in each function. `accessors` are names by which a row reaches others that point to it."""
    found: dict[Function, Seen] = defaultdict(Seen)
    for module in modules:
        _Reader(module, found, accessors).visit(module.tree)
    return dict(found)


def uncovered(found: dict[Function, Seen]) -> dict[Function, list[str]]:
    """Return the functions that write and can be reached otherwise than by an action."""
    known = set(found)
    callers: dict[Function, set[Function]] = defaultdict(set)
    for function, inside in found.items():
        for module, name in inside.names:
            if (named := Function(module, name)) in known and named != function:
                callers[named].add(function)
    covered = {function for function, inside in found.items() if inside.is_action}
    grows = True
    while grows:
        more = {f for f in known - covered if f.name and callers[f] and callers[f] <= covered}
        covered |= more
        grows = bool(more)
    return {function: inside.writes for function, inside in found.items() if inside.writes and function not in covered}


class _Reader(ast.NodeVisitor):
    """Walks one module and notes, for each function of it, writes and names."""

    def __init__(self, module: Module, found: dict[Function, Seen], accessors: frozenset[str]) -> None:
        self.module, self.found, self.accessors = module, found, accessors
        self.inside: list[str] = []
        self.imported: dict[str, str] = {}
        """Name in this module → dotted name of what it stands for."""
        self.constants = {
            target.id: node.value
            for node in module.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self._read_imports()

    def _read_imports(self) -> None:
        for node in ast.walk(self.module.tree):
            if isinstance(node, ast.Import):
                self.imported |= {alias.asname or alias.name: alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                origin = self.module._origin(node)
                self.imported |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}

    @property
    def here(self) -> Seen:
        return self.found[Function(self.module.name, self.inside[0] if self.inside else "")]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Note what stands in a function under the outermost one; its decorators stand outside of it."""
        for decorator in node.decorator_list:
            self.visit(decorator)
        if not self.inside:
            self.found[Function(self.module.name, node.name)].is_action |= any(
                map(_makes_an_action, node.decorator_list)
            )
            if any(not _makes_an_action(each) for each in node.decorator_list if not _is_harmless(each)):
                self.here.names.add((self.module.name, node.name))  # whoever decorates it may call it
        self.inside.append(node.name)
        for child in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(child)
        self.inside.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Call(self, node: ast.Call) -> None:
        """Note a write."""
        if isinstance(node.func, ast.Attribute) and self._is_write(node, node.func):
            self.here.writes.append(f"{node.func.attr}, line {node.lineno}")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Note that a function is named: one of this module, or one that was imported."""
        self._note(self.imported.get(node.id) or f"{self.module.name}.{node.id}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note `module.function`, and of what is asked of anything else that it may mean a method of this module."""
        if dotted := self._dotted(node):
            self._note(dotted)
        else:
            self._note(f"{self.module.name}.{node.attr}")
        self.generic_visit(node)

    def _dotted(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, "")
        if isinstance(node, ast.Attribute) and (before := self._dotted(node.value)):
            return f"{before}.{node.attr}"
        return ""

    def _note(self, dotted: str) -> None:
        module, _, name = dotted.rpartition(".")
        self.here.names.add((module, name))

    def _is_write(self, call: ast.Call, asked: ast.Attribute) -> bool:
        name, whom = asked.attr, asked.value
        if isinstance(whom, ast.Call) and getattr(whom.func, "id", "") == "super":
            return False  # of a method by the same name, which is asked under that name
        owner = getattr(whom, "id", "")
        if (owner, name) in OF_OTHERS or ("", name) in OF_OTHERS:
            return True
        if name == "update":
            return not call.args and bool(call.keywords)  # a dictionary is updated by another, a digest by bytes
        if name == "execute" or (name == "copy" and call.args and owner not in ("shutil", "copy")):
            return not self._only_reads(call.args[0] if call.args else None)
        if name in _RELATED:
            return isinstance(whom, ast.Attribute) and whom.attr in self.accessors
        return name in WRITING

    def _only_reads(self, statement: ast.expr | None) -> bool:
        """Whether a statement stands there, or in a constant of the module, and begins as one that reads."""
        if isinstance(statement, ast.Name):
            statement = self.constants.get(statement.id)
        if isinstance(statement, ast.JoinedStr) and statement.values:
            statement = statement.values[0]
        if not isinstance(statement, ast.Constant):
            return False
        return isinstance(statement.value, str) and bool(_READS.match(statement.value))


def _makes_an_action(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "action"


def _is_harmless(decorator: ast.expr) -> bool:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return getattr(named, "id", getattr(named, "attr", "")) in {
        "property", "cached_property", "staticmethod", "classmethod", "contextmanager", "cache", "lru_cache",
    }  # fmt: skip


def lines(found: dict[Function, list[str]]) -> Iterator[str]:
    """Yield a line for each function, as the list of exceptions names it."""
    yield from sorted(str(function) for function in found)
