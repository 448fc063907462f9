"""The letter that tells a member what came of what was asked for."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.directory.asking import ask, claim_wish
from tests.directory.conftest import AT, BY
from tests.directory.test_members import member
from tests.directory.test_openpgp import EXPIRED, KEY
from tocsin.audit.models import AuditRow
from tocsin.courier import page_addresses
from tocsin.courier.models import OutgoingMessage
from tocsin.directory import actions, queries
from tocsin.directory.choices import ChangeState
from tocsin.directory.models import ChangeRequest, Constituent
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db
LATER = AT + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _sender(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"home": tmp_path, "mail_from": "cirt@cirt.example", "team_name": "CIRT Meridia"}
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, **facts)
    monkeypatch.setattr(page_addresses, "_base", [lambda: "https://cirt.example"])


@pytest.fixture
def request_(cast: Cast, ministry: Constituent) -> ChangeRequest:
    """A network that a member asks for."""
    member(ministry, cast.contact)
    return ask(claim_wish(ministry, "192.0.2.0/24"), cast.contact)


def mails() -> list[EmailMessage]:
    rows = OutgoingMessage.objects.order_by("pk")
    return [email.message_from_bytes(bytes(row.content), policy=default) for row in rows]  # type: ignore[misc]


def said(message: EmailMessage) -> str:
    return " ".join(str(message.get_content()).split())


def test_who_asked_is_told_what_was_refused_and_why(cast: Cast, request_: ChangeRequest) -> None:
    event = actions.refuse_change(request_, answer="The registry names\nsomebody else.", by=cast.analyst, at=LATER)
    (mail,) = mails()
    assert mail["To"] == cast.contact.email
    assert mail["Subject"] == "[TLP:AMBER] Not done: what you asked for Ministry of Health"
    assert "You asked: Enter the claim of 192.0.2.0/24. It is not done. We say to it: The registry names" in said(mail)
    assert "https://cirt.example/my/entry/moh/" in said(mail)
    assert event.message == OutgoingMessage.objects.get().key
    assert AuditRow.objects.latest("sequence").data["message"] == event.message


def test_who_asked_is_told_what_was_done_in_their_language(cast: Cast, request_: ChangeRequest) -> None:
    Person.objects.filter(pk=cast.contact.pk).update(language="fr")
    actions.approve_change(ChangeRequest.objects.get(), by=cast.analyst, at=LATER)
    (mail,) = mails()
    assert mail["Content-Language"] == "fr"
    assert OutgoingMessage.objects.get().reference_room == "directory"


def test_who_asked_is_told_what_was_overtaken(cast: Cast, request_: ChangeRequest, ministry: Constituent) -> None:
    actions.add_claim(ministry, kind=request_.facts["kind"], value="192.0.2.0/24", by=BY, at=LATER)
    actions.outdate_change(request_, by=BY, at=LATER)
    assert "has changed meanwhile, so it is not done" in said(mails()[0])


def test_who_took_it_back_or_had_it_at_once_is_told_nothing(cast: Cast, request_: ChangeRequest) -> None:
    actions.take_back_change(request_, by=cast.contact, at=LATER)
    assert mails() == []


def test_a_decision_stands_where_no_mail_can_be_sent(cast: Cast, request_: ChangeRequest, settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, mail_from="")
    assert actions.approve_change(request_, by=cast.analyst, at=LATER).message == ""
    request_.refresh_from_db()
    assert request_.state == ChangeState.APPROVED and mails() == []


def test_who_is_no_member_any_more_is_told_nothing(cast: Cast, request_: ChangeRequest, ministry: Constituent) -> None:
    actions.end_membership(queries.members_of(ministry).get(), by=BY, at=LATER)
    assert actions.refuse_change(request_, answer="No.", by=cast.analyst, at=LATER).message == ""
    assert mails() == []


def test_it_is_encrypted_where_the_key_of_that_address_is_known(
    cast: Cast, request_: ChangeRequest, ministry: Constituent
) -> None:
    actions.add_contact(ministry, email=cast.contact.email.upper(), openpgp_key=KEY, by=BY, at=AT)
    assert actions.refuse_change(request_, answer="No.", by=cast.analyst, at=LATER).message != ""
    assert OutgoingMessage.objects.get().protection == "encrypted"


def test_what_cannot_be_encrypted_any_more_is_not_sent_in_clear(
    cast: Cast, request_: ChangeRequest, ministry: Constituent
) -> None:
    actions.add_contact(ministry, email=cast.contact.email.upper(), openpgp_key=KEY, by=BY, at=AT)
    ministry.contacts.update(openpgp_key=EXPIRED)
    assert actions.refuse_change(request_, answer="No.", by=cast.analyst, at=LATER).message == ""
    assert mails() == []


def test_a_hostile_name_does_not_steer_the_letter(cast: Cast, request_: ChangeRequest, ministry: Constituent) -> None:
    Constituent.objects.update(name="Bank\nBcc: x@evil.example" + "x" * 150)
    assert actions.refuse_change(request_, answer="No.", by=cast.analyst, at=LATER).message == ""
    request_.refresh_from_db()
    assert request_.state == ChangeState.REFUSED and mails() == []
