"""Whatever others wrote is text on every page: no element, no attribute and no address of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import signed_in
from tests.feeds.test_pages_queries import NOT_FOR_STAFF, crowded, page_addresses
from tests.portal.api.asking import member
from tocsin.people.models import Person

__all__ = ["crowded"]
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
    "agent", "url", "file", "basis", "about",
}  # fmt: skip
"""Columns into which a person, a mail server, a publisher or another program writes what it likes."""
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


def fill(payloads: Sequence[str] = PAYLOADS, first: int = 0) -> int:
    """Write payloads into every free column, as many as it holds, from the next on; return how many columns."""
    columns = [
        (kind, field)
        for kind in apps.get_models()
        if kind.__module__.startswith("tocsin.") and kind._meta.app_label not in NOT_OURS_TO_CHANGE
        for field in kind._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField) and field.name in FREE
        if not field.unique and not field.choices
    ]
    filled = 0
    for kind, field in columns:
        for number, row in enumerate(kind._default_manager.order_by("pk")):
            begin = (first + filled + number) % len(payloads)
            said = " ".join((*payloads[begin:], *payloads[:begin]))
            kind._default_manager.filter(pk=row.pk).update(**{field.name: said[: field.max_length]})
        filled += kind._default_manager.exists()
    return filled


def looked_at(browser: Client, addresses: dict[str, str]) -> tuple[dict[str, list[str]], int]:
    """Return what was found on each page of these, and how many pages hold something that was written by others."""
    found, holding = {}, 0
    for name, address in addresses.items():
        answer = browser.get(address)
        if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        text = answer.content.decode()
        holding += "x-ours" in text or "onx" in text
        page = Page()
        page.feed(text)
        if page.found:
            found[name] = page.found
    return found, holding


def test_what_others_wrote_is_text_on_every_page(crowded: Store, cast: Cast) -> None:
    belonging: Person = member(cast.contact, "bank", is_administrator=True)
    staff, own = signed_in(cast.manager), signed_in(belonging)
    addresses = {name: each for name, each in page_addresses(crowded).items() if name not in NOT_FOR_STAFF}
    assert fill() > 25

    found, holding = looked_at(staff, addresses)
    assert not found and holding > 40, holding
    found, holding = looked_at(own, {name: each for name, each in addresses.items() if each.startswith("/my/")})
    assert not found and holding > 5, holding


def test_the_look_finds_what_it_is_for() -> None:
    for text in ("<p><x-ours>", '<a href="&#106;avascript:onx()">', '<p title="" onx="1">'):
        page = Page()
        page.feed(text)
        assert page.found, text
