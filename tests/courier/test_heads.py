"""Signed heads of the audit trail go to those who keep them, once each, and can be read from the mail."""

from __future__ import annotations

import dataclasses
import email
import email.policy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.courier.conftest import AT
from tocsin.audit import keeping
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.audit.signing import read_head
from tocsin.courier import heads
from tocsin.courier.models import OutgoingMessage
from tocsin.site import jobs

pytestmark = pytest.mark.django_db
KEEPERS = ("keeper@one.example", "keeper@two.example")


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    """An instance that mails its heads, and has a key to sign them."""
    set_home(settings, tmp_path, mail_from="cirt@cirt.example", audit_head_to=KEEPERS)
    keeping.ensure_key(tmp_path, by=COMMAND_LINE, at=AT)
    return tmp_path


def set_home(settings: Any, place: Path, **more: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=place, **more)


def test_a_head_is_mailed_when_it_is_signed_and_fits(
    home: Path, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        keeping.sign_if_due(home, at=AT)
    assert sorted(OutgoingMessage.objects.values_list("recipient", flat=True)) == list(KEEPERS)
    row = OutgoingMessage.objects.first()
    assert row is not None
    mail = email.message_from_bytes(bytes(row.content), policy=email.policy.default)
    body = mail.get_body()  # type: ignore[attr-defined]
    head = read_head(body.get_content())
    assert head.is_signed and str(head.on) in mail["Subject"] and mail["Subject"].startswith("[TLP:CLEAR]")
    assert AuditRow.objects.filter(code="audit.head_mailed").count() == 2


def test_what_a_process_did_not_live_to_mail_goes_an_hour_later_and_once(home: Path) -> None:
    keeping.sign_if_due(home, at=AT)
    assert not OutgoingMessage.objects.exists()  # it died before the listener
    jobs.keep_trail({}, running=None)  # type: ignore[arg-type]
    jobs.keep_trail({}, running=None)  # type: ignore[arg-type]
    signed = {row.reference_key for row in OutgoingMessage.objects.all()}
    assert OutgoingMessage.objects.count() == 2 * len(signed)
    assert heads.mail_last_head(at=AT) == 0


def test_where_no_mail_is_set_up_nothing_fails(home: Path, settings: Any) -> None:
    keeping.sign_if_due(home, at=AT)
    set_home(settings, home, mail_from="")
    assert heads.mail_last_head(at=AT) == 0
    set_home(settings, home, mail_from="cirt@cirt.example", audit_head_to=())
    assert heads.mail_last_head(at=AT) == 0 and not OutgoingMessage.objects.exists()
