"""Situation: what it says of a country, in one sentence a question."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, main_of, signed_in, text
from tests.feeds.reports import day, write
from tests.feeds.test_days import by_the_clock
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent
from tocsin.feeds import queries
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.actions.findings import give_finding
from tocsin.feeds.queries_situation import Day, Period
from tocsin.feeds.views import situation as situation_view
from tocsin.kernel.clock import now

pytestmark = pytest.mark.django_db
LAMPS = """
[feed]
name = "lamps"
[fields]
"time.source" = "when"
"source.ip" = "ip"
[constants]
"classification.type" = "other"
"""


def days(store: Store, folder: Path, *hosts: Any, kind: str = "scan_rdp", first: int = 0, **options: Any) -> None:
    """Import a report a day."""
    for number, seen in enumerate(hosts, start=first):
        store.run(write(folder, number, seen, kind=kind), **options)


def test_a_country_without_reports_says_how_to_begin(store: Store, cast: Cast) -> None:
    page = text(signed_in(cast.analyst).get("/"))

    assert "Nothing is seen yet" in page and "tocsin feed run PATH" in page


def test_the_first_day_claims_nothing(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, range(1, 60))

    assert "Not known yet" in text(signed_in(cast.analyst).get("/"))


def test_calm_days_are_called_calm(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 8)))

    page = text(signed_in(cast.analyst).get("/"))
    assert "Not that we can see: everything counted is within the usual." in page


def test_the_chart_has_the_last_thirty_days(store: Store, cast: Cast, tmp_path: Path) -> None:
    # One more each day: what opens is one, and the first report of all is not counted.
    store.run(*(write(tmp_path, number, range(1, number + 2)) for number in range(35)))  # 16 November to 20 December

    chart = signed_in(cast.analyst).get("/").context["trend"]["chart"]

    assert [line["values"] for line in chart["lines"]] == [[1] * 30, [0] * 30]
    assert (chart["at"][0], chart["at"][-1]) == ("21 Nov", "20 Dec")


def test_doors_left_open_are_no_attack(week: Store, cast: Cast) -> None:
    page = text(signed_in(cast.analyst).get("/"))

    assert "No attack that we can see" not in page  # four days are the fewest that say what is usual; here are two
    assert "Too early to say what is usual" in page


def test_more_open_services_than_usual_are_named_but_not_called_an_attack(
    store: Store, cast: Cast, tmp_path: Path
) -> None:
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 7)), range(7, 60))

    page = text(signed_in(cast.analyst).get("/"))
    assert "No attack that we can see, but more of this than usual: Remote desktop open to the internet." in page


def test_an_outbreak_is_called_one(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 7)), range(7, 60), kind="compromised_website")

    page = text(signed_in(cast.analyst).get("/"))
    assert "Yes: Web site has been taken over, 49 where 0–3 are usual." in page
    assert "times the usual" not in page


def test_what_is_usual_is_not_claimed_after_few_days(store: Store, cast: Cast, tmp_path: Path) -> None:
    """The first day says nothing; four days after it are the fewest that say what is usual."""
    browser = signed_in(cast.analyst)
    for number in range(6):
        store.run(write(tmp_path, number, range(number, number + 5)))
        page = text(browser.get("/"))
        assert ("within the usual" in page) == (number == 5), number
        assert ("Too early to say what is usual" in page) == (0 < number < 5), number
        assert ("As many findings opened as usual" in page) == (number == 5)
        (health,) = situation.health()
        assert (health.usual_rows is not None) == (number >= 4), number


def test_several_outbreaks_are_counted(store: Store, cast: Cast, tmp_path: Path) -> None:
    for kind in ("compromised_website", "scan_rdp"):
        days(store, tmp_path, *(range(n, n + 5) for n in range(1, 7)), range(7, 60), kind=kind)

    assert "49 where 0–3 are usual; one other kind grows too." in text(signed_in(cast.analyst).get("/"))


def test_what_is_new_gone_and_back_stands_beside_the_day_before(week: Store, cast: Cast) -> None:
    page = text(signed_in(cast.analyst).get("/"))

    assert "1 finding went away; came back: 1; new: 10." in page
    assert "Vulnerable system 10 0 1 0 1 0 16" in page
    assert "moh 10 0 1 0 1 0 14" in page and "bank 0 0 0 0 0 0 1" in page


def test_every_number_is_what_its_link_shows(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    page = browser.get("/")
    tables = page.context["changes"]["tables"]

    assert [table["title"] for table in tables] == ["Class", "Sector", "Organisation"]
    for row in (row for table in tables for row in table["rows"] if row["query"]):
        for query, number in (
            ("state=new&", row["day"].new),
            ("state=returned&", row["day"].returned),
            ("state=gone&gone=now&", row["day"].gone),
            ("", row["open"]),
        ):
            assert browser.get(f"/findings/?{query}{row['query']}").context["total"] == number, (row["label"], query)
    assert page.context["changes"]["within"] == ""
    for link in set(links(page)):
        if link.startswith("/"):
            assert browser.get(link).status_code == 200, link


def test_the_others_are_a_list_too_while_an_address_can_name_them(
    week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(situation_view, "GROUPS_SHOWN", 2)
    browser = signed_in(cast.analyst)
    others = browser.get("/").context["changes"]["tables"][2]["rows"][-1]

    assert (others["label"], others["open"]) == ("2 others", 2)
    assert browser.get(f"/findings/?{others['query']}").context["total"] == 2
    assert f'?{html.escape(others["query"])}">2</a>' in main_of(browser.get("/")), "nobody and the bank"

    monkeypatch.setattr(situation_view, "OTHERS_LISTED", 1)
    assert browser.get("/").context["changes"]["tables"][2]["rows"][-1]["query"] == ""


def test_the_latest_of_a_kind_is_what_its_link_shows(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, [1], [1, 2], [1, 2, 3], kind="scan_telnet")
    days(store, tmp_path, [1, 2, 3], kind="scan6_telnet", first=2)
    browser = signed_in(cast.analyst)
    page = browser.get("/")
    (kind,) = page.context["kinds"]

    assert kind.today == browser.get(kind.url).context["total"] == 1, "the first report of a type is all new"
    assert f'<td class="num"><a href="{html.escape(kind.url)}">1</a></td>' in main_of(page)


def test_what_is_compared_with_has_no_list_and_the_page_says_why(week: Store, cast: Cast) -> None:
    page = signed_in(cast.analyst).get("/")

    cells = re.findall(r'<td class="num muted before">(.*?)</td>', main_of(page))
    assert len(cells) > 9 and not any("href" in cell for cell in cells)
    assert "The day before is what was counted then, to compare with" in text(page)


def test_the_columns_of_each_table_add_up_to_what_the_sentence_says(
    week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(situation_view, "GROUPS_SHOWN", 2)
    page = signed_in(cast.analyst).get("/")
    now, before, is_open = page.context["changes"]["all"]

    for table in page.context["changes"]["tables"]:
        assert sum((row["day"] for row in table["rows"]), Day()) == now, table["title"]
        assert sum((row["before"] for row in table["rows"]), Day()) == before
        assert sum(row["open"] for row in table["rows"]) == is_open
    assert "2 others 0 0 0 0 0 0 2" in text(page), "the bank, and nobody"


def test_new_and_back_is_one_number_and_the_chart_says_what_it_leaves_out(
    store: Store, cast: Cast, tmp_path: Path
) -> None:
    days(store, tmp_path, [1], [1, 2], [1, 2, 3], kind="scan_telnet")
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 8)))
    browser = signed_in(cast.analyst)
    days(store, tmp_path, [1, 2], kind="scan_vnc", first=6)
    page, findings = browser.get("/"), browser.get("/findings/?state=new&state=returned&period=now")
    all_now, _, _ = page.context["changes"]["all"]

    assert all_now.opened == findings.context["total"] == 3
    assert "1 opened" in text(page), "the first report of a type is all new"
    assert "2 more are new or back by such a first report, or by one of an earlier day." in text(page)


def test_what_a_silent_type_did_on_its_last_day_is_in_no_sum(store: Store, cast: Cast, tmp_path: Path) -> None:
    """Telnet stopped on the third day, on which three were new and four gone; its findings are still open."""
    days(store, tmp_path, range(4), range(2, 6), [5, 70, 71, 72], kind="scan_telnet")
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 9)))
    browser = signed_in(cast.analyst)
    page = browser.get("/")
    now, before, is_open = page.context["changes"]["all"]

    assert (now.new, now.returned, now.gone) == (1, 0, 1) and (before.new, before.gone) == (1, 1)
    assert is_open == 5 + 4, "what is open is no movement"
    assert "1 finding went away; came back: 0; new: 1." in text(page)
    assert "by the latest report of each type ( 22 Nov or 23 Nov ). 1 type left out" in text(page)
    for table in page.context["changes"]["tables"]:
        assert sum((row["day"] for row in table["rows"]), Day()).new == 1, table["title"]
        assert sum((row["before"] for row in table["rows"]), Day()) == before
    for link in (each for each in links(page) if ("state=new&" in each and "type=" not in each) or "gone=now" in each):
        assert "period=now" in link
    listed = browser.get("/findings/?state=new&period=now")
    assert listed.context["total"] == 1 and "Reports of the last two days" in text(listed)
    assert listed.context["type_asked"] == "", "nobody has chosen a kind"
    assert "?state=new" in links(listed), "the filter can be taken away"
    assert "Gone by the latest report of its type" in text(browser.get("/findings/?state=gone&gone=now"))
    whole = browser.get("/findings/")
    assert "new: 1, came back: 0, went away: 1. 1 type left out" in text(whole)
    assert "4 of these are not checked any more: their reports have stopped arriving." in text(whole)
    unchecked = next(link for link in links(whole) if link.endswith("&type=scan_telnet") and "still" in link)
    assert browser.get(f"/findings/{unchecked}").context["total"] == 4
    assert "not checked" not in text(browser.get("/findings/?state=gone"))
    assert browser.get("/findings/?state=new").context["total"] == 4


def test_of_the_day_that_is_coming_in_each_type_counts_by_its_latest_report(
    store: Store, cast: Cast, tmp_path: Path
) -> None:
    days(store, tmp_path, [1], [1, 2], [1, 2, 3, 4], kind="scan_telnet")
    days(store, tmp_path, [1], [1], [1], [1, 9])
    page = signed_in(cast.analyst).get("/")

    assert page.context["changes"]["all"][0].new == 3, "two of the day before, one of the newest"
    assert page.context["changes"]["within"] == "" and "type left out" not in text(page)
    assert situation.period() == Period(day(2), day(3), ("scan_rdp", "scan_telnet"), ())


def test_a_report_ahead_of_its_day_moves_nothing_yet(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, [1], [1, 2])
    days(store, tmp_path, [1], [1, 3], kind="scan_telnet")
    store.run(write(tmp_path, 300, range(30, 60), kind="scan_telnet"), latest=day(400))
    of = situation.period()

    assert of and (of.last, of.left_out) in ((day(1), ("scan_telnet",)), (day(300), ("scan_rdp",)))


def test_the_chart_leaves_nothing_out_when_all_reports_are_of_its_last_day(
    store: Store, cast: Cast, tmp_path: Path
) -> None:
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 8)))

    assert "more is new or back" not in text(signed_in(cast.analyst).get("/"))


def test_kinds_lead_to_what_they_count(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 8)))
    browser = signed_in(cast.analyst)

    for kind in browser.get("/").context["kinds"]:
        assert browser.get(kind.url).context["total"] == kind.today


def test_ipv4_and_ipv6_reports_of_one_kind_count_together(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 8)))
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 8)), kind="scan6_rdp")

    (kind,) = signed_in(cast.analyst).get("/").context["kinds"]
    assert kind.today == 2 and "type=scan_rdp" in kind.url and "type=scan6_rdp" in kind.url


def test_a_silent_feed_is_named(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, [1], [1], [1], kind="scan_telnet")
    days(store, tmp_path, *[[1]] * 6)

    page = text(signed_in(cast.analyst).get("/"))
    assert "1 of 2 arrive as usual" in page
    assert "Silent since 18 Nov : Telnet open to the internet" in page


def test_of_what_came_once_nobody_knows_how_often_it_comes(store: Store, cast: Cast, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [1], kind="scan_telnet"))
    days(store, tmp_path, *[[1]] * 6)

    page = text(signed_in(cast.analyst).get("/"))
    assert "Silent since 16 Nov : Telnet open to the internet came once" in page


def test_what_is_as_usual_is_not_said_to_grow(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, *(range(n, n + 5) for n in range(1, 8)))

    page = text(signed_in(cast.analyst).get("/"))
    assert "everything counted is within the usual" in page and "growing" not in page
    assert "New, the most unusual first Up to 30 days, usual" in page


def test_a_late_feed_is_not_yet_silent(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, [1], [1], kind="scan_telnet")
    days(store, tmp_path, [1], [1], [1])

    assert [each.state for each in situation.health()] == ["ok", "late"]


def test_a_weekly_feed_is_silent_after_two_weeks(store: Store, tmp_path: Path) -> None:
    for number in (0, 7, 14):
        store.run(write(tmp_path, number, [1], kind="scan_telnet"))
    for number, state in ((20, "ok"), (21, "late"), (27, "late"), (28, "silent")):
        store.run(write(tmp_path, number, [1]))
        assert situation.health()[1].state == state, number


def test_a_short_second_report_is_not_measured_by_a_usual(store: Store, cast: Cast, tmp_path: Path) -> None:
    days(store, tmp_path, range(1, 9), [1])

    for path in ("/", "/feeds/"):
        page = text(signed_in(cast.analyst).get(path))
        assert "are usual" not in page
        assert "1 row after 8 on the days before; it is too early to say what is usual" in page


def test_when_the_only_type_stops_the_clock_says_so(
    store: Store, cast: Cast, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    days(store, tmp_path, *[[1]] * 4)
    for number, state in ((3, "ok"), (5, "ok"), (6, "late"), (7, "silent"), (200, "silent")):
        by_the_clock(settings, monkeypatch, day(number))
        assert [each.state for each in situation.health()] == [state], number
    page = text(signed_in(cast.analyst).get("/feeds/"))
    assert "0 of 1 report type arrives as usual" in page and "Not checked since 19 Nov" in page


def test_one_publisher_is_not_measured_by_another(
    store: Store, cast: Cast, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that is fetched today says nothing about reports that come tomorrow morning."""
    by_the_clock(settings, monkeypatch, day(4))
    mapping = settings.TOCSIN.home / "mappings" / "lamps.toml"
    mapping.parent.mkdir(parents=True)
    mapping.write_text(LAMPS, encoding="utf-8")
    days(store, tmp_path, [1], [1], [1])
    for number in range(5):
        path = tmp_path / f"{day(number)}-lamps.csv"
        path.write_text(f"when,ip\n{day(number)} 06:00:00,192.0.2.1\n", encoding="utf-8")
        store.run(path)

    assert {each.type.name: each.state for each in situation.health()} == {"lamps": "ok", "scan_rdp": "ok"}


