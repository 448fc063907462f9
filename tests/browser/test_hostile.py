"""What others wrote, in Chromium: it runs nowhere, asks for nothing, and our own policy has nothing to complain of."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.serving import serving
from tests.cast import Cast
from tests.feeds.conftest import Store, store, week  # noqa: F401  fixtures
from tests.feeds.full_country import Looking, crowded, full  # noqa: F401  fixtures
from tests.feeds.pages import signed_in
from tests.feeds.test_hostile_pages import fill

pytestmark = [pytest.mark.browser, pytest.mark.layout, pytest.mark.django_db(transaction=True)]
OUT = ("", '">', "'>", "</script>", "</style>", "</title></textarea></pre></svg>", "-->", "]]>")
"""Out of where it may stand."""
RUNS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>", "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<body onload=alert(1)>", "<details open ontoggle=alert(1)>x</details>", "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>", "<iframe src=javascript:alert(1)></iframe>",
    "<a href=javascript:alert(1) autofocus onfocus=alert(1)>x</a>", "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content=0;url=javascript:alert(1)>", "<object data=//evil.example/x></object>",
    "\" autofocus onfocus=alert(1) x='",
)  # fmt: skip
PAYLOADS = tuple(out + runs for out, runs in itertools.product(OUT, RUNS))
ROUNDS = int(os.environ.get("TOCSIN_TEST_ROUNDS", "1"))
"""In each one every column begins with the next payload; after 120 each has begun with each."""


class Watched:
    """A signed-in browser that notes whatever a page does that it must not."""

    def __init__(self, context: BrowserContext, client: Client, served: str) -> None:
        name = django_settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": served}])
        self.served, self.complaints = served, list[str]()
        self.page: Page = context.new_page()
        self.page.on("dialog", lambda dialog: (self._note(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("console", lambda line: self._note(line.text) if line.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("popup", lambda page: self._note(f"window {page.url}"))
        self.page.on("request", lambda asked: None if asked.url.startswith(served) else self._note(asked.url))

    def _note(self, what: str) -> None:
        self.complaints.append(f"{self.page.url}: {what}")

    def look(self, addresses: Iterable[str]) -> int:
        """Open pages, all of which are there; return on how many is something that was written by others."""
        holding = 0
        for address in addresses:
            answer = self.page.goto(self.served + address)
            if answer is None or answer.status != HTTPStatus.OK or answer.request.redirected_from:
                self._note(f"{address} is not there: {answer and answer.status}")
            holding += "alert(1)" in self.page.content()
            if not self.page.url.startswith(self.served):
                self._note(f"left {address}")
        return holding


@pytest.fixture
def served(settings: Any, crowded: Store) -> Iterator[str]:  # noqa: F811
    with serving(settings) as address:
        settings.ALLOWED_HOSTS.append("testserver")
        yield address


def write_hostile(folder: Path) -> Path:
    """Write a report each row of which says another payload, a third of them where an address belongs."""
    path = folder / "2026-11-21-scan_ssl-xm-geo.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "severity", "ip", "protocol", "port", "hostname", "tag", "subject_common_name"])
        for number, said in enumerate(PAYLOADS):
            ip = said if number % 3 == 0 else f"192.0.2.{number}"
            rows.writerow(["2026-11-21 06:00:00", "medium", ip, "tcp", 443, said, said, said])
    return path


@pytest.fixture
def reported(crowded: Store, tmp_path: Path) -> None:  # noqa: F811
    """Import that report: before `full`, where a table is named that is no file."""
    crowded.run(write_hostile(tmp_path))


def test_the_browser_runs_what_is_not_escaped(browser: Browser, served: str, cast: Cast) -> None:
    """Else the test below could not fail: each payload does something a policy of ours does not hide."""
    context = browser.new_context(bypass_csp=True)
    watched = Watched(context, signed_in(cast.manager), served)
    for runs in RUNS[:-1]:
        before = len(watched.complaints)
        watched.page.goto(served + "/help/")
        watched.page.evaluate("said => { document.open(); document.write(said); document.close(); }", runs)
        watched.page.wait_for_timeout(100)
        assert len(watched.complaints) > before, runs
    context.close()


def test_nothing_that_others_wrote_runs_on_any_page(
    browser: Browser,
    served: str,
    reported: None,
    full: dict[str, Looking],  # noqa: F811
) -> None:
    contexts = [browser.new_context() for _ in full]
    looking = {
        who: Watched(context, each.browser, served) for context, (who, each) in zip(contexts, full.items(), strict=True)
    }
    for turn in range(ROUNDS):
        assert fill(PAYLOADS, first=turn) == [], "these are named, and nothing stands in them"
        holding = {who: each.look(full[who].pages.values()) for who, each in looking.items()}
        assert holding["staff"] > 75 and holding["own"] > 25, holding
    for context in contexts:
        context.close()
    assert [each for watched in looking.values() for each in watched.complaints] == []
