"""What is wrong, why it matters and how to mend it, for every type of report and class of finding: `data/remedies`."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from typing import Any

from tocsin.formats.shadowserver.variants import plain
from tocsin.kernel import rsit
from tocsin.kernel.reference_data import DATA

LANGUAGES = ("en", "fr")


@dataclasses.dataclass(frozen=True)
class Text:
    """A remedy in one language."""

    wrong: str
    """What is wrong, a sentence."""
    matters: str
    """Why it matters, a sentence."""
    fix: tuple[str, ...]
    """Steps."""
    check: str
    """How to see that it is mended."""


@dataclasses.dataclass(frozen=True)
class Remedy:
    """One remedy in all languages. `name` is the same for all types of report that it is for."""

    name: str
    texts: Mapping[str, Text]
    columns: tuple[str, ...] = ()
    """What the table has for it besides the usual columns: names in `headings`. Its texts name them as these do."""

    def text(self, language: str) -> Text:
        """Return it in a language, in English where it has no text in that one."""
        return self.texts.get(language) or self.texts["en"]


@functools.cache
def headings(language: str) -> Mapping[str, str]:
    """Return what the columns of the table in a notice are called in a language, in their order; else in English."""
    data = tomllib.loads((DATA / "notice-columns.toml").read_text(encoding="utf-8"))
    return {name: said.get(language) or said["en"] for name, said in data.items()}


@functools.cache
def remedies() -> Mapping[str, Remedy]:
    """Return all remedies by name."""
    return {name: _remedy(name, entry) for name, entry in _data().items()}


def remedy_for(report_type: str, category: str) -> Remedy:
    """Return the remedy for a type of report; for one that has none of its own, that of the class of the finding."""
    by_report, by_class = _places()
    named = by_report.get(plain(report_type)) or by_class[rsit.resolve(category).name]
    return remedies()[named]


@functools.cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted((DATA / "remedies").glob("*.toml")):
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


@functools.cache
def _places() -> tuple[dict[str, str], dict[str, str]]:
    """Return the name of the remedy by type of report, and by class."""
    by_report, by_class = (
        {each: name for name, entry in _data().items() for each in entry.get(key, ())} for key in ("reports", "classes")
    )
    return by_report, by_class


def _remedy(name: str, entry: Mapping[str, Any]) -> Remedy:
    texts = {language: entry[language] for language in LANGUAGES}
    return Remedy(
        name,
        {
            language: Text(text["wrong"], text["matters"], tuple(text["fix"]), text["check"])
            for language, text in texts.items()
        },
        tuple(entry.get("columns", ())),
    )
