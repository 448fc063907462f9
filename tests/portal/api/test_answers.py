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
from tocsin.people.models import Person

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
        ({"kind": "accepted", "text": "Old.", "until": 0}, 422, "until: This must be a day, like 2026-03-31."),
        ({"kind": "accepted", "text": "Old.", "until": "20991231"}, 422, "until: This must be a day"),
        (b"[1]", 422, "body: This must be an object with names and values."),
        (b'"x"', 422, "body: This must be an object with names and values."),
        (b"null", 422, "body: This"),
        (b"", 422, "body: This is needed."),
        (b"{", 400, "body: is not JSON: a key in double quotes is missing at line 1, column 2."),
        (b'{"kind": "fixed", "kind": "accepted"}', 400, "body: has the key 'kind' twice."),
        ({"kind": "fixed", "text": "x" * 200_000}, 400, "body: is larger than"),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_written(speaker: Program, said: Any, status: int, words: str) -> None:
    (finding, *_others) = speaker.said(state="open")["findings"]
    given = answer(speaker, finding["id"], said)
    told = json.loads(given.content)
    assert (given.status_code, given["Content-Type"]) == (status, "application/problem+json"), told
    assert words in told["detail"] and not Answer.objects.exists()
    assert not [each for each in told["errors"] if not each["where"] or each["detail"] not in told["detail"]]


UNREADABLE = (
    (b'{"kind":', "n\u2019est pas du JSON\u00a0: il manque une valeur"),
    (b'{"kind": "fixed", "kind": "fixed"}', "kind"),
    (b'{"kind": NaN}', "NaN"),
    ('{"kind": "fixed"}'.encode("utf-16"), "UTF-16"),
    (b"kind=fixed", "n\u2019est pas du JSON"),
    (b"\xff", "UTF-8"),
)


def test_a_body_that_cannot_be_read_is_answered_in_the_readers_language(speaker: Program, cast: Cast) -> None:
    (finding, *_others) = speaker.said(state="open")["findings"]
    for language in ("fr", ""):  # by the header, then by the account
        speaker.headers["Accept-Language"] = language
        for body, words in UNREADABLE:
            told = json.loads(answer(speaker, finding["id"], body).content)
            (error,) = told["errors"]
            assert (told["status"], error["where"], told["detail"]) == (400, "body", f"body: {error['detail']}"), body
            assert words in error["detail"] and not {"is", "has", "holds"} & set(error["detail"].split()), error
        Person.objects.filter(pk=cast.contact.pk).update(language="fr")


def test_a_key_that_may_read_may_not_answer(program: Program) -> None:
    (finding, *_others) = program.said(state="open")["findings"]
    refused = answer(program, finding["id"], {"kind": "fixed"})
    assert refused.status_code == 403 and "findings:answer" in json.loads(refused.content)["detail"]
    assert not Answer.objects.exists()
