"""Pages of members go out compressed, and as they would without."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.pages import signed_in
from tests.portal.conftest import browser, finding_of, member, morning, store, week  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db
TAKES = {"HTTP_ACCEPT_ENCODING": "gzip, br"}


def test_a_page_of_a_member_is_compressed_for_whoever_takes_it(browser: Any) -> None:  # noqa: F811
    plain, small = browser.get("/my/findings/"), browser.get("/my/findings/", **TAKES)
    assert "Content-Encoding" not in plain and small["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small["Vary"] and len(small.content) < len(plain.content) / 3
    assert b"14 open findings of yours" in gzip.decompress(small.content)


def test_files_and_pages_of_others_are_not(browser: Any, cast: Cast) -> None:  # noqa: F811
    for client, address in ((browser, "/my/findings/export.csv"), (signed_in(cast.analyst), "/findings/")):
        assert "Content-Encoding" not in client.get(address, **TAKES)


def test_what_turns_the_direction_is_written_out_before(browser: Any) -> None:  # noqa: F811
    page = browser.get(f"/my/findings/{finding_of(1)}/?q=\u202e", **TAKES)
    assert "\u202e".encode() not in gzip.decompress(page.content)
