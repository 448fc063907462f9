"""In which scripts a name is written, and what it would be taken for: so that no name is mistaken for another.

Whoever reads `аlpha.example` does not see that its first letter is Cyrillic. Source: Unicode Technical Standard 39,
section 5 (restriction levels: *highly restrictive*) and section 4 (whole-script confusables). Python knows no scripts;
but the Unicode name of a letter begins with its script, and names never change. Pure.
"""

from __future__ import annotations

import unicodedata

_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts that are written together: Japanese, Chinese and Korean, with Latin letters among them."""
_OF_NO_SCRIPT = frozenset({"DIGIT", "MODIFIER", "KATAKANA-HIRAGANA"})
"""How the names of letters and digits begin that several scripts share."""
_WORDS = {"IDEOGRAPHIC": "CJK", "ARABIC-INDIC": "ARABIC"}
_LIKE_LATIN = str.maketrans(
    "асԁеһіјӏорԛѕԝхуъьҽпгѵѡкмнтвαγεηικνορτυχωաեզհյոսցքօ",
    "acdehijlopqswxybbenrvwkmhtbayenikvoptuxwwtqhjnugpo",
)
"""Letters of Cyrillic, Greek and Armenian, and the Latin ones that they are drawn like."""


def scripts_of(name: str) -> frozenset[str]:
    """Return the scripts of the letters and digits of a name, as Unicode begins their names; shared ones count none."""
    found = (_script(char) for char in name if unicodedata.category(char)[0] == "L" or char.isdecimal())
    return frozenset(script for script in found if script)


def _script(char: str) -> str:
    words = unicodedata.name(char, "UNKNOWN").split()
    first = words[1] if words[0] == "EXTENDED" and len(words) > 1 else words[0]
    return "" if first in _OF_NO_SCRIPT else _WORDS.get(first, first)


def mixes_scripts(name: str) -> bool:
    """Say whether a name is written in scripts that nobody writes together."""
    found = scripts_of(name)
    return len(found) > 1 and not any(found <= together for together in _TOGETHER)


def taken_for(name: str) -> str:
    """Return the Latin name that a name would be taken for; the name itself where it is like none."""
    return name.lower().translate(_LIKE_LATIN)
