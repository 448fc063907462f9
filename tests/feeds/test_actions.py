"""What people say about findings, and what the engine found: each one row of the trail."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pytest
from django.db import IntegrityError

from tests.cast import Cast
from tests.feeds.conftest import AT
from tests.feeds.reports import day
from tests.feeds.test_manifest import closed, delta, of_type, report
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.audit.queries import verify
from tocsin.engine import store as engine
from tocsin.engine.store import Delivered
from tocsin.feeds.actions import findings, runs
from tocsin.feeds.models import Feed, FindingNote, FindingOwner, Handover, Manifest, Report, Run, State
from tocsin.kernel.refusals import Conflict, InvalidInput

pytestmark = pytest.mark.django_db
FINDING = "hrbfajemagcs7nqe57ncl3uqpi"


def trail() -> list[tuple[str, Any]]:
    """Return what stands in the trail, but not who came to be."""
    return [(row.code, row.data) for row in AuditRow.objects.order_by("sequence")]


def started(**options: Any) -> Run:
    event = runs.start_run(files=["a.csv"], options=options, by=COMMAND_LINE, at=AT)
    return Run.objects.get(pk=event.run)


def test_a_note_is_kept_with_its_author(cast: Cast) -> None:
    event = findings.add_note(FINDING, text="  They were called.  ", by=cast.analyst, at=AT)
    note = FindingNote.objects.get()
    assert (note.finding, note.text, note.author_label, note.at) == (
        FINDING, "They were called.", cast.analyst.audit_label, AT,
    )  # fmt: skip
    assert event.text == "They were called."
    assert trail()[-1] == ("finding.noted", {"finding": FINDING, "text": "They were called."})


@pytest.mark.parametrize(
    ("text", "said"), [(" \n", "the note is empty"), ("x" * 10_001, "10001 characters; 10000 are")]
)
def test_a_note_that_says_nothing_or_too_much_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        findings.add_note(FINDING, text=text, by=COMMAND_LINE, at=AT)
    assert not FindingNote.objects.exists()
    assert trail() == []


def test_a_finding_is_given_handed_on_and_let_go(cast: Cast) -> None:
    labels = []
    for owner in (cast.analyst, cast.manager, None, None):
        event = findings.give_finding(FINDING, owner=owner, seen=None, by=cast.manager, at=AT)
        labels.append((event.before, event.after))
        assert FindingOwner.objects.count() == (owner is not None)
    one, other = cast.analyst.audit_label, cast.manager.audit_label
    assert labels == [("", one), (one, other), (other, ""), ("", "")]


def test_nobody_decides_over_an_owner_whom_the_page_did_not_show(cast: Cast) -> None:
    give = functools.partial(findings.give_finding, FINDING, at=AT)
    give(owner=cast.analyst, seen="", by=cast.analyst)

    for seen in ("", cast.manager.audit_key):
        with pytest.raises(Conflict, match=r"^Since .* Anan Analyst has looked after it\. .*look again"):
            give(owner=cast.manager, seen=seen, by=cast.manager)
    assert FindingOwner.objects.get().owner_key == cast.analyst.audit_key

    give(owner=cast.analyst, seen="", by=cast.analyst)  # a second click
    give(owner=None, seen=cast.analyst.audit_key, by=cast.manager)
    with pytest.raises(Conflict, match="Nobody looks after it any more"):
        give(owner=cast.manager, seen=cast.analyst.audit_key, by=cast.manager)
    assert [data["after"] for _code, data in trail()] == [*[cast.analyst.audit_label] * 2, ""], (
        "what is refused is no event"
    )


def test_terms_are_changed_with_what_they_were() -> None:
    feed = Feed.objects.create(code="x", name="X", tlp="AMBER", terms="Keep it.")
    event = findings.change_terms(feed, tlp="GREEN", terms="Keep it.", by=COMMAND_LINE, at=AT)
    feed.refresh_from_db()
    assert (feed.tlp, feed.terms) == ("GREEN", "Keep it.")
    assert (event.before, event.after) == ({"tlp": "AMBER"}, {"tlp": "GREEN"})


def test_a_schema_is_on_record() -> None:
    findings.record_schema(published_at="2026-01-01", types=170, sha256=["a" * 64, "b" * 64], by=COMMAND_LINE, at=AT)
    assert trail() == [
        ("feed.schema_loaded", {"published_at": "2026-01-01", "types": 170, "sha256": ["a" * 64, "b" * 64]})
    ]


def test_a_run_is_started_and_committed(cast: Cast) -> None:
    run = started(gone_after=3)
    assert (run.state, run.options, run.actor_label) == ("running", {"gone_after": 3}, "command line")
    runs.commit_run(run, delta(report()), {"rows_read": 10, "constituents": {"moh": 4}}, by=cast.analyst, at=AT)
    run.refresh_from_db()
    assert (run.state, run.finished_at, run.progress, run.note) == ("done", AT, 1.0, "")
    assert run.summary["constituents"] == {"moh": 4}
    assert Report.objects.get().run == run
    code, data = trail()[-1]
    assert code == "run.committed"
    assert data["summary"] == {"rows_read": 10}, "whose rows they are is no business of the trail"


def test_a_commit_that_fails_leaves_nothing(cast: Cast) -> None:
    run = started()
    before = trail()
    with pytest.raises(IntegrityError, match="feeds_records_conserved"):
        runs.commit_run(run, delta(report(), report(1, records=99)), {}, by=cast.analyst, at=AT)
    run.refresh_from_db()
    assert run.state == "running"
    assert not Report.objects.exists()
    assert not Manifest.objects.exists()
    assert trail() == before
    assert verify().broken_at is None


def test_a_failed_run_says_why_within_reason() -> None:
    run = started()
    runs.fail_run(run, reason="x" * 900, by=COMMAND_LINE, at=AT)
    run.refresh_from_db()
    assert (run.state, run.finished_at, len(run.note)) == ("failed", AT, 500)
    assert trail()[-1] == ("run.failed", {"run": run.pk, "reason": "x" * 900})


def test_a_withdrawn_run_names_its_reports() -> None:
    run = started()
    came = tuple(Delivered(one.type, one.on, one.name, one.id) for one in (report(0), report(1)))
    brought = dataclasses.replace(delta(report(0), report(1)), came=came)
    runs.commit_run(run, brought, {}, by=COMMAND_LINE, at=AT)
    taken_back = delta(superseded=(report(0).id, report(1).id))
    event = runs.withdraw_run(run, taken_back, reason="Of another country.", by=COMMAND_LINE, at=AT)
    assert sorted(event.reports) == [report(0).name, report(1).name]
    assert set(Report.objects.values_list("state", flat=True)) == {"withdrawn"}
    run.refresh_from_db()
    assert (run.state, run.note) == ("withdrawn", "Of another country.")


def test_a_decision_about_a_cycle_is_on_record() -> None:
    decided = delta(types=(of_type(closed(0)),))
    runs.decide_cycle(
        decided, report_type="scan_rdp", on=day(0), closed=True, decision="confirmed", by=COMMAND_LINE, at=AT
    )
    assert trail() == [
        ("cycle.decided", {"type": "scan_rdp", "on": "2026-11-16", "closed": True, "decision": "confirmed"})
    ]


def test_findings_that_change_hands_are_remembered() -> None:
    state = engine.State("scan_rdp", ("old",), day(0), (day(0),), 3, 2)
    runs.commit_run(started(), delta(report(), types=(of_type(closed(0), state=state),)), {}, by=COMMAND_LINE, at=AT)
    version = Manifest.objects.get().version
    handovers = [(FINDING, "scan_rdp", "moh", "bank"), ("b" * 26, "scan_rdp", "", "bank")]
    event = runs.reattribute_findings({"scan_rdp": ["new"]}, handovers, by=COMMAND_LINE, at=AT)
    assert (event.findings, event.by_constituent) == (2, {"bank": 2})
    assert State.objects.get().partitions == ["new"]
    assert Handover.objects.filter(finding=FINDING, before="moh", after="bank", at=AT).exists()
    assert Manifest.objects.get().version == version + 1, "readers must look again"
