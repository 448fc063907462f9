"""What is said of findings: who may, what is refused, and how it stands by real reports that come and go."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, signed_in, text
from tests.feeds.reports import write
from tests.portal.conftest import belongs, finding_of
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.directory import actions as directory
from tocsin.directory.models import Claim
from tocsin.feeds import answers, queries, reattribution
from tocsin.feeds.actions.answers import LONGEST_TEXT, answer_findings, judge_answer
from tocsin.feeds.choices import AnswerKind, Stands
from tocsin.feeds.models import Answer, Feed
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted

pytestmark = pytest.mark.django_db
TODAY = AT.date()
BY_AT: dict[str, Any] = {"by": COMMAND_LINE, "at": AT}


def say(host: int, kind: str = "fixed", **facts: Any) -> Answer:
    """Answer to the finding at 192.0.2.HOST, on the morning after the last report."""
    answer_findings([finding_of(host)], kind=kind, **{**BY_AT, **facts})
    return Answer.objects.latest("pk")


def standing(host: int, today: dt.date = TODAY) -> str:
    """Return how what was said of a host's finding stands."""
    found = queries.finding_with(finding_of(host))
    assert found is not None
    return answers.current([found], today)[finding_of(host)].stands.value


def test_fixed_is_confirmed_by_the_next_report_without_it(week: Store, tmp_path: Path) -> None:
    say(1)
    assert standing(1) == "waits"
    week.run(write(tmp_path, 4, [2, 3, 5, 70, 200]), accept_drop=True)
    assert standing(1) == "confirmed"


def test_fixed_is_contradicted_by_the_next_report_with_it_until_that_is_withdrawn(week: Store, tmp_path: Path) -> None:
    say(1)
    done = week.run(write(tmp_path, 4, [1, 2, 3, 70, 200]), accept_drop=True)
    assert standing(1) == "contradicted"
    week.withdraw(done["run"])
    assert standing(1) == "waits"
    week.run(write(tmp_path / "again", 4, [2, 70, 200]), accept_drop=True)
    assert standing(1) == "confirmed"


def test_a_corrected_report_of_the_same_day_says_nothing_against_an_answer(week: Store, tmp_path: Path) -> None:
    say(1)
    week.run(write(tmp_path / "late", 3, [1, 2, 3, 5, 70, 200]), accept_drop=True)
    assert standing(1) == "waits"


def test_a_cycle_that_is_held_confirms_nothing(week: Store, tmp_path: Path) -> None:
    say(1)
    week.run(write(tmp_path, 4, [200]))
    assert standing(1) == "waits"


def test_how_many_reports_have_come_without_it_is_known(week: Store, tmp_path: Path) -> None:
    say(1)
    week.run(write(tmp_path, 4, [2, 3, 5, *range(20, 30), 70, 200]), gone_after=3)
    found = queries.finding_with(finding_of(1))
    assert found is not None
    stood = answers.current([found], TODAY)[finding_of(1)]
    assert (stood.stands, stood.counted, stood.of) == (Stands.WAITS, 1, 3)


def test_an_accepted_risk_ends_when_the_finding_comes_back(week: Store, tmp_path: Path) -> None:
    say(1, "accepted", text="It is replaced.", until=TODAY + dt.timedelta(days=90))
    week.run(write(tmp_path, 4, [2, 3, 5, 70, 200]), accept_drop=True)
    assert standing(1) == "holds"
    week.run(write(tmp_path, 5, [1, 2, 3, 5, 70, 200]), accept_drop=True)
    assert standing(1) == "ended"


def test_who_holds_it_next_has_said_nothing(week: Store) -> None:
    say(70, "not-ours")
    claim = Claim.objects.get(value="192.0.2.64/26")
    directory.end_claim(claim, ends_on=dt.date(2026, 11, 15), reason="Given back.", **BY_AT)
    reattribution.bring_up_to_date(by=COMMAND_LINE)
    found = queries.finding_with(finding_of(70))
    assert found is not None and found.constituent == "moh"
    assert answers.current([found], TODAY) == {}
    assert [each.stands for each in answers.given(found, TODAY)] == [Stands.ENDED]


def test_a_row_of_the_trail_says_what_was_said_and_of_what(week: Store) -> None:
    answer_findings([finding_of(1), finding_of(2)], kind="fixed", text=" Closed. ", **BY_AT)
    row = AuditRow.objects.get(code="finding.answered")
    assert row.data["answered"] == [finding_of(1), finding_of(2)]
    assert (row.data["constituent"], row.data["text"], row.data["is_on_behalf"]) == ("moh", "Closed.", True)


