"""Webhooks of organisations: who adds them, what they are told, each thing once."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from tests.cast import Cast
from tests.courier.certificates import certificate_for, secured, trusting
from tests.courier.servers import response, serving
from tests.courier.test_posting import reading_the_body
from tests.docs.reading import page
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import write
from tests.notices.conftest import prepared, send
from tests.portal.conftest import belongs
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import outbox as outgoing
from tocsin.courier import queries, sending
from tocsin.courier import webhooks as postings
from tocsin.courier.connecting import Allowance
from tocsin.courier.fetching import fetch
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.courier.outbox import Posting
from tocsin.directory.models import Constituent
from tocsin.feeds.actions.findings import change_terms
from tocsin.feeds.models import Feed, Run
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict, NotPermitted
from tocsin.kernel.tlp import TLP
from tocsin.people.models import Person
from tocsin.portal import webhooks
from tocsin.portal.choices import Told

pytestmark = pytest.mark.django_db
URL = "https://hook.example/in"


@pytest.fixture
def keeper(week: Store, cast: Cast) -> Person:
    """Who administers the ministry's entry."""
    return belongs(cast.contact, "moh", is_administrator=True)


def added(keeper: Person, whose: str = "moh", **facts: Any) -> Webhook:
    known = {"url": URL, "label": "Tickets", "told": Told.values, "secret": "whsec_of_the_tests", **facts}
    row = Constituent.objects.get(public_id=whose)
    return webhooks.add(row, **known, by=keeper, at=clock.now())


def bodies() -> list[dict[str, Any]]:
    return [json.loads(bytes(row.content)) for row in OutgoingMessage.objects.order_by("pk")]


def test_an_administrator_adds_one_and_sees_its_secret_once(keeper: Person) -> None:
    browser = signed_in(keeper)
    assert "What it is told of" in browser.get("/my/webhooks/add/moh/").content.decode()
    said = browser.post("/my/webhooks/add/moh/", {"url": URL, "label": "Tickets", "told": ["notice.sent"]})
    hook = Webhook.objects.get()
    assert hook.secret in said.content.decode() and said["Cache-Control"] == "no-store"
    shown = browser.get(f"/my/webhooks/{hook.key}/")
    assert "Tickets" in text(shown) and "A notice was sent" in text(shown) and hook.secret not in shown.content.decode()
    assert "Tickets" in text(browser.get("/my/webhooks/"))
    assert (hook.reference_room, hook.reference_key, hook.events) == ("directory", "moh", ["notice.sent"])
    assert AuditRow.objects.get(code="webhook.added").actor_key == keeper.audit_key


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"url": "http://hook.example/", "told": "notice.sent"}, "begins with https"),
        ({"url": "https://hook.example:80/", "told": "notice.sent"}, "port 443"),
        ({"url": "https://10.0.0.1/", "told": "notice.sent"}, "public Internet"),
        ({"url": "https://127.1/", "told": "notice.sent"}, "public Internet"),
        ({"url": "https://localhost/", "told": "notice.sent"}, "public Internet"),
        ({"url": "https://hook.example:8443/", "told": "notice.sent"}, "port 443"),
        ({"url": URL}, "Say what it is told of"),
        ({"url": URL, "told": "everything"}, "not one of the available choices"),
        ({"url": URL, "told": "notice.sent", "label": "a\u202eb\x00"}, ""),
    ],
)
def test_what_is_no_webhook_is_refused_in_place(keeper: Person, form: dict[str, Any], why: str) -> None:
    answer = signed_in(keeper).post("/my/webhooks/add/moh/", form)
    assert answer.status_code == 422 and why in text(answer) and not Webhook.objects.exists()


def test_there_are_few_and_none_twice(keeper: Person) -> None:
    for number in range(webhooks.MOST):
        added(keeper, url=f"{URL}/{number}")
    with pytest.raises(Conflict, match="which are the most"):
        added(keeper)
    postings.end_webhook(Webhook.objects.latest("pk"), by=keeper, at=AT)
    added(keeper)
    postings.end_webhook(Webhook.objects.earliest("pk"), by=keeper, at=AT)
    with pytest.raises(Conflict, match="already"):
        added(keeper)


