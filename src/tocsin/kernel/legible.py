"""Whether people can read what was typed or imported: something of it is seen, and nothing of it steers a terminal.

A name of nothing but zero-width characters is a link that nobody can find, and an escape character in a note is a
command to whatever shows it. What people enter is refused for that; what comes in reports and names of files is shown
with such characters written out. Pure; the sentences are translated by the rooms.
"""

from __future__ import annotations

import re
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
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What embeds, overrides or isolates a direction: unclosed, it turns all that follows."""
_JOINING = frozenset("\u200c\u200d")
"""Formats that some scripts cannot be written without."""
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_SEEN_FORMATS = frozenset({"L", "R", "AL", "AN"})
"""Directions of formats that are drawn, as the Arabic sign of a year, or only say a direction, as U+200E."""


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


def shown(text: str, *, lines: bool = False) -> str:
    r"""Return a text with what is not seen of it, or turns what follows, written out: U+200B as `\u200b`.

    Kept are spaces, and the joiners and marks of direction that scripts need, unless nothing else is there.
    `lines` says that it may have several, and tabs.
    """
    if text.isprintable() and _BLANK.isdisjoint(text):
        return text
    is_seen = any(map(_is_seen, text))
    kept = "\t\n" if lines else ""
    return "".join(_written(char) if char not in kept and _is_hidden(char, is_seen) else char for char in text)


def unturned(text: str) -> str:
    r"""Return a text with only what turns what follows written out, of several lines or none: U+202E as `\u202e`."""
    return _TURNING.sub(lambda found: _written(found[0]), text)


def _written(char: str) -> str:
    r"""Return a character as its number: `\x1b`, `\u200b`; an end of a line as `\n`."""
    return char.encode("unicode_escape").decode()


def _is_hidden(char: str, among_seen: bool) -> bool:
    category = unicodedata.category(char)
    if char in _BLANK or category in _UNSEEN:
        return True
    if not among_seen:
        return not _is_seen(char)
    return category == "Cf" and char not in _JOINING and unicodedata.bidirectional(char) not in _SEEN_FORMATS