@pytest.mark.parametrize(
    ("facts", "where"),
    [
        ({"kind": "solved"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"kind": "accepted", "until": TODAY}, "text"),
        ({"kind": "accepted", "text": "Old."}, "until"),
        ({"kind": "accepted", "text": "Old.", "until": TODAY - dt.timedelta(days=1)}, "until"),
        ({"kind": "accepted", "text": "Old.", "until": TODAY + dt.timedelta(days=366)}, "until"),
        ({"kind": "false-positive", "text": " "}, "text"),
        ({"kind": "fixed", "text": "x" * (LONGEST_TEXT + 1)}, "text"),
        ({"kind": "fixed", "text": "a\x1b[2Jb"}, "text"),
    ],
)
def test_what_cannot_stand_is_refused_beside_its_field(week: Store, facts: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        answer_findings([finding_of(1)], **facts, **BY_AT)
    assert refused.value.where == where and not Answer.objects.exists()


def test_all_or_none_and_one_organisation_at_a_time(week: Store) -> None:
    for several in ([finding_of(1), "0" * 26], [finding_of(1), finding_of(70)], [finding_of(200)], []):
        with pytest.raises(Conflict):
            answer_findings(several, kind="fixed", **BY_AT)
    assert not Answer.objects.exists()


def test_a_member_answers_what_is_their_own_and_nothing_else(week: Store, cast: Cast) -> None:
    member = belongs(cast.contact, "moh")
    answer_findings([finding_of(1)], kind="fixed", by=member, at=AT)
    assert not Answer.objects.get().is_on_behalf
    for by, host in ((member, 70), (cast.stranger, 1), (cast.observer, 1), (cast.auditor, 1), (cast.peer, 1)):
        with pytest.raises(NotPermitted):
            answer_findings([finding_of(host)], kind="fixed", by=by, at=AT)
    answer_findings([finding_of(70)], kind="fixed", by=cast.analyst, at=AT)
    assert Answer.objects.latest("pk").is_on_behalf


def test_a_member_does_not_answer_what_they_are_not_cleared_for(week: Store, cast: Cast) -> None:
    member = belongs(cast.contact, "moh")
    Feed.objects.update(tlp="RED")
    with pytest.raises(NotPermitted):
        answer_findings([finding_of(1)], kind="fixed", by=member, at=AT)


def test_the_team_agrees_for_a_while_or_answers_back(week: Store) -> None:
    until = TODAY + dt.timedelta(days=30)
    judge_answer(say(1, "false-positive", text="A honeypot."), verdict="upheld", until=until, **BY_AT)
    judge_answer(say(2, "not-ours"), verdict="refused", text="Your provider says so.", **BY_AT)
    assert (standing(1), standing(1, until + dt.timedelta(days=1)), standing(2)) == ("holds", "ended", "refused")


@pytest.mark.parametrize(
    "facts",
    [
        {"verdict": "maybe"},
        {"verdict": "refused", "text": ""},
        {"verdict": "upheld"},
        {"verdict": "upheld", "until": TODAY + dt.timedelta(days=400)},
    ],
)
def test_a_verdict_that_cannot_stand_is_refused(week: Store, facts: dict[str, Any]) -> None:
    answer = say(1, "not-ours")
    with pytest.raises(InvalidInput):
        judge_answer(answer, **facts, **BY_AT)
    assert answers.is_to_judge(answer)


def test_only_the_last_word_is_judged_and_once(week: Store) -> None:
    first, fixed = say(1, "not-ours"), say(2)
    second = say(1, "not-ours", text="It really is not.")
    judge_answer(second, verdict="refused", text="It is.", **BY_AT)
    for answer in (first, fixed, second):
        with pytest.raises(Conflict):
            judge_answer(answer, verdict="refused", text="It is.", **BY_AT)


@pytest.fixture
def analyst(week: Store, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The analyst's browser, on the morning after the week."""
    from tocsin.feeds.views import answers as work_list
    from tocsin.feeds.views import finding

    for module in (work_list, finding):
        monkeypatch.setattr(module, "now", lambda: AT)
    return signed_in(cast.analyst)


def test_the_list_of_answers_is_worked_through_several_at_once(analyst: Client) -> None:
    chosen = [say(host, "false-positive", text="A honeypot.").pk for host in (1, 2)]
    say(70, "not-ours")
    said = text(analyst.get("/findings/answers/"))
    assert "3 answers wait for your word" in said and "A honeypot." in said and "moh" in said
    assert "1 answer waits for your word" in text(analyst.get("/findings/answers/?kind=not-ours"))
    nothing = analyst.post("/findings/answers/judge/", {"verdict": "upheld", "until": "2026-12-31"})
    assert "No answer was chosen" in text(nothing)
    refused = analyst.post("/findings/answers/judge/", {"answer": chosen, "verdict": "refused", "text": ""})
    assert refused.status_code == 422 and "Say why" in text(refused) and refused.content.count(b"checked") == 2
    form = {"answer": chosen, "verdict": "upheld", "until": "2026-12-31"}
    assert "2 answers are judged" in text(analyst.post("/findings/answers/judge/", form, follow=True))
    assert "2 answers: Holds" in text(analyst.get("/findings/answers/?stands=holds"))


def test_a_disputed_claim_stands_with_the_conflicts(analyst: Client) -> None:
    assert "disputed" not in text(analyst.get("/directory/conflicts/"))
    say(70, "not-ours")
    page = analyst.get("/directory/conflicts/")
    claim = Claim.objects.get(value="192.0.2.64/26")
    assert "1 claim is disputed by its holder" in text(page)
    assert {f"/findings/{finding_of(70)}/", f"/directory/claims/{claim.pk}/end/"} <= set(links(page))


def test_the_page_of_a_finding_shows_answers_and_takes_one_for_the_constituent(analyst: Client) -> None:
    address = f"/findings/{finding_of(1)}/"
    refused = analyst.post(f"{address}answer/", {"kind": "accepted"})
    assert refused.status_code == 422 and "Say until which day" in text(refused)
    said = text(analyst.post(f"{address}answer/", {"kind": "fixed", "text": "<b>Closed</b>"}, follow=True))
    assert "What its constituent says" in said and "on its behalf" in said and "<b>Closed</b>" in said
    assert "0 of 1 reports" in said


def test_answers_go_with_the_finding_that_is_no_longer_kept(week: Store, keep: Any, tmp_path: Path) -> None:
    from tocsin.feeds import expiring

    say(6)
    keep(amber=2)
    week.run(write(tmp_path, 4, [1, 2, 70, 200]), accept_drop=True)
    assert Answer.objects.filter(finding=finding_of(6)).count() == 1
    expiring.expire(by=COMMAND_LINE, at=AT, trust_clock=True)
    assert not Answer.objects.exists()


def test_every_kind_of_answer_has_its_words() -> None:
    assert all(str(kind.label) for kind in AnswerKind) and all(str(each.label) for each in Stands)
