"""Who is told what, and the laws that hold for every plan."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.kernel.tlp import TLP
from tocsin.notices.choices import Waits, Whom, Why
from tocsin.notices.courses import Before
from tocsin.notices.planning import Addressee, Columns, Known, Plan, Recipient, plan, told_after
from tocsin.notices.rules import Hours, Step, Suppressed, Terms

AT = dt.datetime(2026, 11, 19, 9, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
OFFICER, DEPUTY, BANKER, WATCHER = (
    Addressee(number, f"{name}@example.org", language)
    for number, name, language in ((1, "soc", "fr"), (2, "it", ""), (3, "bank", ""), (4, "watch", ""))
)
PEOPLE = {
    "moh": Recipient("health", parent="state", security=OFFICER, others=(DEPUTY,)),
    "bank": Recipient("finance", security=BANKER),
    "state": Recipient("government", security=WATCHER),
    "mute": Recipient("health"),
    "past": Recipient("health", is_served=False, security=BANKER),
}
KNOWN = Known(
    policies=(Terms(1, interval=dt.timedelta(0)),),
    recipients=PEOPLE,
    labels={"scan_rdp": TLP.AMBER, "secret": TLP.RED},
    spoken=("en", "fr"),
)


@dataclasses.dataclass(frozen=True)
class Open:
    """An open finding."""

    finding: str
    constituent: str = "moh"
    type: str = "scan_rdp"
    category: str = "vulnerable-system"
    severity: int = 3
    returns: int = 0
    address: int | None = 100


def columns(findings: Iterable[Open]) -> list[Columns]:
    rows = list(findings)
    names = ("finding", "type", "category", "severity", "constituent", "returns", "address")
    return [Columns(*([getattr(row, name) for row in rows] for name in names))]


def planned(*findings: Open, at: dt.datetime = AT, **known: Any) -> Plan:
    return plan(columns(findings), dataclasses.replace(KNOWN, **known), at)


def reasons(found: Plan) -> dict[str, Waits]:
    return {each: reason for reason, by in found.held.items() for ids in by.values() for each in ids}


def told(found: Plan) -> dict[str, Why]:
    return {line.finding: line.why for notice in found.notices for line in notice.lines}


def test_a_constituent_is_told_of_all_its_findings_in_one_notice() -> None:
    found = planned(Open("a"), Open("b", severity=2), Open("c", constituent="bank"))
    assert [(each.constituent, [line.finding for line in each.lines]) for each in found.notices] == [
        ("bank", ["c"]),
        ("moh", ["b", "a"]),
    ]
    assert {each.to for each in found.notices} == {OFFICER, BANKER}
    assert found.notices[1].language == "fr" and found.notices[1].tlp is TLP.AMBER


def test_what_was_told_and_is_unchanged_is_not_told_again() -> None:
    before = Before("moh", AT - 9 * DAY, AT - 9 * DAY, 0, 0)
    found = planned(Open("a"), Open("b"), told={"a": before})
    assert told(found) == {"b": Why.NEW} and reasons(found) == {"a": Waits.TOLD}


def test_what_came_back_is_told_again() -> None:
    before = Before("moh", AT - DAY, AT - DAY, 0, 0)
    assert told(planned(Open("a", returns=1), told={"a": before})) == {"a": Why.RETURNED}


def test_a_new_holder_knows_nothing_of_what_the_old_one_was_told() -> None:
    before = Before("bank", AT - DAY, AT - DAY, 0, 0)
    assert told(planned(Open("a"), told={"a": before})) == {"a": Why.NEW}


STEPS = (Step(3 * DAY, Whom.SECOND), Step(7 * DAY, Whom.PARENT), Step(14 * DAY, Whom.REGULATOR, "bank"))


def test_step_by_step_the_next_one_is_told_when_nobody_reacts() -> None:
    policy = Terms(1, interval=dt.timedelta(0), steps=STEPS)
    for days, done, to in ((3, 0, DEPUTY), (7, 1, WATCHER), (14, 2, BANKER)):
        before = Before("moh", AT - days * DAY, AT - days * DAY, done, 0)
        (notice,) = planned(Open("a"), told={"a": before}, policies=(policy,)).notices
        assert (notice.to, notice.step, notice.lines[0].why) == (to, done + 1, Why.ESCALATED)


def test_a_step_without_anybody_is_passed_over_and_said() -> None:
    policy = Terms(1, interval=dt.timedelta(0), steps=STEPS)
    before = Before("state", AT - 20 * DAY, AT - 20 * DAY, 0, 0)
    found = planned(Open("a", constituent="state"), told={"a": before}, policies=(policy,))
    assert found.notices[0].whom is Whom.REGULATOR
    assert set(found.unreached) == {("state", Whom.SECOND), ("state", Whom.PARENT)} and not found.itself


def test_nobody_is_told_of_itself() -> None:
    policy = Terms(1, interval=dt.timedelta(0), steps=STEPS)
    before = Before("bank", AT - 20 * DAY, AT - 20 * DAY, 0, 0)
    found = planned(Open("a", constituent="bank"), told={"a": before}, policies=(policy,))
    assert not found.notices and reasons(found) == {"a": Waits.TOLD}
    assert found.itself == {("bank", Whom.REGULATOR): 1} and ("bank", Whom.REGULATOR) not in found.unreached
    own_parent = {**PEOPLE, "bank": dataclasses.replace(PEOPLE["bank"], parent="bank")}
    found = planned(Open("a", constituent="bank"), told={"a": before}, policies=(policy,), recipients=own_parent)
    assert set(found.itself) == {("bank", Whom.PARENT), ("bank", Whom.REGULATOR)}


def test_whom_nobody_can_tell_is_not_dropped_but_named() -> None:
    found = planned(Open("a", constituent="mute"))
    assert reasons(found) == {"a": Waits.NOBODY} and found.unreached == {("mute", Whom.SECURITY): 1}


def test_each_other_reason_to_wait_has_its_name() -> None:
    found = planned(
        Open("a", constituent="past"),
        Open("b", severity=5),
        Open("c", type="secret"),
        Open("d", type="of a feed that nobody labelled"),
        Open("e"),
        policies=(Terms(1, threshold=4),),
        prepared=frozenset({"e"}),
    )
    expected = {"a": Waits.UNSERVED, "b": Waits.BELOW, "c": Waits.TLP, "d": Waits.TLP, "e": Waits.PREPARED}
    assert reasons(found) == expected
    assert reasons(planned(Open("a"), policies=())) == {"a": Waits.NO_POLICY}


def test_between_two_notices_lies_the_interval() -> None:
    policy = (Terms(1, interval=dt.timedelta(hours=24)),)
    last = {("moh", 1, 0): AT - dt.timedelta(hours=23)}
    assert reasons(planned(Open("a"), policies=policy, last=last)) == {"a": Waits.INTERVAL}
    assert told(planned(Open("a"), policies=policy, last=last, at=AT + dt.timedelta(hours=1))) == {"a": Why.NEW}


def test_the_interval_is_reckoned_from_leaving_to_leaving_and_what_waits_is_not_doubled() -> None:
    morning = Hours(begin=dt.time(AT.hour), end=dt.time(AT.hour + 4))
    policy = (Terms(1, interval=dt.timedelta(hours=24), hours=morning),)
    early, last = AT - dt.timedelta(hours=4), {("moh", 1, 0): AT - DAY}
    (notice,) = planned(Open("a"), policies=policy, last=last, at=early).notices
    assert notice.not_before == AT, "prepared before a day has passed, it leaves when one has"
    assert reasons(planned(Open("a"), policies=policy, last={("moh", 1, 0): AT}, at=early)) == {"a": Waits.INTERVAL}
    waiting = frozenset({("moh", 1, 0)})
    assert reasons(planned(Open("a"), policies=policy, waiting=waiting, at=AT + 9 * DAY)) == {"a": Waits.BEHIND}


def test_a_weekly_list_is_sent_by_policies_that_ask_for_it() -> None:
    before = {"a": Before("moh", AT - 8 * DAY, AT - 8 * DAY, 0, 0)}
    weekly = (Terms(1, interval=dt.timedelta(0), digest=True),)
    assert told(planned(Open("a"), told=before, policies=weekly)) == {"a": Why.DIGEST}
    listed = {("moh", 1): AT - 6 * DAY}
    assert told(planned(Open("a"), told=before, policies=weekly, digests=listed)) == {}


def test_that_others_were_told_does_not_put_the_weekly_list_off() -> None:
    weekly = (Terms(1, interval=dt.timedelta(0), digest=True, steps=STEPS[:2]),)
    known = {"a": Before("moh", AT - 8 * DAY, AT - DAY, 2, 0, security_at=AT - 8 * DAY)}
    found = planned(Open("a"), told=known, policies=weekly)
    assert told(found) == {"a": Why.DIGEST} and found.notices[0].to == OFFICER
    known = told_after(known, found.notices[0], AT)
    assert known["a"].security_at == AT
    assert told(planned(Open("a"), at=AT + 6 * DAY, told=known, policies=weekly)) == {}
    (step,) = planned(Open("b"), told={"b": known["a"]._replace(step=0)}, policies=weekly).notices
    assert told_after({"b": known["a"]}, step, AT + DAY)["b"].security_at == AT, "a step tells others"


def test_a_notice_leaves_in_the_working_hours_of_its_policy() -> None:
    hours = Hours(frozenset({0}), dt.time(8), dt.time(12), "UTC")
    (notice,) = planned(Open("a"), policies=(Terms(1, hours=hours),)).notices
    assert notice.not_before == dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)


def test_how_many_people_a_policy_would_write_to_is_counted_by_address() -> None:
    found = planned(Open("a"), Open("b", constituent="bank"), Open("c", constituent="state"))
    assert found.people() == {1: 3} and found.told == 3


def test_an_exercise_is_marked() -> None:
    assert planned(Open("a"), is_exercise=True).is_exercise


def test_a_suppression_ends_after_its_last_day() -> None:
    assert reasons(planned(Open("a"), suppressions=(Suppressed(AT.date(), finding="a"),))) == {"a": Waits.SUPPRESSED}
    assert told(planned(Open("a"), suppressions=(Suppressed(AT.date() - DAY, finding="a"),))) == {"a": Why.NEW}


# ---- laws

NAMES = st.sampled_from([*PEOPLE, "unknown"])
CLASSES = st.sampled_from(["vulnerable-system", "infected-system", ""])
OPEN = st.builds(
    Open,
    finding=st.sampled_from([f"f{number}" for number in range(12)]),
    constituent=NAMES,
    type=st.sampled_from(["scan_rdp", "secret", "unlabelled"]),
    category=CLASSES,
    severity=st.integers(1, 6),
    returns=st.integers(0, 2),
    address=st.one_of(st.none(), st.integers(0, 9)),
)
FINDINGS = st.lists(OPEN, max_size=12, unique_by=lambda each: each.finding)
HOURS = st.builds(
    Hours,
    days=st.frozensets(st.integers(0, 6)),
    begin=st.sampled_from([None, dt.time(8)]),
    end=st.sampled_from([None, dt.time(17)]),
)
TERMS = st.builds(
    Terms,
    key=st.integers(1, 6),
    constituent=st.sampled_from(["", "moh", "bank"]),
    sector=st.sampled_from(["", "health"]),
    category=CLASSES,
    threshold=st.integers(1, 6),
    interval=st.sampled_from([dt.timedelta(0), DAY, 3 * DAY]),
    hours=HOURS,
    tlp=st.sampled_from(TLP),
    steps=st.sampled_from([(), STEPS[:1], STEPS]),
    digest=st.booleans(),
)
SUPPRESSED = st.builds(
    Suppressed,
    until=st.sampled_from([AT.date() - DAY, AT.date(), AT.date() + 30 * DAY]),
    constituent=st.sampled_from(["", "moh"]),
    category=CLASSES,
    finding=st.sampled_from(["", "f1"]),
    first=st.sampled_from([None, 0]),
    last=st.sampled_from([None, 4]),
)
KNOWNS = st.builds(
    Known,
    policies=st.lists(TERMS, max_size=4, unique_by=lambda each: each.key).map(tuple),
    recipients=st.just(PEOPLE),
    labels=st.just(KNOWN.labels),
    suppressions=st.lists(SUPPRESSED, max_size=2).map(tuple),
    prepared=st.frozensets(st.sampled_from(["f2", "f3"])),
)
QUICK = settings(max_examples=120, deadline=None)


def places(found: Plan) -> collections.Counter[str]:
    """Return in how many places of a plan each finding is."""
    held = [each for by in found.held.values() for ids in by.values() for each in ids]
    return collections.Counter([*held, *(line.finding for notice in found.notices for line in notice.lines)])


@given(FINDINGS, KNOWNS)
@QUICK
def test_every_open_finding_is_told_or_waits_with_one_reason(findings: list[Open], known: Known) -> None:
    assert places(plan(columns(findings), known, AT)) == {each.finding: 1 for each in findings}


@given(FINDINGS, KNOWNS)
@QUICK
def test_what_is_suppressed_is_never_told(findings: list[Open], known: Known) -> None:
    found = told(plan(columns(findings), known, AT))
    for each in findings:
        covered = any(
            rule.until >= AT.date() and rule.covers(each.constituent, each.category, each.finding, each.address)
            for rule in known.suppressions
        )
        assert not (covered and each.finding in found)


@given(FINDINGS, KNOWNS)
@QUICK
def test_a_plan_keeps_to_label_severity_and_hours_of_its_policy(findings: list[Open], known: Known) -> None:
    by_key, types = {each.key: each for each in known.policies}, {each.finding: each for each in findings}
    for notice in plan(columns(findings), known, AT).notices:
        policy = by_key[notice.policy]
        assert notice.tlp.strictness <= policy.tlp.strictness
        assert notice.severity <= policy.threshold and notice.not_before >= AT
        assert PEOPLE[notice.constituent].is_served
        assert {types[line.finding].constituent for line in notice.lines} == {notice.constituent}


@given(FINDINGS, KNOWNS, st.lists(st.sampled_from([0, 1, 2, 7]), min_size=2, max_size=6))
@QUICK
def test_nothing_is_told_twice_without_a_change(findings: list[Open], known: Known, pauses: list[int]) -> None:
    """Days pass and nothing changes: each finding is told once, once more at each step, and weekly where asked for."""
    at, tellings = AT, collections.defaultdict[tuple[str, Why], list[tuple[dt.datetime, int]]](list)
    for pause in pauses:
        at += pause * DAY
        for notice in plan(columns(findings), known, at).notices:
            for line in notice.lines:
                tellings[line.finding, line.why].append((at, notice.step))
            key = (notice.constituent, notice.policy, notice.step)
            listed = {key[:2]: at} if notice.count(Why.DIGEST) else {}
            known = dataclasses.replace(
                known,
                told={**known.told, **told_after(known.told, notice, at)},
                last={**known.last, key: at},
                digests={**known.digests, **listed},
            )
    for (_finding, why), found in tellings.items():
        assert why is not Why.RETURNED
        assert why is not Why.NEW or len(found) == 1
        assert why is not Why.ESCALATED or len({step for _at, step in found}) == len(found)
        gaps = [(later - earlier).days for (earlier, _), (later, _) in itertools.pairwise(found)]
        assert why is not Why.DIGEST or min(gaps, default=7) >= 7


@given(FINDINGS, KNOWNS)
@QUICK
def test_the_order_in_which_findings_are_read_does_not_matter(findings: list[Open], known: Known) -> None:
    forward, backward = (plan(columns(each), known, AT) for each in (findings, findings[::-1]))
    assert forward.notices == backward.notices and forward.waiting() == backward.waiting()
