"""What an answer does to notices: nobody is told while it stands, and whoever gave one that does not is told again."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day, write
from tests.notices.conftest import BY_AT, DAY, came, contact, policy, prepared, send, suppression
from tests.portal.conftest import belongs, finding_of
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory.models import Constituent
from tocsin.feeds.actions.answers import answer_findings, judge_answer
from tocsin.feeds.models import Answer
from tocsin.notices import following, queries
from tocsin.notices.actions import record_outcome
from tocsin.notices.choices import NoticeState, Waits, Why
from tocsin.notices.models import Notice, Policy, Told
from tocsin.notices.queries import Letter

pytestmark = pytest.mark.django_db
LATER = AT + dt.timedelta(hours=1)


def say(*hosts: int, kind: str = "fixed", at: dt.datetime = LATER, **facts: Any) -> None:
    """Answer to findings."""
    answer_findings([finding_of(host) for host in hosts], kind=kind, by=COMMAND_LINE, at=at, **facts)


def told_why(host: int, at: dt.datetime) -> Why | None:
    """Return why a finding would be told now; None when it would not."""
    lines = [line for notice in queries.plan_now(at).notices for line in notice.lines]
    return next((line.why for line in lines if line.finding == finding_of(host)), None)


@pytest.fixture
def sent(told: Store) -> Notice:
    """The ministry's notice, sent this morning."""
    bank, ministry = prepared()
    for each in (bank, ministry):
        send(each)
    return Notice.objects.get(pk=ministry.pk)


def test_nobody_is_told_of_what_was_answered_while_the_answer_stands(told: Store) -> None:
    say(1, 2)
    say(3, kind="accepted", text="Old.", until=AT.date() + 9 * DAY)
    say(5, kind="false-positive", text="A honeypot.")
    plan = queries.plan_now(LATER)
    held = plan.held[Waits.ANSWERED]["moh"]
    assert set(held) == {finding_of(host) for host in (1, 2, 3, 5)}
    assert told_why(3, AT + 10 * DAY) is Why.NEW


@pytest.mark.parametrize("zone", ["Indian/Mauritius", "Pacific/Pago_Pago"])
def test_until_a_day_ends_with_the_day_of_utc_wherever_the_team_is(told: Store, settings: Any, zone: str) -> None:
    """Answers by the team's midnight and what is kept quiet by that of UTC were two calendars for one word."""
    settings.TIME_ZONE = zone
    say(1, kind="accepted", text="Old.", until=AT.date())
    suppression(constituent=Constituent.objects.get(public_id="bank"))
    last = dt.datetime.combine(AT.date(), dt.time(23, 30), dt.UTC)
    assert told_why(1, last) is None and told_why(1, last + dt.timedelta(hours=1)) is Why.NEW
    assert {each.constituent for each in queries.plan_now(last).notices} == {"moh"}
    assert {each.constituent for each in queries.plan_now(last + dt.timedelta(hours=1)).notices} == {"bank", "moh"}


