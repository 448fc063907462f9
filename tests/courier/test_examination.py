"""What doctor says of mail: who stopped it, what the mail server answers, what failed, and what the domain says."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from tests.courier.conftest import Put
from tests.courier.mail_server import MailServer, free_port
from tests.courier.name_server import names
from tests.courier.test_domains import GOOD
from tocsin.courier import claiming, domains
from tocsin.site import examination
from tocsin.site.examination import Remark, Verdict

pytestmark = pytest.mark.django_db


def said(settings: Any) -> list[Verdict]:
    return list(examination._mail(settings.TOCSIN))


def test_an_instance_that_sends_has_nothing_to_mend(put: Put, server: MailServer, settings: Any) -> None:
    (verdict,) = said(settings)
    assert (verdict.says, verdict.must_be_mended) == ("the mail server takes ours; 0 messages wait", False)
    assert server.taken == [], "it was greeted, and no mail sent"


def test_a_mail_server_that_was_never_tried_and_is_not_there_is_named(put: Put, settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, smtp_url=f"smtp://127.0.0.1:{(port := free_port())}")
    (verdict,) = said(settings)
    assert verdict.says == f"none can leave: nothing listens at 127.0.0.1:{port}; 0 messages wait"
    assert "TOCSIN_SMTP_URL" in verdict.fix


def test_mail_that_nobody_sends_is_named(put: Put, settings: Any) -> None:
    put()
    (late,) = said(settings)
    assert "1 message waits since 2026-03-02 09:30 UTC" in late.says and "worker" in late.fix
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, smtp_url="")
    (unset,) = said(settings)
    assert "no mail server is set" in unset.says and "TOCSIN_SMTP_URL" in unset.fix


def test_what_the_mail_server_says_is_named(put: Put, settings: Any) -> None:
    put()
    claiming.note_failure_of_line("535 5.7.8 wrong password", at=dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC))
    (verdict,) = said(settings)
    expected = "the mail server takes nothing since 2026-03-02 09:30 UTC: 535 5.7.8 wrong password; 1 message waits"
    assert (verdict.says, verdict.must_be_mended) == (expected, True)


def test_what_was_not_delivered_is_named(put: Put, server: MailServer, drain: Any, settings: Any) -> None:
    server.answers["it@bank.example"] = "550 no"
    put()
    drain()
    (verdict,) = said(settings)
    assert (verdict.says, verdict.fix) == ("1 message was not delivered", "Decide about them on the page Outbox.")


def test_an_exercise_says_that_nothing_leaves(put: Put, settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=True)
    assert [verdict.must_be_mended for verdict in said(settings)] == [False]
    assert list(examination._sender(settings.TOCSIN)) == []


def test_the_domain_of_the_sender_is_asked_for(
    server: MailServer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with names({**GOOD, "cirt.example": []}) as (asked, _questions):
        monkeypatch.setattr(domains, "resolver", lambda: asked)
        found = {verdict.about: verdict.must_be_mended for verdict in examination._sender(settings.TOCSIN)}
    assert found == {"SPF": True, "DKIM": False, "DMARC": False}


def test_a_machine_that_reaches_no_server_of_names_is_told_so_and_nothing_more(
    server: MailServer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(domains, "WITHIN_S", 0.2)
    with names({}, silent=True) as (asked, _questions):
        monkeypatch.setattr(domains, "resolver", lambda: asked)
        (remark,) = examination._sender(settings.TOCSIN)
    assert isinstance(remark, Remark) and not remark.must_be_mended
    assert "could not be asked for" in remark.says


def test_without_mail_nobody_is_asked(settings: Any) -> None:
    assert list(examination._sender(settings.TOCSIN)) == []


def test_a_head_that_nobody_outside_keeps_is_remarked_where_mail_leaves(put: Put, settings: Any) -> None:
    def remarked(*keepers: str, **changed: Any) -> list[str]:
        asked = dataclasses.replace(settings.TOCSIN, audit_head_to=keepers, **changed)
        return [each.says for each in examination._trail(asked) if isinstance(each, Remark) and not each.must_be_mended]

    (nobody,), (one,) = remarked(), remarked("a@abroad.example")
    assert "goes to nobody outside" in nobody and "goes to one person outside alone" in one
    assert "TOCSIN_AUDIT_HEAD_TO" in one
    assert remarked("a@abroad.example", "b@ministry.example") == remarked(smtp_url="") == remarked(exercise=True) == []
