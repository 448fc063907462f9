"""Which languages there are, from `data/languages.toml`: a contact is written to in one of them."""

from __future__ import annotations

import functools
import re
import tomllib

from tocsin.kernel.reference_data import DATA

_LANGUAGE = re.compile(r"([a-z]{2,3})(-[A-Za-z0-9]{2,8}){0,3}\Z")
_PRIVATE = re.compile(r"q[a-t][a-z]\Z")
"""Codes that a country may give its own languages. Source: ISO 639-3, local use."""


@functools.cache
def codes() -> frozenset[str]:
    """Return the codes of languages, of two letters and of three."""
    found = tomllib.loads((DATA / "languages.toml").read_text(encoding="utf-8"))
    return frozenset(code for written in found.values() for code in written.split())


def is_language(text: str) -> bool:
    """Whether `text` is the code of a language that there is, with script or country behind it or without.

    So are `fr`, `pt-BR`, `zh-Hans`, and `qol`, which is free for languages of one's own. Source: BCP 47 (RFC 5646).
    """
    found = _LANGUAGE.match(text)
    return found is not None and (found[1] in codes() or _PRIVATE.match(found[1]) is not None)