def test_a_weekly_type_is_waited_for_by_its_own_rhythm(
    store: Store, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (0, 7, 14):
        store.run(write(tmp_path, number, [1]))
    for number, state in ((14, "ok"), (22, "ok"), (23, "late"), (30, "silent")):
        by_the_clock(settings, monkeypatch, day(number))
        assert [each.state for each in situation.health()] == [state], number


def test_who_is_on_it(week: Store, cast: Cast) -> None:
    assert "Nobody yet. Open findings that nobody has taken: 16." in text(signed_in(cast.analyst).get("/"))
    found = queries.findings().page(queries.Filter(), sort="asset", descending=False, limit=3)
    for each in found:
        give_finding(queries.finding_id(each), owner=cast.manager, seen=None, by=cast.analyst, at=AT)

    page = signed_in(cast.analyst).get("/")
    assert "Findings taken by one person: 3; by nobody yet: 13." in text(page)
    assert f"/findings/?owner=person%3A{cast.manager.pk}" in links(page)


def test_what_is_worst_stands_there_and_leads_to_it(week: Store, cast: Cast, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1, 2, 3], kind="scan_ssl", severity="high"))
    browser = signed_in(cast.analyst)

    page = browser.get("/")
    shown = re.findall(r'class="sev c(\d)"[^>]*>C\1</span> <a href="([^"]+)">(\d+)</a>', main_of(page))

    worst = text(page).partition("Open by severity")[2]
    assert worst.startswith(" C3 3 C4 16"), worst[:99]
    assert [(level, number) for level, _url, number in shown] == [("3", "3"), ("4", "16")]
    for _level, url, number in shown:
        assert f"{number} open findings" in text(browser.get(html.unescape(url)))
    observed = signed_in(cast.observer).get("/")
    assert "Open by severity" in text(observed) and "severity=" not in main_of(observed)


