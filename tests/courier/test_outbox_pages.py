"""The page Outbox: how sending goes, what failed and why, and who may do what about it."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.courier.conftest import Put, state
from tests.courier.mail_server import MailServer
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import actions, claiming, queries, views
from tocsin.courier.choices import State
from tocsin.courier.models import OutgoingMessage
from tocsin.kernel.clock import now
from tocsin.people.access import SECOND_FACTOR
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    """Return a browser in which somebody has shown both factors."""
    client = Client()
    client.force_login(person)
    session = client.session
    session[SECOND_FACTOR] = person.pk
    session.save()
    return client


def text(answer: Any) -> str:
    """Return what stands in the page's main part, without marks."""
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split()))


@pytest.fixture
def failed(put: Put, server: MailServer, drain: Callable[..., Any]) -> OutgoingMessage:
    """A message that was refused."""
    server.answers["gone@bank.example"] = "550 5.1.1 no <b>such</b> user"
    row = put("gone@bank.example", severity=2)
    drain()
    server.answers.clear()
    row.refresh_from_db()
    return row


def test_the_page_says_how_it_goes_and_what_failed_and_why(cast: Cast, failed: OutgoingMessage, put: Put) -> None:
    put("waits@bank.example")
    answer = signed_in(cast.analyst).get("/outbox/")
    shown = text(answer)
    assert answer.status_code == 200
    assert "1 message was not delivered" in shown
    assert "[TLP:GREEN] Open services" in shown and "gone@bank.example" in shown
    assert "550 5.1.1 no <b>such</b> user" in shown
    assert "<b>such" not in answer.content.decode()
    assert "Waits to be sent" in shown


def test_an_empty_outbox_says_what_will_stand_there(cast: Cast) -> None:
    shown = text(signed_in(cast.analyst).get("/outbox/"))
    assert "Nothing waits to be sent" in shown and "stands here with what became of it" in shown


def test_sent_messages_are_listed_when_they_are_asked_for(
    cast: Cast, failed: OutgoingMessage, put: Put, drain: Callable[..., Any]
) -> None:
    put("sent@bank.example")
    drain()
    client = signed_in(cast.analyst)
    assert "sent@bank.example" not in text(client.get("/outbox/"))
    shown = text(client.get("/outbox/?state=sent"))
    assert "sent@bank.example" in shown and "gone@bank.example" not in shown
    assert "not understood" in text(client.get("/outbox/?state=purple"))


def test_messages_that_never_leave_say_why(cast: Cast, put: Put) -> None:
    put(is_exercise=True)
    shown = text(signed_in(cast.analyst).get("/outbox/?state=held"))
    assert "Never leaves" in shown and "It belongs to an exercise." in shown


@pytest.mark.parametrize("wanted", ["retry", "dismiss"])
def test_an_analyst_decides_about_a_message(cast: Cast, failed: OutgoingMessage, wanted: str) -> None:
    client = signed_in(cast.analyst)
    answer = client.post(f"/outbox/{failed.key}/decide/", {"wanted": wanted})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/outbox/")
    assert state(failed) == (State.QUEUED if wanted == "retry" else State.DISMISSED)
    row = AuditRow.objects.order_by("-sequence").first()
    assert row is not None and row.actor_key == cast.analyst.audit_key
    said = "It is tried again." if wanted == "retry" else "Taken off the list."
    assert said in text(client.get("/outbox/"))


def test_a_decision_that_comes_too_late_is_answered_with_a_sentence(cast: Cast, failed: OutgoingMessage) -> None:
    actions.dismiss_message(failed, by=COMMAND_LINE, at=now())
    client = signed_in(cast.analyst)
    client.post(f"/outbox/{failed.key}/decide/", {"wanted": "retry"})
    assert "somebody else has decided" in text(client.get("/outbox/"))


@pytest.mark.parametrize("key", ["nobody", "a%00b"])
def test_a_message_that_is_none_is_not_found(cast: Cast, key: str) -> None:
    assert signed_in(cast.analyst).post(f"/outbox/{key}/decide/", {"wanted": "retry"}).status_code == 404


