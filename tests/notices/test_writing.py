"""The text of a notice: what comes first, what is counted, what has no room, what strangers wrote."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.feeds.conftest import AT, Store
from tests.notices.conftest import prepared
from tocsin.feeds import queries as feeds
from tocsin.kernel.tlp import TLP
from tocsin.notices import queries
from tocsin.notices.choices import Whom, Why
from tocsin.notices.remedies import remedies, remedy_for
from tocsin.notices.writing import MOST_BYTES, MOST_ROWS, Entry, Kind, Letter, subject, text

ENTRY = Entry("198.18.4.7:3389", "", dt.date(2026, 11, 16), AT, Why.NEW)
RDP = remedy_for("scan_rdp", "vulnerable-system")


def kind(number: int = 1, title: str = "Remote desktop open to the internet", **facts: Any) -> Kind:
    entries = tuple(dataclasses.replace(ENTRY, place=f"198.18.{at // 250}.{at % 250}:3389") for at in range(number))
    return Kind(**{"title": title, "severity": 3, "remedy": RDP, "entries": entries, **facts})


def letter(*kinds: Kind, **facts: Any) -> Letter:
    stated = {
        "reference": "k4m7p2x9tz", "team": "CIRT Meridia", "constituent": "Ministry of Health",
        "to": "soc@moh.example", "whom": Whom.SECURITY, "language": "en", "tlp": TLP.AMBER, "kinds": kinds,
        "verify_at": "https://cirt.example/notices/verify/", "has_attachment": True,
    }  # fmt: skip
    return Letter(**{**stated, **facts})


def test_a_notice_says_what_where_since_when_how_to_mend_it_and_who_we_are() -> None:
    marks = {"sender": "cirt@cirt.example", "fingerprint": "0123ABCD", "phone": "+1 555 010 0199"}
    said = text(letter(kind(2), **marks))
    order = [
        "[TLP:AMBER]",
        "CIRT Meridia to Ministry of Health",
        "On your networks we see 2 weaknesses or intrusions that you can mend. 2 are new.",
        "1. Remote desktop open to the internet (2), C3",
        RDP.text("en").wrong,
        "Where Since Last seen (UTC) Why now",
        "198.18.0.0:3389 2026-11-16 2026-11-19 09:00:00 New",
        "How to mend it:",
        "  1. Close TCP and UDP port 3389",
        "How to see that it is mended:",
        "How to answer",
        "k4m7p2x9tz",
        "https://cirt.example/notices/verify/",
        "Our notices come from cirt@cirt.example.",
        "Our OpenPGP key: 0123ABCD",
        "Our telephone: +1 555 010 0199",
    ]
    flat = " ".join(said.split())
    places = [flat.index(" ".join(each.split())) for each in order]
    assert places == sorted(places)
    assert "\n  Where            Since       Last seen (UTC)      Why now\n  198.18.0.0:3389  2026-11-16  2026" in said


def test_the_subject_begins_with_the_label() -> None:
    said = subject(letter(kind(1200)))
    assert said == "[TLP:AMBER] 1,200 findings on the networks of Ministry of Health (k4m7p2x9tz)"


def test_an_exercise_is_called_so_before_all_else() -> None:
    drill = letter(kind(), is_exercise=True)
    assert subject(drill).startswith("[TLP:AMBER] [EXERCISE] ")
    assert text(drill).index("EXERCISE. Nothing of this is real.") < text(drill).index("CIRT Meridia to")


def test_who_is_told_next_reads_whose_it_is() -> None:
    said = " ".join(text(letter(kind(), whom=Whom.PARENT)).split())
    assert "We have told Ministry of Health of 1 weakness or intrusion on its networks" in said


def test_fifty_rows_are_shown_and_the_rest_is_counted() -> None:
    said = text(letter(kind(1200)))
    assert said.count(":3389  ") == MOST_ROWS
    assert "1,150 more in the attachment." in said


def test_without_an_attachment_the_list_is_to_be_had_by_an_answer() -> None:
    assert "1,150 more; answer, and we send the list." in text(letter(kind(1200), has_attachment=False))


def test_every_kind_gets_some_rows_before_one_gets_all() -> None:
    said = text(letter(kind(1000), kind(9, "Database open to the internet", remedy=remedies()["sql-database"])))
    assert "997 more" not in said and "953 more in the attachment." in said and "6 more in the attachment." in said


def test_the_same_remedy_is_explained_once() -> None:
    said = text(letter(kind(2), kind(1, "Remote desktop (UDP) open to the internet")))
    assert said.count(RDP.text("en").wrong) == 1 and "Mended in the same way as number 1." in said


@pytest.mark.parametrize("language", ["en", "fr"])
def test_of_everything_at_once_the_worst_is_told_and_the_rest_is_counted(language: str) -> None:
    kinds = [kind(300, f"Kind {number}", remedy=each) for number, each in enumerate(remedies().values())]
    said = text(letter(*kinds, language=language))
    shown = len(re.findall(r"^\d+\. Kind", said, re.M))
    assert len(said.encode()) <= MOST_BYTES and 3 <= shown < len(kinds)
    rest = f"{len(kinds) - shown} further kinds of finding have no room here:" if language == "en" else ""
    assert rest in " ".join(said.split())


def test_the_remedy_is_in_the_language_of_the_reader() -> None:
    said = " ".join(text(letter(kind(), language="fr")).split())
    assert "Le bureau à distance de Windows" in said and "Windows Remote Desktop" not in said


def test_what_others_wrote_can_neither_be_unseen_nor_turn_what_follows() -> None:
    hostile = dataclasses.replace(ENTRY, detail="a\x1b[2J\u202eb\nSubject: x", place="evil\r\n.example")
    said = text(letter(kind(entries=(hostile,)), constituent="Bank\r\nBcc: all@example.org"))
    assert "\x1b" not in said and "\u202e" not in said and "\r" not in said
    assert "\nSubject" not in said and "\nBcc" not in said
    assert "\n" not in subject(letter(kind(), constituent="Bank\r\nBcc: all@example.org"))


ENTRIES = st.builds(
    Entry,
    place=st.text(max_size=80),
    detail=st.text(max_size=80),
    since=st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)),
    last=st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),
    why=st.sampled_from(Why),
)
KINDS = st.builds(
    Kind,
    title=st.text(min_size=1, max_size=48),
    severity=st.integers(1, 6),
    remedy=st.sampled_from(sorted(remedies().values(), key=lambda each: each.name)),
    entries=st.lists(ENTRIES, min_size=1, max_size=70).map(tuple),
)


@given(st.lists(KINDS, min_size=1, max_size=12), st.sampled_from(["en", "fr"]))
@settings(max_examples=25, deadline=None)
def test_no_notice_is_longer_than_it_may_be_and_none_loses_its_end(kinds: list[Kind], language: str) -> None:
    said = text(letter(*kinds, language=language))
    assert len(said.encode()) <= MOST_BYTES
    assert "k4m7p2x9tz" in said and "https://cirt.example/notices/verify/" in said


@pytest.mark.django_db
def test_a_prepared_notice_says_what_its_findings_are_now(told: Store) -> None:
    bank, ministry = prepared()
    said = queries.text(queries.letter_of(ministry))
    assert said.count(":3389") == 14 and ministry.reference in said
    assert "/notices/verify/" in said and "192.0.2.1:3389" in said
    assert "192.0.2.70:3389" in queries.text(queries.letter_of(bank))


@pytest.mark.django_db
def test_the_attachment_has_every_finding_and_no_formula(told: Store) -> None:
    _bank, ministry = prepared()
    content = queries.attachment_of(ministry).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert (
        len(rows) == 14
        and {row["why"] for row in rows} == {"Nouveau"}
        and {row["tlp"] for row in rows} == {"TLP:AMBER"}
    )
    assert {row["id"] for row in rows} == set(ministry.lines.values_list("finding", flat=True))
    assert not re.search(r"^[=+@-]", content, re.M)


@pytest.mark.django_db
def test_a_cell_that_a_spreadsheet_would_compute_is_text(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "detail_of", lambda _finding: "")
    bank, _ministry = prepared()
    (finding,) = feeds.findings_named(bank.lines.values_list("finding", flat=True))
    evil = dataclasses.replace(finding, name="=HYPERLINK(1)")
    monkeypatch.setattr(feeds, "findings_named", lambda _named: [evil])
    assert ",'=HYPERLINK(1)," in queries.attachment_of(bank).decode()
