"""The Reference Security Incident Taxonomy, version 1003: 11 classes and 39 types. The data is `data/rsit.toml`."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from typing import Any

from tocsin.kernel.reference_data import DATA

UNDETERMINED = "undetermined"


@dataclasses.dataclass(frozen=True)
class Class:
    """A class of incidents, with its label by language."""

    name: str
    labels: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Type:
    """A type of incident; `class_name` is the class that it belongs to."""

    name: str
    class_name: str
    labels: dict[str, str]


@functools.cache
def _data() -> dict[str, Any]:
    return tomllib.loads((DATA / "rsit.toml").read_text(encoding="utf-8"))


@functools.cache
def classes() -> dict[str, Class]:
    """Return the classes by name, in the taxonomy's order."""
    return {name: Class(name, dict(labels)) for name, labels in _data()["classes"].items()}


@functools.cache
def types() -> dict[str, Type]:
    """Return the types by name, in the taxonomy's order."""
    return {
        name: Type(name, entry["class"], {k: v for k, v in entry.items() if k != "class"})
        for name, entry in _data()["types"].items()
    }


def aliases() -> dict[str, str]:
    """Return what others write instead of a type, with the type."""
    return dict(_data()["aliases"])


def knows(name: str) -> bool:
    """Say whether a word is a type, or what others write for one."""
    word = name.strip().lower()
    return word in types() or word in _data()["aliases"]


def resolve(name: str) -> Type:
    """Return the type that `name` means, also when others write it otherwise (`blacklist`); else `undetermined`."""
    word = name.strip().lower()
    return types().get(word) or types().get(_data()["aliases"].get(word, "")) or types()[UNDETERMINED]
