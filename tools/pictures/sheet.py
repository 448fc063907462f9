"""A contact sheet: one page on which all pictures stand, pages as rows and manners as columns."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "index.html"
HEAD = """<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pictures of every page</title>
<style>
body { font: 0.875rem/1.4 system-ui, sans-serif; margin-block: 1rem; margin-inline: 1rem; }
table { border-collapse: collapse; margin-block-end: 2rem; }
th, td { padding: 0.25rem 0.5rem; text-align: start; vertical-align: top; border-block-end: 1px solid #8888; }
thead th { position: sticky; inset-block-start: 0; background: Canvas; }
tbody th { font-weight: normal; min-inline-size: 10rem; }
small { display: block; color: GrayText; overflow-wrap: anywhere; max-inline-size: 14rem; }
img { display: block; inline-size: 14rem; block-size: 11rem; object-fit: cover; object-position: top; }
img.narrow { inline-size: 7rem; }
img { border: 1px solid #8888; }
.faults { border-inline-start: 4px solid #b4400f; padding-inline-start: 0.75rem; }
</style>
</head>
<body>
"""


def write(
    folder: Path,
    pages: Sequence[Mapping[str, Any]],
    manners: Mapping[str, bool],
    *,
    faults: Sequence[str] = (),
) -> Path:
    """Write the sheet of the pictures that are in the folder, and return where it is.

    `manners` says of each whether its pictures are narrow. Links are relative, so that the folder can be moved or sent.
    """
    scenes = list(dict.fromkeys(page.get("scene", "demo") for page in pages))
    parts = [HEAD, "<h1>Pictures of every page</h1>\n", _faults(faults)]
    for scene in scenes:
        rows = [page for page in pages if page.get("scene", "demo") == scene]
        parts += _table(folder, scene, rows, manners)
    sheet = folder / NAME
    sheet.write_text("".join([*parts, "</body>\n</html>\n"]), encoding="utf-8")
    return sheet


def _faults(faults: Sequence[str]) -> str:
    if not faults:
        return ""
    lines = "".join(f"<li>{html.escape(fault)}</li>\n" for fault in faults)
    return f'<ul class="faults">\n{lines}</ul>\n'


def _table(folder: Path, scene: str, pages: Sequence[Mapping[str, Any]], manners: Mapping[str, bool]) -> Iterator[str]:
    yield f"<h2>{html.escape(scene)}</h2>\n<table>\n<thead><tr><th>Page</th>"
    yield "".join(f'<th scope="col">{html.escape(manner)}</th>' for manner in manners)
    yield "</tr></thead>\n<tbody>\n"
    for page in pages:
        name, path = html.escape(page["name"]), html.escape(page.get("path", ""))
        yield f'<tr id="{name}"><th scope="row">{name}<small>{path}</small></th>'
        yield "".join(_cell(folder, name, manner, narrow=narrow) for manner, narrow in manners.items())
        yield "</tr>\n"
    yield "</tbody>\n</table>\n"


def _cell(folder: Path, name: str, manner: str, *, narrow: bool) -> str:
    picture = f"{name}-{manner}.png"
    if not (folder / picture).is_file():
        return "<td>–</td>"
    narrowly = ' class="narrow"' if narrow else ""
    alternative = f"{name}, {manner}"
    return f'<td><a href="{picture}"><img src="{picture}" alt="{alternative}" loading="lazy"{narrowly}></a></td>'
