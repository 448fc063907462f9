"""Drawn histories of what somebody may not see: whatever happens to it, none of their pages changes by a byte."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import ids, signed_in
from tests.feeds.reports import write
from tests.feeds.test_clearance import (
    BY_AT,
    SIGNS,
    _answer,
    cleared_up_to,
    of_a_member,
    pages,
    release,
    told,
)
from tests.notices.conftest import contact, policy, prepared, send, set_mail, suppression
from tests.portal.api.asking import key_of
from tests.portal.conftest import belongs
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent
from tocsin.feeds import intake
from tocsin.feeds.actions.answers import answer_findings
from tocsin.feeds.actions.findings import add_note, change_terms, give_finding
from tocsin.feeds.models import Feed, Run
from tocsin.feeds.views import exporting
from tocsin.kernel.refusals import Refusal
from tocsin.kernel.tlp import TLP
from tocsin.notices import actions as notices

__all__ = ["told"]
pytestmark = pytest.mark.django_db
HISTORIES = int(os.environ.get("TOCSIN_TEST_ROUNDS", "1"))
LENGTH = 6


class World:
    """What happens, drawn by lot; what is refused has not happened."""

    def __init__(self, store: Store, cast: Cast, folder: Path, lot: random.Random) -> None:
        self.store, self.cast, self.folder, self.lot = store, cast, folder, lot
        self.day, self.done = 5, list[str]()

    def goes_on(self, among: Sequence[Callable[[World], None]]) -> None:
        """Let some things happen."""
        for number in range(LENGTH):
            one = among[0] if number == 0 else self.lot.choice(among)
            with contextlib.suppress(Refusal):
                one(self)
                self.done.append(one.__name__)

    def one_of(self, **asked: Any) -> str:
        """Return the id of a finding."""
        return self.lot.choice(ids(**asked))

    def on_the_next_day(self, hosts: Sequence[int], **more: Any) -> Path:
        """Write a report about some of the hosts."""
        self.day += 1
        return write(self.folder / f"day{self.day}", self.day, self.lot.sample(hosts, len(hosts) // 2 + 1), **more)


def red_reports_come(world: World) -> None:
    world.store.run(world.on_the_next_day((33, 34, 99, 100, 199), kind="scan_ssh", tag="canary", port="22"))


def a_red_run_is_withdrawn(world: World) -> None:
    world.store.withdraw(Run.objects.latest("pk").pk)


def a_red_finding_is_worked_on(world: World) -> None:
    finding = world.one_of(types=("scan_ssh",))
    add_note(finding, text="canary", by=world.cast.manager, at=AT)
    give_finding(finding, owner=world.cast.manager, seen=None, by=world.cast.manager, at=AT)


def a_red_finding_is_kept_quiet(world: World) -> None:
    suppression(finding=world.one_of(types=("scan_ssh",)), reason="canary", until=AT.date() + dt.timedelta(days=3))


def a_red_finding_is_answered(world: World) -> None:
    finding = world.one_of(types=("scan_ssh",), constituents=(world.lot.choice(("moh", "bank")),))
    answer_findings([finding], kind="fixed", text="canary", **BY_AT)


def the_terms_of_the_red_feed_change(world: World) -> None:
    change_terms(Feed.objects.get(code="secret"), tlp="RED", terms=f"canary {world.lot.random()}", **BY_AT)


def a_day_of_the_red_type_is_declared_empty(world: World) -> None:
    intake.declare_empty("scan_ssh", dt.date(2026, 11, world.lot.randint(17, 19)), **BY_AT)


RED = (
    red_reports_come, a_red_run_is_withdrawn, a_red_finding_is_worked_on, a_red_finding_is_kept_quiet,
    a_red_finding_is_answered, the_terms_of_the_red_feed_change, a_day_of_the_red_type_is_declared_empty,
)  # fmt: skip


def reports_about_others_come(world: World) -> None:
    world.store.run(world.on_the_next_day((80, 98, 110, 198), kind="scan_ssl", port="443"))


def a_finding_of_others_is_worked_on(world: World) -> None:
    add_note(world.one_of(constituents=("bank",)), text="canary", by=world.cast.manager, at=AT)


def others_answer(world: World) -> None:
    answer_findings([world.one_of(constituents=("bank",))], kind="accepted", text="canary",
                    until=AT.date() + dt.timedelta(days=9), **BY_AT)  # fmt: skip


def others_are_told(world: World) -> None:
    for each in prepared(AT + dt.timedelta(days=1)):
        if each.constituent.public_id == "bank":
            send(each, AT + dt.timedelta(days=1))
        else:
            notices.discard_notice(each, reason="Not now.", **BY_AT)


def others_enter_a_contact(world: World) -> None:
    contact("bank", f"canary{world.lot.randrange(999)}@bank.example")


def another_organisation_is_entered(world: World) -> None:
    name = f"canary{world.lot.randrange(999)}"
    directory.add_constituent(public_id=name, name=name, sector="finance", **BY_AT)
    row = Constituent.objects.get(public_id=name)
    directory.add_claim(row, kind="network", value=f"198.51.100.{world.lot.randrange(32) * 8}/29", **BY_AT)


def others_have_a_policy_of_their_own(world: World) -> None:
    policy(constituent=Constituent.objects.get(public_id="bank"), tlp="RED", interval_hours=1)


OF_OTHERS = (
    reports_about_others_come, a_finding_of_others_is_worked_on, others_answer, others_are_told,
    others_enter_a_contact, another_organisation_is_entered, others_have_a_policy_of_their_own,
)  # fmt: skip


def read(browser: Client) -> dict[str, tuple[int, bytes]]:
    """Return what a member reads."""
    return {address: _answer(browser, address) for address in of_a_member()}


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Return at which addresses something is otherwise, or says what it must not."""
    signs = [sign.encode() for sign in SIGNS]
    told = {
        at for at, (_status, body) in after.items() if any(sign in body and sign.decode() not in at for sign in signs)
    }
    return told | {address for address in before if before[address] != after.get(address)}


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_whatever_happens_to_what_one_may_not_see_no_page_changes(
    told: Store,
    cast: Cast,
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(exporting, "now", lambda: AT)
    set_mail(settings)
    directory.add_contact(Constituent.objects.get(public_id="moh"), email="soc@moh.example", **BY_AT)
    send(prepared()[0])
    analyst = signed_in(cleared_up_to(cast.analyst, TLP.GREEN))
    reader = belongs(cast.contact, "moh", is_administrator=True)
    of_moh = signed_in(reader)
    of_moh.defaults["HTTP_AUTHORIZATION"] = f"Bearer {key_of(reader)}"
    assert cast.manager.pk, "the account is there before anything is looked at"
    world = World(told, cast, tmp_path, random.Random(seed))
    release(told, tmp_path)
    for browser, asked in ((analyst, pages), (of_moh, read)):
        asked(browser)  # what is opened for the first time is noted

    staffs, members = pages(analyst), read(of_moh)
    world.goes_on(RED)
    assert changed(staffs, pages(analyst)) == set(), world.done
    assert changed(members, read(of_moh)) == set(), world.done
    world.goes_on(OF_OTHERS)
    assert changed(members, read(of_moh)) == set(), world.done
    assert len(world.done) > LENGTH, world.done
    assert changed(staffs, pages(analyst)), "they see what happened to others"
