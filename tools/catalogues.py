#!/usr/bin/env python3
"""Renew the translations in locale/ from the texts in src/: catalogues.py [LANGUAGE…]

Extracts with Babel and Django's own reading of templates, so that no gettext
program is needed. Messages that are new stand in the .po file with an empty
translation; nothing is guessed. Compiles to .mo, which is committed beside it:
`make run` shows French on a machine that has neither gettext nor Babel, and a
wheel needs no build step. Prints what is missing; exits 1 when something is.
"""

from __future__ import annotations

import datetime
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

TOP = Path(__file__).resolve().parents[1]
SOURCE = TOP / "src" / "tocsin"
LOCALE = TOP / "locale"
LANGUAGES = ("fr",)
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
VOLATILE = (
    "POT-Creation-Date",
    "PO-Revision-Date",
    "Generated-By",
    "Last-Translator",
    "Language-Team",
    "Report-Msgid-Bugs-To",
)
"""Header lines that would differ at every run and collide at every merge."""
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*(?:![rsa])?\}")
LONG_AGO = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


def template() -> Catalog:
    """Return every message of the source, untranslated."""
    catalog = Catalog(project="Tocsin", charset="utf-8", creation_date=LONG_AGO)
    for path in sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html"), *SOURCE.rglob("*.txt")]):
        if "static" in path.parts or "migrations" in path.parts:
            continue
        for message, comments, context in _messages(path):
            place = (path.relative_to(TOP).as_posix(), 0)
            catalog.add(message, locations=[place], auto_comments=comments, context=context)
    return catalog


def _messages(path: Path) -> Iterator[tuple[str | tuple[str, ...], Sequence[str], str | None]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        text = templatize(text, origin=str(path))
    found = extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS, comment_tags=("Translators:",))
    for _line, message, comments, context in found:
        yield message, comments, context


def catalogue_path(language: str) -> Path:
    """Return where a language's translations stand."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(path: Path, language: str) -> Catalog:
    """Return a catalogue; an empty one when there is none yet."""
    if not path.is_file():
        return Catalog(locale=language, charset="utf-8", creation_date=LONG_AGO)
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def renew(language: str, messages: Catalog) -> Catalog:
    """Bring a language's .po and .mo up to date with `messages`; return it."""
    path = catalogue_path(language)
    catalog = read(path, language)
    catalog.update(messages, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = catalog.revision_date = LONG_AGO
    catalog.project, catalog.version, catalog.fuzzy = "Tocsin", "0", False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_without_volatile(_po(catalog)))
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)
    return catalog


def _po(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, include_lineno=False, sort_by_file=True)
    return buffer.getvalue()


def _without_volatile(text: bytes) -> bytes:
    dropped = tuple(f'"{name}:'.encode() for name in VOLATILE)
    lines = (line for line in text.splitlines(keepends=True) if not line.startswith((*dropped, b"# ")))
    return b"".join(line for line in lines if line.strip() != b"#")


def missing(catalog: Catalog) -> list[Message]:
    """Return the messages without a full translation, or with one that is only guessed."""
    return [message for message in catalog if message.id and (message.fuzzy or not _is_full(message))]


def _is_full(message: Message) -> bool:
    strings = message.string if isinstance(message.string, list | tuple) else [message.string]
    return all(strings)


def main() -> int:
    """Renew the languages named, or all; return 1 when a translation is missing."""
    messages, gaps = template(), 0
    for language in sys.argv[1:] or LANGUAGES:
        catalog = renew(language, messages)
        for message in missing(catalog):
            gaps += 1
            print(f"{language}: {message.id!r}")
        print(f"{language}: {len(catalog)} messages", file=sys.stderr)
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
