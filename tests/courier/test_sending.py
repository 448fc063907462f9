"""What becomes of what waits: sent worst first, put off, refused, given up, stopped; each outcome told and written."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.courier.conftest import AT, Clock, Put, state
from tests.courier.mail_server import MailServer, free_port
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.listening import listens_to, stop_listening
from tocsin.audit.models import AuditRow
from tocsin.courier import actions, claiming, jobs, queries, rules, sending, tokens
from tocsin.courier.choices import Channel, State
from tocsin.courier.events import MessageGivenUp, MessageRefused, MessageSent
from tocsin.courier.mailer import Delivery, Outcome
from tocsin.courier.models import OutgoingMessage
from tocsin.courier.outbox import SEND_JOB
from tocsin.jobs import worker
from tocsin.jobs.models import Job
from tocsin.kernel.events import Event
from tocsin.kernel.refusals import Conflict, InvalidInput

pytestmark = pytest.mark.django_db
Drain = Callable[..., dt.datetime | None]
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def heard() -> Iterator[list[Event]]:
    events: list[Event] = []
    kinds = (MessageSent, MessageRefused, MessageGivenUp)
    for kind in kinds:
        listens_to(kind)(events.append)
    yield events
    for kind in kinds:
        stop_listening(kind, events.append)


def codes() -> list[str]:
    return list(AuditRow.objects.values_list("code", flat=True))


def test_a_message_is_sent_written_down_and_told(
    put: Put, drain: Drain, server: MailServer, heard: list[Event], django_capture_on_commit_callbacks: Any
) -> None:
    row = put()
    with django_capture_on_commit_callbacks(execute=True):
        assert drain() is None
    (taken,) = server.taken
    assert (state(row), row.last_answer, row.finished_at) == (State.SENT, "250 2.0.0 taken", AT)
    assert taken.content == bytes(row.content)
    assert tokens.read("bounce", taken.sender.removeprefix("bounces+").partition("@")[0]) == row.key
    assert codes() == ["message.sent"]
    assert AuditRow.objects.get().actor_key == "system:outbox"
    (event,) = heard
    assert isinstance(event, MessageSent)
    assert (event.message, event.reference_room, event.reference_key) == (row.key, "test", "it@bank.example")
    assert b"They answer" not in AuditRow.objects.get().data_json.encode()


def test_the_worst_goes_first_and_then_the_oldest(put: Put, drain: Drain, server: MailServer, clock: Clock) -> None:
    for severity in (4, 1, 6, 1, 3):
        put(f"c{severity}-{clock().minute}@bank.example", severity=severity)
        clock.move(minutes=1)
    drain()
    assert [to.partition("@")[0] for to in server.recipients] == ["c1-31", "c1-33", "c3-34", "c4-30", "c6-32"]


def test_what_is_to_go_later_goes_later(put: Put, drain: Drain, server: MailServer, clock: Clock) -> None:
    put(not_before=AT + dt.timedelta(hours=2))
    assert drain() == AT + dt.timedelta(hours=2)
    assert server.taken == []
    clock.move(hours=2)
    drain()
    assert len(server.taken) == 1


def test_what_is_put_off_is_tried_again_with_growing_pauses_and_the_same_bytes(
    put: Put, drain: Drain, server: MailServer, clock: Clock
) -> None:
    server.answers["it@bank.example"] = "451 4.7.1 greylisted"
    row = put()
    pauses = []
    for _ in range(6):
        due = drain()
        assert due is not None and state(row) == State.QUEUED
        pauses.append((due - clock()) / MINUTE)
        clock.at = due
    assert pauses == [5, 15, 45, 135, 240, 240]
    assert row.last_answer == "451 4.7.1 greylisted"
    server.answers.clear()
    drain()
    assert (state(row), [taken.content for taken in server.taken]) == (State.SENT, [bytes(row.content)])


def test_what_is_put_off_for_five_days_is_given_up_and_says_so(
    put: Put,
    drain: Drain,
    server: MailServer,
    clock: Clock,
    heard: list[Event],
    django_capture_on_commit_callbacks: Any,
) -> None:
    server.answers["it@bank.example"] = "450 4.2.1 mailbox busy"
    row = put()
    with django_capture_on_commit_callbacks(execute=True):
        while (due := drain()) is not None:
            clock.at = due
    assert state(row) == State.GIVEN_UP
    assert dt.timedelta(days=5) <= row.finished_at - AT < dt.timedelta(days=5, hours=4)
    assert codes() == ["message.given_up"]
    assert isinstance(heard[0], MessageGivenUp) and heard[0].answer == "450 4.2.1 mailbox busy"
    assert queries.health(at=clock()).failed == 1


def test_what_is_refused_is_not_tried_again_and_the_others_go_on(
    put: Put, drain: Drain, server: MailServer, heard: list[Event], django_capture_on_commit_callbacks: Any
) -> None:
    server.answers["gone@bank.example"] = "550 5.1.1 no such user"
    row, other = put("gone@bank.example", severity=1), put()
    with django_capture_on_commit_callbacks(execute=True):
        assert drain() is None
    assert (state(row), state(other)) == (State.REFUSED, State.SENT)
    assert [type(event) for event in heard] == [MessageRefused, MessageSent]
    assert codes() == ["message.refused", "message.sent"]


def test_whether_the_recipient_or_the_content_was_refused_stands_with_the_message(
    put: Put, drain: Drain, server: MailServer
) -> None:
    server.answers["gone@bank.example"] = "550 no"
    server.content_answers.append("550 no")
    gone, spam = put("gone@bank.example", severity=1), put()
    drain()
    of_recipients = OutgoingMessage.objects.filter(state=State.REFUSED, last_answer="550 no")
    assert {each.key: each.was_recipient_refused for each in of_recipients} == {gone.key: True, spam.key: False}


def test_a_mail_server_that_is_down_costs_no_message_a_try_and_then_the_worst_goes_first(
    put: Put, drain: Drain, server: MailServer, clock: Clock, settings: Any
) -> None:
    rows = [put(f"c{severity}@bank.example", severity=severity) for severity in (6, 2, 4)]
    there = settings.TOCSIN
    settings.TOCSIN = dataclasses.replace(there, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    looks = 0
    while clock() < AT + dt.timedelta(days=1):
        due = drain()
        assert due is not None and due > clock()
        clock.at, looks = due, looks + 1
    assert looks < 200
    health = queries.health(at=clock())
    assert "refused" in health.line.problem and health.line.failing_since == AT and not health.is_well
    assert "takes nothing" in queries.in_words(health)
    settings.TOCSIN = there
    drain()
    assert [row.attempts for row in rows if state(row) == State.SENT] == [1, 1, 1]
    assert server.recipients == ["c2@bank.example", "c4@bank.example", "c6@bank.example"]
    assert queries.line().problem == "" and queries.health(at=clock()).is_well


def test_a_message_that_breaks_the_line_lets_the_others_go_first(
    put: Put, drain: Drain, server: MailServer, clock: Clock
) -> None:
    breaks = put("breaks@bank.example", severity=1)
    others = [put(f"{number}@bank.example") for number in range(3)]
    server.content_answers.append("cut")
    drain()
    assert state(breaks) == State.QUEUED
    assert [(state(other), other.attempts) for other in others] == [(State.QUEUED, 0)] * 3
    clock.move(seconds=31)
    drain()
    assert [state(other) for other in others] == [State.SENT] * 3
    clock.move(minutes=5)
    drain()
    assert state(breaks) == State.SENT


def test_a_sender_that_is_not_taken_refuses_nobody(put: Put, drain: Drain, server: MailServer, settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, mail_domain="")
    server.sender_answers["cirt@cirt.example"] = "550 5.7.1 not for you"
    row = put()
    drain()
    assert (state(row), row.attempts) == (State.QUEUED, 0)
    assert "not for you" in queries.line().problem


def test_two_workers_never_have_the_same_message(put: Put) -> None:
    for number in range(30):
        put(f"{number}@bank.example")
    one = claiming.claim("one", Channel.MAIL, at=AT, at_most=20)
    other = claiming.claim("other", Channel.MAIL, at=AT, at_most=20)
    assert (len(one), len(other)) == (20, 10)
    assert not {row.pk for row in one} & {row.pk for row in other}


def test_what_a_dead_worker_had_is_taken_back_when_its_lease_ends(
    put: Put, drain: Drain, server: MailServer, clock: Clock
) -> None:
    row = put()
    claiming.claim("dead", Channel.MAIL, at=AT, at_most=20)
    assert drain() == AT + claiming.LEASE
    assert server.taken == []
    clock.at = AT + claiming.LEASE + MINUTE
    drain()
    assert (state(row), row.attempts, len(server.taken)) == (State.SENT, 2, 1)


def test_a_worker_that_lost_its_lease_sends_nothing_and_writes_nothing(put: Put, clock: Clock) -> None:
    put()
    (slow,) = claiming.claim("slow", Channel.MAIL, at=AT, at_most=1)
    clock.at = AT + claiming.LEASE + MINUTE
    claiming.reclaim(at=clock())
    (quick,) = claiming.claim("quick", Channel.MAIL, at=clock(), at_most=1)
    assert not claiming.is_held(slow, at=clock())
    assert claiming.is_held(quick, at=clock())
    with pytest.raises(Conflict):
        actions.record_sent(slow, answer="250", by=actions.OUTBOX, at=clock())
    assert not claiming.put_off(slow, "451", at=clock())
    assert not AuditRow.objects.exists()


def test_a_lease_is_renewed_before_it_is_too_short_for_a_message(put: Put, clock: Clock) -> None:
    put()
    (row,) = claiming.claim("worker", Channel.MAIL, at=AT, at_most=1)
    clock.at = AT + claiming.LEASE * 0.9
    assert claiming.is_held(row, at=clock())
    row.refresh_from_db()
    assert row.lease_until == clock() + claiming.LEASE


def test_an_instance_without_a_mail_server_keeps_its_mail(put: Put, drain: Drain, settings: Any, clock: Clock) -> None:
    row = put()
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, smtp_url="")
    assert drain() is None
    assert (state(row), row.attempts) == (State.QUEUED, 0)
    assert "no mail server" in queries.in_words(queries.health(at=clock()))


def test_one_switch_stops_everything_and_lets_it_go_again(
    put: Put, drain: Drain, server: MailServer, clock: Clock
) -> None:
    row = put()
    actions.stop_all(reason="The list was wrong.", by=COMMAND_LINE, at=AT)
    assert drain() is None
    assert (state(row), server.taken) == (State.QUEUED, [])
    health = queries.health(at=clock())
    assert queries.in_words(health) == "Everything is stopped; 1 message waits"
    assert (health.line.reason, health.line.changed_by) == ("The list was wrong.", "command line")
    with pytest.raises(Conflict):
        actions.stop_all(reason="again", by=COMMAND_LINE, at=AT)
    actions.start_all(by=COMMAND_LINE, at=AT)
    with pytest.raises(Conflict):
        actions.start_all(by=COMMAND_LINE, at=AT)
    drain()
    assert state(row) == State.SENT
    assert codes() == ["mail.stopped", "mail.started", "message.sent"]


def test_the_switch_stops_a_turn_between_two_messages(put: Put, clock: Clock, server: MailServer) -> None:
    rows = [put(f"{number}@bank.example") for number in range(5)]

    def stops(message: OutgoingMessage) -> Delivery:
        actions.stop_all(reason="now", by=COMMAND_LINE, at=AT)
        return Delivery(Outcome.SENT, "250 OK")

    sending._send_each(sending.Turn("worker", now=clock), Channel.MAIL, stops)
    assert [state(row) for row in rows] == [State.SENT] + [State.QUEUED] * 4
    assert [row.attempts for row in rows] == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x1bb"])
def test_stopping_says_why(reason: str) -> None:
    with pytest.raises(InvalidInput):
        actions.stop_all(reason=reason, by=COMMAND_LINE, at=AT)
    assert not queries.line().is_stopped


def test_an_instance_that_has_become_an_exercise_sends_nothing(
    put: Put, drain: Drain, settings: Any, server: MailServer
) -> None:
    row = put()
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=True)
    assert drain() is None
    assert (state(row), server.taken) == (State.QUEUED, [])


def test_what_failed_is_tried_again_or_taken_off_the_list(
    put: Put, drain: Drain, server: MailServer, clock: Clock
) -> None:
    server.answers = {"a@bank.example": "550 no", "b@bank.example": "550 no"}
    again, off = put("a@bank.example"), put("b@bank.example")
    drain()
    server.answers.clear()
    again.refresh_from_db()
    actions.retry_message(again, by=COMMAND_LINE, at=clock())
    off.refresh_from_db()
    actions.dismiss_message(off, by=COMMAND_LINE, at=clock())
    drain()
    assert (state(again), state(off)) == (State.SENT, State.DISMISSED)
    for decide in (actions.retry_message, actions.dismiss_message):
        with pytest.raises(Conflict):
            decide(again, by=COMMAND_LINE, at=clock())
    assert codes()[2:] == ["message.retried", "message.dismissed", "message.sent"]


def test_what_never_leaves_can_only_be_taken_off_the_list(put: Put) -> None:
    row = put(is_exercise=True)
    with pytest.raises(Conflict):
        actions.retry_message(row, by=COMMAND_LINE, at=AT)
    actions.dismiss_message(row, by=COMMAND_LINE, at=AT)
    assert state(row) == State.DISMISSED


def test_a_turn_ends_in_time_and_says_that_there_is_more(put: Put, drain: Drain, server: MailServer) -> None:
    put()
    assert drain(longest_s=0.0) == AT
    assert drain(should_stop=lambda: True) == AT
    assert server.taken == []


def test_the_job_sends_and_sees_to_the_next_look(put: Put, server: MailServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(worker, "_lease_kept", lambda *_given: contextlib.nullcontext())
    server.answers["it@bank.example"] = "451 later"
    row = put()
    Job.objects.create(kind=SEND_JOB, made_at=AT, run_after=AT)
    assert jobs.send.__doc__
    done = worker.do_next("worker", kind=SEND_JOB)
    assert done is not None
    done.refresh_from_db()
    assert (done.state, state(row)) == ("done", State.QUEUED)
    assert Job.objects.get(kind=SEND_JOB, state="waiting").run_after == row.next_at


@pytest.mark.parametrize(("tries", "minutes"), [(0, 5), (1, 5), (2, 15), (5, 240), (1000, 240)])
def test_pauses_grow_from_minutes_to_hours(tries: int, minutes: int) -> None:
    assert rules.pause(tries) == minutes * MINUTE


@pytest.mark.parametrize(("tries", "seconds"), [(1, 30), (2, 60), (5, 480), (6, 600), (1000, 600)])
def test_our_own_mail_server_is_asked_again_sooner(tries: int, seconds: int) -> None:
    assert rules.pause_of_line(tries).total_seconds() == seconds
