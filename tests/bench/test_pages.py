"""The pages are asked for as people do, and what they cost is told as it was."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest

from bench import product
from bench.__main__ import chosen, parser
from bench.figures import Figure, table
from bench.measures import Setting, Wrong
from bench.pages import measured, stock
from bench.pages.asked import LIST, OTHER, SITUATION, Page, pages
from bench.pages.measured import Asked, page_figure, percentile, served
from bench.pages.visitor import code_of
from bench.processes import Failed
from bench.reports import Feeds


def asked(group: str, name: str, *wall_ms: float) -> Asked:
    return Asked(Page(group, name, ("/",)), 900, wall_ms, tuple(each / 2 for each in wall_ms), 12.4)


def test_one_in_twenty_exceeds_the_p95() -> None:
    assert percentile([*range(1, 21)], 0.95) == 19
    assert percentile([5, 1, 3], 0.95) == 5
    assert percentile([7], 0.5) == 7


# Appendix B of RFC 6238 gives eight digits; these are the last six.
@pytest.mark.parametrize(("at_s", "code"), [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")])
def test_the_authenticator_shows_what_the_standard_says(at_s: int, code: str) -> None:
    assert code_of("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", at_s) == code


def test_the_addresses_of_a_page_take_turns() -> None:
    page = Page(LIST, "q", ("/a", "/b", "/c"))

    assert [page.path(number) for number in range(4)] == ["/a", "/b", "/c", "/a"]


def test_each_group_is_judged_by_its_slowest_page() -> None:
    found = [asked(LIST, "fast", 20, 30), asked(LIST, "slow", 20, 301), asked(SITUATION, "Situation", 499)]
    figures = list(measured._slowest("sqlite", found))

    assert [(figure.measure, figure.value, figure.verdict) for figure in figures] == [
        ("sqlite: Findings list, slowest p95", 301, "missed"),
        ("sqlite: Situation, slowest p95", 499, "must"),
    ]
    assert figures[0].note == "slow; 1 of 2 over 300 ms"


def test_a_page_s_line_says_what_else_it_cost() -> None:
    line = page_figure("sqlite", asked(OTHER, "Feeds", 10, 30), {"Feeds": (13, 8)})

    assert line.as_json()["beside"] == {
        "p50": "20 ms", "first": "900 ms", "CPU": "10 ms", "p95 of CPU": "15 ms", "queries": "8",
        "after an import": "13", "size": "12 kB",
    }  # fmt: skip
    printed = table([line, Figure("other", 3)])
    assert "after an import" in printed and "sqlite: Feeds  30 ms" in printed
    assert "beside" not in Figure("other", 3).as_json()


def test_most_queries_are_those_of_a_page_asked_for_again() -> None:
    listed = [Page(OTHER, "a", ("/a",)), Page(OTHER, "b", ("/b",))]

    figure = measured._most_queries("sqlite", listed, {"a": (40, 3), "b": (5, 16)})
    assert (figure.value, figure.note, figure.verdict) == (16, "b", "missed")


def test_the_truth_is_told_by_run() -> None:
    days = [{"day": str(n), "new": n, "still": 1, "gone": 2, "returned": 0} for n in (5, 6, 7)]

    assert stock._of_runs({"rows": 9, "days": days}) == {
        "rows": 9,
        "days": [{"new": 11, "still": 2, "gone": 4, "returned": 0}, days[-1]],
    }


def test_rivals_claim_what_others_hold(tmp_path: Path) -> None:
    held = [{"id": f"c{n}", "networks": [f"192.0.2.{n}/32"] if n % 2 else []} for n in range(90)]
    (tmp_path / "constituents.json").write_text(json.dumps(held), encoding="utf-8")
    rivals = stock._rivals(Feeds("pages", tmp_path, (), {}))

    claimed = [network for rival in rivals for network in rival["networks"]]
    assert sorted(claimed) == sorted(network for each in held for network in each["networks"])
    assert len(rivals) == 20


def test_a_database_of_one_s_own_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(stock.ADDRESS, "postgresql://here")
    with stock.address(stock.POSTGRESQL) as named, stock.address(stock.SQLITE) as none:
        assert (named, none) == ("postgresql://here", "")
    variables = product.Instance(Path("/nowhere"), "postgresql://here").environment
    assert variables["TOCSIN_DATABASE_URL"] == "postgresql://here"
    assert "TOCSIN_DATABASE_URL" not in product.Instance(Path("/nowhere")).environment


def test_both_databases_are_measured_unless_one_is_named() -> None:
    options = parser().parse_args(["pages", "--database", "postgresql"])

    assert list(chosen(options)) == ["sqlite", "postgresql"]
    assert options.only == ["postgresql"]
    assert (options.rows, options.repeat) == (5_600_000, 20)


def test_the_pages_are_measured_from_import_to_figures(
    begun: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, very small and with one page in twelve; the second time on what was kept."""
    monkeypatch.setattr(measured, "AT_ONCE", 2)
    monkeypatch.setattr(measured, "pages", lambda *known: pages(*known)[::12])
    monkeypatch.setattr(stock, "TYPES", "scan_http:3,scan_ssl:2")
    monkeypatch.setattr(stock, "DAYS", 2)
    monkeypatch.setattr(stock, "FIRST_DAY", dt.date(2026, 11, 8))
    setting = Setting(tmp_path, rows=1_200, repeat=1, say=lambda _words: None)
    figures = {figure.measure: figure for figure in served(setting, stock.SQLITE)}

    assert figures["sqlite: observations stored"].value == 1_200
    assert figures["sqlite: peak memory of a web process"].verdict != "missed"
    assert figures["sqlite: most queries of a page"].verdict != "missed"
    lines = [figure for figure in figures.values() if figure.beside]
    assert len(lines) > 5 and all(figure.value and figure.samples for figure in lines)
    kept = tmp_path / "pages-1200-sqlite"
    assert (kept / "demo").read_text() == "2026-11-09"

    before = (kept / "stock.json").stat().st_mtime_ns
    with stock.stocked(tmp_path, 1_200, stock.SQLITE, print) as again:
        assert again.findings == json.loads((kept / "stock.json").read_text())["findings"]
    assert (kept / "stock.json").stat().st_mtime_ns == before
    stock.forget(tmp_path, 1_200, stock.SQLITE)
    assert not kept.exists()


def test_an_import_that_differs_from_the_truth_is_no_stock(
    begun: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "TYPES", "scan_http")
    monkeypatch.setattr(stock, "DAYS", 2)
    feeds = stock._feeds(tmp_path, 60)
    wrong = dataclasses.replace(feeds, truth={**feeds.truth, "unattributed": -1})
    monkeypatch.setattr(stock, "_feeds", lambda _data, _rows: wrong)

    with pytest.raises(Wrong, match="where -1 is right"), stock.stocked(tmp_path, 60, stock.SQLITE, print):
        pass
    assert not (tmp_path / "pages-60-sqlite" / "stock.json").exists()


def test_a_server_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(stock.ADDRESS, raising=False)
    monkeypatch.setattr(stock, "ROOT", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "with-postgres").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    (tmp_path / "tools" / "with-postgres").chmod(0o700)

    with pytest.raises(Failed, match="No PostgreSQL server"), stock.address(stock.POSTGRESQL):
        pass
