"""What a report type says in one short sentence, how bad it usually is and what helps: `meanings.toml`."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from typing import Any

from tocsin.formats.shadowserver.variants import plain
from tocsin.kernel.reference_data import DATA
from tocsin.kernel.severity import Severity

MAX_SENTENCE = 48
_RULES = "rules"


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What people read instead of the name of a type."""

    severity: Severity
    remedy: str
    """Key of the remedy that notices explain: `close`, `restrict`, `update`…"""
    group: str
    """`service`, `weakness`, `compromise`, `infection`, `attack`, `content`, `standing`, or empty when unknown."""
    sentences: tuple[tuple[str, str], ...]
    """By language, at most 48 characters."""

    def sentence(self, language: str) -> str:
        """Return the sentence in `language`, else in English."""
        spoken = dict(self.sentences)
        return spoken.get(language.split("-")[0].split("_")[0], spoken["en"])


@functools.cache
def _data() -> dict[str, Any]:
    return tomllib.loads((DATA / "shadowserver" / "meanings.toml").read_text(encoding="utf-8"))


@functools.cache
def _described() -> dict[str, Meaning]:
    return {
        name: _meaning(entry, group)
        for group, types in _data().items()
        if group != _RULES
        for name, entry in types.items()
    }


def meaning_of(type_name: str, title: str = "") -> Meaning:
    """Return what a type says; one that nobody has described is read off the publisher's `title`."""
    known = _described().get(plain(type_name))
    return known or _by_rule(title or type_name)


def _meaning(entry: dict[str, Any], group: str, what: str = "") -> Meaning:
    sentences = {language: entry[language].replace("{what}", what) for language in ("en", "fr")}
    return Meaning(
        severity=Severity(entry["severity"]),
        remedy=entry["remedy"],
        group=group,
        sentences=tuple((language, _shortened(sentence)) for language, sentence in sentences.items()),
    )


def _by_rule(title: str) -> Meaning:
    words = [word for word in title.replace("_", "-").replace("-", " ").split() if word not in ("IPv4", "IPv6")]
    first, rest = (words[0], words[1:]) if words else ("", [])
    rule = first if first in _data()[_RULES] and rest else ""
    what = " ".join(rest if rule else words) or title
    return _meaning(_data()[_RULES][rule], "", what[:1].upper() + what[1:])


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= MAX_SENTENCE else sentence[: MAX_SENTENCE - 1].rstrip() + "…"
