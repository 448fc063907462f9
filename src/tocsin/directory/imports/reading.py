"""From the bytes of a CSV or JSON file to plain items. Says what cannot be read; what it means is for `checking`."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.directory.imports.records import Place, Problem, RawItem
from tocsin.kernel.library_words import in_our_words

MAX_FILE_BYTES = 64 * 2**20
MAX_CELL_CHARACTERS = 4 * 2**20
MAX_ITEMS = 200_000
_DELIMITERS = (",", ";", "\t", "|")
_SPLIT = re.compile(r"[;,\s]+")
_NAME_COLUMN = re.compile(r"name_([a-z]{2,3}(?:-[a-z0-9]{2,8})*)\Z")

PLAIN_COLUMNS = (
    "id", "name", "sector", "status", "region", "parent", "note",
    "valid_from", "valid_to", "confirmed_by", "confirmed_on", "source",
)  # fmt: skip
LIST_COLUMNS = ("languages", "networks", "asns", "domains")
CONTACT_COLUMNS = {
    "contact": "email",
    "contact_name": "name",
    "contact_role": "role",
    "contact_language": "language",
    "contact_phone": "phone",
    "contact_verified_on": "verified_on",
}
COLUMNS = (*PLAIN_COLUMNS, *LIST_COLUMNS, *CONTACT_COLUMNS)


class Unreadable(Exception):
    """The file cannot be read further; its argument is the problem."""

    def __init__(self, place: Place, sentence: str) -> None:
        self.problem = Problem(place, sentence)
        super().__init__(sentence)


def read_items(name: str, content: bytes) -> tuple[list[RawItem], list[Problem], list[str]]:
    """Return the items of a file, what is wrong with its form, and remarks. The name's ending does not matter."""
    place, remarks = Place(name, 0), list[str]()
    problems: list[Problem] = []
    items: list[RawItem] = []
    try:
        text = _text(place, content, remarks)
        source = _json_items(place, text) if text.lstrip()[:1] in ("[", "{") else _csv_items(place, text, problems)
        for item in source:
            items.append(item)
            if len(items) > MAX_ITEMS:
                raise Unreadable(place, _("It holds more than {count} constituents.").format(count=MAX_ITEMS))
    except Unreadable as stopped:
        problems.append(stopped.problem)
    return items, problems, remarks


def _text(place: Place, content: bytes, remarks: list[str]) -> str:
    """Return the text: UTF-8 or UTF-16 with a mark, UTF-8 without, else the Windows code page of western Europe."""
    if len(content) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 2**20
        raise Unreadable(place, _("It is larger than {limit} MB. Import it in parts.").format(limit=limit))
    marks = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    marked = next((encoding for mark, encoding in marks if content.startswith(mark)), "")
    try:
        text = content.decode(marked or "utf-8")
    except UnicodeDecodeError as error:
        if marked or b"\x00" in content:
            row = content[: error.start].count(b"\n") + 1
            raise Unreadable(Place(place.file, row), _("It is not text that can be read. Save it as UTF-8.")) from None
        text = content.decode("cp1252", errors="replace")
        remarks.append(_("{file} is not UTF-8: it was read as Windows-1252.").format(file=place.file))
    if not text.strip():
        raise Unreadable(place, _("It is empty."))
    return text


def explained(said: str | None) -> str:
    """Return what a library said in the reader's language where we know it, else as it came."""
    known = in_our_words(said or "")
    return _(known) if known else str(said)


# ---- JSON


def _json_items(place: Place, text: str) -> Iterator[RawItem]:
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_no_float)
    except json.JSONDecodeError as error:
        sentence = _("It is not JSON: line {line}, character {column}: {problem}.")
        raise Unreadable(
            place, sentence.format(line=error.lineno, column=error.colno, problem=explained(error.msg))
        ) from None
    except RecursionError:
        raise Unreadable(place, _("It is nested too deeply to be a directory file.")) from None
    except ValueError as error:
        raise Unreadable(place, str(error)) from None
    if isinstance(value, dict):
        value = value.get("constituents")
    if not isinstance(value, list):
        raise Unreadable(place, _("It must be a list of constituents: [{{…}}, {{…}}].").format())
    for number, item in enumerate(value, start=1):
        here = Place(place.file, number)
        if not isinstance(item, dict):
            raise Unreadable(here, _("It must be an object with fields such as id and name."))
        yield RawItem(here, item)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says two things under one key: readers would disagree on which holds."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(_("It is not unambiguous: an object has the key {key!r} twice.").format(key=twice[:60]))
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(_("{word} is not a value in JSON.").format(word=word))


