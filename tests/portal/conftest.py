"""The ministry and its member, the bank and its own: a week of reports, told by notices, on a fixed morning."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store, store, week  # noqa: F401  fixtures of rooms below
from tests.feeds.pages import signed_in
from tests.notices.conftest import told  # noqa: F401
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory.actions import add_member
from tocsin.directory.models import Constituent
from tocsin.feeds import queries
from tocsin.people.models import Person

BY_AT: dict[str, Any] = {"by": COMMAND_LINE, "at": AT}


def belongs(person: Person, public_id: str, *, is_administrator: bool = False) -> Person:
    """Make somebody a member, and return them."""
    row = Constituent.objects.get(public_id=public_id)
    add_member(row, email=person.email, name="", is_administrator=is_administrator, token="", **BY_AT)
    return person


@pytest.fixture
def morning(monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    """It is the morning after the week, on the pages too."""
    import tocsin.site.urls  # noqa: F401  # every page: one that is loaded later would keep this clock for good
    from tocsin.kernel import clock
    from tocsin.portal.views import finding, findings, notices, overview

    for module in (finding, findings, notices, overview, clock):
        monkeypatch.setattr(module, "now", lambda: AT)
    return AT


@pytest.fixture
def member(week: Store, cast: Cast, morning: dt.datetime) -> Person:  # noqa: F811
    """A member of the ministry."""
    return belongs(cast.contact, "moh")


@pytest.fixture
def browser(member: Person) -> Client:
    """The member's browser."""
    return signed_in(member)


@pytest.fixture
def stranger(member: Person, cast: Cast) -> Client:
    """The browser of the bank's member."""
    return signed_in(belongs(cast.stranger, "bank"))


def finding_of(host: int) -> str:
    """Return the id of the finding at 192.0.2.HOST."""
    found = queries.findings().stream(queries.Filter())
    return next(queries.finding_id(each) for each in found if queries.asset_of(each) == f"192.0.2.{host}")
