"""The text of a notice: what comes first, what is counted, what has no room, what strangers wrote."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day
from tests.notices.conftest import BY_AT, DAY, contact, prepared, send
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.feeds import queries as feeds
from tocsin.feeds.choices import AnswerKind, Stands
from tocsin.feeds.models import Feed
from tocsin.kernel.tlp import TLP
from tocsin.notices import queries
from tocsin.notices.choices import Channel, Whom, Why
from tocsin.notices.models import Notice, Policy, Told
from tocsin.notices.remedies import remedies, remedy_for
from tocsin.notices.writing import (
    MOST_BYTES,
    MOST_ROWS,
    AnsweredBefore,
    Entry,
    Kind,
    Letter,
    ToldBefore,
    Unheard,
    subject,
    text,
)

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


BEFORE = (
    ToldBefore(
        dt.date(2026, 11, 16),
        Whom.SECURITY,
        "soc@moh.example",
        last=dt.date(2026, 11, 16),
        rows=1,
        to="soc@moh.example",
    ),
    ToldBefore(
        dt.date(2026, 11, 18), Whom.PARENT, "The State", last=dt.date(2026, 11, 18), rows=1, to="soc@state.example"
    ),
)


def test_the_second_contact_reads_who_was_told_when_and_that_nobody_has_reacted() -> None:
    still = kind(2, entries=(dataclasses.replace(ENTRY, why=Why.ESCALATED),))
    said = text(letter(still, whom=Whom.SECOND, told_before=BEFORE[:1], to="ciso@moh.example"))
    flat = " ".join(said.split())
    assert "We have told others at Ministry of Health of 1 weakness or intrusion on your networks; nobody" in flat
    assert "\nTold so far, and without a reaction:\n  2026-11-16  Security contact: soc@moh.example\n" in said
    assert "our last notice" not in said, "it never got one"


def test_the_weekly_list_says_who_else_was_told_and_when() -> None:
    said = text(letter(kind(), told_before=BEFORE))
    assert "\nTold of these besides you:\n  2026-11-18  Parent organisation: The State\n" in said
    assert "soc@moh.example" not in said
    assert "besides you" not in text(letter(kind(), told_before=BEFORE[:1]))
    many = tuple(dataclasses.replace(BEFORE[1], name=f"Org {number}") for number in range(9))
    said = text(letter(kind(), whom=Whom.REGULATOR, told_before=many))
    assert "Org 5" in said and "Org 6" not in said and "  …" in said


def test_what_was_answered_and_does_not_hold_is_said_in_its_own_words() -> None:
    on, last = dt.date(2026, 11, 16), dt.date(2026, 11, 18)
    kinds = (
        (AnswerKind.FIXED, Stands.CONTRADICTED, 2),
        (AnswerKind.ACCEPTED, Stands.ENDED, 1),
        (AnswerKind.NOT_OURS, Stands.REFUSED, 1),
        (AnswerKind.TAKEN_BACK, Stands.TAKEN_BACK, 1),
    )
    known = tuple(AnsweredBefore(answer, stands, on, last, last, rows) for answer, stands, rows in kinds)
    facts = {"answered": known, "told_before": BEFORE[1:], "unheard": Unheard(3, on), "told_again": (2, last)}
    said = " ".join(text(letter(kind(7), whom=Whom.SECOND, **facts)).split())
    for sentence in (
        "of 7 weaknesses or intrusions on your networks, and they are still open.",
        "2 were said to be fixed (2026-11-16 – 2026-11-18), and were seen again since (last on 2026-11-18).",
        "1 was answered with “We accept the risk” (2026-11-16 – 2026-11-18); that holds no more.",
        "1 was answered with “It is not ours” (2026-11-16 – 2026-11-18); we have looked at it, and do not agree.",
        "1 was answered, and the answer was taken back (2026-11-16 – 2026-11-18).",
        "Nobody has reacted to the other 2.",
        "We have told you of 2 of them before (last on 2026-11-18); they were told anew since.",
        "Of 3 of them we have had no report since we told of them last; the latest one is of 2026-11-16.",
        "Told so far: 2026-11-18 Parent organisation: The State (1 of 7)",
    ):
        assert sentence in said
    first = " ".join(text(letter(kind(7), **facts)).split())
    assert "2 were said to be fixed" in first and "Nobody has reacted" not in first and "told you of" not in first
    gone = {7: "We had told of 2 of them before they went (last", 1: "We had told of it before it went (last"}
    for rows, begin in gone.items():
        back = " ".join(text(letter(kind(rows), told_gone=(min(rows, 2), last))).split())
        assert f"{begin} on 2026-11-18)." in back and "in UTC, as in the reports" in back
    again = " ".join(text(letter(kind(1), whom=Whom.SECOND, told_again=(1, last))).split())
    assert "We have told you of it before (last on 2026-11-18); it was told anew since." in again
    unheard = {None: "told of it last.", on: "told of it last; the latest one is of 2026-11-16."}
    for latest, end in unheard.items():
        of_one = " ".join(text(letter(kind(1), unheard=Unheard(1, latest))).split())
        assert f"We have had no report of it since we {end}" in of_one
    myself = text(letter(kind(), whom=Whom.REGULATOR, told_before=BEFORE, to="soc@state.example"))
    assert "Parent organisation: The State (you)" in myself


def test_a_machine_behind_translated_addresses_can_be_found_by_the_table() -> None:
    entry = dataclasses.replace(ENTRY, place="198.18.4.7", source_port="51234/tcp", destination="203.0.113.9:443")
    remedy = remedies()["infected"]
    said = text(letter(kind(remedy=remedy, entries=(entry, dataclasses.replace(ENTRY, detail="amber")))))
    lines = said[said.index("  Where") :].splitlines()
    assert lines[0].split()[-4:] == ["Source", "port", "Destination", "Detail"]
    assert lines[1].endswith("New      51234/tcp    203.0.113.9:443") and lines[2].split()[-3:] == ["-", "-", "amber"]
    assert "“Source port”" in " ".join(said.split())


def test_fifty_rows_are_shown_and_the_rest_is_counted() -> None:
    said = text(letter(kind(1200)))
    assert said.count(":3389  ") == MOST_ROWS
    assert "1,150 more in the attachment." in said


def test_without_an_attachment_the_list_is_to_be_had_by_an_answer() -> None:
    assert "1,150 more; answer, and we send the list." in text(letter(kind(1200), has_attachment=False))


def test_on_own_pages_nothing_leads_back_to_the_page_itself_and_no_message_is_to_be_answered() -> None:
    facts: dict[str, Any] = {"way": Channel.PORTAL, "answer_at": "https://cirt.example/my/notices/k4m7p2x9tz/"}
    ways = (
        ({}, "When you speak to us of it, name"),
        ({"sender": "cirt@cirt.example"}, "You can also write to cirt@cirt.example; name"),
        ({"phone": "+1 555 {0}"}, "You can also call +1 555 {0}; name"),
        (
            {"sender": "cirt@cirt.example", "phone": "+1 555"},
            "You can also write to cirt@cirt.example or call +1 555; name",
        ),
    )
    for known, said in ways:
        whole = " ".join(text(letter(kind(1200), **facts, **known)).split())
        assert "How to answer ------------- On these pages you say of each finding, or of many at once, that" in whole
        assert f"{said} the reference k4m7p2x9tz. Tell us what is mended" in whole
        assert "/my/notices/" not in whole and "this message" not in whole and "signing in" not in whole
        assert "1,150 more in your list of findings." in whole and "attachment" not in whole


def test_what_is_posted_names_the_own_pages_and_how_else_it_is_answered() -> None:
    at = "https://cirt.example/my/notices/k4m7p2x9tz/"
    said = " ".join(text(letter(kind(1), way=Channel.WEBHOOK, answer_at=at, sender="cirt@cirt.example")).split())
    assert f"{at} You can also write to cirt@cirt.example; name the reference" in said
    assert "this message" not in said and "without signing in" not in said


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


SINKHOLE = """timestamp,src_ip,src_port,protocol,dst_ip,dst_port,infection
2026-11-19 06:00:07,{},51234,tcp,203.0.113.9,443,amber
"""


@pytest.mark.django_db
def test_what_the_last_row_says_stands_in_text_and_attachment(told: Store, tmp_path: Path) -> None:
    Policy.objects.update(threshold=6)
    path = tmp_path / f"{day(3)}-event4_sinkhole-xm-geo.csv"
    path.write_text(SINKHOLE.format("192.0.2.7"))
    told.run(path)
    ministry = next(each for each in prepared() if each.constituent.public_id == "moh")
    said = queries.text(queries.letter_of(ministry))
    assert "Port source  Destination" in said and "51234/tcp    203.0.113.9:443" in said and "06:00:07" in said
    content = queries.attachment_of(ministry).decode("utf-8-sig")
    row = next(each for each in csv.DictReader(io.StringIO(content)) if each["type"] == "event4_sinkhole")
    assert (row["source_port"], row["transport"], row["malware"]) == ("51234", "tcp", "amber")
    assert (row["destination"], row["destination_port"], row["page"]) == ("203.0.113.9", "443", "")
    (finding,) = feeds.findings_named([row["id"]])
    assert queries.sayings_of(finding, "en") == [("Source port", "51234/tcp"), ("Destination", "203.0.113.9:443")]
    for part in told.root.rglob("observations/**/*.parquet"):
        part.unlink()
    assert "51234/tcp" not in queries.text(queries.letter_of(ministry)), "it is told without what is lost"


@pytest.mark.django_db
def test_a_file_is_wholly_in_the_language_of_its_reader(told: Store) -> None:
    row = Constituent.objects.get(public_id="moh")
    directory.change_constituent(row, names={"fr": "Ministère"}, by=COMMAND_LINE, at=AT)
    _bank, ministry = prepared()
    content = queries.attachment_of(ministry).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    terms = {each["terms"] for each in rows}
    assert {each["organisation"] for each in rows} == {"Ministère"} and {each["why"] for each in rows} == {"Nouveau"}
    with translation.override("fr"):
        assert terms == {Feed.objects.get().terms_shown}


@pytest.mark.django_db
def test_who_was_told_before_is_read_from_the_ledgers(told: Store) -> None:
    contact("bank", "ciso@bank.example")
    Policy.objects.update(second_after_days=3, digest=True)
    bank, _ministry = prepared()
    send(bank)
    (second,) = (each for each in prepared(AT + 3 * DAY) if each.step)
    assert queries.letter_of(bank).told_before == (), "what is new has no story"
    assert [(each.on, each.whom, each.name) for each in queries.letter_of(second).told_before] == [
        (AT.date(), Whom.SECURITY, "soc@bank.example")
    ]
    send(second, AT + 3 * DAY)
    Told.objects.filter(finding=bank.lines.get().finding).update(reacted_at=AT + 4 * DAY)
    (weekly,) = (each for each in prepared(AT + 8 * DAY) if each.constituent_id == bank.constituent_id)
    assert (weekly.digest, weekly.to) == (1, "soc@bank.example")
    assert "no report of it since we told of it last; the latest one is of 2026-11-19." in " ".join(
        queries.text(queries.letter_of(weekly)).split()
    )
    assert "Told of these besides you:\n  2026-11-22  Second contact: ciso@bank.example" in queries.text(
        queries.letter_of(weekly)
    )


@pytest.mark.django_db
def test_a_regulator_is_addressed_itself_and_reads_of_the_networks_of_another(told: Store) -> None:
    Policy.objects.update(regulator=Constituent.objects.get(public_id="bank"), regulator_after_days=2)
    directory.change_constituent(Constituent.objects.get(public_id="bank"), names={"fr": "Banque"}, **BY_AT)
    Contact.objects.filter(email="soc@bank.example").update(language="fr")
    for each in prepared():
        send(each)
    (planned,) = (each for each in queries.plan_now(AT + 2 * DAY).notices if each.step)
    (regulator,) = (each for each in prepared(AT + 2 * DAY) if each.step)
    for letter in (queries.letter_of_plan(planned, is_exercise=False), queries.letter_of(regulator)):
        assert (letter.to, letter.reader) == ("soc@bank.example", "Banque"), "as its reader calls itself"
        said = " ".join(queries.text(dataclasses.replace(letter, language="en")).split())
        assert "to Banque We have told moh of 14" in said
        assert "incidents on the networks of moh." in said
        assert "your networks" not in said and "not yours" not in said
    assert queries.letter_of(Notice.objects.get(to="soc@bank.example", step=0)).reader == ""
