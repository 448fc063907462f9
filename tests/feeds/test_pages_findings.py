"""The list of findings: filters, order, pages, and who may see it."""

from __future__ import annotations

import gzip
import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import ids, links, main_of, rows, signed_in, text
from tests.feeds.reports import write
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent
from tocsin.feeds import queries, wording
from tocsin.feeds.actions.findings import change_terms
from tocsin.feeds.choices import SHADOWSERVER_TERMS
from tocsin.feeds.models import Feed, ReportType
from tocsin.feeds.views import asking
from tocsin.kernel import rsit
from tocsin.site.templatetags import standing

pytestmark = pytest.mark.django_db
NEW = [f"192.0.2.{host}:3389" for host in range(20, 30)]


@pytest.mark.parametrize(
    ("asked", "networks"),
    [
        ("asset=192.0.2.64/26", ["192.0.2.64/26"]),
        ("q=192.0.2.77", ["192.0.2.64/26"]),
        ("asset=192.0.2.0/24", ["192.0.2.64/26"]),
        ("q=192.0.2.1", []),
        ("asset=2001:db8::/32", ["2001:db8:1::/48"]),
        ("q=2001:db8:1::7", ["2001:db8:1::/48"]),
        ("q=2001:db8:2::7", []),
        ("q=192.0.2.77&asset=192.0.2.0/26", []),
        ("asset=::/0", ["2001:db8:1::/48"]),
        ("asset=0.0.0.0/0", ["192.0.2.64/26"]),
        ("asset=::/0&asset=0.0.0.0/0", ["192.0.2.64/26", "2001:db8:1::/48"]),
    ],
)
def test_a_finding_about_a_network_is_found_by_what_shares_an_address_with_it(
    store: Store, cast: Cast, tmp_path: Path, asked: str, networks: list[str]
) -> None:
    columns = ("timestamp", "ip", "source", "reason")
    store.run(
        write(tmp_path, 0, [1], kind="blocklist", columns=columns, ip="192.0.2.64/26", source="list"),
        write(tmp_path, 0, [2], kind="blocklist", part="-6", columns=columns, ip="2001:db8:1::/48", source="list"),
    )

    assert sorted(rows(signed_in(cast.analyst).get(f"/findings/?{asked}"))) == networks


