"""What leaves is what is so when it leaves: the rest is struck off, was not told, and the ledger says why."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.cast import Cast
from tests.courier.mail_server import MailServer
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import write
from tests.notices.conftest import BY_AT, DAY, prepared, suppression
from tests.notices.test_sending import morning, parsed, read, server  # noqa: F401  a mail server, on a fixed morning
from tests.notices.test_ways import add_hook, add_member
from tests.portal.conftest import finding_of
from tocsin.audit import wording
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import claiming, sending, webhooks
from tocsin.courier.fetching import Fetched
from tocsin.courier.models import OutgoingMessage
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.feeds import manifest
from tocsin.feeds.actions.answers import answer_findings
from tocsin.feeds.models import Feed
from tocsin.kernel.refusals import Conflict, Unavailable
from tocsin.notices import actions, following, leaving, queries
from tocsin.notices.choices import NoticeState, Struck, Waits
from tocsin.notices.models import HoldOut, Notice, Policy, Told
from tocsin.notices.striking import NothingIsLeft, standing
from tocsin.notices.views import notices as views
from tocsin.site import examination

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
LATER = AT + 6 * HOUR


def queued() -> tuple[Notice, Notice]:
    """Queue the bank's notice and the ministry's; neither may leave before the afternoon."""
    Policy.objects.update(works_from=dt.time(14), works_until=dt.time(18), time_zone="UTC")
    bank, ministry = read()
    for each in (bank, ministry):
        actions.queue_notice(each, **BY_AT)
    return bank, ministry


def drain(at: dt.datetime = LATER) -> None:
    """Let a worker have its turn, and the job that follows what was sent."""
    sending.drain(sending.Turn("worker", now=lambda: at))
    following.settle(at=at)


def ledger(notice: Notice) -> list[tuple[str, str]]:
    return [(each.what, each.words) for each in notice.ledger.all()]


def as_left(server: MailServer) -> tuple[str, str, list[dict[str, str]]]:  # noqa: F811
    """Return subject, text and rows of the attachment of the one mail that left."""
    (taken,) = server.taken
    mail = parsed(taken.content)
    body, (file,) = mail.get_body(), mail.iter_attachments()
    assert body is not None
    return mail["Subject"], body.get_content(), list(csv.DictReader(io.StringIO(file.get_content().lstrip("\ufeff"))))


def test_what_has_gone_while_a_notice_waited_is_not_told(
    told: Store,
    server: MailServer,  # noqa: F811
    tmp_path: Path,
) -> None:
    bank, ministry = queued()
    drain(AT + HOUR)
    assert not server.taken, "it waits for the working hours"
    told.run(write(tmp_path, 4, [1, 2]), accept_drop=True)
    assert "192.0.2.3:" not in queries.text(queries.letter_of(ministry, LATER)), "the page shows what would leave"
    drain()
    subject, body, rows = as_left(server)
    assert subject.startswith("[TLP:AMBER] moh") and "2 constats" in subject
    assert "192.0.2.1:3389" in body and "192.0.2.3:" not in body
    assert {row["asset"] for row in rows} == {"192.0.2.1", "192.0.2.2"}
    bank.refresh_from_db()
    ministry.refresh_from_db()
    assert (bank.state, ministry.state, ministry.total) == ("discarded", "sent", 2)
    assert ledger(bank)[-1] == ("discarded", "Nothing of it is left to tell: gone (1).")
    assert ("struck", "gone (12)") in ledger(ministry)
    dropped = AuditRow.objects.get(code="notice.dropped")
    with translation.override("fr"):
        assert ledger(bank)[-1][1] == "Il n’en reste rien à notifier\N{NO-BREAK SPACE}: disparus (1)."
        assert "Il n’en reste rien" in wording.sentence(dropped.code, dropped.data)
    bank.ledger.update(said={}, note="Gone, as it was said once.")
    assert ledger(bank)[-1][1] == "Gone, as it was said once.", "of another version"
    assert set(Told.objects.values_list("finding", flat=True)) == {finding_of(1), finding_of(2)}
    codes = list(AuditRow.objects.order_by("sequence").values_list("code", flat=True))
    assert {"notice.revised", "notice.dropped", "message.dropped", "message.sent"} <= set(codes)
    assert dict(OutgoingMessage.objects.values_list("recipient", "state")) == {
        "soc@bank.example": "dismissed", "soc@moh.example": "sent",
    }  # fmt: skip
    drain(LATER + HOUR)
    assert len(server.taken) == 1


def test_the_message_keeps_its_name_and_bears_the_time_at_which_it_left(
    told: Store,
    server: MailServer,  # noqa: F811
) -> None:
    queued()
    before = {row.recipient: parsed(bytes(row.content)) for row in OutgoingMessage.objects.all()}
    drain()
    for taken in server.taken:
        was, mail = before[taken.to], parsed(taken.content)
        assert mail["Message-ID"] == was["Message-ID"] and mail["Date"] != was["Date"]
    assert {bytes(row.content) for row in OutgoingMessage.objects.all()} == {taken.content for taken in server.taken}


@pytest.mark.parametrize(("answer", "is_the_same"), [("cut", True), ("451 4.7.1 later", False)])
def test_what_may_have_been_taken_is_sent_as_it_was_and_what_was_not_is_looked_at_once_more(
    told: Store,
    server: MailServer,  # noqa: F811
    tmp_path: Path,
    answer: str,
    is_the_same: bool,
) -> None:
    Contact.objects.filter(email="soc@bank.example").update(is_active=False)
    _bank, ministry = (None, prepared()[0])
    actions.preview_notice(ministry, **BY_AT)
    actions.queue_notice(ministry, **BY_AT)
    server.content_answers.append(answer)
    drain(AT)
    row = OutgoingMessage.objects.get()
    first = bytes(row.content)
    assert row.state == "queued" and (row.fixed_at is not None) is is_the_same
    told.run(write(tmp_path, 4, [1, 2]), accept_drop=True)
    drain()
    (taken,) = server.taken
    assert (taken.content == first) is is_the_same
    assert parsed(taken.content)["Message-ID"] == parsed(first)["Message-ID"]
    ministry.refresh_from_db()
    assert ministry.total == (14 if is_the_same else 2) == Told.objects.count()


def test_a_worker_that_dies_between_two_steps_leaves_what_the_next_one_goes_on_with(
    told: Store,
    server: MailServer,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank, ministry = queued()
    told.run(write(tmp_path, 4, [1, 2]), accept_drop=True)

    def dies(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    for place, name in ((sending.actions, "drop_message"), (claiming, "fix")):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(place, name, dies)
            drain()
        claiming.reclaim(at=LATER + DAY)
    drain(LATER + HOUR)
    bank.refresh_from_db()
    ministry.refresh_from_db()
    assert [each.to for each in server.taken] == ["soc@moh.example"]
    assert (bank.state, ministry.state, ministry.total) == ("discarded", "sent", 2)
    assert [what for what, _note in ledger(ministry)].count("struck") == 1


def gone(store: Store, folder: Path) -> None:
    store.run(write(folder, 4, [2]), accept_drop=True)


def quiet(_store: Store, _folder: Path) -> None:
    suppression(finding=finding_of(1))


def answered(_store: Store, _folder: Path) -> None:
    answer_findings([finding_of(1)], kind="fixed", by=COMMAND_LINE, at=AT + HOUR)


def labelled(_store: Store, _folder: Path) -> None:
    Feed.objects.update(tlp="RED")
    manifest.touch()


def suspended(_store: Store, _folder: Path) -> None:
    directory.change_constituent(Constituent.objects.get(public_id="moh"), status="suspended", **BY_AT)


def withdrawn(store: Store, _folder: Path) -> None:
    for run in (4, 3, 2, 1):
        store.withdraw(run)


def told_otherwise(_store: Store, _folder: Path) -> None:
    facts = {"first_at": AT + HOUR, "last_at": AT + HOUR}
    Told.objects.create(finding=finding_of(1), constituent="moh", **facts)


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (gone, Struck.GONE),
        (quiet, Struck.SUPPRESSED),
        (answered, Struck.ANSWERED),
        (labelled, Struck.TLP),
        (suspended, Struck.UNSERVED),
        (withdrawn, Struck.UNKNOWN),
        (told_otherwise, Struck.TOLD),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_each_reason_for_which_a_finding_is_struck_off(
    told: Store, tmp_path: Path, happens: Callable[[Store, Path], None], why: Struck
) -> None:
    (_bank, ministry), one = prepared(), finding_of(1)
    assert not standing(ministry, LATER).struck
    happens(told, tmp_path)
    assert standing(Notice.objects.get(pk=ministry.pk), LATER).struck[one] is why


def test_what_changed_hands_is_the_new_holders(told: Store) -> None:
    _bank, ministry = prepared()
    Notice.objects.filter(pk=ministry.pk).update(constituent=Constituent.objects.get(public_id="bank"))
    found = standing(Notice.objects.get(pk=ministry.pk), LATER)
    assert set(found.struck.values()) == {Struck.MOVED} and not found.found


def test_who_is_held_out_meanwhile_is_not_told(told: Store) -> None:
    Policy.objects.update(threshold=6)
    told.run(write(told.root.parent / "new", 4, [1, 2], severity="low"), accept_drop=True)
    ministry = next(each for each in prepared() if each.constituent.public_id == "moh")
    key = next(f"{number}" for number in range(99) if queries.is_held_out(f"{number}", 50, "moh"))
    facts: dict[str, Any] = {"category": "vulnerable-system", "mildest": 6, "share": 50, "reason": "x", "key": key}
    HoldOut.objects.create(**facts, until=AT.date() + DAY, began_at=AT)
    assert set(standing(ministry, LATER).struck.values()) == {Struck.HELD_OUT}


def escalated(**told_since: Any) -> dict[str, Struck]:
    """Return why the finding of a notice to the second contact is struck off, when that is known of it since."""
    facts = {"first_at": AT - 9 * DAY, "last_at": AT - 9 * DAY, **told_since}
    one = finding_of(70)
    Told.objects.update_or_create(finding=one, defaults={"constituent": "bank", **facts})
    notice = Notice.objects.filter(step=1).first()
    if notice is None:
        directory.add_contact(Constituent.objects.get(public_id="bank"), email="ciso@bank.example", **BY_AT)
        Policy.objects.update(second_after_days=3)
        notice = next(each for each in prepared() if each.step)
    return dict(standing(notice, LATER).struck)


def test_nobody_else_is_told_once_somebody_has_reacted_or_knows(told: Store) -> None:
    assert escalated() == {}
    assert set(escalated(reacted_at=AT).values()) == {Struck.REACTED}
    assert set(escalated(reacted_at=None, step=1).values()) == {Struck.TOLD}
    assert set(escalated(step=0, first_at=AT + HOUR, last_at=AT + HOUR).values()) == {Struck.TOLD}
    Told.objects.all().delete()
    notice = Notice.objects.get(step=1)
    assert set(standing(notice, LATER).struck.values()) == {Struck.UNTOLD}


def test_on_the_own_pages_stands_only_what_is_so(told: Store, tmp_path: Path) -> None:
    add_member()
    Policy.objects.update(channel="portal")
    (ministry,) = (each for each in read() if each.constituent.public_id == "moh")
    told.run(write(tmp_path, 4, [1, 2]), accept_drop=True)
    actions.queue_notice(ministry, by=COMMAND_LINE, at=LATER)
    assert set(ministry.lines.values_list("finding", flat=True)) == {finding_of(1), finding_of(2)}
    assert [what for what, _note in ledger(ministry)][-4:] == ["queued", "struck", "sent", "delivered"]
    assert Told.objects.count() == 2


def test_a_posting_says_what_is_so_and_what_was_posted_once_stays(told: Store, tmp_path: Path) -> None:
    add_hook()
    Policy.objects.update(channel="webhook", works_from=dt.time(14), works_until=dt.time(18), time_zone="UTC")
    (ministry,) = (each for each in read() if each.constituent.public_id == "moh")
    actions.queue_notice(ministry, **BY_AT)
    told.run(write(tmp_path, 4, [1, 2]), accept_drop=True)
    bodies: list[bytes] = []

    def fetched(url: str, *, post: Any, **_how: Any) -> Fetched:
        bodies.append(post.body)
        return Fetched(url, 503 if len(bodies) == 1 else 200, {}, b"said")

    post = functools.partial(webhooks.post, fetched=fetched)
    sending.drain(sending.Turn("worker", now=lambda: LATER, post=post))
    told.run(write(tmp_path, 5, [1]), accept_drop=True)
    sending.drain(sending.Turn("worker", now=lambda: LATER + DAY, post=post))
    following.settle(at=LATER + DAY)
    assert len(bodies) == 2 and bodies[0] == bodies[1] and ministry.lines.count() == 2
    ministry.refresh_from_db()
    assert ministry.state == NoticeState.DELIVERED and Told.objects.count() == 2


def test_who_may_not_be_written_to_any_more_is_not(told: Store, server: MailServer) -> None:  # noqa: F811
    bank, _ministry = queued()
    Contact.objects.filter(email="soc@bank.example").update(email="new@bank.example")
    with translation.override("fr"):  # of the worker
        drain()
    bank.refresh_from_db()
    assert server.recipients == ["soc@moh.example"] and bank.state == "discarded"
    assert "another address by now" in ledger(bank)[-1][1] and "Do not" not in ledger(bank)[-1][1]


def test_what_cannot_be_looked_at_waits_and_is_not_sent_as_it_was(
    told: Store,
    server: MailServer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queued()

    def lost(*_given: object, **_named: object) -> None:
        raise Unavailable("A file of the store is lost.")

    with monkeypatch.context() as patch:
        patch.setattr(leaving, "bring_up_to_date", lost)
        drain()
    assert not server.taken and set(Notice.objects.values_list("state", flat=True)) == {"queued"}
    assert set(OutgoingMessage.objects.values_list("last_answer", flat=True)) == {"A file of the store is lost."}
    drain(LATER + HOUR)
    assert len(server.taken) == 2


def test_what_has_nothing_left_when_it_is_sent_is_dropped_and_said(
    told: Store,
    cast: Cast,
    server: MailServer,  # noqa: F811
    tmp_path: Path,
) -> None:
    bank, ministry = read()
    told.run(write(tmp_path, 4, [1, 2]), accept_drop=True)
    browser = signed_in(cast.analyst)
    said = text(browser.get(f"/notices/{bank.reference}/"))
    assert "Nothing is left to tell bank by this notice" in said and "192.0.2.70" not in said
    assert "Send it" not in said and "Do not send it" in said
    said = text(browser.get(f"/notices/{ministry.reference}/"))
    assert "12 findings of it are not so any more" in said and "moh is told of 2 findings" in said
    said = text(browser.post("/notices/send/", follow=True))
    assert "1 notice is not sent: nothing of it is left to tell." in said and "1 notice is on its way." in said
    assert "Nothing of it is left to tell: gone (1)." in text(browser.get(f"/notices/{bank.reference}/"))
    with pytest.raises(Conflict):
        actions.queue_notice(bank, **BY_AT)
    with pytest.raises(NothingIsLeft):
        told.run(write(tmp_path, 5, [9]), accept_drop=True)
        actions.bring_up_to_date(ministry, **BY_AT)


def test_the_trail_says_what_was_struck_off(told: Store, cast: Cast, tmp_path: Path) -> None:
    _bank, ministry = read()
    told.run(write(tmp_path, 4, [1, 2]), accept_drop=True)
    actions.queue_notice(ministry, **BY_AT)
    row = AuditRow.objects.get(code="notice.revised")
    assert len(row.data["struck"]) == 12 and set(row.data["struck"].values()) == {"gone"}
    assert f"12 findings struck off notice {ministry.reference}" in text(signed_in(cast.auditor).get("/audit/"))


def test_what_comes_while_a_notice_waits_stands_in_the_next_a_day_after_it_left(told: Store, tmp_path: Path) -> None:
    ministry = prepared()[1]
    actions.preview_notice(ministry, **BY_AT)
    actions.queue_notice(ministry, **BY_AT)
    told.run(write(tmp_path, 4, [1, 2, 33]), accept_drop=True)
    new, held_up = finding_of(33), AT + 5 * DAY

    def waits(at: dt.datetime) -> Waits | None:
        plan = queries.plan_now(at)
        held = [reason for reason, by in plan.held.items() if new in by.get("moh", ())]
        assert bool(held) != any(line.finding == new for each in plan.notices for line in each.lines)
        return held[0] if held else None

    assert waits(AT + 2 * DAY) is Waits.BEHIND, "mail is stopped, say: a second one would leave with the first"
    actions.record_outcome(ministry, what=NoticeState.SENT, by=COMMAND_LINE, at=held_up)
    assert waits(held_up + 23 * HOUR) is Waits.INTERVAL and not waits(held_up + 24 * HOUR)
    Notice.objects.filter(pk=ministry.pk).update(state=NoticeState.QUEUED, is_exercise=True)
    assert not waits(held_up + 24 * HOUR), "what never leaves holds nothing up"


def test_what_nobody_sends_is_said_aloud_once_the_next_would_have_been_due(
    told: Store, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    prepared()
    told.run(write(tmp_path, 4, [*range(1, 4), 5, *range(20, 30), 33, 70, 200]))
    late = AT + DAY
    assert queries.unsent(late - HOUR) == queries.Unsent(0, None), "the next one is not due yet"
    assert queries.unsent(late) == queries.Unsent(2, AT)
    monkeypatch.setattr(examination, "now", lambda: late)
    (verdict,) = examination._notices(settings.TOCSIN)
    assert verdict.says.startswith("2 notices wait to be sent since 2026-11-19 09:00 UTC") and verdict.must_be_mended
    monkeypatch.setattr(views, "now", lambda: late)
    page = text(signed_in(cast.analyst).get("/notices/"))
    assert "2 notices could have left since" in page and "1 newer finding waits behind what is not sent." in page
    actions.discard_notice(prepared_of("moh"), reason="They know.", **BY_AT)
    assert queries.unsent(late).count == 1
    plan = queries.plan_now(late)
    (ministry,) = plan.notices
    assert len(ministry.lines) == 15 and not plan.held.get(Waits.BEHIND), "all of it stands in the next one"


def prepared_of(public_id: str) -> Notice:
    """Return the notice of a constituent."""
    return Notice.objects.get(constituent__public_id=public_id)
