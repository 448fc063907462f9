"""Findings as files: what is in them, what marks them, and that no cell becomes a formula."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds import reports
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in
from tests.feeds.reports import write
from tocsin.feeds import exports, queries
from tocsin.feeds.actions.findings import change_terms
from tocsin.feeds.models import Feed, ReportType
from tocsin.site.cli import parser

EVIL = '=HYPERLINK("http://evil.example";"x")'
SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def content(response: Any) -> bytes:
    return b"".join(response)


def cells(book: bytes, sheet: int = 1) -> list[list[str]]:
    """Return the texts and numbers of a sheet, read from the file itself."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        root = ET.fromstring(parts.read(f"xl/worksheets/sheet{sheet}.xml"))
    assert not list(root.iter(f"{SPACE}f")) and not list(root.iter(f"{SPACE}hyperlink"))
    return [
        ["".join(text.text or "" for text in (*cell.iter(f"{SPACE}t"), *cell.iter(f"{SPACE}v"))) for cell in row]
        for row in root.iter(f"{SPACE}row")
    ]


@pytest.fixture
def two_feeds(week: Store, tmp_path: Path) -> Store:
    """The week, and beside it reports of another feed that only the team may see."""
    week.run(write(tmp_path, 3, [1, 2], kind="scan_telnet"))
    other = Feed.objects.create(code="police", name="Police", tlp="RED", terms="Nobody else.")
    ReportType.objects.filter(name="scan_telnet").update(feed=other)
    return week


@pytest.mark.django_db
def test_csv_holds_the_filtered_findings_with_label_and_terms(week: Store, cast: Cast) -> None:
    answer = signed_in(cast.analyst).get("/findings/export.csv?whose=bank&whose=-")

    read = list(csv.DictReader(io.StringIO(content(answer).decode("utf-8-sig"))))
    assert sorted(row["asset"] for row in read) == ["192.0.2.200", "192.0.2.70"]
    by_asset = {row["asset"]: row for row in read}
    assert by_asset["192.0.2.70"]["organisation"] == "bank" and by_asset["192.0.2.200"]["constituent"] == ""
    assert {row["tlp"] for row in read} == {"TLP:AMBER"} and all("Not to be published" in row["terms"] for row in read)
    assert {row["what"] for row in read} == {"Remote desktop open to the internet"}
    assert "TLP-AMBER.csv" in answer["Content-Disposition"] and answer["X-TLP"] == "TLP:AMBER"


@pytest.mark.django_db
def test_json_says_what_it_is_about(week: Store, cast: Cast) -> None:
    change_terms(Feed.objects.get(), tlp="RED", terms="Nobody else.", by=cast.analyst, at=AT)

    read = json.loads(content(signed_in(cast.analyst).get("/findings/export.json?state=gone")))

    assert (read["tlp"], read["terms"], read["count"]) == ("TLP:RED", {"Shadowserver": "Nobody else."}, 4)
    assert sorted(each["asset"] for each in read["findings"]) == [f"192.0.2.{host}" for host in (4, 6, 7, 8)]
    assert all(each["state"] == "gone" and each["id"] for each in read["findings"])


@pytest.mark.django_db
def test_xlsx_can_be_read_and_carries_the_same(week: Store, cast: Cast) -> None:
    book = content(signed_in(cast.analyst).get("/findings/export.xlsx?whose=bank"))

    head, row = cells(book)
    assert "192.0.2.70" in row and "TLP:AMBER" in row and "tlp" in head
    about = dict(cells(book, 2))
    assert about["tlp"] == "TLP:AMBER" and "Not to be published" in about["terms"] and about["count"] == "1"


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_import_during_the_download_changes_nothing_of_it(
    week: Store, cast: Cast, tmp_path: Path, form: str
) -> None:
    answer = signed_in(cast.analyst).get(f"/findings/export.{form}?state=open")
    week.run(write(tmp_path, 3, [1, 2, 3], kind="scan_telnet"))
    Feed.objects.update(tlp="RED")

    sent = content(answer).decode("utf-8-sig")
    rows = json.loads(sent)["findings"] if form == "json" else list(csv.DictReader(io.StringIO(sent)))
    assert {row["type"] for row in rows} == {"scan_rdp"} and {row["tlp"] for row in rows} == {answer["X-TLP"]}


