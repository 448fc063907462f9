"""One finding: its life, why it is whose it is, the rows behind it, owner and note."""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, main_of, signed_in, text
from tests.feeds.reports import COLUMNS, day, rows, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent
from tocsin.feeds import models, queries, reattribution
from tocsin.feeds.choices import SHADOWSERVER_TERMS
from tocsin.feeds.models import Feed, FindingNote, FindingOwner

pytestmark = pytest.mark.django_db


def path_of(host: int) -> str:
    """Return the address of the page of a host's finding."""
    found = queries.findings().stream(queries.Filter())
    return next(
        f"/findings/{queries.finding_id(each)}/" for each in found if queries.asset_of(each) == f"192.0.2.{host}"
    )


def test_a_finding_says_what_it_is_and_where(browser_of_analyst: Client) -> None:
    page = text(browser_of_analyst.get(path_of(70)))

    for expected in (
        "Remote desktop open to the internet: bank", "192.0.2.70:3389", "TLP:AMBER", "AS64496", "Vulnerable system",
        "Limit who can reach it", "4, in 4 reports",
    ):  # fmt: skip
        assert expected in page


def test_its_life_is_told_from_the_reports(browser_of_analyst: Client) -> None:
    page = text(browser_of_analyst.get(path_of(5)))

    assert (
        "Came back Seen again" in page
        and "Gone Enough complete reports" in page
        and "New Seen for the first time" in page
    )
    assert page.index("Seen again") < page.index("Gone Enough") < page.index("Seen for the first time")


def test_the_rows_behind_it_name_file_line_and_meaning(browser_of_analyst: Client) -> None:
    page = text(browser_of_analyst.get(path_of(70)))

    assert "2026-11-19-scan_rdp-xm-geo.csv · line 16" in page
    assert "protocol extra.protocol tcp" in page
    assert "The latest 4 rows behind it" in page
    assert "ip source.ip 192.0.2.70" in page and "timestamp time.source 2026-11-19 06:00:00" in page


def test_each_row_behind_it_is_shown_when_it_is_asked_for(browser_of_analyst: Client) -> None:
    """All of them at once made the page heavy: rows of one finding are much the same."""
    path = path_of(70)
    first = browser_of_analyst.get(path)
    earlier = [link for link in links(first) if "row=" in link]
    assert len(earlier) == 3 and main_of(first).count("<table") == 1

    page = text(browser_of_analyst.get(path + earlier[-1]))
    assert "timestamp time.source 2026-11-16 06:00:00" in page and "2026-11-19 06:00:00" not in page
    assert "were not understood" in text(browser_of_analyst.get(f"{path}?row=1-999&page=7"))


def test_more_rows_than_a_page_shows_have_pages(week: Store, cast: Cast, tmp_path: Path) -> None:
    """As of a host that was seen many times a day."""
    seen = [row for minute in range(30) for row in rows(4, [70], timestamp=f"{day(4)} 07:{minute:02}:00")]
    path = write(tmp_path, 4, [1])
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, COLUMNS, extrasaction="ignore", restval="", lineterminator="\n").writerows(seen)
    week.run(path)
    browser = signed_in(cast.analyst)

    shown = [main_of(browser.get(f"{path_of(70)}?page={page}")) for page in (1, 2)]
    lines = [set(re.findall(r"(2026-11-\d\d)-scan_rdp[^·]*· line (\d+)", page)) for page in shown]

    assert [len(each) for each in lines] == [20, 14] and not lines[0] & lines[1]
    assert "1–20 of 34" in shown[0] and "21–34 of 34" in shown[1]
    last = [link for link in links(browser.get(f"{path_of(70)}?page=2")) if "row=" in link][-1]
    opened = browser.get(path_of(70) + last)
    assert "2026-11-16 06:00:00" in main_of(opened) and "?page=1" in links(opened)


