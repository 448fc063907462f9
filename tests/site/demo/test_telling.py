"""The demonstration's team has begun to tell: once, and nothing has left."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.feeds.conftest import AT, Store, store, week  # noqa: F401  fixtures of the room below
from tests.notices.conftest import BY_AT, contact
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent
from tocsin.notices import queries
from tocsin.notices.choices import NoticeState
from tocsin.notices.models import Notice, Policy, Suppression
from tocsin.site.demo import telling
from tocsin.site.demo.country import read_country

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_country(week: Store) -> Store:  # noqa: F811
    """The week, with a bank in the sector whose notices are prepared, and who is kept quiet in Meridia."""
    contact("bank", "soc@bank.example")
    directory.change_constituent(Constituent.objects.get(public_id="bank"), sector=telling.PREPARED_SECTOR, **BY_AT)
    directory.add_constituent(public_id=telling.QUIET, name="Reef Hosting", sector="digital", **BY_AT)
    return week


def test_policies_hold_something_is_quiet_and_one_sector_is_prepared(small_country: Store) -> None:
    telling.begin_to_tell(AT.date(), **BY_AT)
    assert queries.policies().count() == len(telling.POLICIES)
    assert Suppression.objects.get().until == AT.date() + dt.timedelta(days=telling.QUIET_DAYS)
    assert [(each.constituent.public_id, each.state) for each in Notice.objects.all()] == [
        ("bank", NoticeState.PLANNED)
    ]


def test_a_load_that_was_cut_short_and_is_taken_up_again_does_it_once(small_country: Store) -> None:
    for _time in range(2):
        telling.begin_to_tell(AT.date(), **BY_AT)
    assert (
        Policy.objects.count() == len(telling.POLICIES) and Suppression.objects.count() == Notice.objects.count() == 1
    )


def test_who_is_kept_quiet_and_who_is_prepared_is_in_meridia() -> None:
    organisations = read_country().organisations
    assert telling.QUIET in {entry["id"] for entry in organisations}
    assert telling.PREPARED_SECTOR in {entry["sector"] for entry in organisations}
    assert {each["sector"] for each in telling.POLICIES if "sector" in each} <= {
        each["sector"] for each in organisations
    }
