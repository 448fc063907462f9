"""Answers to own findings by program: the same as on the page, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.portal.api.asking import FINDINGS, Program, key_of, member
from tocsin.audit.models import AuditRow
from tocsin.feeds.models import Answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def speaker(week: Store, cast: Cast) -> Program:
    """A program of a member of the ministry that may answer."""
    return Program(key_of(member(cast.contact, "moh"), "findings:read", "findings:answer"))


def answer(program: Program, finding: str, said: Any) -> Any:
    body = said if isinstance(said, bytes) else json.dumps(said)
    address = f"{FINDINGS}/{finding}/answer"
    return program.client.post(address, body, content_type="application/json", headers=program.headers)


def test_an_answer_stands_and_is_on_record(speaker: Program, cast: Cast) -> None:
    (finding, *_others) = speaker.said(state="open")["findings"]
    given = answer(speaker, finding["id"], {"kind": "fixed", "text": "Closed the port."})
    assert given.status_code == 201
    assert json.loads(given.content) == {"finding": finding["id"], "kind": "fixed", "stands": "waits"}
    row = AuditRow.objects.get(code="finding.answered")
    assert row.actor_key == cast.contact.audit_key and Answer.objects.get().text == "Closed the port."


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"kind": "mended"}, 422, "kind: This must be one of: fixed, accepted, not-ours, false-positive, taken-back."),
        ({"kind": "accepted", "text": "Old.", "until": "2099-01-01"}, 422, "A year is the longest"),
        ({"kind": "accepted", "until": "soon"}, 422, "until"),
        ({"kind": "false-positive"}, 422, "Say why"),
        ({"kind": "fixed", "constituent": "bank"}, 422, "constituent: Nothing here is called that."),
        ({"kind": "fixed", "text": 7}, 422, "text: This must be text."),
        ({}, 422, "kind: This is needed."),
        (b"[]", 422, ""),
        (b"{", 400, "is not JSON"),
        (b'{"kind": "fixed", "kind": "accepted"}', 400, "kind"),
        (b"", 422, ""),
        ({"kind": "fixed", "text": "x" * 200_000}, 400, "larger than"),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_written(speaker: Program, said: Any, status: int, words: str) -> None:
    (finding, *_others) = speaker.said(state="open")["findings"]
    given = answer(speaker, finding["id"], said)
    told = json.loads(given.content)
    assert (given.status_code, given["Content-Type"]) == (status, "application/problem+json"), told
    assert words in told["detail"] and not Answer.objects.exists()


def test_a_key_that_may_read_may_not_answer(program: Program) -> None:
    (finding, *_others) = program.said(state="open")["findings"]
    refused = answer(program, finding["id"], {"kind": "fixed"})
    assert refused.status_code == 403 and "findings:answer" in json.loads(refused.content)["detail"]
    assert not Answer.objects.exists()
