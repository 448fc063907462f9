"""`tocsin notice …` as somebody at the terminal sees it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import write
from tests.notices.conftest import DAY, contact, policy, prepared, send
from tests.notices.test_ways import add_member
from tocsin.audit.actors import COMMAND_LINE
from tocsin.courier.models import OutgoingMessage
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel import clock
from tocsin.notices import actions
from tocsin.notices.models import LedgerEntry, Notice, NoticeFinding, Policy, Told
from tocsin.site.cli import notice, parser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_this_noun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other nouns are not needed here, and it is the morning of the tests."""
    whole = argparse.ArgumentParser(prog="tocsin")
    notice.add_commands(whole.add_subparsers())
    monkeypatch.setattr(parser, "build_parser", lambda: whole)
    monkeypatch.setattr(clock, "now", lambda: AT)


def run(*arguments: str) -> int:
    """Run `tocsin notice …`."""
    return parser.run(["notice", *arguments])


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what a command prints as JSON."""
    assert run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_preview_says_who_would_be_told_and_marks_nothing(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preview") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[:5] == ["moh", "C4", "14 findings", "soc@moh.example", "fr"]
    assert lines[2] == "2 notices about 15 findings. Nothing is sent or marked."
    assert not any(table.objects.exists() for table in (Notice, LedgerEntry, Told))


def test_preview_of_a_constituent_shows_the_text(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preview", "--constituent", "bank") == 0
    said = capsys.readouterr().out
    assert "[TLP:AMBER] 1 finding on the networks of bank" in said and "192.0.2.70:3389" in said
    assert "moh" not in said


def test_preview_as_json_has_what_scripts_need(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "preview")
    assert answer["notices"][0] == {
        "constituent": "moh", "policy": answer["notices"][0]["policy"], "whom": "security", "to": "soc@moh.example",
        "language": "fr", "tlp": "TLP:AMBER", "severity": "C4", "not_before": AT.isoformat(), "findings": 14, "new": 14,
        "returned": 0, "escalated": 0, "digest": 0, "way": "mail",
    }  # fmt: skip
    assert (answer["unreached"], answer["waiting"], answer["exercise"]) == ([], {}, False)
    with_text = asked(capsys, "preview", "--constituent", "moh")["notices"]
    assert [each["constituent"] for each in with_text] == ["moh"] and "192.0.2.1:3389" in with_text[0]["text"]


def test_preview_names_whom_nobody_can_tell(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    Contact.objects.filter(email="soc@bank.example").update(is_active=False)
    answer = asked(capsys, "preview")
    assert answer["unreached"] == [{"constituent": "bank", "whom": "security", "findings": 1}]
    assert answer["waiting"] == {"nobody": 1}
    assert run("preview") == 0
    assert "Nobody to tell at bank (security): 1 finding." in capsys.readouterr().out


def test_a_constituent_that_there_is_not_is_refused(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preview", "--constituent", "mho") == 1
    assert "there is no constituent mho" in capsys.readouterr().err


def test_the_rehearsal_names_the_addresses(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "send", "--dry-run")
    assert answer == {
        "notices": 2, "findings": 15, "people": 2, "to": ["soc@bank.example", "soc@moh.example"], "otherwise": 0,
        "asks": False, "exercise": False, "unread": 0, "sent": [], "refused": [], "dropped": [],
    }  # fmt: skip


def test_who_is_told_on_its_own_pages_is_not_among_the_addresses(
    told: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    add_member()
    own = policy(channel="portal", constituent=Constituent.objects.get(public_id="moh"))
    assert run("preview") == 0
    assert "moh\tC4\t14 findings\ton its own pages\tfr" in capsys.readouterr().out
    assert asked(capsys, "preview")["notices"][0]["way"] == "portal"
    figures = {"notices": 2, "people": 1, "to": ["soc@bank.example"], "otherwise": 1}
    assert {**asked(capsys, "send", "--dry-run"), **figures} == asked(capsys, "send", "--dry-run")
    assert run("send") == 0
    said = capsys.readouterr().out
    assert "soc@moh" not in said and "1 notice on the pages of organisations, or by their webhooks." in said
    assert Notice.objects.get(policy=own).state == "delivered"


@pytest.mark.parametrize("rehearsal", [("--dry-run",), ()])
def test_what_cannot_stand_on_own_pages_is_said_with_its_way_beside_the_address(
    told: Store, capsys: pytest.CaptureFixture[str], rehearsal: tuple[str, ...]
) -> None:
    policy(channel="portal", constituent=Constituent.objects.get(public_id="moh"))
    assert run("send", *rehearsal, "--json") == 1
    said = capsys.readouterr()
    (refused,) = json.loads(said.out)["refused"]
    why = "Nobody of the organisation signs in here, and would read it. Add a member, or change the policy."
    assert refused == {"constituent": "moh", "to": "soc@moh.example", "way": "portal", "why": why}
    assert said.err == f"moh, on its own pages: {why}\n"


def test_the_rehearsal_asks_first_when_many_would_be_written_to(
    told: Store, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, notice_people=1)
    assert run("send", "--dry-run") == 1
    said = capsys.readouterr()
    assert "soc@bank.example" in said.out and "more than 1 (TOCSIN_NOTICE_PEOPLE)" in said.err
    assert run("send", "--dry-run", "--confirm") == 0


def test_it_sends_what_the_rehearsal_named(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "send")
    assert (answer["people"], len(answer["sent"]), answer["refused"]) == (2, 2, [])
    assert set(answer["sent"]) == set(Notice.objects.filter(state="queued").values_list("reference", flat=True))
    assert set(OutgoingMessage.objects.values_list("recipient", flat=True)) == {"soc@bank.example", "soc@moh.example"}
    assert asked(capsys, "send")["notices"] == 0 and OutgoingMessage.objects.count() == 2


def test_what_others_prepared_and_nobody_read_is_not_sent(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    prepared()
    answer = asked(capsys, "send")
    assert (answer["notices"], answer["unread"]) == (0, 2) and not OutgoingMessage.objects.exists()
    actions.preview_notice(Notice.objects.get(constituent__public_id="bank"), by=COMMAND_LINE, at=AT)
    assert run("send") == 0
    said = capsys.readouterr().out
    assert "1 notice about 1 finding on the way." in said and "1 notice prepared by others" in said


def test_many_people_are_not_written_to_unconfirmed(
    told: Store, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, notice_people=1)
    assert run("send") == 1 and not Notice.objects.exists()
    assert "more than 1" in capsys.readouterr().err
    assert run("send", "--confirm") == 0 and OutgoingMessage.objects.count() == 2


def test_who_cannot_be_written_to_is_named_and_the_rest_goes(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    Contact.objects.filter(email="soc@bank.example").update(name="Ann\nBcc: all@x.example")
    for arguments in (("send", "--dry-run"), ("send",)):
        assert run(*arguments) == 1
        assert "bank, soc@bank.example: " in capsys.readouterr().err
    assert list(OutgoingMessage.objects.values_list("recipient", flat=True)) == ["soc@moh.example"]


def test_a_demonstration_says_that_nothing_leaves(
    told: Store, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TOCSIN_IS_DEMO = True
    assert run("send") == 0
    assert (
        "2 notices about 15 findings in the outbox. Nothing leaves an exercise or a demonstration."
        in capsys.readouterr().out
    )
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {"held"}


def test_an_address_that_steers_a_terminal_is_written_out(told: Store, capsys: pytest.CaptureFixture[str]) -> None:
    row = contact("bank", "first@bank.example", verified_on=AT.date())
    Contact.objects.filter(pk=row.pk).update(email="a\x1b[2Jb@bank.example")
    assert run("preview") == 0 and run("send", "--dry-run") == 1
    assert not any("\x1b" in said for said in capsys.readouterr())


def test_commands_answer_in_english_whatever_the_language_of_the_instance(
    told: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Contact.objects.filter(email="soc@bank.example").update(undelivered_since=AT, name="Ann\nBcc: all@x.example")
    Contact.objects.filter(email="soc@moh.example").update(openpgp_key="no key")
    with translation.override("fr"):
        assert run("send", "--dry-run") == 1
        said = capsys.readouterr().err
        for _twice in range(2):
            assert run("send", "--json") == 1
    refused = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said.startswith("moh, soc@moh.example: The recipient") and "clé" not in said
    assert [each["why"] for each in refused[0]["refused"]] == [said.partition(": ")[2].strip()]
    assert (refused[0]["notices"], refused[0]["to"], refused[0]["sent"]) == (0, [], [])


def test_one_reason_is_said_once_however_many_notices_wait_for_it(
    told: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    Contact.objects.filter(email="soc@moh.example").update(openpgp_key="no key")
    assert run("send") == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == ["soc@bank.example", "1 notice about 1 finding on the way."]
    second = Notice.objects.get(constituent__public_id="moh")
    lines = [line.finding for line in second.lines.all()]
    second.pk, second.reference = None, "z" * 10
    second.save()
    NoticeFinding.objects.bulk_create(NoticeFinding(notice=second, finding=each, why="new") for each in lines)
    assert run("send") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_has_nothing_left_is_dropped_and_counted(
    told: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in prepared():
        actions.preview_notice(each, by=COMMAND_LINE, at=AT)
    told.run(write(tmp_path, 4, [1]), accept_drop=True)
    bank = Notice.objects.get(constituent__public_id="bank")
    assert run("send") == 0
    said = capsys.readouterr().out
    assert "1 notice about 1 finding on the way." in said and "1 notice of which nothing is left to tell" in said
    bank.refresh_from_db()
    assert bank.state == "discarded" and asked(capsys, "send")["dropped"] == []


def test_preview_says_which_step_is_passed_over_as_it_would_tell_somebody_of_itself(
    told: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in prepared():
        send(each)
    Policy.objects.update(regulator_after_days=2, regulator=Constituent.objects.get(public_id="bank"))
    Notice.objects.update(made_at=AT - 9 * DAY)
    Told.objects.update(first_at=AT - 9 * DAY)
    answer = asked(capsys, "preview")
    assert answer["itself"] == [{"constituent": "bank", "whom": "regulator", "findings": 1}]
    assert [(each["constituent"], each["to"]) for each in answer["notices"]] == [("moh", "soc@bank.example")]
    assert run("preview") == 0
    assert "bank is its own regulator: that step is passed over (1 finding)." in capsys.readouterr().out
