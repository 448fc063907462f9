"""Whatever others wrote is text on every page: no element, no attribute and no address of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from tests.feeds.full_country import Looking, crowded, full

__all__ = ["crowded", "full"]
pytestmark = [pytest.mark.database, pytest.mark.layout]  # what a page escapes does not depend on the database
PAYLOADS = (
    "<x-ours>", "</p></li></td></div><x-ours>", "\"><x-ours onx=1 a=\"", "'><x-ours onx=1 a='", "</script><x-ours>",
    "</style><x-ours>", "</title></textarea></pre><x-ours>", "--><x-ours>", "]]><x-ours>", "\" onx=\"1", "' onx='1",
    " onx=1 ", "{{ x }}{% x %}<x-ours>", "javascript:onx()", "&lt;x-ours&gt;&#60;x-ours&#62;", "<svg><x-ours/onx=1>",
)  # fmt: skip
FREE = {
    "name", "note", "label", "reason", "text", "answer", "title", "terms", "region", "source", "subject", "recipient",
    "to", "actor_label", "author_label", "owner_label", "settled_by", "confirmed_by", "loaded_by", "said_right_by",
    "decided_by", "changed_by", "last_answer", "last_error", "problem", "progress_text", "undelivered_answer", "phone",
    "agent", "url", "file", "basis", "about", "sender", "sender_address", "envelope_sender", "envelope_recipient",
    "message_id", "status", "bounced_recipient", "bounce_reason", "read_by", "issuer", "email",
}  # fmt: skip
"""Columns into which a person, a mail server, a publisher or another program writes what it likes."""
JSON = {
    "courier.ReceivedMessage.details", "directory.ChangeRequest.before", "directory.ChangeRequest.facts",
    "directory.Constituent.names", "feeds.Report.columns", "feeds.Report.unknown_columns",
    "feeds.ReportType.unknown_columns", "notices.LedgerEntry.said",
}  # fmt: skip
"""Columns of their texts."""
BEGINS = {"url": "https://hook.example/"}
"""What the database itself demands."""
NOT_OURS_TO_CHANGE = {"audit"}
"""Rooms whose tables the database itself guards."""


class Page(HTMLParser):
    """Notes what a page has that it must not have."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element and its attributes."""
        theirs = [f"{name}={value}" for name, value in attrs if name.startswith("onx") or _leads_away(name, value)]
        if tag == "x-ours" or theirs:
            self.found.append(f"<{tag} {' '.join(theirs)}>")


def _leads_away(name: str, value: str | None) -> bool:
    return name in ("href", "src", "action", "formaction") and (value or "").strip().lower().startswith("javascript:")


def fill(payloads: Sequence[str] = PAYLOADS, first: int = 0) -> list[str]:
    """Write payloads into every free column, as many as it holds, from the next on; return those in which none stands.

    In one of JSON they stand wherever there was a text.
    """
    found = _columns()
    empty = sorted((FREE | JSON) - {name for label, _, field in found for name in (label, field.name)})
    for turn, (label, kind, field) in enumerate(found, start=first):
        filled = 0
        for number, row in enumerate(kind._default_manager.order_by("pk")):
            begin = (turn + number) % len(payloads)
            said = BEGINS.get(field.name, "") + " ".join((*payloads[begin:], *payloads[:begin]))
            was = getattr(row, field.name)
            value = _instead(was, said) if label in JSON else said[: field.max_length]
            filled += label not in JSON or value != was
            kind._default_manager.filter(pk=row.pk).update(**{field.name: value})
        if not filled:
            empty.append(label)
    return empty


def _columns() -> list[tuple[str, type[models.Model], Any]]:
    ours = (kind for kind in apps.get_models() if kind.__module__.startswith("tocsin."))
    of_all = (
        (f"{kind._meta.label}.{field.name}", kind, field)
        for kind in ours if kind._meta.app_label not in NOT_OURS_TO_CHANGE for field in kind._meta.concrete_fields
    )  # fmt: skip
    text = models.CharField | models.TextField
    return [
        (label, kind, field) for label, kind, field in of_all
        if label in JSON or (field.name in FREE and isinstance(field, text) and not field.unique and not field.choices)
    ]  # fmt: skip


def _instead(value: Any, said: str) -> Any:
    """Return the same with something else said in each of its texts."""
    if isinstance(value, dict):
        return {key: _instead(each, said) for key, each in value.items()}
    if isinstance(value, list):
        return [_instead(each, said) for each in value]
    return said if isinstance(value, str) else value


def looked_at(browser: Client, pages: dict[str, str]) -> tuple[dict[str, list[str]], int]:
    """Return what was found on each of these pages, and how many hold something that was written by others."""
    found, holding = {}, 0
    for name, address in pages.items():
        answer = browser.get(address)
        assert answer.status_code == 200, (name, address, answer.status_code)
        text = answer.content.decode()
        holding += "x-ours" in text or "onx" in text
        page = Page()
        page.feed(text)
        if page.found:
            found[name] = page.found
    return found, holding


def test_what_others_wrote_is_text_on_every_page(full: dict[str, Looking]) -> None:
    assert fill() == [], "these are named, and nothing stands in them"
    looks = {who: looked_at(each.browser, each.pages) for who, each in full.items()}
    assert {who: found for who, (found, _) in looks.items()} == {"staff": {}, "own": {}, "doubted": {}}
    assert looks["staff"][1] > 75 and looks["own"][1] > 25, looks


def test_the_look_finds_what_it_is_for() -> None:
    for text in ("<p><x-ours>", '<a href="&#106;avascript:onx()">', '<p title="" onx="1">'):
        page = Page()
        page.feed(text)
        assert page.found, text
