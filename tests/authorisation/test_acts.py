"""Every action of every room asks who acts: a page that forgets to ask gives nobody more."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.architecture.reading import modules
from tests.cast import Cast
from tests.feeds.conftest import AT
from tocsin.audit import action, trail
from tocsin.audit.models import AuditRow
from tocsin.kernel.refusals import NotPermitted
from tocsin.people import acts
from tocsin.people.models import Person
from tocsin.people.policy import REFUSED, Ability, may

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def codes() -> list[str]:
    """The code of every action of the product."""
    for module in modules():
        if "@action(" in module.text:
            importlib.import_module(module.name)
    found = [code for code, act in action.known.items() if act.__module__.startswith("tocsin.")]
    assert len(found) > 100
    return sorted(found)


class Begun(Exception):
    """The action was let in, and would have taken its turn."""


@pytest.fixture(autouse=True)
def nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no action get farther than to its turn."""

    def turn() -> None:
        raise Begun

    monkeypatch.setattr(trail, "take_turn", turn)


def refused(code: str, person: Person, about: Any) -> str:
    """Have somebody try an act; return the refusal, empty where the act began."""
    try:
        action.known[code](about, by=person, at=AT)
    except NotPermitted as refusal:
        return str(refusal)
    except Begun:
        return ""
    raise AssertionError(f"{code} was done without a turn")


def test_every_action_stands_in_the_table_and_nothing_else(codes: list[str]) -> None:
    assert sorted(acts.NEEDS.keys() | acts.OF_ONESELF | acts.OF_THE_SOFTWARE) == codes
    assert not acts.OF_THE_SOFTWARE & (acts.NEEDS.keys() | acts.OF_ONESELF)


def everybody(cast: Cast) -> Iterator[Person]:
    """Yield somebody of each role, and somebody who may everything and whose account is closed."""
    yield from cast.everybody()
    closed = Person(pk=999, email="closed@cirt.example", name="Closed", role=cast.administrator.role, is_active=False)
    yield closed


def test_each_action_refuses_who_lacks_the_ability_and_begins_for_who_has_it(codes: list[str], cast: Cast) -> None:
    other, rows, wrong = cast.stranger, AuditRow.objects.count(), []
    for person in everybody(cast):
        about = cast.contact if person == other else other
        for code in codes:
            lets = any(may(person, ability) for ability in acts.NEEDS.get(code, ()))
            said = refused(code, person, about)
            if bool(said) == lets:
                wrong.append(f"{code} as {person}: {said or 'not refused'}")
            assert not said or said.endswith("."), code
    assert wrong == [] and AuditRow.objects.count() == rows


def test_a_refusal_names_what_is_lacking(cast: Cast) -> None:
    assert refused("claim.added", cast.peer, None).startswith(str(REFUSED[Ability.EDIT_DIRECTORY]))
    assert refused("notice.queued", cast.auditor, None).startswith(str(REFUSED[Ability.SEND_NOTICES]))


def test_what_is_done_to_ones_own_account_nobody_does_to_anothers(codes: list[str], cast: Cast) -> None:
    for code in acts.OF_ONESELF - acts.NEEDS.keys() - {"person.enrolled"}:
        for person in (cast.administrator, cast.observer):
            assert refused(code, person, cast.analyst), code
    assert not refused("person.language_chosen", cast.peer, cast.peer)


def test_what_the_software_does_no_person_does(cast: Cast) -> None:
    for code in acts.OF_THE_SOFTWARE:
        assert refused(code, cast.administrator, cast.administrator), code
