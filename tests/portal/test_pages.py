"""What members see on their pages, and that a stranger sees nothing of it."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.feeds.pages import links, text
from tests.portal.conftest import finding_of

pytestmark = pytest.mark.django_db


def test_the_first_page_says_what_is_open_and_what_to_do_next(browser: Client) -> None:
    page = browser.get("/my/")
    said = text(page)
    assert "14 findings are open on your networks" in said and "What to do next" in said
    assert "/my/findings/?type=scan_rdp" in links(page)


def test_the_list_and_one_finding(browser: Client) -> None:
    page = browser.get("/my/findings/")
    assert "14 open findings of yours" in text(page), text(page)
    address = f"/my/findings/{finding_of(1)}/"
    assert address in links(page)
    said = text(browser.get(address))
    assert "How to mend it" in said and "192.0.2.1:3389" in said