def test_why_it_is_whose_it_is(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get(path_of(70))
    assert "192.0.2.64/26 is the most specific network" in text(page)
    network = '<bdi class="mono" dir="ltr">192.0.2.64/26</bdi>'
    assert f"{network} is the most specific" in main_of(page), "an address stays whole where text runs right to left"
    assert "No constituent claims" in text(browser_of_analyst.get(path_of(200)))


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (ClaimKind.ASN, "AS64496", "the address is announced by AS64496"),
        (ClaimKind.NETWORK, "192.0.2.200/32", "192.0.2.200/32 is the most specific network"),
    ],
)
def test_a_hand_over_is_part_of_its_history(week: Store, cast: Cast, kind: ClaimKind, value: str, says: str) -> None:
    bank = Constituent.objects.get(public_id="bank")
    directory.add_claim(bank, kind=kind, value=value, by=COMMAND_LINE, at=AT)
    reattribution.bring_up_to_date(by=COMMAND_LINE)

    page = text(signed_in(cast.analyst).get(path_of(200)))

    assert says in page and "Nobody has confirmed" in page
    assert "Changed hands from – to bank" in page


def test_a_note_and_an_owner(browser_of_analyst: Client, cast: Cast) -> None:
    path = path_of(70)

    browser_of_analyst.post(f"{path}note/", {"text": "Called <b>them</b>."})
    browser_of_analyst.post(f"{path}owner/", {"owner": str(cast.analyst.pk)})

    answer = browser_of_analyst.get(path)
    assert "Called <b>them</b>. Anan Analyst" in text(answer) and "<b>them" not in answer.content.decode()
    assert "You look after it" in text(answer) and "Take it" not in text(answer)
    browser_of_analyst.post(f"{path}owner/", {"owner": "nobody"})
    assert not FindingOwner.objects.exists()


def test_who_takes_it_on_a_page_gone_stale_is_told_who_has_it(week: Store, cast: Cast) -> None:
    """Both have opened it while nobody looked after it, and both press the button."""
    cast.analyst.name = "anan analyst"
    cast.analyst.save()
    path, first, second = path_of(70), signed_in(cast.analyst), signed_in(cast.manager)
    stale = {each: form_of(each.get(path)) for each in (first, second)}

    assert "has looked after it" not in text(first.post(f"{path}owner/", stale[first], follow=True))
    page = second.post(f"{path}owner/", stale[second], follow=True)

    assert FindingOwner.objects.get().owner_key == cast.analyst.audit_key
    assert re.search(r"Since [^.]* anan analyst has looked after it\.", text(page)), "the name as it was given"
    assert "Owner anan analyst" in text(page)
    assert "Take it" in text(page)
    second.post(f"{path}owner/", form_of(page))
    assert FindingOwner.objects.get().owner_key == cast.manager.audit_key, "with open eyes it may be taken"


def form_of(page: Any) -> dict[str, str]:
    """Return what the button Take it sends."""
    form = main_of(page).partition("Take it</button>")[0].rpartition("<form")[2]
    return dict(re.findall(r'name="(owner|seen)" value="([^"]*)"', form))


def test_changes_of_owner_are_part_of_its_history(browser_of_analyst: Client, cast: Cast) -> None:
    path, other = path_of(70), str(cast.manager.pk)
    for owner in (str(cast.analyst.pk), str(cast.analyst.pk), other, "nobody", other):
        browser_of_analyst.post(f"{path}owner/", {"owner": owner})

    page = text(browser_of_analyst.get(path)).partition("How it went")[2]

    told = [
        "Given to Marta Head Anan", "Nobody looks after it any more; Marta Head did Anan",
        "Went from Anan Analyst to Marta Head Anan", "Taken Anan Analyst", "New Seen for the first time",
    ]  # fmt: skip
    assert [page.index(each) for each in told] == sorted(page.index(each) for each in told)
    assert page.count("Taken") == 1, "what was so already is no change"
    assert "Taken" not in text(browser_of_analyst.get(path_of(200)))


