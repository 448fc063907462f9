"""What members see on their pages and do there, and that a stranger sees nothing of it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, main_of, signed_in, text
from tests.feeds.reports import write
from tests.notices.conftest import prepared, send
from tests.portal.conftest import BY_AT, belongs, finding_of
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory.actions import end_membership
from tocsin.directory.models import Membership
from tocsin.feeds.actions.answers import answer_findings, judge_answer
from tocsin.feeds.actions.findings import add_note
from tocsin.feeds.models import Answer, Feed
from tocsin.notices.models import Notice
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db


def test_the_first_page_says_what_is_open_and_what_to_do_next(browser: Client) -> None:
    page = browser.get("/my/")
    said = text(page)
    assert "14 findings are open on your networks" in said and "What to do next" in said
    assert "/my/findings/?type=scan_rdp" in links(page)


def test_the_first_page_says_what_became_of_what_was_said(browser: Client, week: Store, tmp_path: Path) -> None:
    answer_findings([finding_of(host) for host in (1, 2, 3)], kind="fixed", **BY_AT)
    assert "Waits for the next reports 3" in text(browser.get("/my/"))
    week.run(write(tmp_path, 4, [1, 5, 70, 200]), accept_drop=True)
    page = browser.get("/my/")
    assert "1 finding that you said was fixed was seen again" in text(page)
    assert "Confirmed by the reports 2" in text(page)
    confirmed = next(link for link in links(page) if "answer=confirmed" in link)
    assert "2 findings of yours" in text(browser.get(confirmed))
    assert "1 open finding of yours" in text(browser.get("/my/findings/?answer=contradicted"))


def test_when_everything_is_answered_nothing_is_to_be_done(browser: Client, week: Store, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1, 70, 200]), accept_drop=True)
    answer_findings([finding_of(1)], kind="fixed", by=COMMAND_LINE, at=AT + dt.timedelta(days=1))
    said = text(browser.get("/my/"))
    assert "1 finding is open" in said and "You have answered all of them." in said
    week.run(write(tmp_path, 5, [70, 200]), accept_drop=True)
    assert "Nothing that this account may see is open on your networks" in text(browser.get("/my/"))


def test_who_belongs_to_nothing_is_told_whom_to_ask(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.contact)
    assert "Ask the team to add you to yours" in text(browser.get("/my/"))
    assert "0 open findings of yours" in text(browser.get("/my/findings/"))


def test_the_list_and_one_finding(browser: Client) -> None:
    page = browser.get("/my/findings/")
    assert "14 open findings of yours" in text(page)
    address = f"/my/findings/{finding_of(1)}/"
    assert address in links(page)
    said = text(browser.get(address))
    for expected in ("How to mend it", "192.0.2.1:3389", "What is wrong", "Seen for the first time", "19 Nov 2026"):
        assert expected in said, expected


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("state=gone", 4),
        ("state=open&state=gone", 18),
        ("state=returned", 1),
        ("q=192.0.2.1", 1),
        ("q=192.0.2.70", 0),
        ("type=scan_rdp", 14),
        ("answer=none", 14),
        ("answer=waits", 0),
        ("whose=moh", 14),
        ("q=192.0.2.20/30", 4),
    ],
)
def test_the_list_is_narrowed(browser: Client, query: str, number: int) -> None:
    assert main_of(browser.get(f"/my/findings/?{query}")).count('name="finding"') == number


def test_what_is_not_understood_is_said(browser: Client) -> None:
    assert "were not understood" in text(browser.get("/my/findings/?whose=bank&state=purple"))
    assert browser.get("/my/findings/export.csv?whose=bank").status_code == 400


def test_a_stranger_sees_nothing_of_it(browser: Client, stranger: Client, told: Store) -> None:
    for each in prepared():
        send(each)
    ours = Notice.objects.get(constituent__public_id="moh").reference
    for path in (f"/my/findings/{finding_of(1)}/", f"/my/notices/{ours}/"):
        assert (browser.get(path).status_code, stranger.get(path).status_code) == (200, 404)
    of_nobody = f"/my/findings/{finding_of(200)}/"
    for each in (browser, stranger):
        assert (each.get(of_nobody).status_code, each.post(of_nobody, {"kind": "fixed"}).status_code) == (404, 404)
    for path in ("/my/", "/my/findings/?state=open&state=gone", "/my/notices/", "/my/findings/export.json"):
        answer: Any = stranger.get(path)
        page = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()
        assert finding_of(1) not in page and "192.0.2.1:" not in page and ours not in page and "moh" not in page
    refused = stranger.post("/my/findings/answer/", {"finding": finding_of(1), "kind": "fixed"})
    assert refused.status_code == 422 and not Answer.objects.exists()
    assert stranger.post(f"/my/findings/{finding_of(1)}/", {"kind": "fixed"}).status_code == 404


@pytest.mark.parametrize("path", ["findings/0/", "findings/a%00b/", "notices/a%00b/", "findings/export.xlsx"])
def test_what_is_not_there_is_not_found(browser: Client, path: str) -> None:
    assert browser.get(f"/my/{path}").status_code == 404


def test_who_does_not_belong_any_more_sees_nothing(browser: Client, member: Person) -> None:
    end_membership(Membership.objects.get(person=member), **BY_AT)
    assert "You belong to no organisation yet" in text(browser.get("/my/"))
    assert browser.get(f"/my/findings/{finding_of(1)}/").status_code == 404


def test_what_a_member_is_not_cleared_for_is_not_there(browser: Client) -> None:
    Feed.objects.update(tlp="RED")
    assert "Nothing that this account may see is open on your networks" in text(browser.get("/my/"))
    assert "Nothing that this account may see is open." in text(browser.get("/my/findings/"))
    assert browser.get(f"/my/findings/{finding_of(1)}/").status_code == 404
    assert main_of(browser.get("/my/findings/")).count('name="finding"') == 0


def test_what_the_team_writes_among_itself_stays_there(browser: Client, cast: Cast) -> None:
    add_note(finding_of(1), text="They never answer.", by=cast.analyst, at=AT)
    assert "never answer" not in text(browser.get(f"/my/findings/{finding_of(1)}/"))


def test_what_another_said_who_held_it_before_is_not_shown(browser: Client, member: Person) -> None:
    Answer.objects.create(
        finding=finding_of(1), constituent="bank", kind="fixed", text="Ours.", author_key="x", author_label="x", at=AT
    )
    assert "Ours." not in text(browser.get(f"/my/findings/{finding_of(1)}/"))


def test_a_finding_is_answered_and_the_answer_stands_there(browser: Client) -> None:
    address = f"/my/findings/{finding_of(1)}/"
    refused = browser.post(address, {"kind": "accepted", "text": "", "until": "2029-01-01"})
    assert refused.status_code == 422 and "Say why" in text(refused) and "A year is the longest" in text(refused)
    assert "2029-01-01" in main_of(refused), "nothing that was typed is lost"
    page = browser.post(address, {"kind": "fixed", "text": "<i>Closed</i> it."}, follow=True)
    said = text(page)
    assert "Thank you." in said and "<i>Closed</i> it." in said and "Carla Contact" in said
    assert "It is fixed . Waits for the next reports" in said.replace("fixed.", "fixed .")
    assert 'value="taken-back"' in main_of(page)
    assert "Taken back." in text(browser.post(address, {"kind": "taken-back"}, follow=True))


def test_no_answer_at_all_is_said(browser: Client) -> None:
    assert "Say what you answer." in text(browser.post(f"/my/findings/{finding_of(1)}/", {}))


def test_what_the_team_says_to_an_answer_is_read_beside_it(browser: Client) -> None:
    answer_findings([finding_of(1)], kind="not-ours", **BY_AT)
    assert "The team looks at it" in text(browser.get(f"/my/findings/{finding_of(1)}/"))
    judge_answer(Answer.objects.get(), verdict="refused", text="Your provider names you.", **BY_AT)
    assert "Your provider names you." in text(browser.get(f"/my/findings/{finding_of(1)}/"))
    assert "The team does not agree to 1 answer of yours" in text(browser.get("/my/"))


def test_several_are_answered_at_once(browser: Client) -> None:
    chosen = [finding_of(host) for host in (1, 2, 3)]
    refused = browser.post("/my/findings/answer/", {"finding": chosen, "kind": "false-positive"})
    assert refused.status_code == 422 and main_of(refused).count(" checked") == 4, "three rows and the answer"
    page = browser.post("/my/findings/answer/", {"finding": chosen, "kind": "fixed", "query": "type=scan_rdp"})
    assert page["Location"] == "/my/findings/?type=scan_rdp"
    assert "Your answer stands at 3 findings." in text(browser.get("/my/findings/"))
    assert Answer.objects.count() == 3
    assert "No finding was chosen" in text(browser.post("/my/findings/answer/", {"kind": "fixed"}))


def test_one_who_belongs_to_two_answers_for_both(browser: Client, member: Person) -> None:
    belongs(member, "bank")
    assert "15 open findings" in text(browser.get("/my/findings/")) and "Whose" in text(browser.get("/my/findings/"))
    browser.post("/my/findings/answer/", {"finding": [finding_of(1), finding_of(70)], "kind": "fixed"})
    assert sorted(Answer.objects.values_list("constituent", flat=True)) == ["bank", "moh"]


def test_the_list_is_taken_along_as_files(browser: Client) -> None:
    answer: Any = browser.get("/my/findings/export.csv?state=gone")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert len(rows) == 4 and {row["constituent"] for row in rows} == {"moh"} and rows[0]["tlp"] == "TLP:AMBER"
    assert answer["X-TLP"] == "TLP:AMBER" and "TLP-AMBER.csv" in answer["Content-Disposition"]
    answer = browser.get("/my/findings/export.json")
    found = json.loads(b"".join(answer.streaming_content))
    assert found["count"] == 14 == len(found["findings"]) and "Shadowserver" in str(found["terms"])


def test_a_notice_is_read_as_it_was_sent_once(browser: Client, told: Store) -> None:
    assert "No notice yet" in text(browser.get("/my/notices/"))
    _bank, ministry = prepared()
    send(ministry)
    page = browser.get("/my/notices/")
    assert f"/my/notices/{ministry.reference}/" in links(page)
    said = text(browser.get(f"/my/notices/{ministry.reference}/"))
    assert ministry.reference in said and "192.0.2.1:3389" in said and "written anew" not in said
    browser.get(f"/my/notices/{ministry.reference}/")
    ministry.refresh_from_db()
    assert ministry.state == "read" and ministry.ledger.filter(what="read").count() == 1
    assert [each.actor_label for each in ministry.ledger.filter(what="read")] == ["Carla Contact <carla@cirt.example>"]


def test_a_notice_bears_the_day_on_which_it_left(browser: Client, told: Store) -> None:
    _bank, ministry = prepared()
    left = AT + dt.timedelta(days=3)
    send(ministry, left)
    for path in ("/my/", "/my/notices/", f"/my/notices/{ministry.reference}/"):
        page = browser.get(path).content.decode()
        assert f'datetime="{left.isoformat()}"' in page and f'datetime="{AT.isoformat()}"' not in page, path


def test_a_notice_that_was_encrypted_is_written_anew(browser: Client, told: Store) -> None:
    from tocsin.courier.models import OutgoingMessage

    _bank, ministry = prepared()
    send(ministry)
    OutgoingMessage.objects.update(protection="both")
    assert "It was sent encrypted" in text(browser.get(f"/my/notices/{ministry.reference}/"))


def test_a_notice_that_has_not_left_is_not_there(browser: Client, told: Store) -> None:
    _bank, ministry = prepared()
    assert browser.get(f"/my/notices/{ministry.reference}/").status_code == 404


def test_what_others_wrote_is_text_on_the_page(browser: Client) -> None:
    answer_findings([finding_of(1)], kind="not-ours", text="<img src=x onerror=alert(1)>", **BY_AT)
    judge_answer(Answer.objects.get(), verdict="refused", text="<script>alert(1)</script>", **BY_AT)
    page = browser.get(f"/my/findings/{finding_of(1)}/").content.decode()
    assert "<img src=x" not in page and "<script>" not in page


def test_pages_need_no_script_and_few_questions(browser: Client, django_assert_max_num_queries: Any) -> None:
    for path in ("/my/", "/my/findings/", f"/my/findings/{finding_of(1)}/", "/my/notices/"):
        assert b"<script" not in browser.get(path).content
        with django_assert_max_num_queries(15):
            browser.get(path)


def test_members_begin_at_their_pages_and_see_those_alone(browser: Client) -> None:
    page = browser.get("/my/").content.decode()
    assert 'href="/my/" aria-current="page"' in page and 'href="/my/findings/"' in page
    assert 'href="/findings/"' not in page and 'class="brand" href="/my/"' in page
    assert "/my/" in links(browser.get("/account/"))
    assert browser.get("/findings/").status_code == 403
