"""A country to tell: the week of the feeds' tests, with contacts, a policy and a fixed morning."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store, store, week  # noqa: F401  fixtures of the room below
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.feeds import manifest
from tocsin.feeds.models import Cycle
from tocsin.notices import actions
from tocsin.notices.models import Notice, Policy, Suppression

BY_AT: dict[str, Any] = {"by": COMMAND_LINE, "at": AT}
DAY = dt.timedelta(days=1)


def contact(public_id: str, email: str, **facts: Any) -> Contact:
    """Enter a contact and return it."""
    row = Constituent.objects.get(public_id=public_id)
    event = directory.add_contact(row, email=email, **facts, **BY_AT)
    return Contact.objects.get(pk=event.contact)


def policy(**facts: Any) -> Policy:
    """Write a policy and return it."""
    return Policy.objects.get(pk=actions.add_policy(**facts, **BY_AT).policy)


def suppression(**facts: Any) -> Suppression:
    """Keep something quiet and return the row."""
    stated = {"until": AT.date(), "reason": "They are moving.", **facts}
    return Suppression.objects.get(pk=actions.add_suppression(**stated, **BY_AT).suppression)


def set_mail(settings: Any, **more: Any) -> None:
    """Let the instance have a sender."""
    known = {"mail_from": "cirt@cirt.example", "mail_domain": "back.cirt.example", **more}
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, **known)


@pytest.fixture
def told(week: Store, settings: Any) -> Store:  # noqa: F811
    """The week, where the ministry (in French) and the bank have a contact, and a policy is for everybody."""
    set_mail(settings)
    contact("moh", "soc@moh.example", language="fr")
    contact("bank", "soc@bank.example")
    policy(interval_hours=24)
    came(AT)
    return week


def came(at: dt.datetime, **cycles: Any) -> None:
    """Let the reports of some days have come at an instant: imports themselves go by the clock."""
    Cycle.objects.filter(**cycles).update(arrived_at=at)
    manifest.touch()


def prepared(at: dt.datetime = AT, **options: Any) -> list[Notice]:
    """Prepare what is due; return the notices."""
    from tocsin.notices import queries

    event = actions.prepare_notices(queries.plan_now(at), most=50, **options, by=COMMAND_LINE, at=at)
    return list(Notice.objects.filter(reference__in=event.references).order_by("constituent__public_id", "step"))


def send(notice: Notice, at: dt.datetime = AT) -> None:
    """Let a notice go all its way to sent."""
    from tocsin.notices.choices import NoticeState

    actions.preview_notice(notice, by=COMMAND_LINE, at=at)
    actions.queue_notice(notice, by=COMMAND_LINE, at=at)
    actions.record_outcome(notice, what=NoticeState.SENT, by=COMMAND_LINE, at=at)