@pytest.mark.django_db
def test_rows_of_several_feeds_carry_their_own_label_and_the_file_the_strictest(two_feeds: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    answer = browser.get("/findings/export.csv?state=open&type=scan_rdp&type=scan_telnet")

    rows = list(csv.DictReader(io.StringIO(content(answer).decode("utf-8-sig"))))
    assert {(row["type"], row["tlp"]) for row in rows} == {("scan_rdp", "TLP:AMBER"), ("scan_telnet", "TLP:RED")}
    assert {row["terms"] for row in rows if row["type"] == "scan_telnet"} == {"Nobody else."}
    assert answer["X-TLP"] == "TLP:RED" and "TLP-RED.csv" in answer["Content-Disposition"]
    assert browser.get("/findings/export.json?state=open&type=scan_rdp")["X-TLP"] == "TLP:AMBER"


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_the_command_marks_each_row_as_the_page_does(
    two_feeds: Store, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.run(["finding", "export", "--state", "open", "--format", form]) == 0

    said = capsys.readouterr().out
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(said)))
    else:
        rows = json.loads(said) if form == "json" else [json.loads(line) for line in said.splitlines()]
    marked = {(row["type"], row["tlp"], row["terms"]) for row in rows}
    assert ("scan_telnet", "TLP:RED", "Nobody else.") in marked and len(marked) == 2
    (shadowserver,) = marked - {("scan_telnet", "TLP:RED", "Nobody else.")}
    assert shadowserver[:2] == ("scan_rdp", "TLP:AMBER") and "Not to be published" in shadowserver[2]
    assert list(rows[0])[: len(queries.RECORD) + 2] == [*queries.RECORD, "tlp", "terms"]


