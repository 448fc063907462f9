"""The policy: what one may view and edit, up to which label, and whose accounts one may open."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import translation

from tocsin.kernel.tlp import TLP
from tocsin.people import policy
from tocsin.people.choices import ROLE_SAYS, Clearance, Role
from tocsin.people.models import Person
from tocsin.people.policy import Ability, can_edit, can_view, cleared_up_to, is_cleared, may_give, may_manage

ANALYST = Person(role=Role.ANALYST)
CONTACT = Person(role=Role.CONSTITUENT_CONTACT)
HEAD = Person(role=Role.HEAD_OF_TEAM)
ADMINISTRATOR = Person(role=Role.NATIONAL_ADMINISTRATOR)


@pytest.mark.parametrize(
    ("person", "is_own", "label", "expected"),
    [
        (ANALYST, False, TLP.RED, True),
        (CONTACT, True, TLP.AMBER_STRICT, True),
        (CONTACT, True, TLP.RED, False),
        (CONTACT, False, TLP.CLEAR, False),
        (CONTACT, True, None, True),
        (CONTACT, True, "purple", False),
        (CONTACT, True, "", False),
        (Person(role=Role.CONSTITUENT_CONTACT, clearance="GREEN"), True, "TLP:AMBER", False),
        (Person(role=Role.CONSTITUENT_CONTACT, clearance="RED"), True, TLP.RED, True),
        (Person(role=Role.ANALYST, clearance="GREEN"), False, TLP.AMBER, False),
        (Person(role=Role.PEER), True, TLP.CLEAR, False),
        (Person(role=Role.CONSTITUENT_CONTACT, is_active=False), True, TLP.CLEAR, False),
        (AnonymousUser(), True, TLP.CLEAR, False),
        (None, True, TLP.CLEAR, False),
    ],
)
def test_to_view_one_needs_to_know_and_to_be_cleared(
    person: Person, is_own: bool, label: TLP | str | None, expected: bool
) -> None:
    assert can_view(person, Ability.VIEW_FINDINGS, is_own=is_own, label=label) is expected


def test_to_view_is_not_to_edit() -> None:
    auditor = Person(role=Role.AUDITOR)
    assert can_view(auditor, Ability.VIEW_DIRECTORY, is_own=False)
    assert not can_edit(auditor, Ability.EDIT_DIRECTORY, administers=False)
    assert can_view(CONTACT, Ability.VIEW_DIRECTORY, is_own=True)
    assert not can_edit(CONTACT, Ability.EDIT_DIRECTORY, administers=False)
    assert can_edit(CONTACT, Ability.EDIT_DIRECTORY, administers=True)
    assert not can_edit(Person(role=Role.OBSERVER), Ability.EDIT_DIRECTORY, administers=True)


def test_every_role_has_a_clearance_and_a_sentence_and_unknown_ones_have_none() -> None:
    assert {role for role in Role if policy.role_cleared_up_to(role) is None} == set()
    assert set(ROLE_SAYS) == set(Role)
    assert cleared_up_to(Person(role="root")) is None
    assert not is_cleared(Person(role="root"), TLP.CLEAR)
    assert list(Clearance.values) == [label.value for label in TLP]


def test_what_each_ability_allows_and_refuses_is_said_in_a_whole_sentence_each() -> None:
    assert set(policy.ALLOWS) == set(policy.REFUSED) == set(Ability)
    with translation.override("fr"):
        assert all(str(said).strip() for said in (*policy.ALLOWS.values(), *policy.REFUSED.values()))


def test_who_may_the_wider_thing_is_told_nothing_of_the_narrower() -> None:
    own = {policy.ALLOWS[each] for each in (Ability.VIEW_OWN, Ability.EDIT_OWN, Ability.ANSWER_OWN)}
    for role in (Role.NATIONAL_ADMINISTRATOR, Role.HEAD_OF_TEAM, Role.ANALYST):
        may, may_not = policy.sentences(role)
        assert not own & {*may, *may_not}
    assert own == set(policy.sentences(Role.CONSTITUENT_CONTACT)[0])
    assert len(policy.sentences(Role.OBSERVER)[1]) == len(Ability) - 1


def test_nobody_opens_or_changes_an_account_that_may_more_than_their_own() -> None:
    assert all(may_give(ADMINISTRATOR, role) for role in Role)
    assert [role for role in Role if not may_give(HEAD, role)] == [Role.NATIONAL_ADMINISTRATOR]
    assert [role for role in Role if may_give(ANALYST, role)] == [Role.CONSTITUENT_CONTACT]
    for role in (Role.CONSTITUENT_CONTACT, Role.AUDITOR, Role.OBSERVER, Role.PEER):
        assert not any(may_give(Person(role=role), given) for given in Role)
    assert may_manage(HEAD, ANALYST) and may_manage(HEAD, HEAD) and not may_manage(HEAD, ADMINISTRATOR)
    assert not may_manage(ANALYST, CONTACT), "to open an account is not to take it over"
    assert not may_manage(Person(role=Role.NATIONAL_ADMINISTRATOR, is_active=False), ANALYST)