def test_what_waits_for_a_decision(week: Store, cast: Cast, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1]))
    week.run(write(tmp_path, 4, [1], kind="scan_strange"))
    (tmp_path / "broken").mkdir()
    broken = tmp_path / "broken" / "2026-11-20-scan_rdp-xm-geo-part2.csv.gz"
    broken.write_bytes(b"\x1f\x8b\x08 no gzip")
    week.run(broken)
    directory.add_claim(
        Constituent.objects.get(public_id="bank"), kind=ClaimKind.NETWORK, value="192.0.2.0/25", by=COMMAND_LINE, at=AT
    )

    page = text(signed_in(cast.analyst).get("/"))

    for expected in (
        "Two organisations claim 192.0.2.0/25", "open finding is nobody’s", "1 type of report needs a mapping",
    ):  # fmt: skip
        assert expected in page
    assert "decisions wait" in page


def test_a_short_report_waits_for_somebody(week: Store, cast: Cast, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1]))
    browser = signed_in(cast.analyst)
    assert "0 of 1 arrives as usual" in text(browser.get("/"))
    assert "Waits for a decision" in text(browser.get("/"))

    page = text(browser.get("/"))
    assert "Is this report complete? Remote desktop open to the internet" in page
    assert "1 row where 8 are usual; nothing goes gone until you say" in page
    assert "Is this report complete" not in text(signed_in(cast.observer).get("/"))


