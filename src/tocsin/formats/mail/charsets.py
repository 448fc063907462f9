"""Octets to characters, whatever somebody says they are.

What is declared is tried first, then what is likely; nothing raises, and what
cannot be read is U+FFFD. Codecs that are no character sets, or whose time grows
faster than the text (idna, punycode), are not asked.
"""

from __future__ import annotations

import codecs
import re

_FAMILIES = re.compile(
    r"ascii|utf-8(?:-sig)?|utf-(?:16|32)(?:-[bl]e)?|iso8859-\d{1,2}|cp\d{3,4}|koi8-[rut]|mac-[a-z]+"
    r"|gb2312|gbk|gb18030|hz|big5|big5hkscs|euc_(?:jp|kr)|shift_jis|iso2022_(?:jp|kr)|johab|tis-620|kz1048|ptcp154"
)
"""Names by which Python's codecs of character sets call themselves."""
_LIKELY = "utf-8"
_LAST = "cp1252"
"""What programs wrote before there was UTF-8, and some still do."""
_OUR_LONGEST = 40


def known(name: str) -> str:
    """Return what Python calls a character set; empty for one that it does not know, and for what is none."""
    name = name.strip().strip("\"'")
    if not name.isascii() or not name or len(name) > _OUR_LONGEST:
        return ""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if _FAMILIES.fullmatch(found) else ""


def decoded(data: bytes, declared: str = "") -> tuple[str, bool]:
    """Return the text of octets, and whether it is what was declared. Halves of characters are not left in it."""
    first = known(declared) or _LIKELY
    for each in dict.fromkeys((first, _LIKELY)):
        try:
            return _whole(data.decode(each)), each == first
        except (UnicodeDecodeError, UnicodeError):
            continue
    last = _LAST if first in (_LIKELY, "ascii") else first
    try:
        return _whole(data.decode(last, "replace")), False
    except UnicodeError:  # a codec that knows no such way out
        return data.decode(_LAST, "replace"), False


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