@pytest.mark.django_db
def test_the_command_writes_what_the_page_writes(
    week: Store, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two sites on one address are two findings: only their names tell them apart."""
    columns, kind = (*reports.COLUMNS, "http_host"), "compromised_website"
    names = ("a.example", "b.example")
    of_site = [
        write(tmp_path, 3, [70], kind=kind, part=f"-{name[0]}", columns=columns, http_host=name, port="80")
        for name in names
    ]
    week.run(*of_site)
    browser = signed_in(cast.analyst)
    pages = {form: content(browser.get(f"/findings/export.{form}?state=open")) for form in ("csv", "json")}

    for form, page in pages.items():
        assert parser.run(["finding", "export", "--state", "open", "--format", form]) == 0
        said = capsys.readouterr().out
        if form == "csv":
            assert said.splitlines() == page.decode("utf-8-sig").splitlines()
        else:
            read = json.loads(said)
            assert read == json.loads(page)["findings"]
            assert [list(row) for row in read] == [list(row) for row in json.loads(page)["findings"]]
    sites = [row for row in read if row["type"] == kind]
    assert sorted((row["asset"], row["name"], row["detail"]) for row in sites) == [("192.0.2.70", n, n) for n in names]
    assert [(row["organisation"], row["severity"], row["asn"]) for row in sites] == [("bank", "C4", 64496)] * 2


@pytest.mark.django_db
def test_the_list_keeps_its_keys(two_feeds: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.run(["finding", "list", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)[0]) == list(queries.RECORD)


@pytest.mark.django_db
def test_an_export_of_nothing_is_whole(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)

    assert len(content(browser.get("/findings/export.csv?q=nothing+like+that")).decode().splitlines()) == 1
    assert json.loads(content(browser.get("/findings/export.json?q=nothing+like+that")))["findings"] == []
    assert len(cells(content(browser.get("/findings/export.xlsx?q=nothing+like+that")))) == 1
    assert browser.get("/findings/export.pdf").status_code == 404


@pytest.mark.django_db
def test_too_many_for_a_spreadsheet_is_said(week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "XLSX_ROWS_AT_MOST", 3)

    browser, page = signed_in(cast.analyst), {"accept": "text/html"}
    answer = browser.get("/findings/export.xlsx?whose=moh&utm_source=x")

    said = "An XLSX file holds at most 3 findings, and these are 14. Narrow the list, or take CSV.\n"
    assert (answer.status_code, answer.content.decode()) == (400, said)
    assert (
        'href="/findings/?whose=moh&amp;state='
        in browser.get("/findings/export.xlsx?whose=moh", headers=page).content.decode()
    )


@pytest.mark.django_db
def test_numbers_of_a_refused_spreadsheet_are_written_as_the_reader_writes_them(
    week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries.Findings, "counts", lambda *_: [("scan_rdp", 769_335)])
    browser = signed_in(cast.analyst)
    said = browser.get("/findings/export.xlsx").content.decode()
    assert "at most 100,000 findings, and these are 769,335" in said


@pytest.mark.django_db
def test_an_export_is_that_of_the_list(week: Store, cast: Cast) -> None:
    """One reading of the address serves both."""
    browser = signed_in(cast.analyst)
    for query in ("", "back=1", "q=192.0.2.64/26", "tlp=RED", "sector=health", "owner=none&state=new"):
        exported = json.loads(content(browser.get(f"/findings/export.json?{query}")))
        assert exported["count"] == len(exported["findings"]) == browser.get(f"/findings/?{query}").context["total"]


COLUMNS = ("id", "what", "count")


def records(*whats: str) -> list[dict[str, Any]]:
    return [{"id": f"i{number}", "what": what, "count": number} for number, what in enumerate(whats)]


@pytest.mark.parametrize("cell", [EVIL, "+1", "-1", "@SUM(A1)"])
def test_no_cell_of_csv_is_a_formula(cell: str) -> None:
    text = b"".join(exports.as_csv(records(cell), COLUMNS)).decode("utf-8-sig")

    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["what"] == f"'{cell}"


def test_no_part_of_a_cell_of_csv_is_a_formula_for_a_program_that_parts_at_semicolons() -> None:
    text = b"".join(exports.as_csv(records(f"x;{EVIL}"), COLUMNS)).decode("utf-8-sig")

    assert "x;'=HYPERLINK" in text


def test_no_cell_of_xlsx_is_a_formula_or_a_link() -> None:
    with exports.as_xlsx(records(EVIL, "http://evil.example"), COLUMNS, {"tlp": "TLP:RED", "terms": EVIL}) as file:
        book = file.read()

    assert cells(book)[1:] == [["i0", EVIL, "0"], ["i1", "http://evil.example", "1"]]
    assert ["terms", EVIL] in cells(book, 2)


def test_many_rows_come_in_pieces() -> None:
    pieces = list(exports.as_csv(records(*["é"] * 1200), COLUMNS))

    assert len(pieces) == 4
    assert len(b"".join(pieces).decode("utf-8-sig").splitlines()) == 1201


def test_json_of_strange_texts_can_be_read() -> None:
    text = b"".join(exports.as_json(records('"\n\u2028\x00', "é"), {"tlp": "TLP:RED"}))

    assert [each["what"] for each in json.loads(text)["findings"]] == ['"\n\u2028\x00', "é"]


@pytest.mark.django_db
def test_a_stream_ends_where_it_is_told_to(week: Store) -> None:
    assert sum(1 for _ in queries.findings().stream(queries.Filter(), limit=5)) == 5
    assert sum(1 for _ in queries.findings().stream(queries.Filter())) == 20
