"""What is put into the outbox stands with the caller's transaction, once, and never leaves when it may not."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.courier.conftest import AT, Put, state
from tests.courier.mail_server import MailServer
from tocsin.courier import outbox, queries
from tocsin.courier.choices import Held, State
from tocsin.courier.composing import Mail
from tocsin.courier.models import OutgoingMessage
from tocsin.courier.outbox import SEND_JOB, Posting
from tocsin.jobs.models import Job
from tocsin.kernel.refusals import InvalidInput, Unavailable
from tocsin.kernel.tlp import TLP

pytestmark = pytest.mark.django_db
MAIL = Mail(to="it@bank.example", subject="Open services", text="They answer anybody.", tlp=TLP.AMBER)


def test_a_mail_is_queued_with_its_bytes_and_a_message_id_of_its_own(put: Put) -> None:
    row = put(severity=2)
    message = email.message_from_bytes(bytes(row.content))
    assert message["Message-ID"] == f"<{row.key}@back.cirt.example>"
    assert (row.state, row.recipient, row.severity, row.tlp) == (State.QUEUED, "it@bank.example", 2, "GREEN")
    assert row.subject == "[TLP:GREEN] Open services"


def test_the_same_key_makes_no_second_message(put: Put) -> None:
    first = put(key="notice:7:it@bank.example")
    assert put("other@bank.example", key="notice:7:it@bank.example").pk == first.pk
    assert OutgoingMessage.objects.count() == 1


def test_nothing_is_queued_when_the_callers_transaction_fails(put: Put) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        put()
        raise RuntimeError
    assert not OutgoingMessage.objects.exists()


def test_a_hostile_recipient_is_refused_and_the_rest_goes_out(put: Put) -> None:
    put("a@bank.example")
    for hostile in ("b@bank.example\nBcc: all@bank.example", "b@bank.example,c@bank.example", "b@bank"):
        with pytest.raises(InvalidInput):
            put(hostile)
    put("d@bank.example")
    assert list(OutgoingMessage.objects.values_list("recipient", flat=True)) == ["a@bank.example", "d@bank.example"]


def test_a_worker_is_woken_once_the_transaction_stands(
    put: Put, django_capture_on_commit_callbacks: Any, clock: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        put()
        put("second@bank.example")
        assert not Job.objects.exists()
    (job,) = Job.objects.filter(kind=SEND_JOB)
    assert job.state == "waiting"


def test_what_is_to_go_later_wakes_a_worker_later(put: Put, django_capture_on_commit_callbacks: Any) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)
    with django_capture_on_commit_callbacks(execute=True):
        assert put(not_before=later).next_at == later
    assert Job.objects.get(kind=SEND_JOB).run_after == later


@pytest.mark.parametrize(
    ("setting", "flagged", "why"),
    [("", True, Held.EXERCISE), ("exercise", False, Held.INSTANCE), ("demo", True, Held.DEMONSTRATION)],
)
def test_what_is_an_exercise_never_leaves_and_says_why(
    put: Put, settings: Any, drain: Any, server: MailServer, setting: str, flagged: bool, why: str
) -> None:
    settings.TOCSIN_IS_DEMO = setting == "demo"
    if setting == "exercise":
        settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=True)
    row = put(is_exercise=flagged)
    settings.TOCSIN_IS_DEMO = False
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=False)
    drain()
    assert (state(row), row.why_held, row.is_exercise) == (State.HELD, why, True)
    assert server.taken == []


def test_the_database_itself_lets_no_exercise_leave(put: Put) -> None:
    row = put(is_exercise=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingMessage.objects.filter(pk=row.pk).update(state=State.QUEUED)


def test_without_a_sender_nothing_is_queued_but_what_never_leaves(settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, mail_from="")
    with pytest.raises(Unavailable, match="TOCSIN_SMTP_URL"):
        outbox.put_mail(MAIL, Posting("k"), at=AT)
    assert outbox.put_mail(MAIL, Posting("k", is_exercise=True), at=AT).state == State.HELD


def test_a_room_finds_the_messages_of_its_thing(put: Put) -> None:
    row = put()
    put("other@bank.example")
    assert list(queries.messages_of("test", "it@bank.example")) == [row]
    assert queries.message_keyed(row.key) == row
    assert queries.message_keyed("nobody") is None