def _no_float(word: str) -> NoReturn:
    raise ValueError(_("No field of a directory file is a fraction, but {word} is one.").format(word=word[:40]))


# ---- CSV


def _csv_items(place: Place, text: str, problems: list[Problem]) -> Iterator[RawItem]:
    limit = csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        yield from _csv_rows(place, text, problems)
    except csv.Error as error:
        raise Unreadable(place, _("It is not a table: {problem}.").format(problem=explained(str(error)))) from None
    finally:
        csv.field_size_limit(limit)


def _csv_rows(place: Place, text: str, problems: list[Problem]) -> Iterator[RawItem]:
    announced = re.match(r"sep=(.)\r?\n", text)
    # Excel writes `sep=;` on a line of its own; rows keep the numbers that the sheet shows.
    skipped = 1 if announced else 0
    text = text[announced.end() :] if announced else text
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    header: list[str] = []
    while True:
        first_line = rows.line_num + 1 + skipped
        try:
            cells = next(rows, None)
        except csv.Error as error:
            sentence = _("The row cannot be read: {problem}. Is a quotation mark missing?")
            raise Unreadable(Place(place.file, first_line), sentence.format(problem=explained(str(error)))) from None
        if cells is None:
            return
        here = Place(place.file, first_line)
        if not header:
            header = [cell.strip().lower() for cell in cells]
            problems.extend(_header_problems(here, header))
            if problems:
                return
        elif any(cell.strip() for cell in cells):
            if len(cells) != len(header):
                sentence = ngettext(
                    "The row has {found} cell where the header has {wanted}.",
                    "The row has {found} cells where the header has {wanted}.",
                    len(cells),
                )
                problems.append(Problem(here, sentence.format(found=len(cells), wanted=len(header))))
            else:
                yield _csv_item(here, dict(zip(header, (cell.strip() for cell in cells), strict=True)))


def _delimiter(text: str) -> str:
    """Return the delimiter under which the header holds most columns that we know; Excel takes the country's own."""
    line = text[: text.find("\n") if "\n" in text else None][:10_000]
    known = set(COLUMNS)

    def count(delimiter: str) -> int:
        return len(known & {cell.strip(' "\r').lower() for cell in line.split(delimiter)})

    return max(_DELIMITERS, key=count)


def _header_problems(place: Place, header: list[str]) -> Iterator[Problem]:
    for column in header:
        if column not in COLUMNS and not _NAME_COLUMN.match(column):
            sentence = _("There is no such column. Known are: {columns}, and name_fr (and other languages).")
            yield Problem(place.at(column[:60]), sentence.format(columns=", ".join(COLUMNS)))
        if header.count(column) > 1:
            yield Problem(place.at(column[:60]), _("The column stands there twice."))
    if "name" not in header:
        yield Problem(place.at("name"), _("The column is missing; each constituent needs a name."))


def _csv_item(place: Place, cells: dict[str, str]) -> RawItem:
    """Return a row in the shape of the JSON format, with the names of its columns."""
    fields: dict[str, Any] = {column: cells[column] for column in PLAIN_COLUMNS if column in cells}
    fields |= {column: _words(cells[column]) for column in LIST_COLUMNS if column in cells}
    names = {found[1]: cells[found[0]] for found in map(_NAME_COLUMN.match, cells) if found}
    columns = {f"names.{language}": f"name_{language}" for language in names}
    if names:
        fields["names"] = names
    if contacts := _csv_contacts(cells):
        fields["contacts"] = contacts
    for number in range(len(contacts)):
        columns |= {f"contacts[{number + 1}].{key}": column for column, key in CONTACT_COLUMNS.items()}
    for column in LIST_COLUMNS:
        columns |= {f"{column}[{number}]": column for number in range(1, len(fields.get(column, ())) + 1)}
    return RawItem(place, fields, columns)


def _csv_contacts(cells: dict[str, str]) -> list[dict[str, str]]:
    given = {key: cells[column] for column, key in CONTACT_COLUMNS.items() if cells.get(column)}
    addresses = _words(given.pop("email", ""))
    if not addresses and given:
        return [given]
    return [{**given, "email": address} for address in addresses]


def _words(cell: str) -> list[str]:
    """Split a cell with several values at semicolons, commas or white space."""
    return [word for word in _SPLIT.split(cell) if word]
