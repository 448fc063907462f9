"""What is reckoned is written down once, when anything has changed; from the shell at once."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from typing import Any

import pytest

from tests.effect.conftest import AFTER, HORIZON, country
from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day
from tests.notices.conftest import DAY, prepared, send
from tests.notices.test_answers import say
from tocsin.audit.queries import latest_rows
from tocsin.effect import actions, jobs, measuring, queries
from tocsin.effect.choices import By
from tocsin.effect.models import Figure, Measurement
from tocsin.effect.recorded import _SENTENCES as SAID
from tocsin.kernel import clock
from tocsin.site.cli import notice, parser

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def test_the_last_reckoning_takes_the_place_of_the_one_before(measured: Any, by_at: dict[str, Any]) -> None:
    found = measured(1.0)
    assert Measurement.objects.count() == 1 and Figure.objects.count() == len(found.figures)
    actions.record_measurement(found, basis="x", **by_at)
    assert Measurement.objects.get().basis == "x" and Figure.objects.count() == len(found.figures)
    row = latest_rows(1)[0]
    assert row.code == "effect.measured" and row.data["verdicts"] == {"before": "no_visible_effect"}
    assert "Before there were notices: No visible effect" in SAID["effect.measured"](row.data)
    assert "nothing to compare" in SAID["effect.measured"]({"verdicts": {}})


def test_figures_are_of_everything_that_may_be_split(measured: Any) -> None:
    found = measured(1.0)
    number = {by: sum(each.by is by for each in found.figures) for by in By}
    assert number == {By.ALL: 1, By.CLASS: 2, By.SECTOR: 2, By.CONSTITUENT: 24, By.POLICY: 1}
    whole = next(each for each in found.figures if each.by is By.ALL)
    for name in ("told", "natural"):
        facts, curve = whole.facts[name], whole.curves[name]
        assert facts["gone"] + facts["there"] == facts["lives"] == curve["lives"]
        assert sum(curve["ended"]) == facts["gone"] and facts["organisations"] == 24
        # As many are at risk as were watched and have not ended: asked again at the days under the axis.
        assert curve["at_risk_at"][-1] == 0 and len(curve["at_risk_at"]) == len(whole.curves["ticks"]) == 5
    of_each = [each.facts["told"]["lives"] for each in found.figures if each.by is By.CLASS]
    assert sum(of_each) == whole.facts["told"]["lives"] == found.told


def test_what_came_back_is_counted_among_what_was_watched_for_so_long(measured: Any) -> None:
    (whole,) = (each for each in measured(1.0).figures if each.by is By.ALL)
    lives, told = country(1.0)
    compared = [each for each in lives.to_pylist() if each["begin"] < AFTER or each["k1"] in told]
    gone = [each for each in compared if each["ended"]]
    for said, returning in zip(whole.facts["came_back"], ((9,), (9, 40)), strict=True):
        watched = [each for each in gone if each["end"] + said["days"] <= HORIZON]
        back = [each for each in watched if each["back"] - each["end"] in returning]
        assert (said["back"], said["of"]) == (len(back), len(watched)) and len(watched) > len(back) > 0
    assert [each["days"] for each in whole.facts["came_back"]] == [30, 90]


def test_it_is_due_when_anything_has_changed_and_some_hours_are_past(told: Store) -> None:
    assert queries.is_due(AT)
    jobs.measure({}, None)  # type: ignore[arg-type]
    assert Measurement.objects.get().began_before > 0 and not queries.is_due(clock.now() + 7 * HOUR)
    send(prepared()[0])
    at = Measurement.objects.get().at
    assert queries.is_due(at + 6 * HOUR) and not queries.is_due(at + 5 * HOUR)
    first = Measurement.objects.get().pk
    jobs.measure({}, None)  # type: ignore[arg-type]
    assert Measurement.objects.get().pk == first  # too soon


def test_what_was_sent_and_came_back_told_nobody(told: Store) -> None:
    from tocsin.notices import actions as notices
    from tocsin.notices import queries as of_notices
    from tocsin.notices.choices import NoticeState

    bank, ministry = prepared()
    send(bank)
    send(ministry)
    assert {each.constituent for each in of_notices.sent_notices().values()} == {"bank", "moh"}
    assert sum(len(findings) for findings, _of in of_notices.told_findings(batch=4)) == 15
    notices.record_outcome(bank, what=NoticeState.BOUNCED, by=jobs.MEASURING, at=AT)
    assert {each.constituent for each in of_notices.sent_notices().values()} == {"moh"}
    assert sum(len(findings) for findings, _of in of_notices.told_findings()) == 14
    assert {each.on for each in of_notices.sent_notices().values()} == {AT.date()}
    notices.record_outcome(bank, what=NoticeState.ACTED, by=jobs.MEASURING, at=AT)
    assert {each.constituent for each in of_notices.sent_notices().values()} == {"moh"}, "answered by another way"
    assert measuring.measure(AT)


@pytest.mark.parametrize("state", ["queued", "sent"])
def test_what_was_refused_or_came_back_and_was_opened_is_told_from_that_day(told: Store, state: str) -> None:
    from tocsin.notices import actions as notices
    from tocsin.notices import queries as of_notices
    from tocsin.notices.choices import NoticeState

    bank, _ministry = prepared()
    if state == "sent":
        send(bank)
    else:
        notices.preview_notice(bank, by=jobs.MEASURING, at=AT)
        notices.queue_notice(bank, by=jobs.MEASURING, at=AT)
    for number, what in enumerate((NoticeState.BOUNCED, NoticeState.READ), start=1):
        notices.record_outcome(bank, what=what, by=jobs.MEASURING, at=AT + number * DAY)
    assert [each.on for each in of_notices.sent_notices().values()] == [(AT + 2 * DAY).date()]
    jobs.measure({}, None)  # type: ignore[arg-type]
    assert Measurement.objects.exists()


def test_lives_of_the_week_are_reckoned_from_its_files(week: Store) -> None:
    found = measuring.measure(AT)
    # What was there on the first day was so nobody knows since when, host 5 too, which came back on the last day; as
    # 20 to 29, which are new, it is too young then. 200 is nobody's.
    assert (found.lives, found.told, found.began_before, found.too_young) == (0, 0, 9, 11)
    assert found.watched_to == day(3) and not found.figures


def test_what_is_said_of_a_finding_neither_ends_its_life_nor_leaves_it_out(told: Store) -> None:
    from tocsin.feeds import lives

    before = lives.lives().lives
    say(3, kind="accepted", text="Old.", until=AT.date() + 90 * DAY)
    say(1, 2)
    say(5, kind="false-positive", text="A honeypot.")
    assert before.num_rows and lives.lives().lives.equals(before)


@pytest.fixture
def only_this_noun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other nouns are not needed here, and it is the morning of the tests."""
    whole = argparse.ArgumentParser(prog="tocsin")
    notice.add_commands(whole.add_subparsers())
    monkeypatch.setattr(parser, "build_parser", lambda: whole)
    monkeypatch.setattr(clock, "now", lambda: AT)


def test_the_command_reckons_writes_down_and_says(
    measured: Any, only_this_noun: None, capsys: pytest.CaptureFixture[str]
) -> None:
    measured(2.5)
    Measurement.objects.all().delete()
    assert parser.run(["notice", "effect", "--by", "sector"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[:3] for line in lines[:-1]] == [
        ["before", "all", "-"], ["before", "sector", "energy"], ["before", "sector", "health"],
    ]  # fmt: skip
    assert "told findings go sooner, " in lines[0] and "times as fast (" in lines[0]
    assert lines[-1].startswith("Reckoned from 960 lives, ") and Measurement.objects.get().at == AT
    assert parser.run(["notice", "effect", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["lives"], answer["too_young"], len(answer["figures"])) == (960, 3, 1)
    assert answer["figures"][0]["verdict"] == "faster" and answer["figures"][0]["came_back"][0]["days"] == 30


def test_the_command_says_when_there_is_nothing(
    store: Store,
    only_this_noun: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parser.run(["notice", "effect"]) == 0
    said = capsys.readouterr().out
    assert "No finding has been watched" in said and "Reckoned from 0 lives, 0 of them told." in said
