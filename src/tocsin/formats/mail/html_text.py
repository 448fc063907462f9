"""The text of an HTML page, for people to read without opening it: one pass, nothing fetched, nothing executed.

Where a link leads stands behind it: what a mail says of a link and where it
goes are two things, and that is often the point.
"""

from __future__ import annotations

import html
import re

LONGEST_HTML = 1_000_000
LONGEST_ADDRESS = 500
_TAG = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]{0,15})")
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)
_SILENT = {"script", "style", "head", "title", "template", "noscript", "svg", "math", "object", "iframe"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer",
    "form", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{8,};?")
"""Of no character: Python refuses to read a number of thousands of digits."""
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_SPACES = re.compile(r" {2,}")
_LINES = re.compile(r"\n{3,}")


def text_of(page: str) -> str:
    """Return what a page says."""
    page = page[:LONGEST_HTML]
    out: list[str] = []
    place, link = 0, ""
    while place < len(page):
        opened = page.find("<", place)
        if opened < 0:
            break
        out.append(_spaced(page[place:opened]))
        name, is_end = _name(page, opened)
        if not name and not page.startswith(("<!", "<?", "</"), opened):
            out.append("<")  # a sign of less
            place = opened + 1
            continue
        place = _end_of_tag(page, opened)
        if name == "a":
            out.append(_arrow(link) if is_end else "")
            link = "" if is_end else _href(page[opened:place])
        elif name in _SILENT and not is_end:
            place = _after_silence(page, place, name)
        else:
            out.append(_between(name, is_end))
    out.append(_spaced(page[place:]))
    whole = _SPACES.sub(" ", "".join(out)).replace(" \n", "\n").replace("\n ", "\n")
    return _LINES.sub("\n\n", whole).strip()


def _spaced(text: str) -> str:
    return _SPACE.sub(" ", html.unescape(_LONG_NUMBER.sub("\ufffd", text)))


def _end_of_tag(page: str, opened: int) -> int:
    """Return where what begins at `opened` ends. A comment or tag without end takes all that follows with it."""
    end = "-->" if page.startswith("<!--", opened) else ">"
    found = page.find(end, opened)
    return len(page) if found < 0 else found + len(end)


def _name(page: str, opened: int) -> tuple[str, bool]:
    found = _TAG.match(page, opened + 1)
    return (found[1].lower(), found[0].startswith("/")) if found else ("", False)


def _after_silence(page: str, place: int, name: str) -> int:
    """Return where something that is not shown ends; one that has no end takes all that follows with it."""
    if page[place - 2 : place] == "/>":
        return place
    found = re.compile(f"</{name}[^>]*(?:>|$)", re.IGNORECASE).search(page, place)
    return found.end() if found else len(page)


def _href(tag: str) -> str:
    found = _HREF.search(tag)
    address = html.unescape(_LONG_NUMBER.sub("", next(filter(None, found.groups()), ""))) if found else ""
    return " ".join(address.split())[:LONGEST_ADDRESS]


def _arrow(address: str) -> str:
    return f" <{address}>" if address and not address.startswith("#") else ""


def _between(name: str, is_end: bool) -> str:
    if name == "br":
        return "\n"
    if name == "li" and not is_end:
        return "\n- "
    if name in ("td", "th"):
        return " " if is_end else ""
    return "\n\n" if name in ("p", "h1", "h2", "h3") else "\n" if name in _BLOCKS else ""
