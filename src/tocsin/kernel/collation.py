"""The order of words as people expect it: without regard to case and accents. Pure.

Databases and Python order letters by their numbers: É after Z. Rules of single languages (Swedish Å after Z) are
not kept: a list mixes names of several.
"""

from __future__ import annotations

import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"})
"""Letters that Unicode does not decompose, small ones."""


def folded(text: str) -> str:
    """Return `text` as it is searched for: without case and accents, so that "sante" finds "Santé"."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def collated(text: str) -> tuple[str, str]:
    """Return what to order texts by: "Œuvres" with "oe", "Énergie" between "Eau" and "Enfance"; equals stay apart."""
    return folded(text).translate(_LIGATURES), text
