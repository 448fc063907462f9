"""Whether people can read what was typed or imported: something of it is seen, and nothing of it steers a terminal.

A name of nothing but zero-width characters is a link that nobody can find, and an escape character in a note is a
command to whatever shows it. Pure; the sentences are translated by the rooms.
"""

from __future__ import annotations

import unicodedata


def gettext_noop(text: str) -> str:
    """Mark a text for translation by rooms that know the reader's language; this one is without Django."""
    return text


UNSEEN = gettext_noop("It holds nothing that can be seen.")
STEERS = gettext_noop("It holds a control character.")
_STEERING = frozenset({"Cc", "Cs"})
"""Categories of what is no letter, sign or space: controls, and halves of characters."""
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
"""Categories of what shows nothing by itself: formats such as U+200B, marks without a letter, spaces.

Not what has no category: scripts are added to Unicode, and this Python may be older than a letter of one.
"""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs by their category that are drawn as nothing: fillers of Hangul, Braille without a dot."""


def flaw(text: str, *, lines: bool = False) -> str:
    """Return what makes a text unfit to be read as a sentence, UNSEEN or STEERS; empty for one that is fit, or empty.

    `lines` says that it may have several. Letters of any script are fit, with the joiners that some of them need.
    """
    allowed = "\t\n\r" if lines else ""
    if any(unicodedata.category(char) in _STEERING and char not in allowed for char in text):
        return STEERS
    return UNSEEN if text.strip() and not any(map(_is_seen, text)) else ""


def _is_seen(char: str) -> bool:
    return unicodedata.category(char) not in _INVISIBLE and char not in _BLANK
