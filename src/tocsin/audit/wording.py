"""What a row of the trail says, in the reader's language, and what it is about.

An audit row is code and data. The room that owns a code registers its sentence in its module `recorded`, beside the
kinds of things of the room: how one is named, where its page is, how somebody who types its name means it. This room
knows none of them; it gathers what is registered.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.forms import ChoiceField, Field, Form
from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules

from tocsin.kernel import legible

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Data = Mapping[str, Any]
Sentence = Callable[[Data], str]


@dataclasses.dataclass(frozen=True)
class Fact:
    """How a field that was changed is shown: its label, and the words of its values where they are codes."""

    label: str
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _no_facts() -> Mapping[str, Fact]:
    return {}


def facts_of(*forms: type[Form]) -> dict[str, Fact]:
    """Return facts for the fields of forms, as the forms call them and their choices."""
    fields = {name: field for form in forms for name, field in form.base_fields.items()}
    return {name: Fact(str(field.label or name), _words(field)) for name, field in fields.items()}


def _words(field: Field) -> dict[str, str]:
    choices: Any = field.choices if isinstance(field, ChoiceField) else ()
    return {str(code): str(label) for code, label in choices if isinstance(label, str | Promise)}


@dataclasses.dataclass(frozen=True)
class Group:
    """Codes that belong together. `about` says which fields of their data name a thing, and of which kind."""

    name: str
    label: StrPromise
    sentences: Mapping[str, Sentence]
    about: Mapping[str, str] = dataclasses.field(default_factory=dict)
    facts: Callable[[], Mapping[str, Fact]] = _no_facts
    """Gives the fields of `before` and `after` by name."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of thing that rows are about."""

    name: str
    label: StrPromise
    names: Callable[[Collection[str]], Mapping[str, str]]
    """Gives the names of things by key, of those that have one."""
    address: Callable[[str], str]
    """Gives the address of the page of a thing; empty where it has none."""
    find: Callable[[str], str | None]
    """Gives the key of what somebody typed; None when there is no such thing."""
    is_number: bool = False
    """Keys are numbers in the data."""


_groups: dict[str, Group] = {}
_kinds: dict[str, Kind] = {}


def register(group: Group) -> None:
    """Make the sentences of a group known."""
    _groups[group.name] = group


def register_kind(kind: Kind) -> None:
    """Make a kind of thing known."""
    _kinds[kind.name] = kind


def groups() -> dict[str, Group]:
    """Return every group by name."""
    _load()
    return dict(_groups)


def kinds() -> dict[str, Kind]:
    """Return every kind of thing by name."""
    _load()
    return dict(_kinds)


@functools.cache
def _load() -> None:
    autodiscover_modules("recorded")


def group_of(code: str) -> Group | None:
    """Return the group that a code belongs to; None for one of another version."""
    return next((group for group in groups().values() if code in group.sentences), None)


def sentence(code: str, data: Data) -> str:
    """Return what a row says; the code itself where nobody knows it, or where its data are of another version."""
    group = group_of(code)
    if group is None:
        return code
    try:
        return group.sentences[code](data)
    except (KeyError, TypeError, ValueError, AttributeError):
        return code


class Quoted(str):
    """A text of a row's data. Put into a sentence it stands between marks, by which a page keeps its direction apart.

    The marks are Unicode's own, U+2068 and U+2069; such ones within the text are written out.
    """

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        text = format(str.__str__(self), spec)
        return f"\u2068{legible.unturned(text)}\u2069" if text else ""

    def __str__(self) -> str:
        return self

    def partition(self, sep: str, /) -> tuple[str, str, str]:
        before, found, after = super().partition(sep)
        return Quoted(before), found, Quoted(after)

    def rpartition(self, sep: str, /) -> tuple[str, str, str]:
        before, found, after = super().rpartition(sep)
        return Quoted(before), found, Quoted(after)


def quoted(value: Any) -> Any:
    """Return data with every text in it, of whatever depth, as one that is `Quoted`."""
    if isinstance(value, str):
        return Quoted(value)
    if isinstance(value, Mapping):
        return {key: quoted(each) for key, each in value.items()}
    return [quoted(each) for each in value] if isinstance(value, list | tuple) else value


def listed(values: Iterable[object]) -> str:
    """Return texts with commas between them, each as it is put into a sentence: joined alone they lose their marks."""
    return ", ".join(f"{each}" for each in values)


def things(code: str, data: Data) -> list[tuple[str, str]]:
    """Return what a row is about: kind and key of each thing, once."""
    group = group_of(code)
    return list(dict.fromkeys(_things(group, data))) if group else []


def _things(group: Group, data: Data) -> Iterator[tuple[str, str]]:
    for field, kind in group.about.items():
        value = data.get(field)
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, str | int) and each != "":
                yield kind, str(each)


def codes_about(kind: str) -> list[str]:
    """Return the codes whose rows may be about a thing of a kind."""
    return [code for group in groups().values() if kind in group.about.values() for code in group.sentences]


def fields_about(kind: str) -> set[str]:
    """Return the fields that name things of a kind, in whatever group."""
    return {field for group in groups().values() for field, named in group.about.items() if named == kind}