def test_an_answer_acts_on_the_notice_and_ends_its_steps(sent: Notice, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        say(1)
    sent.refresh_from_db()
    assert sent.state == NoticeState.ACTED
    entry = sent.ledger.last()
    assert entry is not None and (entry.what, entry.actor_label) == ("acted", "command line")
    assert Told.objects.get(finding=finding_of(1)).reacted_at == following_at(entry)
    assert Notice.objects.get(constituent__public_id="bank").state == NoticeState.SENT


def following_at(entry: Any) -> dt.datetime:
    """Return when a ledger's entry was written."""
    at: dt.datetime = entry.at
    return at


def test_an_answer_that_no_listener_heard_of_is_followed_by_the_job(sent: Notice) -> None:
    say(1)
    assert Notice.objects.get(pk=sent.pk).state == NoticeState.SENT
    assert following.settle(at=LATER) == 1 and following.settle(at=LATER) == 0
    assert Notice.objects.get(pk=sent.pk).state == NoticeState.ACTED


def test_an_answer_from_before_the_notice_acts_on_nothing(told: Store) -> None:
    say(1, at=AT - DAY)
    _bank, ministry = prepared()
    send(ministry)
    assert following.settle(at=LATER) == 0
    say(2, kind="taken-back")
    assert following.settle(at=LATER) == 0, "what is taken back is no reaction"


def test_fixed_that_was_seen_again_is_told_again_once(sent: Notice, told: Store, tmp_path: Path) -> None:
    say(1, 2)
    told.run(write(tmp_path, 4, [1, 3, 5, *range(20, 30), 70, 200]))
    assert told_why(2, AT + 2 * DAY) is None, "gone"
    assert told_why(1, AT + 2 * DAY) is Why.ESCALATED
    (again,) = prepared(AT + 2 * DAY)
    assert again.lines.get().finding == finding_of(1)
    said = in_english(queries.letter_of(again))
    assert "1 is still open after our last notice. 1 was said to be fixed (2026-11-19), and was seen again" in said
    assert "since (last on 2026-11-20)." in said and "besides you" not in said
    assert row_of(again, 1)["answered"] == "2026-11-19 Corrigé; 2026-11-20 Revu depuis"
    send(again, AT + 2 * DAY)
    assert told_why(1, AT + 4 * DAY) is None
    row = Told.objects.get(finding=finding_of(1))
    assert (row.first_at, row.reacted_at, row.opened) == (AT + 2 * DAY, None, "escalated"), "days are counted anew"


def test_what_had_come_back_and_is_opened_after_the_answer_says_nothing_against_it(
    sent: Notice, told: Store, tmp_path: Path
) -> None:
    record_outcome(sent, what=NoticeState.BOUNCED, **{**BY_AT, "at": AT})
    say(1)
    record_outcome(sent, what=NoticeState.READ, **{**BY_AT, "at": AT + dt.timedelta(hours=2)})
    told.run(write(tmp_path, 4, [1, 3, 5, *range(20, 30), 70, 200]))
    assert told_why(1, AT + 2 * DAY) is Why.ESCALATED
    (again,) = prepared(AT + 2 * DAY)
    send(again, AT + 2 * DAY)
    assert told_why(1, AT + 4 * DAY) is None


def test_what_came_back_undelivered_is_told_once_more_as_what_it_is(sent: Notice, told: Store, tmp_path: Path) -> None:
    """Against the answer that holds no more, and as having come back: not as new, though nobody has read it."""
    say(1)
    told.run(write(tmp_path, 4, [3, 5, *range(20, 30), 70, 200]))
    told.run(write(tmp_path, 5, [1, 2, 3, 5, *range(20, 30), 70, 200]))
    for at in (AT + 3 * DAY, AT + 4 * DAY):
        assert (told_why(1, at), told_why(2, at)) == (Why.RETURNED, Why.RETURNED)
        (again,) = prepared(at)
        said = in_english(queries.letter_of(again))
        assert "2 had gone and came back. 1 was said to be fixed (2026-11-19)" in said and "is new" not in said
        assert "We had told of 2 of them before they went (last on 2026-11-19)." in said
        send(again, at)
        record_outcome(again, what=NoticeState.BOUNCED, by=COMMAND_LINE, at=at)


def test_who_has_not_been_told_again_is_told_next_by_the_steps(sent: Notice, told: Store, tmp_path: Path) -> None:
    Policy.objects.update(is_active=False)
    policy(interval_hours=1, second_after_days=3)
    contact("moh", "it@moh.example", role="technical")
    say(1)
    following.settle(at=LATER)
    told.run(write(tmp_path, 4, [*range(1, 4), 5, *range(20, 30), 70, 200]))
    send(prepared(AT + 2 * DAY)[0], AT + 2 * DAY)
    steps = [notice for notice in queries.plan_now(AT + 5 * DAY).notices if notice.constituent == "moh"]
    assert [(notice.step, [line.finding for line in notice.lines]) for notice in steps] == [(1, [finding_of(1)])]
    (step,) = prepared(AT + 5 * DAY)
    said = in_english(queries.letter_of(step, AT + 5 * DAY))
    assert "We have told others at moh of 1 weakness or intrusion on your networks, and it is still open." in said
    assert "1 was said to be fixed (2026-11-19), and was seen again since (last on 2026-11-20)." in said
    assert (
        "reacted" not in said and "a reaction" not in said and "Told so far: 2026-11-21 Security contact: soc@" in said
    )
    send(step, AT + 5 * DAY)
    say(1, at=AT + 6 * DAY)
    told.run(write(tmp_path, 10, [1]), accept_drop=True)
    (again,) = prepared(AT + 8 * DAY)
    assert "Told of these besides you: 2026-11-24 Second contact: it@moh.example" in in_english(
        queries.letter_of(again, AT + 8 * DAY)
    )
    send(again, AT + 8 * DAY)
    (step,) = (each for each in prepared(AT + 11 * DAY) if each.step)
    said = in_english(queries.letter_of(step))
    assert "We have told you of it before (last on 2026-11-24); it was told anew since." in said


def test_fixed_and_seen_again_while_its_weekly_list_waits_is_told_against_the_answer(
    sent: Notice, told: Store, tmp_path: Path
) -> None:
    """The list of the eighth day waits; what it says of the finding is looked at anew when it leaves."""
    Policy.objects.update(digest=True, second_after_days=3, interval_hours=1)
    contact("moh", "it@moh.example", role="technical")
    Told.objects.update(step=1, stepped_at=AT)
    (listed,) = (each for each in prepared(AT + 8 * DAY) if each.constituent.public_id == "moh" and each.digest)
    say(1, at=AT + 8 * DAY)
    following.settle(at=AT + 8 * DAY)
    told.run(write(tmp_path, 12, [1, 2, 3, 5, *range(20, 30), 70, 200]))
    leaves_at = AT + 10 * DAY
    said = in_english(queries.letter_of(listed, leaves_at))
    assert "1 is still open after our last notice. 13 were told before and are still open (weekly list)." in said
    send(listed, leaves_at)
    listed.refresh_from_db()
    assert (listed.escalated, listed.digest) == (1, 13)
    assert listed.lines.get(why=Why.ESCALATED).finding == finding_of(1)
    row = Told.objects.get(finding=finding_of(1))
    assert (row.first_at, row.step, row.reacted_at) == (leaves_at, 0, None), "its steps begin anew"
    steps = [each for each in queries.plan_now(AT + 13 * DAY).notices if each.constituent == "moh" and each.step]
    assert [(each.step, [line.finding for line in each.lines]) for each in steps] == [(1, [finding_of(1)])]


def in_english(letter: Letter) -> str:
    """Return the text of a letter on one line."""
    return " ".join(queries.text(dataclasses.replace(letter, language="en")).split())


def row_of(notice: Notice, host: int) -> dict[str, str]:
    """Return what the attachment says of a finding."""
    rows = csv.DictReader(io.StringIO(queries.attachment_of(notice).decode("utf-8-sig")))
    return next(row for row in rows if row["id"] == finding_of(host))


def test_what_the_team_does_not_agree_to_is_told_again(sent: Notice) -> None:
    say(1, kind="not-ours")
    assert told_why(1, LATER + DAY) is None
    answer = Answer.objects.get()
    judge_answer(answer, verdict="refused", text="It is.", by=COMMAND_LINE, at=LATER)
    assert told_why(1, LATER + 2 * DAY) is Why.ESCALATED


def test_what_was_taken_back_is_as_if_nothing_was_said(sent: Notice) -> None:
    say(1)
    say(1, kind="taken-back", at=LATER + dt.timedelta(minutes=1))
    plan = queries.plan_now(LATER + 2 * DAY)
    assert finding_of(1) in plan.held[Waits.TOLD]["moh"] and Waits.ANSWERED not in plan.held


def test_the_mail_leads_members_to_their_pages_and_nobody_else(told: Store, cast: Any) -> None:
    bank, _ministry = prepared()
    assert "/my/notices/" not in queries.text(queries.letter_of(bank))
    belongs(cast.stranger, "bank")
    letter = queries.letter_of(bank)
    assert f"/my/notices/{bank.reference}/" in queries.text(letter) and "many at once" in queries.text(letter)
    bank.whom = "parent"
    assert "/my/" not in queries.text(queries.letter_of(bank))


def test_own_notices_are_those_that_went_to_the_constituent_itself(sent: Notice, cast: Any) -> None:
    member = belongs(cast.contact, "moh")
    assert list(queries.own_notices(member)) == [sent]
    assert not queries.own_notices(cast.stranger) and not queries.own_notices(None)
    assert not queries.own_notices(cast.administrator), "what one sees by the role is not one's own"
    for change in ({"whom": "regulator"}, {"whom": "security", "tlp": "RED"}, {"tlp": "AMBER", "state": "queued"}):
        Notice.objects.filter(pk=sent.pk).update(**change)
        assert not queries.own_notices(member), change


def test_who_opens_a_notice_has_read_it_once(sent: Notice) -> None:
    assert queries.is_unread(sent)
    record_outcome(sent, what=NoticeState.READ, by=COMMAND_LINE, at=LATER)
    assert not queries.is_unread(sent)


def weekly_list(at: dt.datetime) -> str:
    """Return the text of the ministry's weekly list, in English."""
    (listed,) = (each for each in prepared(at) if each.constituent.public_id == "moh" and each.digest)
    return in_english(queries.letter_of(listed, at))


def test_a_report_of_the_day_before_that_came_after_the_telling_is_one_that_came(told: Store, tmp_path: Path) -> None:
    Policy.objects.update(digest=True)
    told.run(write(tmp_path / "kept", 4, [9, 10], kind="scan_telnet", port="23"))
    came(AT + DAY, on=day(4))
    for each in prepared(AT + 2 * DAY):
        send(each, AT + 2 * DAY)
    nothing_came = weekly_list(AT + 9 * DAY)
    assert "Of 16 of them we have had no report since we told of them last. " in nothing_came, "of two days"
    Notice.objects.filter(digest__gt=0).delete()
    told.run(write(tmp_path / "late", 4, [*range(1, 4), 5, *range(20, 30), 70, 200]))
    came(AT + 2 * DAY + dt.timedelta(hours=3), on=day(4), type__name="scan_rdp")
    said = weekly_list(AT + 9 * DAY)
    assert "Of 2 of them we have had no report since we told of them last; the latest one is of 2026-11-20." in said


def test_what_was_told_on_the_day_of_its_last_report_has_had_none_since(sent: Notice, told: Store) -> None:
    Policy.objects.update(digest=True)
    said = weekly_list(AT + 8 * DAY)
    assert "Of 14 of them we have had no report since we told of them last; the latest one is of 2026-11-19." in said