def test_a_member_who_does_not_administer_looks_on(keeper: Person, cast: Cast) -> None:
    hook, other = added(keeper), belongs(cast.stranger, "moh")
    browser = signed_in(other)
    shown = browser.get(f"/my/webhooks/{hook.key}/")
    assert shown.status_code == 200 and "Send a test" not in text(shown)
    for path in (f"/my/webhooks/{hook.key}/try/", f"/my/webhooks/{hook.key}/end/", "/my/webhooks/add/moh/"):
        assert browser.post(path, {"url": URL, "told": "notice.sent"}).status_code == 403
    with pytest.raises(NotPermitted):
        added(cast.analyst)


def test_it_is_tried_ended_and_given_another_secret(keeper: Person) -> None:
    hook, browser = added(keeper), signed_in(keeper)
    address = f"/my/webhooks/{hook.key}/"
    assert "A test is on its way" in text(browser.post(f"{address}try/", follow=True))
    assert bodies() == [{"event": "test", "at": bodies()[0]["at"]}]
    assert "Waits to be sent" in text(browser.get(address))
    assert "Another secret?" in text(browser.get(f"{address}secret/"))
    said = browser.post(f"{address}secret/")
    hook.refresh_from_db()
    assert hook.secret != "whsec_of_the_tests" and hook.secret in said.content.decode()
    assert "Signed by two secrets until" in text(browser.get(address))
    assert "End this webhook?" in text(browser.get(f"{address}end/"))
    assert "The webhook has ended." in text(browser.post(f"{address}end/", follow=True))
    assert "has ended already" in text(browser.post(f"{address}end/", follow=True))
    assert "Send a test" not in text(browser.get(address))


def test_tests_are_few_and_go_on_after_an_hour(keeper: Person) -> None:
    hooks = [added(keeper, url=f"{URL}/{number}") for number in range(3)]
    at = clock.now()

    def tried(hook: Webhook, later: int = 0) -> None:
        postings.try_webhook(hook, by=keeper, at=at + dt.timedelta(minutes=later))

    for hook in hooks[:2]:
        for _each in range(postings.MOST_TESTS):
            tried(hook)
        with pytest.raises(Conflict, match="That was 5 tests within an hour"):
            tried(hook, 59)
    with pytest.raises(Conflict, match="That was 10 tests within an hour"):
        tried(hooks[2])
    postings.end_webhook(hooks[0], by=keeper, at=at)
    with pytest.raises(Conflict, match="10 tests"):
        tried(added(keeper, url=f"{URL}/4"))
    tried(hooks[1], 61)
    tried(added(keeper, url=f"{URL}/5"), 61)


def test_a_test_that_is_refused_stands_with_its_webhook_and_not_in_the_outbox(keeper: Person, cast: Cast) -> None:
    hook, at = added(keeper), clock.now()
    postings.try_webhook(hook, by=keeper, at=at)
    outgoing.put_webhook(hook, {"event": "notice.sent"}, Posting("real"), tlp=TLP.CLEAR, at=at)
    waiting = queries.health(at=at).waiting
    OutgoingMessage.objects.update(state="refused", last_answer="404 Not Found")
    assert (waiting, queries.health(at=at).failed) == (1, 1)
    assert "1 message was not delivered" in text(signed_in(cast.analyst).get("/outbox/"))
    assert text(signed_in(keeper).get(f"/my/webhooks/{hook.key}/")).count("404 Not Found") == 2


def test_staff_see_them_with_the_constituent(keeper: Person, cast: Cast) -> None:
    hook = added(keeper)
    shown = text(signed_in(cast.analyst).get(reverse("directory:relations", args=["moh"])))
    assert "Tickets" in shown and "hook.example" in shown and hook.secret not in shown


