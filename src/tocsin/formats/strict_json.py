"""JSON from outside, read without trust: no duplicate keys, no NaN, bounded in size and depth.

What a schema or an event means must not depend on which of two equal keys a
parser keeps, and no input may exhaust the stack or the memory.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from tocsin.kernel.encodings import SAVE_AS_UTF_8, UTF_16, is_utf_16
from tocsin.kernel.refusals import InvalidInput


def read(data: bytes, *, where: str, max_bytes: int, max_depth: int, numbers_as_text: bool = False) -> Any:
    """Return the value that `data` holds. Raises InvalidInput, naming `where`.

    `numbers_as_text` keeps numbers as they are written, so that nothing is rounded.
    """
    if len(data) > max_bytes:
        raise InvalidInput(f"is larger than {max_bytes:,} bytes.", where=where)
    if is_utf_16(data):
        raise InvalidInput(UTF_16, where=where, remedy=SAVE_AS_UTF_8)
    try:
        value = (_WITH_TEXT if numbers_as_text else _WITH_NUMBERS).decode(data.decode("utf-8-sig"))
    except _Refused as refused:
        raise InvalidInput(str(refused), where=where) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidInput(f"is not JSON: {error.msg} at {place}.", where=where) from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"is not UTF-8 text (byte {error.start}).", where=where) from None
    except RecursionError:
        raise _too_deep(where, max_depth) from None
    except ValueError:  # a whole number of thousands of digits
        raise InvalidInput("holds a number that is too long.", where=where) from None
    if _is_deeper(value, max_depth):
        raise _too_deep(where, max_depth)
    if _HALF.search(data) and not _is_text(value):
        raise InvalidInput("holds half of a character, which is no text.", where=where)
    return value


_HALF = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)
"""A surrogate, written as an escape: as bytes it would not be UTF-8. Two of them may make a character."""


def _is_text(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Refused(Exception):
    """Why the parser was stopped."""


def _too_deep(where: str, max_depth: int) -> InvalidInput:
    return InvalidInput(f"is nested more than {max_depth} deep.", where=where)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused(f"has the key {key[:80]!r} twice.")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"holds {name}, which is not JSON.")


_WITH_NUMBERS = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
_WITH_TEXT = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_constant=_no_constant, parse_int=str, parse_float=str
)
"""Made once: to make one costs more than to read a line."""


def _is_deeper(value: Any, max_depth: int) -> bool:
    level = [value]
    for _ in range(max_depth + 1):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []
