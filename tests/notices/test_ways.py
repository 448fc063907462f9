"""Notices by another way than mail: on the constituent's own pages, and to its webhook."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import write
from tests.notices.conftest import BY_AT, DAY, policy, prepared
from tests.portal.api.asking import Program, key_of
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import sending, webhooks
from tocsin.courier.choices import State
from tocsin.courier.fetching import Fetched
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel.refusals import Conflict
from tocsin.notices import actions, following, mails, queries
from tocsin.notices.choices import Kept, NoticeState
from tocsin.notices.models import Notice, PageText, Policy, Told
from tocsin.notices.telling import ToTell, story_of
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db


def ministry_notice(channel: str) -> Notice:
    """Return the ministry's notice, read, by a policy that tells so."""
    actions.change_policy(Policy.objects.get(), channel=channel, **BY_AT)
    notice = prepared()[-1]
    actions.preview_notice(notice, **BY_AT)
    return Notice.objects.select_related("constituent", "policy", "contact").get(pk=notice.pk)


def add_member() -> Person:
    row = Constituent.objects.get(public_id="moh")
    facts: dict[str, Any] = {"email": "it@moh.example", "name": "It", "is_administrator": False, "token": "t"}
    return Person.objects.get(pk=directory.add_member(row, **facts, **BY_AT).person)


def add_hook(**facts: Any) -> Webhook:
    known = {"url": "https://hook.example/", "secret": "whsec", "label": "", "told": ["notice.sent"], **facts}
    return Webhook.objects.get(key=webhooks.add_webhook(**known, room="directory", key="moh", **BY_AT).webhook)


def answers(status: int) -> sending.Turn:
    """Return a turn of a worker in which every webhook answers so."""

    def fetched(url: str, **_how: Any) -> Fetched:
        return Fetched(url, status, {}, b"said")

    return sending.Turn("worker", now=lambda: AT, post=functools.partial(webhooks.post, fetched=fetched))


def ledger(notice: Notice) -> list[str]:
    return list(notice.ledger.values_list("what", flat=True))


def test_on_the_own_pages_it_is_delivered_at_once_and_nothing_is_mailed(told: Store) -> None:
    member, notice = add_member(), ministry_notice("portal")
    assert mails.hindrance(notice, AT) == ""
    actions.queue_notice(notice, **BY_AT)
    assert ledger(notice) == ["planned", "previewed", "queued", "sent", "delivered"]
    assert not OutgoingMessage.objects.exists() and Told.objects.count() == notice.total
    assert [each.reference for each in queries.own_notices(member)] == [notice.reference]
    assert not queries.plan_now(AT, ["moh"]).notices, "what was told so is told"
    with pytest.raises(Conflict):
        actions.queue_notice(notice, **BY_AT)


def test_a_notice_on_own_pages_is_kept_as_it_stood(told: Store, cast: Cast, tmp_path: Path) -> None:
    member, notice = add_member(), ministry_notice("portal")
    actions.queue_notice(notice, by=COMMAND_LINE, at=AT + DAY)
    notice.refresh_from_db()
    stood = queries.text(queries.letter_of(notice))
    assert queries.text_as_sent(notice) == (stood, Kept.AS_STOOD)
    (row,) = json.loads(Program(key_of(member)).ask("/api/v1/my/notices").content)["notices"]
    assert (row["made_at"], row["left_at"]) == (AT.isoformat(), (AT + DAY).isoformat())
    said = text(signed_in(member).get(f"/my/notices/{notice.reference}/"))
    assert "written anew" not in said and "encrypted" not in said
    told.run(write(tmp_path, 9, [1]), accept_drop=True)
    assert queries.text(queries.letter_of(notice)) != stood, "what is known now is another"
    assert queries.text_as_sent(notice) == (stood, Kept.AS_STOOD)
    said = text(signed_in(cast.analyst).get(f"/notices/{notice.reference}/"))
    assert "On its own pages, since 20 Nov" in said and notice.to not in said and "sent 20 Nov" not in said
    assert "As it stands on its own pages" in said and "As it was sent" not in said
    PageText.objects.all().delete()  # one from before texts were kept
    assert queries.text_as_sent(notice)[1] is Kept.ON_PAGES
    said = text(signed_in(member).get(f"/my/notices/{notice.reference}/"))
    assert "It was told on these pages and sent nowhere." in said and "encrypted" not in said