def test_an_import_is_told_once_with_what_it_brought(
    keeper: Person, store: Store, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    hook = added(keeper)
    with django_capture_on_commit_callbacks(execute=True):
        store.run(write(tmp_path, 4, [1, 4, 60, 70]), accept_drop=True)
    run = Run.objects.latest("pk").pk
    webhooks.settle(at=clock.now())
    webhooks.announce_run(run, at=clock.now())
    (body,) = bodies()
    assert {**body, "at": ""} == {
        "event": "findings.changed", "at": "", "organisation": "moh", "tlp": "TLP:AMBER",
        "days": [{"on": "2026-11-20", "new": 1, "returned": 1, "gone": 13}], "fetch": body["fetch"],
    }  # fmt: skip
    assert body["fetch"].endswith("/api/v1/my/findings")
    assert AuditRow.objects.get(code="findings.announced").data == {"run": run, "webhooks": [hook.key]}


def test_who_has_nothing_of_an_import_or_wants_no_word_of_it_is_told_nothing(
    keeper: Person, store: Store, tmp_path: Path, cast: Cast
) -> None:
    added(keeper, told=["notice.sent"])
    added(belongs(cast.stranger, "bank", is_administrator=True), "bank", url=f"{URL}/bank")
    store.run(write(tmp_path, 3, [1, 60], kind="scan_telnet"))
    webhooks.announce_run(Run.objects.latest("pk").pk, at=clock.now())
    assert bodies() == [] and not AuditRow.objects.filter(code="findings.announced").exists()


def test_of_a_feed_that_is_too_strict_for_members_nothing_is_told(keeper: Person, store: Store, tmp_path: Path) -> None:
    added(keeper)
    change_terms(Feed.objects.get(), tlp="RED", terms="Nobody else.", by=COMMAND_LINE, at=AT)
    store.run(write(tmp_path, 4, [1, 60]), accept_drop=True)
    webhooks.settle(at=clock.now())
    assert bodies() == []


def test_what_was_before_a_webhook_is_not_told_and_what_nobody_lived_to_tell_is(
    keeper: Person, store: Store, tmp_path: Path
) -> None:
    added(keeper)
    webhooks.settle(at=clock.now())
    assert bodies() == [], "of the week before"
    store.run(write(tmp_path, 4, [1, 60]), accept_drop=True)
    webhooks.settle(at=clock.now())
    webhooks.settle(at=clock.now())
    assert [body["days"][0]["new"] for body in bodies()] == [1]


def test_a_notice_that_was_sent_is_told_once(told: Store, cast: Cast) -> None:
    added(belongs(cast.contact, "moh", is_administrator=True), told=["notice.sent"])
    bank, ministry = prepared()
    for notice in (bank, ministry):
        send(notice, clock.now())
        webhooks.announce_notice(notice, at=clock.now())
    webhooks.settle(at=clock.now())
    (body,) = [each for each in bodies_of_hooks() if each["event"] == "notice.sent"]
    assert (body["organisation"], body["reference"], body["findings"]) == ("moh", ministry.reference, ministry.total)
    assert body["address"].endswith(f"/my/notices/{ministry.reference}/") and body["tlp"] == "TLP:AMBER"


def bodies_of_hooks() -> list[dict[str, Any]]:
    return [json.loads(bytes(row.content)) for row in OutgoingMessage.objects.filter(channel="webhook")]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Any]:
    """A real receiver on this machine, and the way to it."""
    certificate, taken = certificate_for("hook.example", tmp_path / "cert.pem"), []

    def answer(sock: socket.socket, head: bytes) -> None:
        reading_the_body(response(b"thanks"), taken)(sock, head)

    with serving(answer, secured(certificate)) as server:
        allowance = Allowance(frozenset({"127.0.0.1"}), frozenset({443}))
        resolve = lambda _name, _port: ["127.0.0.1"]  # noqa: E731
        way = functools.partial(fetch, allowance=allowance, resolve=resolve, context=trusting(certificate))
        yield server, taken, way


Turn = Callable[[dt.datetime], object]