def test_of_many_decisions_alike_some_are_listed_and_the_list_has_all(week: Store, cast: Cast) -> None:
    """Thousands of claims with two owners would make the page heavy, and hide what stands after them."""
    for name in ("moh", "bank"):
        owner = Constituent.objects.get(public_id=name)
        for number in range(25):
            network = f"198.51.100.{number}/32"
            directory.add_claim(owner, kind=ClaimKind.NETWORK, value=network, by=COMMAND_LINE, at=AT)

    response = signed_in(cast.analyst).get("/")

    page = text(response)
    assert page.count("Two organisations claim") == 10
    assert "15 more claims have two owners" in page and "nobody’s" in page
    assert "26 decisions wait" in page and "22 more wait" in page
    assert "/directory/conflicts/" in links(response)


def later(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    at = now() + dt.timedelta(**passed)
    monkeypatch.setattr(situation_view, "now", lambda: at)


def test_since_the_last_visit(week: Store, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of somebody who has signed in anew: a session lasts half a day."""
    browser = signed_in(cast.analyst)
    assert "Since your last visit" not in text(browser.get("/"))
    week.run(write(tmp_path, 4, range(1, 20)), at=now())

    again = signed_in(cast.analyst)
    again.cookies["visit"] = browser.cookies["visit"].value
    later(monkeypatch, hours=14)
    for _ in range(2):
        page = text(again.get("/"))
        assert "Since your last visit" in page and "Run 5: 11 findings new, 4 came back" in page


def test_a_visit_lasts_while_pages_follow_closely(week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = signed_in(cast.analyst)
    browser.get("/")
    later(monkeypatch, minutes=20)
    response = browser.get("/")

    assert "Since your last visit" not in text(response)
    assert "visit" not in response.cookies


def test_of_whoever_has_sat_there_before_nothing_is_known(
    week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, other = signed_in(cast.analyst), signed_in(cast.manager)
    browser.get("/")
    cookie = browser.cookies["visit"]
    other.cookies["visit"] = cookie.value
    later(monkeypatch, hours=14)

    assert "Since your last visit" not in text(other.get("/"))
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_an_import_is_seen_at_once(week: Store, cast: Cast, tmp_path: Path) -> None:
    browser = signed_in(cast.analyst)
    assert "new: 10." in text(browser.get("/"))

    week.run(write(tmp_path, 4, range(1, 63)))

    assert "44 are new" in text(browser.get("/"))


def test_the_side_bar_counts_open_findings(week: Store, cast: Cast) -> None:
    side = signed_in(cast.analyst).get("/help/").content.decode().partition("<main")[0]

    assert '<span>Findings</span><span class="count">16</span>' in side
    assert "Findings" not in Client().get("/health").content.decode()
