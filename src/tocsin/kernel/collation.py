"""The order of words as people expect it: without regard to case and accents. Pure.

Databases and Python order letters by their numbers: É after Z. Rules of single languages (Swedish Å after Z) are
not kept: a list mixes names of several.
"""

from __future__ import annotations

import unicodedata

ALIKE = {
    "œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h", "ŧ": "t",
    "‘": "'", "’": "'", "ʻ": "'", "ʼ": "'",
}  # fmt: skip
"""Small letters that Unicode does not decompose, and apostrophes, with what is typed for them.

Constituents keep names as `folded` writes them: a change here needs a migration that writes theirs anew.
"""
_ALIKE = str.maketrans(ALIKE)


def folded(text: str) -> str:
    """Return `text` as it is searched for: without case, accents and ligatures.

    So "sante" finds "Santé", "oeuvre" finds "Œuvre", and either way round.
    """
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(_ALIKE)


def collated(text: str) -> tuple[str, str]:
    """Return what to order texts by: "Œuvres" with "oe", "Énergie" between "Eau" and "Enfance"; equals stay apart."""
    return folded(text), text
