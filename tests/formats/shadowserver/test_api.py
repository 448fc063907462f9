"""The publisher's API as bytes: what is asked, how it is signed, what the answers say."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.formats.shadowserver import api
from tocsin.kernel.refusals import InvalidInput

DAY = dt.date(2026, 11, 16)
ENTRY = {
    "id": "TElpTLYwCJANWSyPNdzKbKjVBzhiSWnYmL1tgKHC5XZ",
    "file": "2026-11-16-scan_rdp-xm-geo.csv",
    "type": "scan_rdp",
    "report": "xm-geo",
    "timestamp": "2026-11-16",
    "url": "https://dl.example/x",
}


def listing(*entries: Any, limit: int = 1000) -> api.Listing:
    return api.read_list(json.dumps(entries).encode(), limit=limit)


@pytest.mark.parametrize(
    ("secret", "body", "expected"),
    [  # RFC 4231, test cases 2 and 1; the third by openssl dgst -sha256 -hmac
        ("Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            "s3cret",
            b'{"apikey":"key","date":"2026-11-16","limit":1000}',
            "6ef2d61af7bf0f4912527ae2927bb151cc20540ac5c0aeca223ea3edc1272a07",
        ),
    ],
)
def test_bodies_are_signed_as_the_standard_has_it(secret: str, body: bytes, expected: str) -> None:
    assert api.signature(body, secret) == expected


def test_the_body_that_asks_for_a_day() -> None:
    assert api.list_request("key", DAY, DAY) == b'{"apikey":"key","date":"2026-11-16","limit":1000}'


def test_the_body_that_asks_for_days_of_one_type_and_of_some_lists() -> None:
    body = api.list_request("k", DAY, DAY + dt.timedelta(2), type="scan_rdp", subscriptions=("xm-geo", "xm-gov"))
    assert json.loads(body) == {
        "apikey": "k",
        "date": "2026-11-16:2026-11-18",
        "limit": 1000,
        "reports": ["xm-geo", "xm-gov"],
        "type": "scan_rdp",
    }


def test_the_body_that_asks_for_the_rows_of_a_report() -> None:
    assert json.loads(api.download_request("k", "abc")) == {"apikey": "k", "id": "abc", "limit": 10_000}


def test_a_list_is_read() -> None:
    (report,) = listing(ENTRY).reports
    assert (report.id, report.file, report.type) == (ENTRY["id"], ENTRY["file"], "scan_rdp")
    assert (report.on, report.subscription) == (DAY, "xm-geo")


def test_an_id_is_not_shown_by_accident() -> None:
    (report,) = listing(ENTRY).reports
    assert report.id not in repr(report)


def test_an_empty_list_is_a_list() -> None:
    assert listing() == api.Listing((), (), is_full=False)


def test_reports_are_told_once_and_in_the_order_of_their_days() -> None:
    later = {**ENTRY, "id": "later", "file": "2026-11-18-scan_rdp-xm-geo.csv"}
    earlier = {**ENTRY, "id": "earlier", "file": "2026-11-15-scan_rdp-xm-geo.csv"}
    assert [report.id for report in listing(later, ENTRY, earlier, ENTRY).reports] == ["earlier", ENTRY["id"], "later"]


def test_a_list_as_long_as_was_asked_for_may_be_cut_short() -> None:
    assert listing(ENTRY, {**ENTRY, "id": "b"}, limit=2).is_full
    assert not listing(ENTRY, {**ENTRY, "id": "b"}, limit=3).is_full


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"file": "../../etc/passwd"}, "file name"),
        ({"file": ".hidden.csv"}, "file name"),
        ({"file": "a/b.csv"}, "file name"),
        ({"file": "a\nb.csv"}, "file name"),
        ({"file": "x" * 300}, "file name"),
        ({"file": 7}, "file name"),
        ({"id": "a/../b"}, "no id"),
        ({"id": "a?b#c"}, "no id"),
        ({"id": ""}, "no id"),
        ({"id": None}, "no id"),
        ({"file": "report.csv", "type": "../x"}, "no type"),
        ({"file": "report.csv", "timestamp": "yesterday"}, "no day"),
        ({"file": "report.csv", "timestamp": None}, "no day"),
    ],
)
def test_an_entry_that_cannot_be_used_does_not_hinder_the_others(change: dict[str, Any], problem: str) -> None:
    found = listing({**ENTRY, **change}, ENTRY)
    assert [report.id for report in found.reports] == [ENTRY["id"]]
    assert (
        len(found.odd) == 1 and found.odd[0].startswith("Report 1 of the publisher's list") and problem in found.odd[0]
    )


def test_an_entry_that_is_no_object_is_told() -> None:
    assert listing("x", ENTRY).odd == ("Report 1 of the publisher's list cannot be taken: it is no object.",)


def test_the_day_is_the_names_and_else_the_timestamps() -> None:
    named = listing({**ENTRY, "timestamp": "2026-11-17"}).reports[0]
    told = listing({**ENTRY, "file": "report.csv", "timestamp": "2026-11-17 04:00:00"}).reports[0]
    assert (named.on, told.on) == (DAY, dt.date(2026, 11, 17))


def test_the_type_is_the_names_as_at_the_import() -> None:
    assert listing({**ENTRY, "type": "scan_xyz"}).reports[0].type == "scan_rdp"
    assert listing({**ENTRY, "file": "report.csv"}).reports[0].type == "scan_rdp"


@pytest.mark.parametrize("answer", [b"", b"{}", b"<html>", b'"x"', b"[", b'[{"id":1,"id":2}]', b"[" * 5000, b"\xff"])
def test_what_is_no_list_is_refused_with_a_sentence(answer: bytes) -> None:
    with pytest.raises(InvalidInput, match="The publisher's answer"):
        api.read_list(answer)


@given(st.binary(max_size=200))
def test_no_bytes_make_an_answer_fail_otherwise(answer: bytes) -> None:
    api.error_in(answer)
    api.no_report(answer, answer[-1:], told_its_length=False)
    for read in (api.read_list, api.rows_as_csv):
        try:
            read(answer)
        except InvalidInput as refusal:
            assert str(refusal)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b'{"error": "Invalid API key."}', "Invalid API key"),
        (b' {"message":"too many\\nrequests\\u0007"}', "too many requests"),
        (b'{"error": ""}', None),
        (b'{"error": {"code": 7}}', None),
        (b'{"other": "x"}', None),
        (b"[]", None),
        (b'{"error"', None),
        (b"a,b\n", None),
    ],
)
def test_the_reason_in_an_answer_is_read(answer: bytes, reason: str | None) -> None:
    assert api.error_in(answer) == reason


def test_a_long_reason_is_cut() -> None:
    assert api.error_in(json.dumps({"error": "x" * 5000}).encode()) == "x" * api.MAX_REASON


@pytest.mark.parametrize(
    ("content", "told", "problem"),
    [
        (b"timestamp,ip\n2026,1\n", False, None),
        (b"timestamp,ip\n2026,1", True, None),
        (b"timestamp,ip\n2026,1", False, "cut short"),
        (b"\x1f\x8b\x08...", False, None),
        (b"", True, "empty"),
        (b"\xef\xbb\xbf\r\n", True, "empty"),
        (b"  <!DOCTYPE html>", True, "web page"),
        (b'{"error": "No such report."}', True, "No such report"),
        (b'{"a": 1}', True, "no CSV"),
    ],
)
def test_what_cannot_be_a_report_is_told_from_one(content: bytes, told: bool, problem: str | None) -> None:
    said = api.no_report(content, content[-1:], told_its_length=told)
    assert said is None if problem is None else problem in str(said)


def test_rows_become_the_csv_that_the_publisher_writes() -> None:
    rows = [
        {"timestamp": "2026-11-16 06:00:00", "ip": "192.0.2.1", "port": 3389, "tag": 'a,"b"'},
        {"ip": "é", "x": None},
    ]
    text = api.rows_as_csv(json.dumps(rows).encode()).decode()
    assert list(csv.reader(io.StringIO(text))) == [
        ["timestamp", "ip", "port", "tag", "x"],
        ["2026-11-16 06:00:00", "192.0.2.1", "3389", 'a,"b"', ""],
        ["", "é", "", "", ""],
    ]


def test_numbers_keep_how_they_are_written() -> None:
    assert (
        api.rows_as_csv(b'[{"a": 1.10, "b": 12345678901234567890, "c": true}]')
        == b"a,b,c\n1.10,12345678901234567890,true\n"
    )


def test_rows_as_many_as_were_asked_for_are_refused() -> None:
    with pytest.raises(InvalidInput, match="the report may have more"):
        api.rows_as_csv(b'[{"a":1},{"a":2}]', limit=2)


@pytest.mark.parametrize("answer", [b"[]", b"{}", b"[1]", b"a,b\n"])
def test_what_holds_no_rows_is_refused(answer: bytes) -> None:
    with pytest.raises(InvalidInput):
        api.rows_as_csv(answer)


def test_it_needs_neither_django_nor_the_network() -> None:
    code = """if True:
        import sys
        sys.path.insert(0, "src")
        import tocsin.formats.shadowserver.api
        print([name for name in ("django", "http.client", "ssl") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
