"""The sectors, from `data/sectors.toml`: a list that a country may extend without touching the program."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping

from tocsin.kernel.reference_data import DATA


@functools.cache
def sectors() -> Mapping[str, Mapping[str, str]]:
    """Return the words of each sector by language code, by the sector's code."""
    return tomllib.loads((DATA / "sectors.toml").read_text(encoding="utf-8"))


def sector_label(code: str, language: str) -> str:
    """Return the word for a sector, in English where `language` has none; an unknown code is its own word."""
    words = sectors().get(code, {})
    return words.get(language) or words.get(language.split("-")[0]) or words.get("en") or code
