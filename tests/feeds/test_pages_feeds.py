"""Feeds and runs, the quarantine, and the work list of unattributed assets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import links, main_of, signed_in, text
from tests.feeds.reports import COLUMNS, day, write
from tests.feeds.test_replay import describe
from tocsin.audit.models import AuditRow
from tocsin.directory.models import Constituent
from tocsin.feeds import holding, jobs, queries
from tocsin.feeds.choices import Origin, RunState
from tocsin.feeds.models import Cycle, Feed, ReportType, Run
from tocsin.formats.delimited import feedfile
from tocsin.formats.idf import events
from tocsin.formats.shadowserver import builtin, schema
from tocsin.formats.shadowserver.mappings import UNMAPPED
from tocsin.jobs.models import Job

pytestmark = pytest.mark.django_db


def test_every_type_of_report_stands_there_with_how_it_arrives(browser_of_analyst: Client) -> None:
    page = text(browser_of_analyst.get("/feeds/"))

    assert "1 of 1 report type arrives as usual" in page
    assert "scan_rdp" in page and "built in" in page and "Shadowserver" in page
    assert "Run 4" in page and "Run 1" in page


def test_an_instance_without_reports_says_how_to_begin(store: Store, cast: Cast) -> None:
    assert "tocsin feed run PATH" in text(signed_in(cast.analyst).get("/feeds/"))


def test_a_held_report_says_what_each_answer_would_do(week: Store, cast: Cast, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1]))
    browser = signed_in(cast.analyst)

    page = text(browser.get("/feeds/"))
    assert "1 report waits for a decision" in page and "1 row where 8 are usual." in page
    assert "Confirm, and 15 findings go gone." in page
    assert "0 of 1 report type arrives as usual" in page and "Waits for a decision: Remote desktop" in page
    assert "Arrives as usual" not in page
    form = {"type": "scan_rdp", "on": day(4).isoformat()}
    browser.post("/feeds/cycles/decide/", {**form, "decision": "confirmed"})

    assert queries.findings().count(queries.Filter(states=("gone",))) == 4 + 15
    assert "waits for a decision" not in text(browser.get("/feeds/")) and "Arrives as usual" in text(
        browser.get("/feeds/")
    )
    assert AuditRow.objects.filter(code="cycle.decided", actor_key=cast.analyst.audit_key).exists()


def test_a_discarded_report_makes_nothing_gone(week: Store, cast: Cast, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1]))
    form = {"type": "scan_rdp", "on": day(4).isoformat(), "decision": "discarded"}
    signed_in(cast.analyst).post("/feeds/cycles/decide/", form)

    assert Cycle.objects.get(on=day(4)).decision == "discarded"
    assert queries.findings().count(queries.Filter(states=("gone",))) == 4


def test_a_silent_type_is_declared_empty(week: Store, cast: Cast, tmp_path: Path) -> None:
    for number in range(4, 8):
        week.run(write(tmp_path, number, [1], kind="scan_telnet"))
    browser = signed_in(cast.analyst)
    assert "Not checked since 19 Nov" in text(browser.get("/feeds/"))

    browser.post("/feeds/cycles/decide/", {"type": "scan_rdp", "on": day(4).isoformat(), "decision": "empty"})

    assert queries.findings().count(queries.Filter(types=("scan_rdp",), states=("gone",))) == 20


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "Choose a report"),
        ({"type": "scan_rdp", "on": "2026-11-19", "decision": "burn"}, "Choose a report"),
        ({"type": "scan_rdp", "on": "yesterday", "decision": "confirmed"}, "Choose a report"),
        ({"type": "scan_none", "on": "2026-11-19", "decision": "confirmed"}, "No report of scan_none"),
        ({"type": "scan_rdp", "on": "2026-11-19", "decision": "empty"}, "There are reports of scan_rdp"),
        ({"type": "scan_rdp", "on": "9999-12-31", "decision": "empty"}, "9999-12-31 has not come yet"),
    ],
)
def test_what_cannot_be_decided_is_said(browser_of_analyst: Client, form: dict[str, str], says: str) -> None:
    assert says in text(browser_of_analyst.post("/feeds/cycles/decide/", form, follow=True))


def test_a_type_that_needs_a_mapping_shows_its_columns(week: Store, cast: Cast, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1], kind="scan_strange", columns=(*COLUMNS, "lamp_hours"), lamp_hours="5"))

    page = text(signed_in(cast.analyst).get("/feeds/"))
    assert "1 type of report needs a mapping" in page and "lamp_hours" in page


def test_only_types_with_reports_that_count_need_a_mapping(week: Store, cast: Cast, tmp_path: Path) -> None:
    browser = signed_in(cast.analyst)
    strange = write(tmp_path, 4, [1], kind="scan_strange", columns=(*COLUMNS, "lamp_hours"), lamp_hours="5")
    torn = tmp_path / "torn" / f"{day(4)}-scan_strange-xm-geo-part2.csv.gz"
    torn.parent.mkdir()
    torn.write_bytes(b"\x1f\x8b\x08 no gzip")
    week.run(strange, torn)
    assert "1 type of report needs a mapping" in text(browser.get("/feeds/"))

    week.withdraw(5)

    for path in ("/feeds/", "/"):
        assert "needs a mapping" not in text(browser.get(path)) and "needs one" not in text(browser.get(path))


def test_a_type_of_which_nothing_could_be_read_needs_a_whole_copy_not_a_mapping(
    store: Store, cast: Cast, tmp_path: Path
) -> None:
    torn = tmp_path / f"{day(0)}-scan_rdp-xm-geo.csv.gz"
    torn.write_bytes(b"\x1f\x8b\x08 no gzip")
    store.run(torn)

    page = text(signed_in(cast.analyst).get("/feeds/"))
    assert "could not be read" in page and "needs a mapping" not in page and "needs one" not in page


def test_label_and_terms_of_a_feed_are_changed(browser_of_analyst: Client) -> None:
    path = "/feeds/terms/shadowserver/"
    assert "Not to be published" in browser_of_analyst.get(path).content.decode()

    for wrong in ({"tlp": "PINK", "terms": ""}, {"tlp": "RED", "terms": "\x1b[2J"}, {"tlp": "RED", "terms": "\u200b"}):
        assert browser_of_analyst.post(path, wrong).status_code == 422
    browser_of_analyst.post(path, {"tlp": "RED", "terms": "Ours alone."})

    assert (Feed.objects.get().tlp, Feed.objects.get().terms) == ("RED", "Ours alone.")
    assert "TLP:RED" in text(browser_of_analyst.get("/findings/"))
    assert browser_of_analyst.get("/feeds/terms/nobody/").status_code == 404


def test_a_run_says_what_came_of_it(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/feeds/runs/4/")

    assert "Run 4: 10 findings new, 1 came back, 1 gone" in text(page)
    assert "2026-11-19-scan_rdp-xm-geo.csv" in text(page) and "Done" in text(page)
    assert browser_of_analyst.get("/feeds/runs/99/").status_code == 404
    for link in links(page):
        if link.startswith("/") and "export" not in link:
            assert browser_of_analyst.get(link).status_code == 200, link


def test_a_broken_file_stands_there_with_its_reason(week: Store, cast: Cast, tmp_path: Path) -> None:
    broken = tmp_path / "2026-11-20-scan_rdp-xm-geo.csv.gz"
    broken.write_bytes(b"\x1f\x8b\x08 this is no gzip")
    week.run(write(tmp_path, 4, range(1, 9), part="-part1"), broken)
    browser = signed_in(cast.analyst)

    page = text(browser.get("/feeds/runs/5/"))
    assert "1 file could not be read" in page and broken.name in page, "it is called as it lies there"
    assert "It cannot be unpacked" in page, "the reason stands alone in its cell and begins like a sentence"
    assert broken.stem in text(browser.get("/feeds/"))
    assert "A report could not be read" in text(browser.get("/"))


def test_a_type_whose_latest_report_is_broken_does_not_arrive_as_usual(week: Store, cast: Cast, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "2026-11-20-scan_rdp-xm-geo.csv.gz"
    broken.parent.mkdir()
    broken.write_bytes(b"\x1f\x8b\x08 this is no gzip")
    for _ in range(2):
        run = week.run(broken)["run"]
    browser = signed_in(cast.analyst)

    for path in ("/", "/feeds/"):
        page = browser.get(path)
        assert "Latest report could not be read" in text(page) and "Arrives as usual" not in text(page), path
        assert f"/feeds/runs/{run}/#broken" in links(page), path
    assert "0 of 1 report type arrives as usual" in text(browser.get("/feeds/"))
    assert 'id="broken"' in main_of(browser.get(f"/feeds/runs/{run}/"))
    week.run(write(tmp_path, 4, range(1, 9)))
    for path in ("/", "/feeds/"):
        page = browser.get(path)
        assert "Arrives as usual" in text(page) and f"/feeds/runs/{run}/#broken" not in links(page), path


def test_a_running_import_shows_how_far_it_is(browser_of_analyst: Client) -> None:
    Run.objects.filter(pk=4).update(state=RunState.RUNNING, progress=0.42, note="a.csv", summary={}, finished_at=None)
    with holding.lock("import", 4):
        page = browser_of_analyst.get("/feeds/runs/4/")
        part = browser_of_analyst.get("/feeds/runs/4/progress/", headers={"HX-Request": "true"})

    assert "42 % read" in text(page) and "Look again" in text(page)
    assert 'hx-trigger="every 2s"' in main_of(page) and 'http-equiv="refresh"' not in page.content.decode()
    assert "42 % read" in part.content.decode() and "<main" not in part.content.decode() and "HX-Refresh" not in part
    assert browser_of_analyst.get("/feeds/runs/4/progress/")["Location"] == "/feeds/runs/4/"


def test_the_list_of_runs_follows_what_goes_on(browser_of_analyst: Client) -> None:
    before = main_of(browser_of_analyst.get("/feeds/"))
    assert "hx-get" not in before, "nothing runs"
    Run.objects.filter(pk=4).update(state=RunState.RUNNING, progress=0.42, summary={}, finished_at=None)
    with holding.lock("import", 4):
        page = main_of(browser_of_analyst.get("/feeds/"))
        part = browser_of_analyst.get("/feeds/runs/4/progress/?as=row", headers={"HX-Request": "true"}).content.decode()
    asking = 'hx-get="/feeds/runs/4/progress/?as=row" hx-trigger="every 2s" hx-swap="outerHTML"'
    assert page.count(asking) == 1 and "42 % read" in page
    assert part.startswith(f"<tr {asking}>") and "In progress" in part and part.count("<tr") == 1

    Run.objects.filter(pk=4).update(state=RunState.DONE, progress=1)
    over = browser_of_analyst.get("/feeds/runs/4/progress/?as=row", headers={"HX-Request": "true"})
    assert "hx-get" not in over.content.decode() and "Done" in over.content.decode()
    assert "HX-Refresh" not in over


def test_when_a_run_is_over_the_page_is_asked_for_anew(browser_of_analyst: Client) -> None:
    answer = browser_of_analyst.get("/feeds/runs/4/progress/", headers={"HX-Request": "true"})

    assert answer["HX-Refresh"] == "true" and "hx-get" not in answer.content.decode()


def test_a_wrong_import_is_withdrawn_with_a_reason(browser_of_analyst: Client) -> None:
    path = "/feeds/runs/4/withdraw/"
    assert browser_of_analyst.post(path, {"reason": ""}).status_code == 422

    page = text(browser_of_analyst.post(path, {"reason": "It was of another country."}, follow=True))

    assert "Run 4 is withdrawn" in page and "another country" in page
    assert queries.findings().count(queries.Filter(states=("new",))) == 0
    again = text(browser_of_analyst.post(path, {"reason": "Once more."}, follow=True))
    assert "no report that counts" in again


def test_a_run_is_read_again(browser_of_analyst: Client) -> None:
    before = queries.findings().count(queries.Filter())

    page = text(browser_of_analyst.post("/feeds/runs/1/replay/", follow=True))

    assert "Done." in page and queries.findings().count(queries.Filter()) == before


def test_a_run_is_read_again_under_a_mapping_that_came_later(store: Store, cast: Cast, tmp_path: Path) -> None:
    run = store.run(write(tmp_path, 0, [1, 2], kind="lamp_post"))["run"]
    browser = signed_in(cast.analyst)
    assert "Lamps" not in text(browser.get("/findings/"))
    describe(store)

    assert "Done." in text(browser.post(f"/feeds/runs/{run}/replay/", follow=True))

    page = text(browser.get("/findings/"))
    assert "Lamps" in page and "192.0.2.2:3389" in page


def test_a_web_process_leaves_the_work_to_the_worker(week: Store, cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.WORK_BY_JOBS = True
    browser = signed_in(cast.analyst)

    page = text(browser.post("/feeds/runs/4/withdraw/", {"reason": "Wrong."}, follow=True))
    assert "It is being done" in page and Run.objects.get(pk=4).state == RunState.DONE

    (job,) = Job.objects.filter(kind="feeds.ordered")
    jobs.carry_out_order(dict(job.payload), None)  # type: ignore[arg-type]  # it needs nothing of the worker
    assert Run.objects.get(pk=4).state == RunState.WITHDRAWN
    assert AuditRow.objects.get(code="run.withdrawn").actor_label == cast.analyst.audit_label


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"type": "scan\0rdp", "on": "2026-11-19", "decision": "confirmed"}, "Choose a report"),
        ({"type": "scan_none", "on": "2026-11-19", "decision": "confirmed"}, "No report of scan_none"),
        ({"type": "scan_none", "on": "2026-11-18", "decision": "empty"}, "No report of scan_none has ever arrived"),
        ({"type": "scan_rdp", "on": "9999-12-31", "decision": "empty"}, "9999-12-31 has not come yet"),
        ({"type": "scan_rdp", "on": "9999-12-31", "decision": "discarded"}, "No report of scan_rdp of 9999-12-31"),
    ],
)
def test_a_web_process_orders_no_decision_that_would_be_refused(
    week: Store, cast: Cast, settings: Any, form: dict[str, str], says: str
) -> None:
    settings.WORK_BY_JOBS = True

    page = text(signed_in(cast.analyst).post("/feeds/cycles/decide/", form, follow=True))

    assert says in page and "It is being done" not in page
    assert not Job.objects.filter(kind="feeds.ordered").exists()


def test_an_auditor_decides_nothing(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.auditor)

    assert "Withdraw" not in text(browser.get("/feeds/runs/4/"))
    for path in (
        "/feeds/cycles/decide/",
        "/feeds/runs/4/withdraw/",
        "/feeds/runs/4/replay/",
        "/feeds/terms/shadowserver/",
    ):
        assert browser.post(path, {"reason": "x", "tlp": "RED"}).status_code == 403, path


def test_who_described_a_report_is_said_in_words(browser_of_analyst: Client) -> None:
    assert "built in" in text(browser_of_analyst.get("/feeds/"))
    for path in ("/feeds/", "/feeds/runs/1/"):
        assert "built-in" not in text(browser_of_analyst.get(path)), path
    assert {origin.value for origin in Origin} == {
        builtin.ORIGIN, schema.ORIGIN, feedfile.ORIGIN, events.ORIGIN, UNMAPPED
    }  # fmt: skip


# ---- quarantine


@pytest.fixture
def faulty(week: Store, tmp_path: Path) -> Store:
    """A fifth run with a row without an address, one of no time, and two bad cells."""
    path = write(tmp_path, 4, range(1, 9))
    lines = path.read_text().splitlines()
    ordinary = f"{day(4)} 06:00:00,medium,192.0.2.{{}},tcp,3389,rdp,64496,XM,"
    lines += [
        ordinary.format(9) + "TLSv1",
        ordinary.format(10) + "TLSv2",
        f"{day(4)} 06:00:00,medium,,tcp,3389,rdp,1,XM,",
    ]
    lines.append("yesterday noon,medium,192.0.2.11,tcp,3389,<script>,1,XM,")
    path.write_text("\n".join(lines) + "\n")
    week.run(path)
    return week


def test_quarantine_says_line_column_reason_and_text(faulty: Store, cast: Cast) -> None:
    answer = signed_in(cast.analyst).get("/feeds/quarantine/")
    page = text(answer)

    assert "2 rows and" in page and "could not be taken" in page
    for expected in ("There is no asset", "'yesterday noon' is not a time", "timestamp", "row left out", "12", "13"):
        assert expected in page
    assert "<script>,1" not in answer.content.decode()


def test_the_list_of_runs_counts_cells_that_were_left_out_too(faulty: Store, cast: Cast) -> None:
    page = text(signed_in(cast.analyst).get("/feeds/"))

    assert "2 2 cells" in page


def test_quarantine_is_narrowed(faulty: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    everything = browser.get("/feeds/quarantine/").context["page"].count

    assert browser.get("/feeds/quarantine/?column=timestamp").context["page"].count == 1
    assert browser.get("/feeds/quarantine/", {"reason": "… is not a time like 2026-11-16 01:02:03"}).context["rows"]
    assert browser.get("/feeds/quarantine/?run=5").context["page"].count == everything
    assert "Nothing of run 1 is in quarantine" in text(browser.get("/feeds/quarantine/?run=1"))
    assert "Nothing is like that" in text(browser.get("/feeds/quarantine/?column=nonsense"))
    for facet in browser.get("/feeds/quarantine/").context["facets"]:
        for value in facet["values"]:
            asked = browser.get("/feeds/quarantine/", {facet["name"]: value["code"]})
            assert asked.context["page"].count == value["count"], (facet["name"], value)


def test_a_run_that_is_not_there_is_not_one_that_is_whole(faulty: Store, week: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    ReportType.objects.create(name="scan_ftp", title="", feed=Feed.objects.get())
    sides = {"run=999": "There is no run 999", "type=scan_ftp": "Nothing of these reports is in quarantine"}
    for query, said in sides.items():
        page = browser.get(f"/feeds/quarantine/?{query}")

        assert said in text(page) and "Nothing is in quarantine" not in text(page)
        assert {"?", "/feeds/#runs"} <= set(links(page)), "there is a way on"


def test_a_filter_that_gives_nothing_can_be_taken_away(faulty: Store, cast: Cast) -> None:
    for query in ("column=nonsense", "reason=there+is+no+time"):
        page = signed_in(cast.analyst).get(f"/feeds/quarantine/?{query}")

        assert "Nothing is like that" in text(page), query
        assert 'aria-current="true"' in main_of(page).partition("facets")[2], query


@pytest.mark.parametrize(
    "query", ["run=zzz", "run=0", "type=scan_none", "reason=%00", "reason=because", "column=" + "x" * 201, "page=x"]
)
def test_what_quarantine_does_not_understand_is_said(faulty: Store, cast: Cast, query: str) -> None:
    page = signed_in(cast.analyst).get(f"/feeds/quarantine/?{query}")

    assert "2 rows and" in text(page)
    assert f"One part of the address was not understood and is left out: {query.partition('=')[0]}=" in text(page)
    assert 'value="zzz"' not in main_of(page)


@pytest.mark.parametrize(
    "path", ["/?kinds=some", "/feeds/?page=2", "/feeds/?page=x", "/directory/unattributed/?page=-1"]
)
def test_every_page_says_what_it_does_not_understand(browser_of_analyst: Client, path: str) -> None:
    said = f"One part of the address was not understood and is left out: {path.partition('?')[2]}"

    assert said in text(browser_of_analyst.get(path))


# ---- unattributed assets


def test_blocks_of_nobody_are_a_work_list(browser_of_analyst: Client) -> None:
    page = browser_of_analyst.get("/directory/unattributed/")

    assert "1 open finding is nobody’s" in text(page)
    assert "192.0.2.0/24" in text(page) and "AS64496" in text(page)


def test_reverse_names_are_a_hint(week: Store, cast: Cast, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1, 2, 3, 5, 70, 200], columns=(*COLUMNS, "hostname"), hostname="ptr.moh.example"))

    assert "ptr.moh.example" in text(signed_in(cast.analyst).get("/directory/unattributed/"))


def test_a_claim_is_begun_from_the_list(browser_of_analyst: Client) -> None:
    go = browser_of_analyst.get("/directory/unattributed/claim/", {"constituent": "bank", "value": "192.0.2.0/24"})

    assert go["Location"] == "/directory/constituents/bank/claims/add/?kind=network&value=192.0.2.0%2F24"
    assert 'value="192.0.2.0/24"' in browser_of_analyst.get(go["Location"]).content.decode()
    asn = browser_of_analyst.get("/directory/unattributed/claim/", {"constituent": "bank", "value": "AS64496"})
    assert "kind=asn" in asn["Location"]
    for wrong in ({}, {"value": "x"}, {"constituent": "bank"}):
        assert "Choose a constituent" in text(
            browser_of_analyst.get("/directory/unattributed/claim/", wrong, follow=True)
        )


def test_a_claim_is_begun_by_name_too_and_what_was_typed_is_kept(browser_of_analyst: Client) -> None:
    Constituent.objects.filter(public_id="bank").update(name="Bank of Meridia", names={"fr": "Banque de Méridie"})
    address = "/directory/unattributed/claim/"
    for name in ("Bank of Meridia", " bank of meridia ", "BANQUE DE MÉRIDIE", "BANK"):
        go = browser_of_analyst.get(address, {"constituent": name, "value": "192.0.2.0/24"})
        assert go["Location"].startswith("/directory/constituents/bank/claims/add/")

    asked = {"constituent": "Bänk", "value": "AS64496", "block": "192.0.2.0/24", "page": "1"}
    page = browser_of_analyst.get(address, asked, follow=True)
    assert "No constituent has the id or the name Bänk." in text(page)
    assert page.content.decode().count('value="Bänk"') == 1
    assert page.content.decode().count("<option selected>AS64496</option>") == 1
    for empty in ("", "x" * 301):
        page = browser_of_analyst.get(address, {**asked, "constituent": empty}, follow=True)
        assert "Choose a constituent and what it is responsible for." in text(page)
        assert page.content.decode().count("<option selected>AS64496</option>") == 1

    Constituent.objects.filter(public_id="moh").update(name="Bank of Meridia")
    page = browser_of_analyst.get(address, {"constituent": "Bank of Meridia", "value": "192.0.2.0/24"}, follow=True)
    assert "2 constituents are called Bank of Meridia: give the id of one." in text(page)


def test_when_everything_has_an_owner_the_list_says_so(store: Store, cast: Cast, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(1, 9)))

    page = text(signed_in(cast.analyst).get("/directory/unattributed/"))
    assert "Every open finding has somebody" in page
    assert "that no claim covers will stand here" in page and "Fullest first" not in page


# ---- what pages cost


PAGES = ("/feeds/", "/feeds/runs/5/", "/feeds/quarantine/", "/directory/unattributed/")


def test_pages_cost_few_queries(faulty: Store, cast: Cast, django_assert_max_num_queries: Any) -> None:
    browser = signed_in(cast.analyst)
    for path in PAGES:
        browser.get(path)
        with django_assert_max_num_queries(15):
            assert browser.get(path).status_code == 200


def test_a_type_whose_only_file_is_broken_was_never_checked(week: Store, cast: Cast, tmp_path: Path) -> None:
    broken = tmp_path / "2026-11-11-scan_telnet-xm-geo.csv.gz"
    broken.write_bytes(b"\x1f\x8b\x08 this is no gzip")
    run = week.run(broken)["run"]

    page = signed_in(cast.analyst).get("/feeds/")

    row = main_of(page).partition('id="type-scan_telnet"')[2].partition("</tr>")[0]
    assert f'href="/feeds/runs/{run}/#broken"' in row
    assert "Never checked: its file could not be read." in row
    assert "Silent" not in row and "Not checked since" not in row and "Nothing to report" not in row
