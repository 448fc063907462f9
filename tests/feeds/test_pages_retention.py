"""What pages say of observations that are no longer kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import write
from tests.feeds.test_expiring import GONE, expire, finding_of
from tocsin.feeds import holding, queries, queries_finding, reasons
from tocsin.feeds.history import since
from tocsin.site import examination

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(week: Store, cast: Cast) -> Client:
    return signed_in(cast.analyst)


def test_the_page_of_feeds_says_for_how_long_rows_are_kept(week: Store, browser: Client, keep: Any) -> None:
    assert "kept for ever from 16 Nov" in text(browser.get("/feeds/"))
    keep(amber=1)
    assert "kept for 1 day from 16 Nov" in text(browser.get("/feeds/"))
    expire()
    assert "kept for 1 day from 18 Nov" in text(browser.get("/feeds/"))


def test_the_page_of_a_finding_says_which_rows_are_kept(week: Store, browser: Client, keep: Any) -> None:
    path = f"/findings/{finding_of(70)['id']}/"
    keep(amber=1)
    expire()
    page = text(browser.get(path))
    assert "It began on 16 Nov" in page
    assert "Rows of its reports are kept from 18 Nov" in page
    assert "The latest 2 rows behind it" in page
    assert "Seen for the first time" not in page, "that row is not kept: the first that is kept was not the first"


def test_the_page_of_a_finding_none_of_whose_rows_are_kept(store: Store, cast: Cast, keep: Any, tmp_path: Path) -> None:
    for number in (0, 3):
        store.run(write(tmp_path, number, [1, 2] if number == 0 else [1, 3]), gone_after=3)
    keep(amber=1)
    expire()
    page = text(signed_in(cast.analyst).get(f"/findings/{finding_of(2)['id']}/"))
    assert "The rows that saw it are no longer kept." in page
    assert "Seen for the first time" not in page
    assert finding_of(2)["state"] == "still"


def test_a_finding_that_began_within_what_is_kept_is_told_whole(week: Store, keep: Any) -> None:
    keep(amber=1)
    expire()
    found = next(each for each in queries.findings().stream(queries.Filter()) if ".20:" in queries.place_of(each))
    life = queries_finding.life(found, queries_finding.kind(found))
    assert life.is_whole and life.kept_from is None
    assert [turn.what for turn in life.turns] == ["new"]


def test_the_page_of_a_run_says_that_its_rows_went(week: Store, browser: Client, keep: Any) -> None:
    keep(amber=1)
    expire()
    page = text(browser.get("/feeds/runs/1/"))
    assert "No longer kept the rows of 1 report; they go on counting" in page
    assert "Withdraw this run" not in page and "Replay" not in page
    page = text(browser.get("/feeds/runs/4/"))
    assert "No longer kept" not in page
    assert "Withdraw this run" in page


def test_what_is_ordered_of_such_a_run_is_refused_in_a_sentence(week: Store, browser: Client, keep: Any) -> None:
    keep(amber=1)
    expire()
    page = browser.post("/feeds/runs/1/withdraw/", {"reason": "Of another country."}, follow=True).content.decode()
    assert "the rows of run 1 are no longer kept" in page.lower()
    data = {"type": "scan_rdp", "on": "2026-11-17", "decision": "discarded"}
    page = browser.post("/feeds/cycles/decide/", data, follow=True).content.decode()
    assert "nothing can be decided any more about days before" in page


def test_the_quarantine_of_such_a_run_is_gone(
    store: Store,
    cast: Cast,
    keep: Any,
    tmp_path: Path,
) -> None:
    store.run(write(tmp_path, 0, [3], timestamp="no time"))
    store.run(write(tmp_path, 3, [1]))
    keep(amber=1)
    expire()
    browser = signed_in(cast.analyst)
    assert "What this run set aside is no longer kept" in browser.get("/feeds/quarantine/?run=1").content.decode()
    assert "Nothing of run 2 is in quarantine" in browser.get("/feeds/quarantine/?run=2").content.decode()


def test_findings_that_are_forgotten_have_no_page(week: Store, browser: Client, keep: Any) -> None:
    path = f"/findings/{finding_of(6)['id']}/"
    assert browser.get(path).status_code == 200
    keep(amber=1)
    expire()
    assert browser.get(path).status_code == 404
    assert GONE.isdisjoint(each["asset"] for each in week.findings())


def test_the_first_page_says_what_went(week: Store, keep: Any, cast: Cast) -> None:
    keep(amber=1)
    expire()
    (sentence,) = [
        said for row, said, _ in since(AT.replace(year=2020), cast.manager) if row.code == "observations.expired"
    ]
    assert sentence == "16 rows are no longer kept: they are as old as the settings allow"


def test_whoever_waits_for_it_is_told_in_words() -> None:
    busy = f"{holding.Holder(holding.RETENTION)} has kept the store busy for more than 60 s. Try again when it is done."
    assert reasons._said(busy, reasons.ORDERS) == busy
    late = "a.csv: it is dated 2026-11-17, and nothing from before 2026-11-18 is kept any more. "
    said = reasons.said_of_file("a.csv", f"{late}Nothing of it was taken in.")
    assert said.startswith("it is dated 17 Nov 2026, and nothing from before 18 Nov 2026 is kept any more.")


def test_doctor_says_for_how_long_and_whether_it_is_done(week: Store, keep: Any, settings: Any, tmp_path: Path) -> None:
    def verdict() -> examination.Verdict:
        (found,) = examination._retention(settings.TOCSIN)
        return found

    assert verdict() == examination.Verdict("retention", "observations are kept for ever")
    keep(amber=2)
    assert verdict().says == (
        "days that observations are kept: TLP:CLEAR for ever, TLP:GREEN for ever, TLP:AMBER 2, TLP:AMBER+STRICT 2, "
        "TLP:RED 2"
    )
    assert not verdict().must_be_mended
    week.run(write(tmp_path / "in", 6, [1, 2]), accept_drop=True)
    assert verdict().says == "1 report type has rows that are older than they are to be kept: scan_rdp"
    assert verdict().fix.startswith("Run: tocsin feed expire")