def test_what_is_told_on_own_pages_names_no_address_on_any_page_or_line(told: Store, cast: Cast) -> None:
    add_member()
    browser, own = signed_in(cast.analyst), "on its own pages"
    actions.change_policy(Policy.objects.get(), channel="portal", **BY_AT)
    (hindered,) = queries.hindered(queries.plan_now(AT))
    assert (hindered.constituent, queries.addressee(hindered.to, hindered.way)) == ("bank", own), "nobody signs in"
    due, planned = text(browser.get("/notices/")), text(browser.get("/notices/planned/moh/"))
    assert own in due and "soc@moh.example" not in due
    assert "On its own pages" in planned and "soc@moh.example" not in planned
    for notice in prepared():
        actions.preview_notice(notice, **BY_AT)
    bank, notice = Notice.objects.order_by("constituent__public_id")
    waits = text(browser.get(f"/notices/{notice.reference}/"))
    assert "On its own pages, not before" in waits and "soc@moh.example" not in waits
    (refused,) = actions.send_notices([bank], most=1, **BY_AT).refused
    assert (refused.to, refused.way) == ("soc@bank.example", "portal")
    actions.queue_notice(notice, **BY_AT)
    letter = queries.letter_of(notice)
    assert letter.way == "portal" and "/my/notices/" not in queries.text_as_sent(notice)[0]
    lists = text(browser.get("/notices/")), text(browser.get("/directory/constituents/moh/relations/"))
    assert all(own in said for said in lists)
    assert "soc@bank.example" not in lists[0] and "soc@moh" not in lists[0]
    actions.change_policy(Policy.objects.get(), channel="mail", **BY_AT)
    said = text(browser.get("/notices/"))
    assert "soc@bank.example" in said and "soc@moh" not in said, "what is told stays where it was told"
    PageText.objects.all().delete()
    assert "/my/notices/" not in queries.text_as_sent(notice)[0]


def test_who_is_told_next_reads_that_it_was_on_the_own_pages(told: Store) -> None:
    add_member()
    notice = ministry_notice("portal")
    actions.queue_notice(notice, **BY_AT)
    actions.change_policy(Policy.objects.get(), channel="mail", **BY_AT)
    lines = dict.fromkeys(notice.lines.values_list("finding", flat=True), ToTell("digest", 0))
    (before,) = story_of(notice.constituent, lines).told_before()
    assert before.who == "Security contact: on its own pages"
    mailed = Notice.objects.get(constituent__public_id="bank")
    actions.preview_notice(mailed, **BY_AT)
    actions.queue_notice(mailed, **BY_AT)
    actions.record_outcome(mailed, what=NoticeState.SENT, **BY_AT)
    lines = dict.fromkeys(mailed.lines.values_list("finding", flat=True), ToTell("digest", 0))
    (before,) = story_of(mailed.constituent, lines).told_before()
    assert before.who == "Security contact: soc@bank.example"


def test_where_nobody_signs_in_the_own_pages_are_refused(told: Store) -> None:
    actions.change_policy(Policy.objects.get(), channel="portal", **BY_AT)
    hindered = queries.hindered(queries.plan_now(AT))
    assert len(hindered) == 2 and all("Nobody" in each.why for each in hindered)
    notice = ministry_notice("portal")
    assert "Nobody of the organisation signs in here" in mails.hindrance(notice, AT)
    done = actions.send_notices([notice], most=50, **BY_AT)
    assert "Add a member" in done.refused[0].why and ledger(notice) == ["planned", "previewed"]


def test_in_an_exercise_nothing_stands_on_the_own_pages(told: Store) -> None:
    member, notice = add_member(), ministry_notice("portal")
    Notice.objects.filter(pk=notice.pk).update(is_exercise=True)
    notice.refresh_from_db()
    actions.queue_notice(notice, **BY_AT)
    assert ledger(notice)[-1] == "queued" and not queries.own_notices(member).exists() and not Told.objects.exists()


def test_a_webhook_gets_the_text_and_the_findings_and_its_yes_delivers(told: Store) -> None:
    hook, notice = add_hook(), ministry_notice("webhook")
    add_hook(url="https://second.example/")
    actions.queue_notice(notice, **BY_AT)
    (message,) = OutgoingMessage.objects.all()
    assert message.webhook == hook and message.severity == notice.severity
    body = json.loads(bytes(message.content))
    assert (body["event"], body["reference"], body["tlp"]) == ("notice.sent", notice.reference, "TLP:AMBER")
    assert body["more"] == 0 and len(body["findings"]) == notice.total and notice.reference in body["text"]
    assert {each["why"] for each in body["findings"]} == {"new"} and body["language"] == "fr"
    sending.drain(answers(200))
    following.settle(at=AT)
    assert ledger(notice) == ["planned", "previewed", "queued", "sent", "delivered"]
    assert Told.objects.count() == notice.total
    following.settle(at=AT)
    assert OutgoingMessage.objects.count() == 1 and ledger(notice)[-1] == "delivered"
    assert queries.text_as_sent(Notice.objects.get(pk=notice.pk)) == (body["text"], Kept.AS_SENT)


def test_what_goes_by_webhook_names_no_address_on_any_page_and_asks_for_no_answer_to_it(
    told: Store, cast: Cast
) -> None:
    add_hook()
    browser, to = signed_in(cast.analyst), "soc@moh.example"
    policy(channel="webhook", constituent=Constituent.objects.get(public_id="moh"))
    due, planned = text(browser.get("/notices/")), text(browser.get("/notices/planned/moh/"))
    assert "by webhook" in due and to not in due and "soc@bank.example" in due
    assert "By its webhook" in planned and to not in planned
    for each in prepared():
        actions.preview_notice(each, **BY_AT)
    notice = Notice.objects.get(constituent__public_id="moh")
    page = f"/notices/{notice.reference}/"
    waits = text(browser.get(page))
    assert "By its webhook, not before" in waits and to not in waits and "The attachment" not in waits
    actions.queue_notice(notice, **BY_AT)
    said = queries.text_as_sent(notice)[0]
    assert "Répondez à ce message" not in said and "en pièce jointe" not in said and notice.reference in said
    sending.drain(answers(200))
    following.settle(at=AT)
    actions.change_policy(Policy.objects.get(constituent=notice.constituent), channel="mail", **BY_AT)
    seen = [text(browser.get(each)) for each in (page, "/notices/", "/directory/constituents/moh/relations/")]
    assert "By its webhook, sent 19 Nov" in seen[0] and to not in seen[0] and "The attachment" not in seen[0]
    assert all("by webhook" in each for each in seen[1:]) and to not in seen[1]
    lines = dict.fromkeys(notice.lines.values_list("finding", flat=True), ToTell("digest", 0))
    assert [each.who for each in story_of(notice.constituent, lines).told_before()] == ["Security contact: by webhook"]


def test_a_webhook_that_is_gone_brings_the_notice_back_and_says_nothing_of_the_contact(told: Store) -> None:
    hook, notice = add_hook(), ministry_notice("webhook")
    actions.queue_notice(notice, **BY_AT)
    sending.drain(answers(410))
    following.settle(at=AT)
    hook.refresh_from_db()
    assert ledger(notice)[-1] == "bounced" and hook.is_gone
    assert not Told.objects.exists() and not Contact.objects.exclude(undelivered_since=None).exists()


def test_without_a_webhook_it_goes_by_mail_and_the_ledger_says_so(told: Store) -> None:
    ended = add_hook()
    webhooks.end_webhook(ended, **BY_AT)
    add_hook(url="https://other.example/", told=["findings.changed"])
    notice = ministry_notice("webhook")
    actions.queue_notice(notice, **BY_AT)
    message = OutgoingMessage.objects.get()
    assert (message.channel, message.state, message.recipient) == ("mail", State.QUEUED, notice.to)
    assert notice.ledger.get(what="queued").words == "By mail: the organisation has no webhook."
    with translation.override("fr"):
        assert notice.ledger.get(what="queued").words.endswith(": l’organisation n’a pas de webhook.")


@pytest.mark.parametrize("channel", ["webhook", "portal"])
@pytest.mark.parametrize("whom", ["second", "parent", "regulator"])
def test_whoever_is_told_next_gets_mail(told: Store, whom: str, channel: str) -> None:
    add_member()
    add_hook()
    notice = ministry_notice(channel)
    Notice.objects.filter(pk=notice.pk).update(whom=whom)
    notice.refresh_from_db()
    actions.queue_notice(notice, **BY_AT)
    assert OutgoingMessage.objects.get().channel == "mail" and notice.ledger.get(what="queued").note == ""


def test_of_many_findings_as_many_are_posted_as_have_room(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_hook()
    notice = ministry_notice("webhook")
    monkeypatch.setattr(mails, "MOST_POSTED", 4)
    assert [len(mails.body_of(notice, AT)["findings"]), mails.body_of(notice, AT)["more"]] == [4, notice.total - 4]
    monkeypatch.setattr(mails, "ROOM_POSTED_BYTES", 700)
    assert len(mails.body_of(notice, AT)["findings"]) == 1


def test_the_posting_and_the_state_stand_in_one_transaction(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_hook()
    notice = ministry_notice("webhook")
    rows = AuditRow.objects.count()

    def dies(*_given: object, **_named: object) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(mails, "is_in_clear", dies)
    with pytest.raises(RuntimeError):
        actions.queue_notice(notice, **BY_AT)
    assert (
        not OutgoingMessage.objects.exists() and AuditRow.objects.count() == rows and ledger(notice)[-1] == "previewed"
    )