def test_a_head_of_team_stops_everything_and_starts_it_again(cast: Cast, put: Put) -> None:
    put()
    client = signed_in(cast.manager)
    client.post("/outbox/switch/", {"wanted": "stop", "reason": "A wrong list"})
    shown = text(client.get("/outbox/"))
    assert "Everything is stopped; 1 message waits" in shown and "by Marta Head: A wrong list" in shown
    client.post("/outbox/switch/", {"wanted": "start"})
    assert not queries.line().is_stopped
    assert list(AuditRow.objects.values_list("code", flat=True)) == ["mail.stopped", "mail.started"]


def test_stopping_without_a_reason_is_refused(cast: Cast) -> None:
    client = signed_in(cast.manager)
    client.post("/outbox/switch/", {"wanted": "stop"})
    assert "Say why" in text(client.get("/outbox/")) and not queries.line().is_stopped


def test_everybody_sees_and_does_what_the_policy_gives(cast: Cast, failed: OutgoingMessage) -> None:
    expected = {
        "administrator": (200, 302, 302), "manager": (200, 302, 302), "analyst": (200, 302, 403),
        "auditor": (200, 403, 403), "observer": (403, 403, 403), "peer": (403, 403, 403),
        "contact": (403, 403, 403), "stranger": (403, 403, 403),
    }  # fmt: skip
    for who, statuses in expected.items():
        client = signed_in(getattr(cast, who))
        answers = (
            client.get("/outbox/"),
            client.post(f"/outbox/{failed.key}/decide/", {"wanted": "retry"}),
            client.post("/outbox/switch/", {"wanted": "start"}),
        )
        assert tuple(answer.status_code for answer in answers) == statuses, who
    assert Client().get("/outbox/").status_code == 302


def test_no_button_is_shown_that_would_be_refused(cast: Cast, failed: OutgoingMessage) -> None:
    forms = {
        who: signed_in(getattr(cast, who)).get("/outbox/").content.decode().count('action="/outbox/')
        for who in ("manager", "analyst", "auditor")
    }
    assert forms == {"manager": 2, "analyst": 1, "auditor": 0}


def test_a_mail_server_that_takes_nothing_is_said_with_when_it_is_tried_again(cast: Cast, put: Put) -> None:
    put()
    claiming.note_failure_of_line("Connection refused.", at=now())
    shown = text(signed_in(cast.analyst).get("/outbox/"))
    assert "The mail server takes nothing; 1 message waits" in shown and "Connection refused." in shown


def test_an_instance_without_a_mail_server_is_told_what_to_set(cast: Cast, put: Put, settings: Any) -> None:
    put()
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, smtp_url="")
    shown = text(signed_in(cast.analyst).get("/outbox/"))
    assert "1 message waits, and no mail server is set" in shown and "TOCSIN_SMTP_URL" in shown


@pytest.mark.parametrize(("setting", "words"), [("exercise", "is an exercise"), ("demo", "is a demonstration")])
def test_an_exercise_and_a_demonstration_say_first_that_nothing_leaves(
    cast: Cast, put: Put, settings: Any, setting: str, words: str
) -> None:
    settings.TOCSIN_IS_DEMO = setting == "demo"
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=setting == "exercise", smtp_url="")
    put()
    shown = text(signed_in(cast.analyst).get("/outbox/"))
    assert words in shown and "TOCSIN_SMTP_URL" not in shown


def test_many_messages_cost_no_more_questions_and_stand_on_pages(cast: Cast, put: Put) -> None:
    client = signed_in(cast.analyst)
    put("first@bank.example")
    with CaptureQueriesContext(connection) as few:
        client.get("/outbox/")
    for number in range(views.ROWS + 5):
        put(f"{number}@bank.example")
    with CaptureQueriesContext(connection) as many:
        shown = text(client.get("/outbox/"))
    assert len(many) <= len(few) + 1
    assert "56" in shown and not any("content" in query["sql"].lower().split("from")[0] for query in many)
    assert client.get("/outbox/?page=2").status_code == 200


def test_every_state_has_its_look() -> None:
    assert set(views.LOOKS) == set(State)
