"""The search box: ids, addresses, domains and organisations, asked of each room in turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

AT_MOST = 20
"""Hits shown of each room."""


@dataclasses.dataclass(frozen=True)
class Hit:
    """Something found: the human name first, its identifier, and the word for what it is."""

    label: str
    url: str
    kind: Any
    identifier: str = ""


FINDERS: tuple[Callable[[Any, str], list[Hit]], ...] = ()
"""Each takes the person and the text, shows only what the person may see, and returns at most AT_MOST hits."""


def find(person: Any, text: str) -> list[Hit]:
    """Return what the rooms know by `text`, in the order of `FINDERS`; nothing for empty text."""
    text = text.strip()
    return [hit for finder in FINDERS for hit in finder(person, text)[:AT_MOST]] if text else []
