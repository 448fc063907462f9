"""A language that nobody speaks: every text in Arabic letters, a third longer, its placeholders untouched."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from tools.catalogues import PLACEHOLDER, template

KEPT = re.compile(rf"{PLACEHOLDER.pattern}|<[^<>]+>")
"""Placeholders, and marks of HTML."""
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"


def in_arabic_letters(text: str) -> str:
    """Return `text` with each letter replaced, placeholders and marks of HTML kept, and lengthened by a third."""
    kept = KEPT.findall(text)
    halves = [re.sub(r"[A-Za-z]", _letter, half) for half in KEPT.split(text)]
    joined = "".join(half + mark for half, mark in zip(halves, [*kept, ""], strict=True))
    return joined + " " + "".join(LETTERS[index % len(LETTERS)] for index in range(len(text) // 3))


def _letter(match: re.Match[str]) -> str:
    return LETTERS[(ord(match[0].lower()) - ord("a")) % len(LETTERS)]


def compile_pseudo_arabic(folder: Path) -> None:
    """Write the catalogue under `folder`, for LOCALE_PATHS."""
    catalog = Catalog(locale="ar", charset="utf-8")
    for message in template():
        if message.id and message.context != "date format":
            plural = isinstance(message.id, list | tuple)
            text = in_arabic_letters(message.id[-1] if plural else message.id)
            catalog.add(message.id, (text,) * catalog.num_plurals if plural else text, context=message.context)
    path = folder / "ar" / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalog)
