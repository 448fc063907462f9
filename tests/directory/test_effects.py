"""Whose word is enough, what harms nobody, and what a claim would take from whom."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.directory.asking import TODAY, TOMORROW, YESTERDAY, claim_wish
from tests.directory.conftest import claim
from tocsin.directory.choices import ChangeKind, ClaimKind
from tocsin.directory.effects import Effects, effects_of
from tocsin.directory.models import Constituent
from tocsin.directory.rules import Around, gives_nothing_new, is_harmless, needs_no_approval, periods_overlap

ALWAYS = (None, None)


@pytest.mark.parametrize(
    ("kind", "facts", "enough"),
    [
        (ChangeKind.CLAIM, {"value": "192.0.2.0/24"}, False),
        (ChangeKind.END_OF_CLAIM, {"ends_on": TODAY}, True),
        (ChangeKind.END_OF_CLAIM, {"ends_on": TOMORROW}, True),
        (ChangeKind.END_OF_CLAIM, {"ends_on": YESTERDAY}, False),
        (ChangeKind.NEW_CONTACT, {"email": "a@b.example"}, True),
        (ChangeKind.CONTACT, {"is_active": False}, True),
        (ChangeKind.FACTS, {"languages": ["fr"]}, True),
        (ChangeKind.FACTS, {"languages": ["fr"], "name": "Bank"}, False),
        (ChangeKind.FACTS, {"sector": "finance"}, False),
    ],
)
def test_the_word_of_who_administers_is_enough_for_what_gives_no_sight(
    kind: ChangeKind, facts: dict[str, Any], enough: bool
) -> None:
    assert needs_no_approval(kind, facts, TODAY) is enough


@pytest.mark.parametrize(
    ("kind", "names", "harmless"),
    [
        (ChangeKind.CONTACT, {"phone", "name"}, True),
        (ChangeKind.CONTACT, {"phone", "email"}, False),
        (ChangeKind.CONTACT, {"openpgp_key"}, False),
        (ChangeKind.CONTACT, {"is_active"}, False),
        (ChangeKind.FACTS, {"region"}, True),
        (ChangeKind.FACTS, {"name"}, False),
        (ChangeKind.CLAIM, set(), False),
        (ChangeKind.END_OF_CLAIM, set(), False),
        (ChangeKind.NEW_CONTACT, {"name"}, False),
    ],
)
def test_together_with_others_is_approved_what_moves_neither_mail_nor_findings(
    kind: ChangeKind, names: set[str], harmless: bool
) -> None:
    assert is_harmless(kind, names) is harmless


OWN = Around(is_own=True, is_confirmed=True, breadth=16, period=ALWAYS)
THEIRS = Around(is_own=False, is_confirmed=True, breadth=20, period=ALWAYS)


@pytest.mark.parametrize(
    ("around", "nothing"),
    [
        ([OWN], True),
        ([], False),
        ([Around(True, False, 16, ALWAYS)], False),
        ([Around(True, True, 16, (None, TODAY))], False),
        ([Around(True, True, 16, (TOMORROW, None))], False),
        ([OWN, THEIRS], False),
        ([OWN, Around(False, False, 16, ALWAYS)], False),
        ([OWN, Around(False, True, 8, ALWAYS)], True),
        ([OWN, THEIRS, Around(True, True, 22, ALWAYS)], True),
        ([OWN, Around(False, True, 24, (None, YESTERDAY))], False),
    ],
)
def test_a_claim_within_ones_own_gives_nothing_unless_somebody_else_stands_between(
    around: list[Around], nothing: bool
) -> None:
    assert gives_nothing_new(ALWAYS, around) is nothing
    assert not gives_nothing_new((TODAY, TOMORROW), [Around(True, True, 16, (TOMORROW, None))])
    assert gives_nothing_new((TODAY, None), [OWN, Around(False, True, 24, (None, YESTERDAY))]), "that has ended"


days = st.one_of(st.none(), st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 9)))
periods = st.tuples(days, days).filter(lambda period: not (period[0] and period[1]) or period[0] <= period[1])
claims = st.lists(st.builds(Around, st.booleans(), st.booleans(), st.integers(0, 4), periods), max_size=5)


@given(periods, claims)
def test_where_it_gives_nothing_new_the_narrowest_claim_of_each_day_was_ones_own(
    period: tuple[dt.date | None, dt.date | None], around: list[Around]
) -> None:
    """By the slow way: who has it on each day, the narrowest winning, and equals counting for the other."""
    if not gives_nothing_new(period, around):
        return
    for number in range(-1, 12):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=number)
        if not periods_overlap(period, (day, day)):
            continue
        there = [each for each in around if periods_overlap(each.period, (day, day))]
        narrowest = max(each.breadth for each in there)
        assert all(each.is_own for each in there if each.breadth == narrowest)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "value", "same", "around", "inside"),
    [
        (ClaimKind.NETWORK, "192.0.2.0/25", ["192.0.2.0/25"], ["192.0.2.0/24"], ["192.0.2.64/26"]),
        (ClaimKind.NETWORK, "2001:db8::/48", [], ["2001:db8::/32"], []),
        (ClaimKind.SUFFIX, "moh.example", ["moh.example"], [], ["www.moh.example"]),
        (ClaimKind.SUFFIX, "a.www.moh.example", [], ["moh.example", "www.moh.example"], []),
        (ClaimKind.SUFFIX, "xmoh.example", [], [], []),
        (ClaimKind.ASN, "64500", ["64500"], [], []),
        (ClaimKind.ASN, "64501", [], [], []),
    ],
)
def test_what_others_hold_of_it_is_found(
    ministry: Constituent, bank: Constituent, kind: ClaimKind, value: str, same: list[str], around: list[str],
    inside: list[str],
) -> None:  # fmt: skip
    for network in ("192.0.2.0/24", "192.0.2.0/25", "192.0.2.64/26", "2001:db8::/32"):
        claim(bank, network)
    claim(bank, "192.0.0.0/16", valid_to=YESTERDAY)
    claim(ministry, "192.0.2.0/26")
    claim(bank, "64500", ClaimKind.ASN)
    for suffix in ("moh.example", "www.moh.example"):
        claim(bank, suffix, ClaimKind.SUFFIX)
    found = effects_of(claim_wish(ministry, value, kind, valid_from=TODAY))
    assert [each.value for each in found.same] == same
    assert [each.value for each in found.around] == around
    assert [each.value for each in found.inside] == inside
    assert not found.gives_nothing_new


@pytest.mark.django_db
def test_what_lies_in_ones_own_confirmed_claim_takes_nothing(ministry: Constituent, bank: Constituent) -> None:
    claim(ministry, "192.0.2.0/24", is_confirmed=True)
    claim(ministry, "moh.example", ClaimKind.SUFFIX, is_confirmed=True)
    for kind, value in ((ClaimKind.NETWORK, "192.0.2.0/25"), (ClaimKind.SUFFIX, "a.moh.example")):
        found = effects_of(claim_wish(ministry, value, kind))
        assert found == Effects(own=found.own, gives_nothing_new=True) and len(found.own) == 1
    claim(bank, "192.0.2.0/25")
    assert not effects_of(claim_wish(ministry, "192.0.2.0/26")).gives_nothing_new