def leading_to(receiver: Any, hook: Webhook) -> Turn:
    """Have a webhook lead to the receiver; return a worker's turn at an instant, by the way that leads there."""
    server, _taken, way = receiver
    Webhook.objects.filter(pk=hook.pk).update(url=f"https://hook.example:{server.port}/in")
    allowed = Allowance(frozenset({"127.0.0.1"}), frozenset({server.port}))
    post = functools.partial(postings.post, fetched=functools.partial(way, allowance=allowed))
    return lambda at: sending.drain(sending.Turn("worker", now=lambda: at, post=post))


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


def as_the_guide_says() -> Callable[[dict[str, str], bytes, str, set[str]], bool]:
    """Return the check of a signature that stands in the guide: some lines that know nothing of this software."""
    (example,) = re.findall(
        r"^```python verify$\n(.*?)^```$", page("how-to/fetch-your-findings-by-program"), re.M | re.S
    )
    known: dict[str, Any] = {}
    exec(example, known)
    is_ours: Callable[[dict[str, str], bytes, str, set[str]], bool] = known["is_ours"]
    return is_ours


def test_a_receiver_checks_the_signature_as_the_guide_says(keeper: Person, receiver: Any) -> None:
    server, taken, _way = receiver
    hook = added(keeper)
    postings.try_webhook(hook, by=keeper, at=clock.now())
    leading_to(receiver, hook)(clock.now())
    (body,), (head,) = taken, server.heads
    headers, is_ours = headers_of(head), as_the_guide_says()
    assert is_ours(headers, body, "whsec_of_the_tests", set())
    assert not is_ours(headers, body + b" ", "whsec_of_the_tests", set())
    assert not is_ours(headers, body, "whsec_of_another", set())
    assert not is_ours(headers, body, "whsec_of_the_tests", {headers["Tocsin-Id"]})
    late = {**headers, "Tocsin-Timestamp": str(int(headers["Tocsin-Timestamp"]) - 301)}
    assert not is_ours(late, body, "whsec_of_the_tests", set())
    both = {**headers, "Tocsin-Signature": f"v1=00 {headers['Tocsin-Signature']}"}
    assert is_ours(both, body, "whsec_of_the_tests", set())


def test_a_finding_is_told_over_tls_and_to_who_fails_again_and_again_until_that_is_given_up_for_all_to_see(
    keeper: Person, receiver: Any, store: Store, tmp_path: Path, cast: Cast
) -> None:
    server, taken, _way = receiver
    hook = added(keeper)
    turn = leading_to(receiver, hook)
    store.run(write(tmp_path, 4, [1, 60]), accept_drop=True)
    webhooks.settle(at=clock.now())
    turn(clock.now())
    assert json.loads(taken[0])["days"][0]["new"] == 1
    assert as_the_guide_says()(headers_of(server.heads[0]), taken[0], "whsec_of_the_tests", set())
    server.answer = reading_the_body(response(b"out of order", status="500 Internal Server Error"), taken)
    store.run(write(tmp_path, 5, [1, 60, 61]), accept_drop=True)
    at = clock.now()
    webhooks.settle(at=at)
    row, tried = OutgoingMessage.objects.exclude(state="sent").get(), [at]
    while True:
        turn(tried[-1])
        row.refresh_from_db()
        if row.state != "queued":
            break
        tried.append(row.next_at)
    pauses = [(later - before) // dt.timedelta(minutes=1) for before, later in itertools.pairwise(tried)]
    assert pauses[:5] == [5, 15, 45, 135, 240] and set(pauses[4:]) == {240} and sum(pauses) >= 5 * 24 * 60
    assert len(set(taken[1:])) == 1 and len(taken) == 1 + len(tried), "each time the same"
    shown = text(signed_in(keeper).get(f"/my/webhooks/{hook.key}/"))
    assert f"Given up 500 out of order {len(tried)}" in shown
    assert "1 message was not delivered" in text(signed_in(cast.analyst).get("/outbox/"))
