"""Organisations are held out of a mild class for a while: by lot, never of what matters, until they ask or it ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, signed_in, text
from tests.notices.conftest import BY_AT, DAY, policy, prepared, send
from tests.notices.test_planning import KNOWN, Open, planned, reasons, told
from tocsin.audit.models import AuditRow
from tocsin.audit.queries import latest_rows
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent
from tocsin.feeds.actions.answers import answer_findings
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.notices import actions, queries, reading
from tocsin.notices.choices import Happening, Waits
from tocsin.notices.courses import Before
from tocsin.notices.models import HoldOut, LedgerEntry, Told
from tocsin.notices.recorded import _SENTENCES as SAID
from tocsin.notices.rules import FEWEST_ORGANISATIONS, Holding, is_held_out
from tocsin.reason import effect

CLASS = "vulnerable-system"
UNDERSTOOD = "I know that they are not warned"
ALL = Holding(CLASS, 6, 100, "key")  # 100 per cent stands for whoever the lot takes


def test_who_is_held_out_waits_and_is_named_so() -> None:
    found = planned(Open("a", severity=5), Open("b", severity=6), hold_outs=(ALL,))
    assert reasons(found) == {"a": Waits.HELD_OUT, "b": Waits.HELD_OUT} and not found.notices


def test_nothing_severe_and_no_other_class_is_ever_held_out() -> None:
    severe = [Open(f"{level}", severity=level) for level in range(1, 5)]
    found = planned(*severe, Open("other", severity=6, category="weak-crypto"), hold_outs=(ALL,))
    assert len(told(found)) == 5


def test_what_is_milder_than_policies_told_when_it_began_is_told() -> None:
    assert told(planned(Open("a", severity=6), hold_outs=(Holding(CLASS, 5, 100, "key"),)))


def test_what_anybody_was_told_of_is_not_held_out() -> None:
    before = {"a": Before("moh", AT - DAY, AT - DAY, 0, 0), "b": Before("bank", AT - DAY, AT - DAY, 0, 0)}
    found = planned(Open("a", severity=5, returns=1), Open("b", severity=5), told=before, hold_outs=(ALL,))
    assert set(told(found)) == {"a", "b"}


def test_who_is_exempt_is_told() -> None:
    assert told(planned(Open("a", severity=5), hold_outs=(Holding(CLASS, 6, 100, "key", frozenset({"moh"})),)))
    assert KNOWN.hold_outs == ()


@given(st.text(min_size=1, max_size=20), st.integers(1, 50), st.text(max_size=20))
def test_a_lot_stays_as_it_was_drawn_and_a_larger_share_holds_the_same_ones(key: str, share: int, who: str) -> None:
    assert is_held_out(key, share, who) == is_held_out(key, share, who)
    assert not is_held_out(key, share, who) or is_held_out(key, share + 1, who)


def test_the_share_held_out_is_the_one_asked_for() -> None:
    held = sum(is_held_out("key", 30, f"org-{each}") for each in range(4000))
    assert 1100 < held < 1300


def test_the_smallest_group_is_the_one_of_which_anything_can_be_said() -> None:
    assert FEWEST_ORGANISATIONS == effect.FEWEST_ORGANISATIONS


@pytest.fixture
def many(told: Store) -> Store:
    """The told week with twenty organisations more, so that lots can be drawn; a policy tells C6 too."""
    policy(category=CLASS, threshold=6)
    for each in range(20):
        directory.add_constituent(public_id=f"org-{each}", name=f"Organisation {each}", sector="energy", **BY_AT)
    return told


def begun(**facts: Any) -> HoldOut:
    """Hold organisations out and return the row."""
    stated: dict[str, Any] = {
        "category": CLASS, "share": 50, "until": AT.date() + 60 * DAY, "reason": "To know whether it helps.",
        "understood": UNDERSTOOD,
    }  # fmt: skip
    return HoldOut.objects.get(pk=actions.begin_hold_out(**{**stated, **facts}, **BY_AT).hold_out)


@pytest.mark.django_db
def test_lots_are_drawn_evenly_and_written_down(many: Store) -> None:
    row = begun()
    held = queries.held_out_of(row)
    assert len(held) in (10, 11, 12)
    said = latest_rows(1)[0]
    assert said.code == "hold-out.began" and (said.data["held_out"], said.data["organisations"]) == (len(held), 22)
    assert "organisations are not told of" in SAID["hold-out.began"](said.data)
    assert row.key not in str(said.data)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"category": "infected-system"}, "category", "always told"),
    ({"category": "ddos-amplifier"}, "category", "others would be harmed"),
    ({"share": 51}, "share", "1 to 50"),
    ({"share": None}, "share", "1 to 50"),
    ({"share": 20}, "share", "nobody may be left unwarned for nothing"),
    ({"until": AT.date() + 181 * DAY}, "until", "180 days"),
    ({"until": AT.date() - DAY}, "until", "past"),
    ({"until": None}, "until", "for ever"),
    ({"reason": " "}, "reason", "Say why"),
    ({"understood": "yes"}, "understood", UNDERSTOOD),
]


@pytest.mark.django_db
def test_what_may_not_be_is_refused_with_a_sentence(many: Store) -> None:
    for wrong, where, words in WRONG:
        with pytest.raises(InvalidInput, match=words) as refused:
            begun(**wrong)
        assert refused.value.where == where, wrong
    assert not HoldOut.objects.exists()


@pytest.mark.django_db
def test_one_hold_out_a_class_and_only_of_what_is_told(many: Store) -> None:
    begun()
    with pytest.raises(InvalidInput, match="already"):
        begun()
    actions.end_policy(queries.policies().get(category=CLASS), **BY_AT)
    with pytest.raises(InvalidInput, match="nothing to hold out"):
        begun(category="weak-crypto")


@pytest.mark.django_db
def test_it_ends_by_itself_and_may_begin_anew(many: Store) -> None:
    row, later = begun(), AT + 61 * DAY
    assert queries.standing_hold_outs(row.until) == [row]
    assert queries.standing_hold_outs(later.date()) == []
    with pytest.raises(Conflict, match="over"):
        actions.end_hold_out(row, by=BY_AT["by"], at=later)
    facts: dict[str, Any] = {"category": CLASS, "share": 50, "until": later.date(), "reason": "x"}
    actions.begin_hold_out(**facts, understood=f" {UNDERSTOOD.upper()}. ", by=BY_AT["by"], at=later)
    row.refresh_from_db()
    assert row.ended_at == dt.datetime.combine(row.until + DAY, dt.time(), dt.UTC) and HoldOut.objects.count() == 2


@pytest.fixture
def mild(many: Store, monkeypatch: pytest.MonkeyPatch) -> HoldOut:
    """A hold-out of a class whose findings here count as C5, under a lot that takes the bank and not the ministry."""
    from tocsin.notices import reading
    from tocsin.notices.planning import Columns

    whole = reading.open_findings

    def milder(constituents: Any = ()) -> Any:
        for batch in whole(constituents):
            yield Columns(**{**batch._asdict(), "severity": [5] * len(batch.severity)})

    monkeypatch.setattr(reading, "open_findings", milder)
    row = begun()
    key = next(f"{n}" for n in range(1000) if is_held_out(f"{n}", 50, "bank") and not is_held_out(f"{n}", 50, "moh"))
    HoldOut.objects.filter(pk=row.pk).update(key=key)
    row.refresh_from_db()
    return row


def whom() -> set[str]:
    """Return who is to be told now."""
    return {each.constituent for each in queries.plan_now(AT).notices}


@pytest.mark.django_db
def test_who_is_held_out_is_told_when_it_ends_before_its_day(mild: HoldOut) -> None:
    assert whom() == {"moh"} and queries.plan_now(AT).waiting() == {Waits.HELD_OUT: 1}
    assert [row.pk for row in queries.classes_held_out("bank", AT.date())] == [mild.pk]
    assert queries.classes_held_out("moh", AT.date()) == []
    actions.end_hold_out(mild, **BY_AT)
    assert whom() == {"moh", "bank"}
    with pytest.raises(Conflict):
        actions.end_hold_out(mild, **BY_AT)
    assert AuditRow.objects.filter(code="hold-out.ended").count() == 1


@pytest.mark.django_db
def test_who_asks_is_told(mild: HoldOut) -> None:
    bank = Constituent.objects.get(public_id="bank")
    actions.exempt_from_hold_out(mild, bank, **BY_AT)
    assert "bank" in whom() and bank not in queries.held_out_of(mild)
    with pytest.raises(Conflict, match="already"):
        actions.exempt_from_hold_out(mild, bank, **BY_AT)
    assert "bank asked" in SAID["hold-out.exempted"](latest_rows(1)[0].data)


@pytest.mark.django_db
def test_who_answers_a_notice_is_told_of_everything(mild: HoldOut) -> None:
    actions.exempt_from_hold_out(mild, Constituent.objects.get(public_id="bank"), **BY_AT)
    bank = next(each for each in prepared() if each.constituent.public_id == "bank")
    mild.exemptions.all().delete()
    send(bank)
    Told.objects.filter(constituent="bank").delete()
    assert "bank" not in {each.constituent for each in queries.plan_now(AT + 2 * DAY).notices}
    LedgerEntry.objects.create(notice=bank, at=AT, what=Happening.REPLIED, actor_label="x", received=1)
    assert "bank" in {each.constituent for each in queries.plan_now(AT + 2 * DAY).notices}


@pytest.mark.django_db
def test_who_answers_a_notice_on_its_own_pages_is_told_of_everything_too(mild: HoldOut) -> None:
    def is_held() -> bool:
        (holding,), stands = reading.holdings([mild]), queries.classes_held_out("bank", AT.date())
        assert ("bank" not in holding.exempt) == (stands == [mild]) == (bank.constituent in queries.held_out_of(mild))
        return "bank" not in holding.exempt

    actions.exempt_from_hold_out(mild, Constituent.objects.get(public_id="bank"), **BY_AT)
    bank = next(each for each in prepared() if each.constituent.public_id == "bank")
    mild.exemptions.all().delete()
    finding = bank.lines.get().finding
    answer_findings([finding], kind="fixed", **BY_AT)
    answer_findings([finding], kind="taken-back", **BY_AT)
    send(bank, AT + DAY)
    assert is_held(), "it had not been told of it then"
    answer_findings([finding], kind="false-positive", text="A honeypot.", by=BY_AT["by"], at=AT + 2 * DAY)
    assert not is_held()
    HoldOut.objects.filter(pk=mild.pk).update(began_at=AT + 3 * DAY)
    mild.refresh_from_db()
    assert is_held(), "it was said before this one began"


@pytest.fixture(autouse=True)
def morning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the morning of the tests, on pages too."""
    from tocsin.notices.views import hold_outs, notices

    for module in (clock, hold_outs, notices):
        monkeypatch.setattr(module, "now", lambda: AT)


