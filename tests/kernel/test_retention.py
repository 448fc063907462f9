"""For how long what is marked how is kept."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.retention import FOR_EVER, LONGEST_DAYS, Retention
from tocsin.kernel.tlp import TLP


def kept(**days: int) -> Retention:
    return Retention({label: days.get(label.name, 0) for label in TLP})


def test_each_label_has_its_days() -> None:
    retention = kept(CLEAR=730, AMBER=365, RED=90)
    assert [retention.days(label) for label in TLP] == [730, 730, 365, 365, 90]


def test_nothing_goes_unless_it_was_asked_for() -> None:
    assert not kept().is_set
    assert {kept().days(label) for label in TLP} == {FOR_EVER}
    assert kept().up_to(TLP.RED, dt.date(2026, 11, 22)) is None


def test_only_the_strict_may_have_an_end() -> None:
    retention = kept(RED=90)
    assert retention.is_set
    assert [retention.days(label) for label in TLP] == [0, 0, 0, 0, 90]


def test_what_is_kept_for_thirty_days_is_there_on_the_thirtieth() -> None:
    assert kept(CLEAR=30).up_to(TLP.GREEN, dt.date(2026, 3, 31)) == dt.date(2026, 2, 28)


@pytest.mark.parametrize("days", [-1, 1, 29, LONGEST_DAYS + 1])
def test_too_few_or_too_many_days_are_refused(days: int) -> None:
    fault = kept(AMBER=days).fault(TLP.AMBER, 3)
    assert fault == (f"{days} is not between 30 and 36500 days.", "Leave it out to keep them for ever.")


def test_a_finding_must_have_time_to_go_gone() -> None:
    assert kept(CLEAR=60).fault(TLP.CLEAR, 53) is None
    assert kept(CLEAR=60).fault(TLP.CLEAR, 54) is not None


def test_what_is_stricter_is_not_kept_for_longer() -> None:
    retention = kept(GREEN=90, RED=91)
    assert retention.fault(TLP.GREEN, 3) is None
    fault = retention.fault(TLP.RED, 3)
    assert fault is not None
    assert "more than the 90" in fault[0]


@given(st.fixed_dictionaries({label: st.sampled_from((0, 30, 60, 90)) for label in TLP}))
def test_what_stands_the_check_never_keeps_the_stricter_for_longer(own: dict[TLP, int]) -> None:
    retention = Retention(own)
    if all(retention.fault(label, 3) is None for label in TLP):
        days = [retention.days(label) or LONGEST_DAYS for label in TLP]
        assert days == sorted(days, reverse=True)
