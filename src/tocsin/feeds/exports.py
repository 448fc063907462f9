"""Findings as files that others open: CSV, JSON, XLSX. Each row carries its label and the terms of its feed.

What a spreadsheet would take for a formula is text here: a feed repeats what
strangers wrote into banners and names.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from tocsin.engine.lost import LostFile
from tocsin.kernel.clock import Instant
from tocsin.kernel.spreadsheets import harmless

XLSX_ROWS_AT_MOST = 100_000
"""More rows take longer than a browser waits; CSV has no such bound."""
_ROWS_A_CHUNK = 500
NOT_WHOLE = "This file is not whole: {why}"
"""Its last row then; in English, as the names of its columns are."""

Record = Mapping[str, Any]


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def as_csv(records: Iterable[Record], columns: Iterable[str]) -> Iterator[bytes]:
    """Yield a CSV file, with the mark by which spreadsheets know UTF-8.

    Where the findings break off, its last row says so, and LostFile is raised: not every server between here and the
    reader tells a file that was cut short from a whole one. JSON lacks its end then.
    """
    names = list(columns)
    line = csv.writer(_Echo()).writerow
    yield b"\xef\xbb\xbf" + str(line(names)).encode()
    held: list[str] = []
    try:
        for record in records:
            held.append(str(line([harmless(record[name]) for name in names])))
            if len(held) == _ROWS_A_CHUNK:
                yield "".join(held).encode()
                held.clear()
    except LostFile as lost:
        held.append(str(line([NOT_WHOLE.format(why=lost)])))
        yield "".join(held).encode()
        raise
    yield "".join(held).encode()


def as_json(records: Iterable[Record], about: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield one JSON object: what it is about, and `findings`."""
    head = json.dumps(about, ensure_ascii=False)
    yield f'{head[:-1]}, "findings": ['.encode()
    for number, record in enumerate(records):
        yield f"{',' if number else ''}\n{json.dumps(record, ensure_ascii=False)}".encode()
    yield b"\n]}\n"


def as_xlsx(records: Iterable[Record], columns: Iterable[str], about: Mapping[str, Any]) -> IO[bytes]:
    """Return an open workbook: the findings, and beside them what they are about. Cells are text and numbers only."""
    import xlsxwriter

    file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    book = xlsxwriter.Workbook(file, options)
    names, sheet = list(columns), book.add_worksheet("Findings")
    sheet.freeze_panes(1, 0)
    for caption in (sheet.set_header, sheet.set_footer):
        caption(f"&C{about['tlp']}")
    sheet.write_row(0, 0, names)
    for number, record in enumerate(records, start=1):
        _write_row(sheet, number, [record[name] for name in names])
    _write_about(book.add_worksheet("About"), about)
    book.close()
    file.seek(0)
    return file


def _write_row(sheet: Any, number: int, values: list[Any]) -> None:
    for column, value in enumerate(values):
        if isinstance(value, str):
            sheet.write_string(number, column, value)
        elif value is not None:
            sheet.write_number(number, column, value)


def _write_about(sheet: Any, about: Mapping[str, Any]) -> None:
    for number, (name, value) in enumerate(about.items()):
        sheet.write_string(number, 0, name)
        sheet.write_string(number, 1, json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value))


def file_name(at: Instant, tlp: str, ending: str) -> str:
    """Return a name that says what may be done with it: `findings-2026-03-02-0830-TLP-AMBER.csv`."""
    return f"findings-{at:%Y-%m-%d-%H%M}-{tlp.replace(':', '-').replace('+', '-')}.{ending}"