@pytest.fixture
def head(cast: Cast) -> Client:
    """The browser of the head of team."""
    return signed_in(cast.manager)


@pytest.mark.django_db
def test_the_head_of_team_holds_out_after_writing_what_it_means(many: Store, head: Client) -> None:
    assert "Nobody is held out" in text(head.get("/notices/hold-outs/"))
    form = text(head.get("/notices/hold-outs/begin/"))
    assert "left without a warning that you could give" in form and UNDERSTOOD in form
    facts = {"category": CLASS, "share": "50", "until": "2026-12-20", "reason": "To know."}
    refused = head.post("/notices/hold-outs/begin/", {**facts, "understood": "Yes"})
    assert refused.status_code == 422 and "so that it is clear what you decide" in text(refused)
    page = text(head.post("/notices/hold-outs/begin/", {**facts, "understood": UNDERSTOOD}, follow=True))
    assert "The lots are drawn." in page and "organisations are not told of" in page and "To know." in page
    assert "/notices/hold-outs/" in links(head.get("/notices/"))


@pytest.mark.django_db
def test_from_the_page_one_is_told_and_then_all(mild: HoldOut, head: Client) -> None:
    page = head.post(f"/notices/hold-outs/{mild.pk}/tell/", {"constituent": "bank"}, follow=True)
    assert "bank is told with the next notice." in text(page) and "Asked, and are told bank" in text(page)
    again = head.post(f"/notices/hold-outs/{mild.pk}/tell/", {"constituent": "bank"}, follow=True)
    assert "told already" in text(again)
    assert "They are told with the next notices." in text(head.post(f"/notices/hold-outs/{mild.pk}/end/", follow=True))
    assert "What is over" in text(head.post(f"/notices/hold-outs/{mild.pk}/end/", follow=True))
    assert head.post(f"/notices/hold-outs/{mild.pk}/tell/", {"constituent": "nobody\0"}).status_code == 404


@pytest.mark.django_db
def test_it_stands_with_what_a_constituent_was_told(mild: HoldOut, head: Client) -> None:
    assert "Held out until" in text(head.get("/directory/constituents/bank/relations/"))
    assert "Held out until" not in text(head.get("/directory/constituents/moh/relations/"))


@pytest.mark.django_db
def test_an_analyst_sees_it_and_may_not_begin_it(mild: HoldOut, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    assert "Hold organisations out" not in text(browser.get("/notices/hold-outs/"))
    assert browser.get("/notices/hold-outs/begin/").status_code == 403
    assert browser.post(f"/notices/hold-outs/{mild.pk}/end/").status_code == 403
    assert signed_in(cast.stranger).get("/notices/hold-outs/").status_code == 403