def test_open_findings_stand_there_with_a_heading_that_counts(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/findings/?sort=asset")

    assert rows(page) == [
        "192.0.2.1:3389", "192.0.2.2:3389", "192.0.2.3:3389", "192.0.2.5:3389", *NEW, "192.0.2.70:3389",
        "192.0.2.200:3389",
    ]  # fmt: skip
    assert "16 open findings in 2 of 2 organisations" in text(page)
    assert "Remote desktop open to the internet" in text(page)
    assert "By the latest report of each type ( 18 Nov or 19 Nov ) new: 10, came back: 1, went away: 1." in text(page)
    assert "left out" not in text(page) and "not checked" not in text(page)
    assert "TLP:AMBER" in text(page)


FILTERS: list[tuple[str, list[str]]] = [
    ("state=gone", ["4", "6", "7", "8"]),
    ("state=gone&gone=now", ["4"]),
    ("state=returned", ["5"]),
    ("state=new", [str(host) for host in range(20, 30)]),
    ("back=1", ["5"]),
    ("whose=bank", ["70"]),
    ("whose=-", ["200"]),
    ("whose=-&whose=bank", ["70", "200"]),
    ("sector=health&whose=bank", ["70"]),
    ("q=192.0.2.64/26", ["70"]),
    ("q=192.0.2.200", ["200"]),
    ("q=192.0.2.&asset=192.0.2.64/26", ["70"]),
    ("q=192.0.3", []),
    ("q=2001:db8", []),
    ("q=::ffff:c000", []),
    ("q=192.0&asset=192.0.2.64/26", ["70"]),
    ("q=192.0.999&asset=192.0.2.64/26", []),
    ("q=AS64496&whose=bank", ["70"]),
    ("q=AS1", []),
    ("q=:3389&whose=bank", ["70"]),
    ("q=:80", []),
    ("q=nothing+like+that", []),
    ("q=ban", ["70"]),
    ("q=ba", []),
    ("q=BANK&whose=moh", []),
    ("q=bank&state=gone", []),
    ("q=2001:db8::/32", []),
    ("q=192.0.2.5:3389", ["5"]),
    ("q=192.0.2.5:22", []),
    ("q=[2001:db8::5]:3389", []),
    ("tlp=AMBER&whose=bank", ["70"]),
    ("tlp=RED", []),
    ("type=scan_rdp&whose=bank", ["70"]),
    ("class=vulnerable-system&whose=bank", ["70"]),
    ("severity=1", []),
    ("owner=me", []),
    ("owner=none&whose=bank", ["70"]),
    ("state=open&whose=bank", ["70"]),
    ("state=open&state=gone&asset=192.0.2.0/29", ["1", "2", "3", "4", "5", "6", "7"]),
    ("constituent=bank", ["70"]),
    ("constituent=-&whose=bank", ["70", "200"]),
    ("asset=192.0.2.64/26", ["70"]),
    ("asset=192.0.2.70&asset=192.0.2.200", ["70", "200"]),
    ("asset=2001:db8::/32", []),
    ("asset=192.0.2.64/26&q=192.0.2.70", ["70"]),
    ("asset=192.0.2.64/26&q=192.0.2.0/24", ["70"]),
    ("asset=192.0.2.64/26&q=192.0.2.200", []),
    ("asn=64496&constituent=bank", ["70"]),
    ("asn=AS64496&asset=192.0.2.70", ["70"]),
    ("asn=64497", []),
    ("asn=64497&asn=64496&q=AS64496&whose=bank", ["70"]),
    ("asn=64497&q=AS64496", []),
]


def test_filters_stand_in_the_address(browser_of_analyst: Client) -> None:
    for query, expected in FILTERS:
        page = browser_of_analyst.get(f"/findings/?sort=asset&{query}")

        assert rows(page) == [f"192.0.2.{host}:3389" for host in expected], query
        assert expected or "No finding is like that" in text(page), query


def test_the_id_of_a_finding_finds_it_even_when_it_is_gone(browser_of_analyst: Client) -> None:
    (gone,) = ids(just_gone=True)

    assert rows(browser_of_analyst.get(f"/findings/?q={gone}")) == ["192.0.2.4:3389"]


def test_the_id_of_a_finding_is_a_filter_too(browser_of_analyst: Client) -> None:
    (gone,), (bank,) = ids(just_gone=True), ids(constituents=("bank",))

    page = browser_of_analyst.get(f"/findings/?id={gone}")
    assert rows(page) == ["192.0.2.4:3389"] and "1 finding in 1 of 2 organisations" in text(page)
    assert rows(browser_of_analyst.get(f"/findings/?id={gone}&state=open")) == []
    assert rows(browser_of_analyst.get(f"/findings/?sort=asset&id={gone}&id={bank}")) == [
        "192.0.2.4:3389", "192.0.2.70:3389",
    ]  # fmt: skip
    assert rows(browser_of_analyst.get(f"/findings/?id={gone}&q={bank}")) == []
    assert rows(browser_of_analyst.get(f"/findings/?id={bank}&owner=me")) == []


def test_filters_from_the_command_line_are_shown_and_can_be_taken_away(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/findings/?asset=192.0.2.64/26&asn=64496&constituent=bank&sort=asset")

    assert "Address 192.0.2.64/26 Autonomous system 64496" in text(page)
    kept = [link for link in links(page) if link.startswith("?") and "asn=64496" in link]
    assert any("asset=" not in link for link in kept), "no link takes the address away"
    assert all("whose=bank" in link and "constituent=" not in link for link in kept if "sort=-asset" in link)
    assert '<input type="hidden" name="asset" value="192.0.2.64/26">' in main_of(page)
    (csv, _json, _xlsx) = [link for link in links(page) if "export." in link]
    exported = b"".join(browser_of_analyst.get(csv)).decode()
    assert "192.0.2.70" in exported and "192.0.2.200" not in exported


HOSTILE = [
    "page=0", "page=-1", "page=99999999999", "page=x", "sort=k1;DROP+TABLE+x", "sort=-", "sort=--severity",
    "state='+OR+1=1--", "severity=7&severity=x", "type=%00", "type='||(SELECT+1)||'", "class=%F0%9F%92%A5", "q=%00",
    "q=%27%3B--", "q=10.0.0.0/99", "q=::/0", "q=[::1]", "q=AS99999999999", "q=:99999", "q=" + "a" * 5000, "whose=%7F",
    "owner=%27", "owner=" + "x" * 500, "tlp=PINK", "back=2&gone=yesterday", "sector=%00", "q=%FF%FE", "state=" * 1,
    "&".join(f"whose=c{number}" for number in range(300)), "q=%25_%5C", "type=../../etc/passwd",
    "q=aaaaaaaaaaaaaaaaaaaaaaaaaa", "sort=severity&sort=asset", "page=2",
]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/findings/", "/findings/export.csv", "/feeds/quarantine/", "/directory/unattributed/"]
)
def test_no_address_breaks_a_page(browser_of_analyst: Client, path: str) -> None:
    for query in HOSTILE:
        answer = browser_of_analyst.get(f"{path}?{query}", follow=True)

        assert answer.status_code in ((200, 400) if path.endswith(".csv") else (200,)), query
        assert len(b"".join(answer)) > 20, query


NOT_UNDERSTOOD = [
    "state=bogus", "state=%00", "state=" + "x" * 5000, "severity=99", "class=nonsense", "type=scan_none", "whose=who",
    "sector=nonsense", "tlp=PINK", "owner=somebody", "back=2", "gone=yesterday", "sort=k1", "sort=--severity", "page=0",
    "page=x", "page=99999999999", "q=%00", "q=" + "a" * 201, "constituent=who", "asset=10.0.0.0/99", "asset=nonsense",
    "asn=x", "asn=%C2%B2", "asn=" + "9" * 11, "id=aaaaaaaa", "id=" + "%C3%A9" * 26,
]  # fmt: skip


@pytest.mark.parametrize("query", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_left_out_and_said(browser_of_analyst: Client, query: str) -> None:
    page = browser_of_analyst.get(f"/findings/?{query}")

    assert "16 open findings in 2 of 2 organisations" in text(page)
    assert f"One part of the address was not understood and is left out: {query.partition('=')[0]}=" in text(page)
    name = query.partition("=")[0]
    left = [link for link in links(page) if link.startswith("?") and f"{query}&" in f"{link[1:]}&"]
    assert left == [], f"{name} stays in links"


def test_what_is_understood_beside_it_counts(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/findings/?state=bogus&state=gone&whose=who&whose=moh&severity=9")

    assert len(rows(page)) == 4 and page.context["total"] == 4
    assert "3 parts of the address were not understood and are left out: state=bogus , " in text(page)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0.0.0.0/33", "0.0.0.0/33 is no address and no network"), ("2001:db8::/129", "is no address and no network"),
        ("300.1.1.1", "300.1.1.1 is no address"), ("1.2/x", ""), ("AS99999999999999", "is no autonomous system"),
        ("AS4294967296", "is no autonomous system"), ("AS0", "is no autonomous system"), ("AS64511", ""),
        ("198.51.100.0/24", ""), ("198.51.100.1:80", ""), ("asbestos", ""), ("::1", ""), ("12:30", ""), ("a:b:c:g", ""),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_network_is_said_to_be_none(browser_of_analyst: Client, typed: str, said: str) -> None:
    page = text(browser_of_analyst.get("/findings/", {"q": typed}))

    assert "No finding is like that" in page and said in page
    assert bool(said) == (" is no " in page)


def test_an_ordinary_address_is_understood(browser_of_analyst: Client) -> None:
    for query in ("", "whose=&type=&q=", *(query for query, _ in FILTERS)):
        assert browser_of_analyst.get(f"/findings/?{query}").context["question"].left_out == [], query


def test_nothing_else_than_what_was_asked_for_is_exported(browser_of_analyst: Client) -> None:
    """A program that asks for CSV must not get a page with status 200: it would keep that as its CSV."""
    address = "/findings/export.csv?state=bogus&whose=bank&asm=1"

    for accept in ({}, {"accept": "*/*"}, {"accept": "text/csv, */*;q=0.5"}, {"accept": "text/plain"}):
        answer = browser_of_analyst.get(address, headers=accept)
        assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")
        said = "Nothing is exported: 2 parts of the address were not understood: state=bogus, asm=1.\n"
        assert answer.content.decode() == said and "Content-Disposition" not in answer

    page: Any = browser_of_analyst.get(address, headers={"accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})
    assert page.status_code == 400 and "Nothing is exported: 2 parts" in text(page)
    assert "/findings/?state=bogus&whose=bank&asm=1" in links(page)


def test_what_is_typed_is_shown_as_text(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/findings/", {"q": "<script>alert(1)</script>", "whose": "<b>"})

    assert "<script>alert" not in page.content.decode()


def test_every_order_can_be_turned_round(browser_of_analyst: Client) -> None:
    for sort in queries.SORTS:
        up, down = (rows(browser_of_analyst.get(f"/findings/?sort={sign}{sort}")) for sign in ("", "-"))

        assert sorted(up) == sorted(down) and len(up) == 16, sort
        assert sort in ("type", "severity", "last_seen") or up != down, sort


def test_a_page_has_fifty_rows_and_few_queries(
    store: Store, cast: Cast, tmp_path: Any, django_assert_max_num_queries: Any
) -> None:
    from tests.feeds.reports import write

    store.run(write(tmp_path, 0, range(1, 120)))
    browser = signed_in(cast.analyst)
    browser.get("/findings/")

    with django_assert_max_num_queries(15):
        page = browser.get("/findings/?sort=asset&page=2")

    assert len(rows(page)) == 50 and rows(page)[0] == "192.0.2.51:3389"
    assert "51–100 of 119" in text(page)
    # Pages of whoever is signed in go out as they are, files compressed.
    parts = set(re.findall(r'(?:href|src)="/static/([^"?]+)', page.content.decode()))
    files = [Path(finders.find(re.sub(r"\.[0-9a-f]{12}(?=\.\w+$)", "", part)) or "").read_bytes() for part in parts]
    assert len(files) > 2
    assert len(page.content) + sum(len(gzip.compress(file)) for file in files) <= 150_000


def test_below_the_list_stands_on_which_terms_we_have_its_rows(store: Store, cast: Cast, tmp_path: Path) -> None:
    own = write(tmp_path, 0, [1], kind="blocklist", columns=("timestamp", "ip", "source", "reason"), ip="192.0.2.7")
    store.run(write(tmp_path, 0, range(1, 4)), own)
    browser = signed_in(cast.analyst)
    of_one = browser.get("/findings/")
    other = Feed.objects.create(code="lists", name="Lists & more", tlp="GREEN", terms="Tell <whoever> is on it.")
    ReportType.objects.filter(name="blocklist").update(feed=other)
    change_terms(Feed.objects.get(code="shadowserver"), tlp="RED", terms="", by=cast.manager, at=AT)

    of_both = browser.get("/findings/")
    of_other = browser.get("/findings/?type=blocklist")

    assert text(of_one).endswith(f"Terms of use Shadowserver TLP:AMBER {SHADOWSERVER_TERMS}")
    assert text(of_both).endswith("Terms of use Lists & more TLP:GREEN Tell <whoever> is on it. Shadowserver TLP:RED –")
    assert text(of_other).endswith("Terms of use Lists & more TLP:GREEN Tell <whoever> is on it.")
    rows_of_feeds = [link for link in links(of_both) if link.startswith("#terms-")]
    assert sorted(rows_of_feeds) == ["#terms-lists", *["#terms-shadowserver"] * 3]
    assert all(f'id="{link[1:]}"' in main_of(of_both) for link in rows_of_feeds)
    assert not [link for page in (of_one, of_other) for link in links(page) if link.startswith("#terms-")]


def test_counts_beside_the_filters_are_those_they_lead_to(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/findings/")

    for words in ("New 10", "Still open 5", "Came back 1", "Gone 4"):
        assert words in text(page)
    assert "any organisation (2)" in text(page)


def test_a_row_tells_two_findings_on_one_address_apart(store: Store, cast: Cast, tmp_path: Path) -> None:
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    cells: dict[str, Any] = {"columns": columns, "src_ip": "192.0.2.9", "tag": "sinkhole", "kind": "event4_sinkhole"}
    names = ("tidewash", "<i>salt")
    store.run(*(write(tmp_path, 0, [9], part=f"-{name[-4:]}", infection=name, **cells) for name in names))

    page = signed_in(cast.analyst).get("/findings/")

    found = re.findall(r'</a> <span class="muted small"><bdi class="mono" dir="ltr">(.*?)</bdi></span>', main_of(page))
    assert sorted(found) == ["&lt;i&gt;salt", "tidewash"] and len(set(rows(page))) == 1
    assert ', tidewash"' in main_of(page), "the box before a row says it too"


def test_a_detail_that_cannot_be_seen_is_written_out(store: Store, cast: Cast, tmp_path: Path) -> None:
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    cells: dict[str, Any] = {"columns": columns, "src_ip": "192.0.2.9", "tag": "sinkhole", "kind": "event4_sinkhole"}
    unseen = {"\u200b\u2060": "\\u200b\\u2060", "\x1b[2J": "\\x1b[2J", "exe\u202egnp": "exe\\u202egnp"}
    store.run(*(write(tmp_path, 0, [9], part=f"-{at}", infection=name, **cells) for at, name in enumerate(unseen)))
    browser = signed_in(cast.analyst)

    page = main_of(browser.get("/findings/"))

    found = re.findall(r'</a> <span class="muted small"><bdi class="mono" dir="ltr">(.*?)</bdi></span>', page)
    assert sorted(found) == sorted(unseen.values())
    assert all(f', {said}"' in page for said in unseen.values()), "the box before a row says it too"
    details = [text(browser.get(f"/findings/{each}/")).partition("Detail ")[2].split()[0] for each in ids()]
    assert sorted(details) == sorted(unseen.values())


def test_a_row_does_not_say_its_place_twice(store: Store, cast: Cast, tmp_path: Path) -> None:
    """The detail of a proxy may be its address."""
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    cells = {"columns": columns, "src_ip": "192.0.2.9", "infection": "192.0.2.9", "tag": "x"}
    store.run(write(tmp_path, 0, [9], kind="event4_sinkhole", **cells))

    page = signed_in(cast.analyst).get("/findings/")
    assert main_of(page).count("192.0.2.9</bdi>") == 1


def test_an_empty_store_says_what_to_do(store: Store, cast: Cast) -> None:
    page = text(signed_in(cast.analyst).get("/findings/"))

    assert "No findings yet" in page and "Feeds and runs" in page


PATHS = [
    "/", "/findings/", "/findings/export.csv", "/findings/work/", "/feeds/", "/feeds/runs/1/", "/feeds/quarantine/",
    "/feeds/runs/1/withdraw/", "/feeds/runs/1/replay/", "/feeds/runs/1/progress/", "/feeds/terms/shadowserver/",
    "/feeds/cycles/decide/", "/directory/unattributed/", "/directory/unattributed/claim/",
]  # fmt: skip


def test_whoever_is_not_signed_in_is_sent_to_sign_in(week: Store) -> None:
    for path in PATHS:
        answer = Client().get(path)

        assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/"), path


@pytest.mark.parametrize("who", ["stranger", "contact", "peer"])
def test_whoever_is_not_of_the_team_gets_nothing(week: Store, cast: Cast, who: str) -> None:
    browser = signed_in(getattr(cast, who))

    for path in (*PATHS, f"/findings/{ids(constituents=('bank',))[0]}/"):
        answer = browser.get(path)
        is_led_home = path == "/" and who != "peer" and answer.headers.get("Location") == "/my/"
        assert answer.status_code == 403 or is_led_home, path


def test_the_observer_sees_the_situation_alone(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.observer)

    assert browser.get("/").status_code == 200
    assert browser.get("/findings/").status_code == 403


def test_every_link_of_the_list_leads_somewhere(browser_of_analyst: Client) -> None:
    found = {link for link in links(browser_of_analyst.get("/findings/")) if link.startswith(("/", "?"))}

    assert len(found) > 20
    for link in sorted(found)[:80]:
        answer = browser_of_analyst.get(link if link.startswith("/") else f"/findings/{link}")
        assert answer.status_code == 200, link
        b"".join(answer)  # read to its end: an export left open would close the test's connection with it


def test_a_constituents_page_counts_its_open_findings_and_leads_to_them(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/directory/constituents/moh/")
    asked = [address for address in links(page) if address.startswith("/findings/?whose=moh")]
    assert "14 open findings" in text(page)
    assert "/findings/?whose=moh" in asked and "/findings/?whose=moh&state=new" in asked
    for address in asked:
        listed = browser_of_analyst.get(address)
        words = re.search(rf'href="{re.escape(html.escape(address))}">(.*?)</a>', main_of(page), re.DOTALL)
        number = re.findall(r"\d+", re.sub(r"<[^>]+>", " ", words[1]))[-1] if words else ""
        assert len(rows(listed)) == int(number), address


def test_the_underline_of_a_count_is_one_line_under_its_words_and_number(browser_of_analyst: Client) -> None:
    """Nothing underlines a box inside a link: the badge and the icon stand beside it."""
    page = main_of(browser_of_analyst.get("/directory/constituents/moh/")).partition('id="findings"')[2]
    inside = re.findall(r"<a [^>]*>(.*?)</a>", page.partition("</section>")[0], re.DOTALL)

    assert "New 10" in inside and "Came back 1" in inside and "substantial 14" in inside
    assert not any("<" in each for each in inside)


def test_a_constituents_page_shows_no_findings_to_whom_the_policy_shows_none(
    week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(cast.analyst)
    monkeypatch.setattr(standing.policy, "may", lambda _person, _ability: False)
    assert "whose=moh" not in main_of(browser.get("/directory/constituents/moh/"))


def test_a_search_says_how_many_findings_there_are_and_leads_to_all(store: Store, cast: Cast, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(1, 41)))
    browser = signed_in(cast.analyst)
    page = browser.get("/search/", {"q": "192.0.2.0/25"})
    assert "41 things are known by this" in text(page), "forty findings and the ministry that claims the network"
    (every,) = [address for address in links(page) if address.startswith("/findings/?q=")]
    assert "40" in text(browser.get(every)) and len(rows(browser.get(every))) == 40


def test_the_search_box_finds_findings_and_constituents(browser_of_analyst: Client) -> None:
    (bank,) = ids(constituents=("bank",))

    assert browser_of_analyst.get("/search/", {"q": bank})["Location"] == f"/findings/{bank}/"
    page = browser_of_analyst.get("/search/", {"q": "192.0.2.70"})
    assert "bank" in text(page) and "Remote desktop open to the internet" in text(page)
    with CaptureQueriesContext(connection) as asked:
        browser_of_analyst.get("/search/", {"q": "192.0.2.0/24"})
    assert len(asked) <= 15


def test_findings_are_found_by_the_name_of_whose_they_are(week: Store, cast: Cast, tmp_path: Path) -> None:
    """In any of its languages, without accents; besides those that hold the words themselves."""
    bank = Constituent.objects.get(public_id="bank")
    facts: dict[str, Any] = {"name": "Crédit Lagunaire", "names": {"fr": "Trésor des Îles"}}
    directory.change_constituent(bank, **facts, by=cast.analyst, at=AT)
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    cells: dict[str, Any] = {"columns": columns, "src_ip": "192.0.2.9", "tag": "sinkhole", "kind": "event4_sinkhole"}
    week.run(write(tmp_path, 3, [9], infection="tresor-stealer", **cells))
    browser = signed_in(cast.analyst)

    for typed in ("Crédit Lagunaire", "credit", "LAGUNAIRE"):
        assert rows(browser.get("/findings/", {"q": typed})) == ["192.0.2.70:3389"], typed
    assert sorted(rows(browser.get("/findings/", {"q": "tresor"}))) == ["192.0.2.70:3389", "192.0.2.9"]
    assert rows(browser.get("/findings/", {"q": "trésor", "whose": "moh"})) == []
    exported = browser.get("/findings/export.csv", {"q": "credit"})
    assert b"192.0.2.70" in b"".join(exported) and exported.status_code == 200  # type: ignore[arg-type]


def test_the_search_box_goes_to_whom_a_name_means(store: Store, cast: Cast, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [*range(1, 41), 70]))
    browser = signed_in(cast.analyst)
    for typed in ("bank", "MOH"):  # which has more findings than are shown
        assert browser.get("/search/", {"q": typed})["Location"] == f"/directory/constituents/{typed.lower()}/"

    Constituent.objects.filter(public_id="moh").update(search_words="moh\nministry and bank")
    page = browser.get("/search/", {"q": "bank"})
    assert "43 things are known by this" in text(page) and "the first 20 of 41 stand here" in text(page)
    (every,) = [address for address in links(page) if address.startswith("/findings/?q=")]
    assert browser.get(every).context["total"] == 41


def test_the_search_box_shows_findings_of_others_beside_whom_a_name_means(
    week: Store, cast: Cast, tmp_path: Path
) -> None:
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    cells: dict[str, Any] = {"columns": columns, "src_ip": "192.0.2.9", "tag": "sinkhole", "kind": "event4_sinkhole"}
    week.run(write(tmp_path, 3, [9], infection="bankbot", **cells))

    page = text(signed_in(cast.analyst).get("/search/", {"q": "bank"}))

    assert "3 things are known by this" in page and "192.0.2.9" in page and "192.0.2.70:3389" in page


@pytest.mark.parametrize("typed", ["AS99999999999999", "0.0.0.0/33", "300.1.1.1"])
def test_the_search_box_says_what_only_looks_like_an_address(browser_of_analyst: Client, typed: str) -> None:
    page = text(browser_of_analyst.get("/search/", {"q": typed}))

    assert f"{typed} is no a" in page and "Write it as" in page and "Check the spelling" not in page
    assert "Check the spelling" in text(browser_of_analyst.get("/search/", {"q": "asbestos"}))


def test_whose_is_in_the_order_of_the_names_shown(week: Store, cast: Cast) -> None:
    Constituent.objects.filter(public_id="bank").update(name="Zephyr Bank")
    Constituent.objects.filter(public_id="moh").update(name="école", names={"fr": "Agence"})
    browser = signed_in(cast.analyst)
    shown = rows(browser.get("/findings/?sort=constituent"))

    assert shown[-2:] == ["192.0.2.70:3389", "192.0.2.200:3389"]
    assert rows(browser.get("/findings/?sort=-constituent"))[0] == "192.0.2.70:3389"


def test_beyond_what_is_counted_pages_go_on_from_a_row(
    store: Store, cast: Cast, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.feeds.reports import write

    monkeypatch.setattr(asking, "PAGES_AT_MOST", 1)
    store.run(write(tmp_path, 0, range(1, 171)))
    browser, seen = signed_in(cast.analyst), []
    page = browser.get("/findings/?sort=asset")
    for last in (50, 100, 150, 170):
        assert f"–{last} of 170" in text(page)
        seen += rows(page)
        onward = [link for link in links(page) if "after=" in link]
        page = browser.get(f"/findings/{onward[0]}") if onward else page

    assert seen == [f"192.0.2.{host}:3389" for host in range(1, 171)]
    (back,) = [link for link in links(page) if "before=" in link]
    assert rows(browser.get(f"/findings/{back}")) == seen[100:150]


def test_a_page_that_goes_on_from_nowhere_is_said(browser_of_analyst: Client) -> None:
    for query in ("page=101", "page=101&after=nonsense", "page=101&before=" + "a" * 26):
        page = browser_of_analyst.get(f"/findings/?{query}")

        assert "is left out: page=101" in text(page) and len(rows(page)) == 16, query


def test_lists_that_end_say_so() -> None:
    request = RequestFactory().get("/feeds/quarantine/?page=100")
    shown = Template("{% load parts %}{% pager page %}").render(
        RequestContext(request, {"page": asking.Page(100, 50, 6_000)})
    )

    assert "Pages end here, at 5,000 of 6,000. Narrow the list to see the rest." in shown


def test_what_publishers_call_a_class_is_said_in_words() -> None:
    assert wording.class_label("blacklist") == "Other (on a blocklist)"
    assert wording.class_label("their-own") == "Not yet determined (their-own)"
    assert set(wording.OWN_CLASSES) <= set(rsit.aliases())
