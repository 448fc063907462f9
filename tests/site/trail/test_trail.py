"""The page of the audit trail, its filters and its files."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.audit.test_verifying import lifted
from tests.cast import Cast
from tests.feeds.pages import links, main_of, signed_in, text
from tocsin.audit import keeping, queries, trail
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent
from tocsin.kernel import clock
from tocsin.people import actions as people
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
EVIL = '=HYPERLINK("http://evil.example")'


@pytest.fixture
def rows(cast: Cast) -> Cast:
    """Seven rows of three people: two constituents, a claim, a change, an account, an import, a run."""
    moh, bank = (("moh", "Ministry of Health", "health"), ("bank", "Island Bank", "finance"))
    for number, (public_id, name, sector) in enumerate((moh, bank)):
        directory.add_constituent(public_id=public_id, name=name, sector=sector, by=cast.manager, at=AT + number * DAY)
    row = Constituent.objects.get(public_id="moh")
    directory.add_claim(row, kind=ClaimKind.NETWORK, value="192.0.2.0/24", by=cast.analyst, at=AT + 2 * DAY)
    directory.change_constituent(row, status="suspended", note="Moves.", by=cast.analyst, at=AT + 3 * DAY)
    people.create_person(email="new@cirt.example", name="New", role="peer", by=cast.administrator, at=AT + 4 * DAY)
    for run in (7, 70):
        trail.append("run.failed", {"run": run, "reason": ""}, by=COMMAND_LINE, at=AT + 5 * DAY)
    return cast


def shown(response: Any) -> list[int]:
    """Return the numbers of the rows on a page, in order."""
    return [int(number) for number in re.findall(r'href="/audit/(\d+)/"', main_of(response))]


def test_each_row_reads_as_a_sentence_with_who_and_when(rows: Cast) -> None:
    page = signed_in(rows.auditor).get("/audit/")
    assert shown(page) == [7, 6, 5, 4, 3, 2, 1]
    said = text(page)
    for sentence in (
        "Constituent entered: Ministry of Health",
        "Claim of 192.0.2.0/24 entered",
        "Account opened for new@cirt.example (Peer team)",
        "1 Mar 2026, 09:30:00 UTC",
        "command line",
        "Marta Head",
    ):
        assert sentence in said


def test_what_others_wrote_in_a_sentence_stands_apart_from_its_direction(rows: Cast) -> None:
    """In an Arabic sentence the name of a French organisation would take the words after it along, and the reverse."""
    name = "وزارة الصحة \u2068" + "x" * 180
    row = Constituent.objects.get(public_id="moh")
    directory.change_constituent(row, name=name, by=rows.analyst, at=AT + 6 * DAY)
    trail.append(
        "finding.owner_changed", {"finding": "x", "before": "", "after": "نور <a@b.example>"}, by=rows.manager, at=AT
    )
    trail.append("notices.prepared", {"references": ["a1", "b2"]}, by=rows.manager, at=AT)
    trail.append("run.started", {"run": 8, "files": [f"in/{name}{'x' * 60}.csv"]}, by=rows.manager, at=AT)
    browser = signed_in(rows.auditor)
    said, detail = main_of(browser.get("/audit/")), main_of(browser.get("/audit/8/"))
    for sentence in (
        "Constituent entered: <bdi>Ministry of Health</bdi></a>",
        "Claim of <bdi>192.0.2.0/24</bdi> entered</a>",
        "Finding given to <bdi>نور</bdi></a>",
        "2 notices prepared: <bdi>a1</bdi>, <bdi>b2</bdi></a>",
        "Run 8 begun: <bdi>وزارة الصحة \\u2068xxx",
        "x…</bdi></a>",
        '<del aria-label="before: Ministry of Health"><bdi>Ministry of Health</bdi></del>',
    ):
        assert sentence in said, sentence
    assert "<bdi>Anan Analyst</bdi>, <time" in detail and "<bdi>Ministry of Health</bdi></td>" in detail
    exported = b"".join(browser.post("/audit/export.csv").streaming_content).decode()
    assert "Finding given to نور" in exported and "\u2069" not in exported
    signed = signed_in(rows.manager).get("/directory/constituents/moh/")
    assert "Claim of <bdi>192.0.2.0/24</bdi> entered" in main_of(signed)


def test_what_was_and_what_became_stands_beside_the_words_of_the_form(rows: Cast) -> None:
    said = text(signed_in(rows.auditor).get("/audit/4/"))
    assert "Status Active Suspended" in said
    assert "– Moves." in said
    assert '"status": "suspended"' in said, "and all of it as it was written"
    assert queries.hash_of(4) in said


def test_who_may_read_the_trail(rows: Cast) -> None:
    may = {person.name: signed_in(person).get("/audit/").status_code for person in rows.everybody()}
    assert {name for name, status in may.items() if status == 200} == {
        "Nadia Administrator", "Marta Head", "Aldo Auditor",
    }  # fmt: skip
    assert set(may.values()) == {200, 403}
    for address in ("/audit/1/", "/audit/999/"):
        assert signed_in(rows.stranger).get(address).status_code == 403
    assert signed_in(rows.stranger).post("/audit/export.csv").status_code == 403
    assert signed_in(rows.analyst).post("/audit/export.jsonl").status_code == 403


def test_a_thing_is_linked_for_those_alone_who_may_open_it(rows: Cast) -> None:
    organisation, feed = "/directory/constituents/moh/", "/feeds/terms/shadowserver/"
    terms = {"tlp": "GREEN", "terms": ""}
    changed = {"feed": "shadowserver", "before": terms, "after": {**terms, "tlp": "AMBER"}}
    trail.append("feed.terms_changed", changed, by=rows.manager, at=AT + 6 * DAY)
    for reader, may_change in ((rows.manager, True), (rows.auditor, False)):
        browser = signed_in(reader)
        assert organisation in links(browser.get("/audit/3/"))
        page = browser.get("/audit/8/")
        assert (feed in links(page)) == may_change and "shadowserver" in text(page)


def test_the_side_bar_leads_there_who_may_go(rows: Cast) -> None:
    assert 'href="/audit/"' in signed_in(rows.auditor).get("/").content.decode()
    assert 'href="/audit/"' not in signed_in(rows.analyst).get("/").content.decode()


FILTERS = [
    ("who=system:command line", [7, 6]),
    ("what=people", [5]),
    ("what=people&what=feeds", [7, 6, 5]),
    ("what=claim.added", [3]),
    ("about=constituent&key=moh", [4, 3, 1]),
    ("about=constituent&key=island", [2]),
    ("about=run&key=7", [6]),
    ("about=run&key=70", [7]),
    ("about=run&key=1", []),
    ("from=2026-03-04", [7, 6, 5, 4]),
    ("to=2026-03-02", [2, 1]),
    ("from=2026-03-02&to=2026-03-03", [3, 2]),
    ("about=constituent&key=moh&what=directory&to=2026-03-03", [3, 1]),
    ("about=constituent", [7, 6, 5, 4, 3, 2, 1]),
]


@pytest.mark.parametrize(("asked", "found"), FILTERS, ids=[asked for asked, _ in FILTERS])
def test_a_filter_finds(rows: Cast, asked: str, found: list[int]) -> None:
    page = signed_in(rows.auditor).get(f"/audit/?{asked}")
    assert shown(page) == found
    assert "was not understood" not in text(page)


def test_who_and_person_are_found_by_key_and_address(rows: Cast) -> None:
    client = signed_in(rows.auditor)
    assert shown(client.get("/audit/", {"who": rows.analyst.audit_key})) == [4, 3]
    assert shown(client.get("/audit/", {"about": "person", "key": "NEW@cirt.example"})) == [5]


@pytest.mark.parametrize(
    "asked",
    [
        "who=person:999", "what=nonsense", "about=ship&key=1", "about=run&key=seven", "about=constituent&key=nobody",
        "from=yesterday", "to=2026-02-30", "from=0001-01-01", "before=0", "before=x", "after=-1", "colour=red",
        "about=person&key=nobody@cirt.example", "about=finding&key=x", "key=%00",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_out_and_said(rows: Cast, asked: str) -> None:
    page = signed_in(rows.auditor).get(f"/audit/?{asked}")
    assert page.status_code == 200
    assert "was not understood" in text(page)
    assert shown(page) == [7, 6, 5, 4, 3, 2, 1]


@pytest.fixture
def many(cast: Cast) -> Cast:
    for number in range(1, 131):
        code = "run.failed" if number % 2 else "person.enrolled"
        trail.append(code, {"run": number, "person": number, "reason": ""}, by=COMMAND_LINE, at=AT)
    return cast


def test_pages_go_on_from_row_to_row_and_back(many: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "CHUNK_ROWS", 7)
    client = signed_in(many.auditor)

    def following(page: Any, word: str) -> Any:
        found = re.findall(rf'<a href="([^"]+)" rel="{word}"', main_of(page))
        return client.get(f"/audit/{found[0].replace('&amp;', '&')}") if found else None

    first = client.get("/audit/")
    second = following(first, "next")
    third = following(second, "next")
    numbers = [shown(page) for page in (first, second, third)]
    assert [(page[0], page[-1]) for page in numbers] == [(130, 81), (80, 31), (30, 1)]
    assert following(third, "next") is None
    assert following(first, "prev") is None
    assert shown(following(third, "prev")) == numbers[1]
    assert shown(following(following(third, "prev"), "prev")) == numbers[0]
    only = client.get("/audit/?what=feeds")
    assert shown(only) == list(range(129, 29, -2))
    assert shown(following(only, "next")) == list(range(29, 0, -2))
    assert shown(following(following(only, "next"), "prev")) == shown(only)


def test_no_page_counts_over_what_was_shown(many: Cast) -> None:
    client = signed_in(many.auditor)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert shown(client.get("/audit/?before=60"))[0] == 59
    assert not [query["sql"] for query in asked.captured_queries if "OFFSET" in query["sql"]]
    assert len(asked.captured_queries) <= 15


def test_an_empty_trail_says_what_will_stand_there(cast: Cast) -> None:
    said = text(signed_in(cast.auditor).get("/audit/"))
    assert "Nothing on record yet" in said
    assert "The audit trail has not been checked yet" in said


def test_a_filter_that_finds_nothing_says_so(rows: Cast) -> None:
    assert "No row is like that. Take away a filter." in text(signed_in(rows.auditor).get("/audit/?to=2020-01-01"))


def test_the_page_says_up_to_where_the_trail_is_whole_by_the_last_daily_check(rows: Cast, tmp_path: Path) -> None:
    keeping.ensure_key(tmp_path, by=COMMAND_LINE, at=AT)
    keeping.go_round(tmp_path, at=AT)
    keeping.go_round(tmp_path, at=AT + DAY)
    said = text(signed_in(rows.auditor).get("/audit/"))
    assert "The audit trail is whole up to row 10" in said
    assert "1 signed head fits. 2 rows have come since." in said


def test_the_page_says_what_the_last_check_found_wrong(rows: Cast, tmp_path: Path) -> None:
    keeping.ensure_key(tmp_path, by=COMMAND_LINE, at=AT)
    with lifted():
        AuditRow.objects.filter(sequence__in=(3, 5, 7)).update(actor_label="x")
    keeping.go_round(tmp_path, at=AT)
    said = text(signed_in(rows.auditor).get("/audit/"))
    assert "The audit trail is not as it was written" in said
    assert "Row 3 was changed. 2 more faults were found: tocsin audit verify names them." in said


def test_the_page_does_not_check_by_itself(rows: Cast) -> None:
    with lifted():
        AuditRow.objects.filter(sequence=3).update(actor_label="x")
    assert "The audit trail has not been checked yet" in text(signed_in(rows.auditor).get("/audit/"))


def test_what_people_wrote_is_text_on_the_page(rows: Cast) -> None:
    row = Constituent.objects.get(public_id="bank")
    directory.change_constituent(row, note="<script>alert(1)</script>", by=rows.manager, at=AT)
    client = signed_in(rows.auditor)
    for address in ("/audit/", "/audit/8/"):
        page = client.get(address).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page


def test_a_row_of_another_version_is_shown_by_its_code(cast: Cast) -> None:
    trail.append("ship.sunk", {"ship": "Vasa", "before": {"deck": 1}, "after": {"deck": None}}, by=COMMAND_LINE, at=AT)
    said = text(signed_in(cast.auditor).get("/audit/"))
    assert "ship.sunk" in said
    assert "deck" in said


@pytest.mark.parametrize("number", [0, 8, 10**30])
def test_a_row_that_is_not_there_is_not_found(rows: Cast, number: int) -> None:
    assert signed_in(rows.auditor).get(f"/audit/{number}/").status_code == 404


# ---- files


def content(response: Any) -> str:
    return b"".join(response.streaming_content).decode("utf-8-sig")


def test_csv_holds_what_the_page_shows_and_what_checking_needs(rows: Cast) -> None:
    answer = signed_in(rows.auditor).post("/audit/export.csv?about=constituent&key=moh")
    found = list(csv.DictReader(io.StringIO(content(answer))))
    assert [row["row"] for row in found] == ["4", "3", "1"]
    assert found[1]["sentence"] == "Claim of 192.0.2.0/24 entered"
    assert found[1]["hash"] == queries.hash_of(3)
    assert json.loads(found[0]["data"])["after"] == {"note": "Moves.", "status": "suspended"}
    assert answer["X-TLP"] == "TLP:AMBER+STRICT"
    assert re.fullmatch(r'attachment; filename="audit-[\d-]+-TLP-AMBER-STRICT\.csv"', answer["Content-Disposition"])


def test_json_lines_hold_the_same_for_programs(rows: Cast) -> None:
    lines = content(signed_in(rows.auditor).post("/audit/export.jsonl")).splitlines()
    found = [json.loads(line) for line in lines]
    assert [row["row"] for row in found] == [7, 6, 5, 4, 3, 2, 1]
    assert found[-1]["at"] == "2026-03-01T09:30:00.000000+00:00"
    assert found[-1]["data"] == {"constituent": "moh", "name": "Ministry of Health"}


def test_who_takes_the_trail_away_is_put_on_record_before(rows: Cast) -> None:
    client = signed_in(rows.auditor)
    before = clock.now()
    answer = client.post("/audit/export.csv?what=people&from=2026-03-01")
    row = AuditRow.objects.get(code="audit.exported")
    assert row.actor_key == rows.auditor.audit_key
    assert row.at >= before
    assert (row.data["form"], row.data["up_to"]) == ("csv", 7)
    assert row.data["filters"]["since"].startswith("2026-03-01")
    assert "person.created" in row.data["filters"]["codes"]
    assert "audit.exported" not in content(answer), "it is not part of what was taken"
    assert "The audit trail was exported as CSV, up to row 7" in text(client.get("/audit/"))


def test_looking_at_the_address_of_a_file_takes_nothing(rows: Cast) -> None:
    assert signed_in(rows.auditor).get("/audit/export.csv").status_code == 405
    assert not AuditRow.objects.filter(code="audit.exported").exists()


def test_a_file_of_what_is_not_understood_is_refused(rows: Cast) -> None:
    answer = signed_in(rows.auditor).post("/audit/export.csv?what=nonsense")
    assert answer.status_code == 400
    assert "what=nonsense" in answer.content.decode()
    assert not AuditRow.objects.filter(code="audit.exported").exists()


def test_a_form_that_is_none_is_not_found(rows: Cast) -> None:
    assert signed_in(rows.auditor).post("/audit/export.exe").status_code == 404


def test_no_cell_is_a_formula(cast: Cast) -> None:
    people.create_person(email="evil@cirt.example", name=EVIL, role="auditor", by=COMMAND_LINE, at=AT)
    trail.append("ship.sunk", {}, by=Person.objects.get(email="evil@cirt.example"), at=AT)
    found = content(signed_in(cast.auditor).post("/audit/export.csv"))
    assert f"'{EVIL[:5]}" in found
    assert not re.search(r'(^|,)"?=', found, re.M)


def test_a_file_speaks_the_language_of_who_took_it(rows: Cast) -> None:
    rows.auditor.language = "fr"
    rows.auditor.save()
    found = content(signed_in(rows.auditor).post("/audit/export.jsonl"))
    assert json.loads(found.splitlines()[4])["sentence"] != "Claim of 192.0.2.0/24 entered"
    assert settings.LANGUAGE_CODE == "en"