def test_an_empty_note_is_asked_for_again(browser_of_analyst: Client) -> None:
    answer = browser_of_analyst.post(f"{path_of(70)}note/", {"text": "  "})

    assert answer.status_code == 422 and 'role="alert"' in answer.content.decode()
    assert not FindingNote.objects.exists()


def test_a_note_that_is_too_long_or_cannot_be_read_is_still_there_to_be_mended(browser_of_analyst: Client) -> None:
    path = path_of(70)
    assert "maxlength" not in main_of(browser_of_analyst.get(path))

    for note, said in (("x" * 10_001, "10000"), ("\u200b", "nothing that can be seen"), ("a\x1b[2J", "control char")):
        answer = browser_of_analyst.post(f"{path}note/", {"text": note})
        assert answer.status_code == 422 and said in text(answer) and note in main_of(answer)
    assert not FindingNote.objects.exists()


def test_nobody_outside_the_team_becomes_its_owner(browser_of_analyst: Client, cast: Cast) -> None:
    path = path_of(70)

    for owner in (str(cast.stranger.pk), "", "x", "999999"):
        assert "Choose somebody" in text(browser_of_analyst.post(f"{path}owner/", {"owner": owner}, follow=True))
    assert not FindingOwner.objects.exists()


def test_what_is_not_there_is_not_found(browser_of_analyst: Client) -> None:
    for public in ("a" * 26, "x", "%00", "é" * 26, "7" * 26, "a" * 500):
        for tail in ("", "note/", "owner/"):
            ask = browser_of_analyst.post if tail else browser_of_analyst.get
            assert ask(f"/findings/{public}/{tail}").status_code == 404, public


def test_a_page_costs_few_queries(browser_of_analyst: Client, django_assert_max_num_queries: Any) -> None:
    path = path_of(70)
    browser_of_analyst.get(path)

    with django_assert_max_num_queries(15):
        browser_of_analyst.get(path)


def test_a_silent_feed_leaves_its_findings_unchecked(week: Store, cast: Cast, tmp_path: Any) -> None:
    for number in range(4, 8):
        week.run(write(tmp_path, number, [1], kind="scan_telnet", port="23"))

    assert "Not checked since 19 Nov" in text(signed_in(cast.analyst).get(path_of(70)))


def test_its_beginning_may_lie_before_what_is_read(week: Store, cast: Cast, tmp_path: Any) -> None:
    week.run(write(tmp_path, 100, [70]), at=AT + dt.timedelta(days=97))

    page = text(signed_in(cast.analyst).get(path_of(70)))
    assert "only the last 90 days are shown" in page and "The latest row behind it" in page


def test_a_page_in_french_names_the_organisation_in_french(browser_of_analyst: Client) -> None:
    Constituent.objects.filter(public_id="bank").update(names={"fr": "Banque des Îles"})
    (bank,) = queries.findings().page(queries.Filter(constituents=("bank",)), sort="asset", descending=False, limit=1)

    page = browser_of_analyst.get(f"/findings/{queries.finding_id(bank)}/", headers={"Accept-Language": "fr"})
    assert re.search(r"<h1>[^<]*Banque des Îles", page.content.decode())
    assert ">bank<" not in page.content.decode()


def test_terms_that_came_with_the_software_are_said_in_the_readers_language(
    browser_of_analyst: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "gettext", lambda text: f"traduit : {text}")
    feed = Feed.objects.get(code="shadowserver")

    assert feed.terms_shown == f"traduit : {SHADOWSERVER_TERMS}"
    form = {"tlp": "GREEN", "terms": feed.terms_shown}
    browser_of_analyst.post("/feeds/terms/shadowserver/", form)
    feed.refresh_from_db()
    assert (feed.tlp, feed.terms) == ("GREEN", SHADOWSERVER_TERMS)
    feed.terms = "Ours."
    assert feed.terms_shown == "Ours."
