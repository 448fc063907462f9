"""The id by which people, pages and outputs name a finding. Apart, because it needs no column of anything."""

from __future__ import annotations

import base64


def public_id(first: int, second: int) -> str:
    """Return the id that people, pages and outputs use: 26 characters of base 32."""
    return base64.b32encode(first.to_bytes(8, "big") + second.to_bytes(8, "big")).decode().rstrip("=").lower()


def words_of(public: str) -> tuple[int, int]:
    """Return the two words of a public id. Raises ValueError when it is none."""
    raw = base64.b32decode(public.upper() + "======") if len(public) == 26 else b""
    words = int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")
    if len(raw) != 16 or public_id(*words) != public.lower():  # the last letter holds three bits, not five
        raise ValueError(f"{public!r} is not the id of a finding")
    return words
