"""What an address asks in its query part, read strictly: what is not understood is left out, and said.

A page that guesses shows other rows than those that were asked for; so every
value is looked up among those that are known, and the others are gathered for
one sentence on the page. Pure: takes whatever behaves like Django's QueryDict.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Generic, Protocol, TypeVar

TEXT_LENGTH = 200
SHOWN_LENGTH = 40
CARRIED_ALONG = ("utm_", "fbclid", "gclid", "msclkid", "mc_cid", "mc_eid")
"""How names begin that mailers and social networks hang on every link that passes through them.

Whoever follows such a link has asked for nothing by them and cannot help them: they are dropped without a word.
"""


class Query(Protocol):
    """Names with their values, in the order given."""

    def getlist(self, key: str) -> list[str]:
        """Return the values of a name."""

    def setlist(self, key: str, list_: list[str]) -> None:
        """Give a name other values."""

    def lists(self) -> Iterable[tuple[str, list[str]]]:
        """Return each name with its values."""


Q = TypeVar("Q", bound=Query)
V = TypeVar("V")


class Question(Generic[Q]):
    """A query part that is being read. `query` is given to keep: what is not understood is taken out of it."""

    def __init__(self, query: Q) -> None:
        self.query = query
        self._given = [(name, list(values)) for name, values in query.lists()]
        self._asked: set[str] = set()
        self._refused: list[str] = []

    @property
    def left_out(self) -> list[str]:
        """`name=value` of what was not understood, fit to be shown: values that are none, and names nothing asks for.

        To be read when everything is asked.
        """
        unasked = [_shown(name, value) for name, values in self._unasked() for value in values]
        return list(dict.fromkeys([*self._refused, *unasked]))

    def understood(self) -> Q:
        """Return the query without names that nothing asks for: what the links of a page go on with."""
        for name in [name for name, _values in self._given if name not in self._asked]:
            self.query.setlist(name, [])
        return self.query

    def _unasked(self) -> list[tuple[str, list[str]]]:
        return [each for each in self._given if each[0] not in self._asked and not each[0].startswith(CARRIED_ALONG)]

    def _values(self, name: str) -> list[str]:
        self._asked.add(name)
        return self.query.getlist(name)

    def values(self, name: str, known: Container[str]) -> tuple[str, ...]:
        """Return the values of a name that are known, each once; an empty one asks for nothing."""
        given = [value for value in self._values(name) if value]
        for value in given:
            if value not in known:
                self.refuse(name, value)
        return tuple(dict.fromkeys(value for value in given if value in known))

    def read(self, name: str, reader: Callable[[str], V]) -> list[V]:
        """Return the values of a name as `reader` reads them, each once; it raises ValueError for what is none."""
        found: dict[str, V] = {}
        for text in [value for value in self._values(name) if value]:
            try:
                found[text] = reader(text.strip())
            except ValueError:
                self.refuse(name, text)
        return list(found.values())

    def value(self, name: str, known: Container[str], default: str = "") -> str:
        """Return the last value of a name; `default` when it has none that is known, or an empty one."""
        given = self._values(name)
        if not given or not given[-1]:
            return default
        if given[-1] in known:
            return given[-1]
        self.refuse(name, given[-1])
        return default

    def text(self, name: str, longest: int = TEXT_LENGTH) -> str:
        """Return what somebody typed, without spaces around; nothing when it is too long or not text."""
        given = self._values(name)
        if not given:
            return ""
        if len(given[-1]) > longest or "\0" in given[-1]:
            self.refuse(name, given[-1])
            return ""
        return given[-1].strip()

    def number(self, name: str, most: int, default: int = 1) -> int:
        """Return a number from 1 to `most`; `default` when there is none."""
        given = self._values(name)
        if not given or not given[-1]:
            return default
        text = given[-1]
        if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most:
            return int(text)
        self.refuse(name, text)
        return default

    def refuse(self, name: str, value: str) -> None:
        """Leave a value out, and keep it for the sentence that says so."""
        self.query.setlist(name, [each for each in self._values(name) if each != value])
        self._refused.append(_shown(name, value))


def _shown(*parts: str) -> str:
    """Return name and value as a page may show them, each cut where it is long."""
    written = ("".join(sign if sign.isprintable() else f"%{ord(sign):02X}" for sign in each) for each in parts)
    return "=".join(f"{each[:SHOWN_LENGTH]}…" if len(each) > SHOWN_LENGTH else each for each in written)
