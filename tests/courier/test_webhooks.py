"""Postings to webhooks: signed so that the other side can tell, retried, and never led elsewhere."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.courier.certificates import certificate_for, secured, trusting
from tests.courier.conftest import AT, Clock, state
from tests.courier.servers import Answer, Server, response, serving
from tests.courier.test_posting import reading_the_body
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import sending, webhooks
from tocsin.courier.choices import State
from tocsin.courier.connecting import Allowance
from tocsin.courier.fetching import fetch
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.courier.outbox import LARGEST_BODY_BYTES, Posting, put_webhook
from tocsin.courier.refusals import TooSlow
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.kernel.tlp import TLP

pytestmark = pytest.mark.django_db
BODY = {"event": "finding.opened", "who": "Santé"}
Fetch = Callable[..., Any]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for("hook.example", tmp_path_factory.mktemp("tls") / "cert.pem")


class Receiver:
    """A webhook's other side: answers as it is told, keeps what it was sent."""

    def __init__(self, server: Server, bodies: list[bytes], certificate: Path) -> None:
        self.server, self.bodies = server, bodies
        allowance = Allowance(frozenset({"127.0.0.1"}), frozenset({server.port}))
        context = trusting(certificate)
        self.fetch = functools.partial(
            fetch, allowance=allowance, resolve=lambda _name, _port: ["127.0.0.1"], context=context
        )
        self.url = f"https://hook.example:{server.port}/in"

    def headers(self) -> list[dict[str, str]]:
        heads = [head.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:] for head in self.server.heads]
        return [dict(line.lower().split(": ", 1) for line in lines) for lines in heads]


@pytest.fixture
def receiver(certificate: Path) -> Iterator[Receiver]:
    bodies: list[bytes] = []

    def answer(sock: socket.socket, head: bytes) -> None:
        reading_the_body(made.server.says, bodies)(sock, head)  # type: ignore[attr-defined]

    with serving(answer, secured(certificate)) as server:
        server.says = response(b"thanks")  # type: ignore[attr-defined]
        made = Receiver(server, bodies, certificate)
        yield made


def says(receiver: Receiver, answer: Answer) -> None:
    receiver.server.says = answer  # type: ignore[attr-defined]


def hook_at(url: str, secret: str = "whsec_of_the_tests") -> Webhook:
    event = webhooks.add_webhook(url=url, secret=secret, label="Island Bank", by=COMMAND_LINE, at=AT)
    return Webhook.objects.get(key=event.webhook)


def put(hook: Webhook, key: str = "k") -> OutgoingMessage:
    return put_webhook(hook, BODY, Posting(key), tlp=TLP.AMBER, at=AT)


def drain(clock: Clock, fetched: Fetch = fetch) -> dt.datetime | None:
    return sending.drain(sending.Turn("worker", now=clock, post=functools.partial(webhooks.post, fetched=fetched)))


def test_a_posting_arrives_and_its_signature_proves_who_sent_it(receiver: Receiver, clock: Clock) -> None:
    row = put(hook_at(receiver.url))
    assert drain(clock, receiver.fetch) is None
    (body,), (head,) = receiver.bodies, receiver.headers()
    assert json.loads(body) == BODY
    assert (state(row), row.last_answer) == (State.SENT, "200 thanks")
    assert (head["tocsin-id"], head["tocsin-timestamp"]) == (row.key, str(int(AT.timestamp())))
    signed = f"{head['tocsin-id']}.{head['tocsin-timestamp']}.".encode() + body
    expected = hmac.new(b"whsec_of_the_tests", signed, hashlib.sha256).hexdigest()
    assert head["tocsin-signature"] == f"v1={expected}"
    assert receiver.server.heads[0].startswith(b"POST /in HTTP/1.1\r\n")


def test_a_receiver_that_fails_is_told_again_with_the_same_id_and_body(receiver: Receiver, clock: Clock) -> None:
    says(receiver, response(b"out of order", status="503 Unavailable"))
    row = put(hook_at(receiver.url))
    due = drain(clock, receiver.fetch)
    assert due == AT + dt.timedelta(minutes=5) and state(row) == State.QUEUED
    assert row.last_answer == "503 out of order"
    says(receiver, response(b""))
    clock.at = due
    drain(clock, receiver.fetch)
    assert state(row) == State.SENT
    assert receiver.bodies[0] == receiver.bodies[1]
    first, second = receiver.headers()
    assert first["tocsin-id"] == second["tocsin-id"]
    assert first["tocsin-timestamp"] != second["tocsin-timestamp"]
    assert first["tocsin-signature"] != second["tocsin-signature"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("204 No Content", State.SENT),
        ("404 Not Found", State.QUEUED),
        ("429 Slow", State.QUEUED),
        ("410 Gone", "refused"),
    ],
)
def test_the_answer_decides(receiver: Receiver, clock: Clock, status: str, expected: str) -> None:
    says(receiver, response(b"", status=status))
    row = put(hook_at(receiver.url))
    drain(clock, receiver.fetch)
    assert state(row) == expected


def test_a_receiver_that_sends_elsewhere_is_refused_and_the_other_place_sees_nothing(
    receiver: Receiver, clock: Clock
) -> None:
    with serving(response()) as elsewhere:
        says(receiver, response(status="307 Temporary", Location=f"http://127.0.0.1:{elsewhere.port}/"))
        row = put(hook_at(receiver.url))
        drain(clock, receiver.fetch)
        assert elsewhere.connections == 0
    assert (state(row), row.last_answer) == (State.REFUSED, webhooks.ELSEWHERE), "and not that it is not public"


@pytest.mark.parametrize(("host", "trusted"), [("hook.example", False), ("other.example", True)])
def test_nothing_is_posted_to_who_shows_a_certificate_that_is_not_its_own(
    receiver: Receiver, certificate: Path, clock: Clock, host: str, trusted: bool
) -> None:
    row = put(hook_at(f"https://{host}:{receiver.server.port}/in"))
    drain(clock, receiver.fetch if trusted else functools.partial(receiver.fetch, context=None))
    assert (state(row), receiver.bodies) == (State.QUEUED, [])
    assert row.last_answer.startswith("its certificate is not valid (") and row.last_answer.endswith(").")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]"])
def test_no_posting_goes_into_our_own_network(clock: Clock, host: str) -> None:
    row = put(hook_at(f"https://{host}/"))
    drain(clock)
    assert state(row) == State.REFUSED
    assert row.last_answer == webhooks.NOT_PUBLIC, "and not which address: members read it"


def test_a_name_that_leads_into_our_own_network_is_refused_when_its_turn_comes(
    receiver: Receiver, clock: Clock
) -> None:
    row = put(hook_at("https://hook.example/"))
    inward = functools.partial(fetch, resolve=lambda _name, _port: ["127.0.0.1"])
    drain(clock, inward)
    assert (state(row), receiver.server.connections) == (State.REFUSED, 0)


def test_a_webhook_that_has_ended_is_told_nothing_more(receiver: Receiver, clock: Clock) -> None:
    hook = hook_at(receiver.url)
    row = put(hook)
    webhooks.end_webhook(hook, by=COMMAND_LINE, at=AT)
    drain(clock, receiver.fetch)
    assert (state(row), receiver.server.connections) == (State.REFUSED, 0)
    with pytest.raises(Conflict):
        put(hook, "another")
    with pytest.raises(Conflict):
        webhooks.end_webhook(hook, by=COMMAND_LINE, at=AT)


def test_secrets_are_by_lot_and_stand_in_no_audit_row() -> None:
    secret = webhooks.new_secret()
    hook_at("https://hook.example/", secret)
    assert len(secret) > 40 and secret != webhooks.new_secret()
    assert secret not in AuditRow.objects.get(code="webhook.added").data_json


@pytest.mark.parametrize(
    "url", ["http://hook.example/", "ftp://x", "", "https://é.example/", "https://x/\n", "https://x/" + "a" * 2000]
)
def test_other_addresses_are_no_webhooks(url: str) -> None:
    with pytest.raises(InvalidInput):
        hook_at(url)
    assert not Webhook.objects.exists()


def test_what_is_too_large_to_post_is_refused() -> None:
    with pytest.raises(InvalidInput, match="most"):
        put_webhook(hook_at("https://x/"), {"a": "x" * LARGEST_BODY_BYTES}, Posting("k"), tlp=TLP.CLEAR, at=AT)


def test_a_posting_with_the_same_key_is_made_once() -> None:
    hook = hook_at("https://hook.example/")
    assert put(hook).pk == put(hook).pk


def signed_by(receiver: Receiver, number: int, secret: str) -> list[bool]:
    """Return of each signature of a posting whether it is made by a secret."""
    head, body = receiver.headers()[number], receiver.bodies[number]
    expected = webhooks.signature(secret, head["tocsin-id"], int(head["tocsin-timestamp"]), body)
    return [each == expected for each in head["tocsin-signature"].split()]


def test_for_a_day_both_secrets_sign_and_then_the_new_one_alone(receiver: Receiver, clock: Clock) -> None:
    hook = hook_at(receiver.url, "whsec_old")
    webhooks.change_secret(hook, secret="whsec_new", by=COMMAND_LINE, at=AT)
    put(hook)
    drain(clock, receiver.fetch)
    clock.move(hours=25)
    put(hook, "later")
    drain(clock, receiver.fetch)
    assert signed_by(receiver, 0, "whsec_new") == [True, False] and signed_by(receiver, 0, "whsec_old") == [False, True]
    assert signed_by(receiver, 1, "whsec_new") == [True]
    assert "whsec" not in AuditRow.objects.get(code="webhook.secret_changed").data_json


def test_who_answers_410_is_told_nothing_more(receiver: Receiver, clock: Clock) -> None:
    says(receiver, response(b"moved away", status="410 Gone"))
    hook = hook_at(receiver.url)
    first, second = put(hook), put(hook, "second")
    drain(clock, receiver.fetch)
    hook.refresh_from_db()
    assert (hook.ended_at, hook.is_gone, receiver.server.connections) == (AT, True, 1)
    assert (state(first), state(second)) == (State.REFUSED, State.REFUSED)
    assert AuditRow.objects.filter(code="webhook.ended").count() == 1


def test_a_webhook_that_does_not_answer_holds_up_no_other(receiver: Receiver, clock: Clock) -> None:
    rows = [put(hook_at(f"https://silent.example/{number}"), f"silent {number}") for number in range(3)]
    last = put(hook_at(receiver.url), "last")
    tried: list[str] = []

    def fetched(url: str, **how: Any) -> Any:
        tried.append(url)
        if "silent" in url:
            raise TooSlow(url, "it took longer than 10 s.")
        return receiver.fetch(url, **how)

    drain(clock, fetched)
    assert len(tried) == 4 and state(last) == State.SENT, "one of each webhook"
    assert {state(row) for row in rows} == {State.QUEUED}


def test_of_one_webhook_a_turn_tries_no_more_once_it_was_silent(clock: Clock) -> None:
    hook, tried = hook_at("https://silent.example/"), []

    def fetched(url: str, **_how: Any) -> Any:
        tried.append(url)
        raise TooSlow(url, "it took longer than 10 s.")

    rows = [put(hook, str(number)) for number in range(3)]
    drain(clock, fetched)
    assert len(tried) == 1 and {state(row) for row in rows} == {State.QUEUED}
    assert [row.last_answer for row in rows[1:]] == [sending.SILENT] * 2


def test_what_answers_too_much_is_put_off(receiver: Receiver, clock: Clock) -> None:
    says(receiver, response(b"x" * (webhooks.LARGEST_ANSWER_BYTES + 1)))
    row = put(hook_at(receiver.url))
    drain(clock, receiver.fetch)
    assert state(row) == State.QUEUED and "larger than" in row.last_answer


def test_a_webhook_is_tried_with_a_posting_that_says_nothing(receiver: Receiver, clock: Clock) -> None:
    hook = hook_at(receiver.url)
    for _time in range(2):
        webhooks.try_webhook(hook, by=COMMAND_LINE, at=AT)
    drain(clock, receiver.fetch)
    assert [json.loads(body)["event"] for body in receiver.bodies] == ["test", "test"]
    webhooks.end_webhook(hook, by=COMMAND_LINE, at=AT)
    with pytest.raises(Conflict):
        webhooks.try_webhook(hook, by=COMMAND_LINE, at=AT)


NOT_PUBLIC = (
    "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "10.1", "127.0.0.1.", "192.168.257", "localhost",
    "LOCALHOST.", "a.localhost", "printer.local", "hook.internal", "router.home.arpa", "intranet", "db.lan", "x.onion",
)  # fmt: skip
"""What an operating system reads as an address of a private network, and names that are none of the Internet."""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hook.example/in?a=b", ""),
        ("https://8.8.8.8/", ""),
        ("https://Hook.Example./", ""),
        ("https://127.1.example/", ""),
        ("http://hook.example/", "begins with https"),
        *((f"https://{host}/", "none of the public Internet") for host in NOT_PUBLIC),
        ("https://hook.example:8443/", "port 8443"),
        ("https://10.0.0.1/", "public Internet"),
        ("https://[::1]/", "public Internet"),
        ("https://me:secret@hook.example/", "no password"),
        ("https:///in", "no host"),
        ("file:///etc/passwd", "only http"),
        ("https://hook.example/a b", "not written as"),
    ],
)
def test_what_can_be_no_webhook_is_said_before_anything_is_sent(url: str, why: str) -> None:
    said = webhooks.flaw(url)
    assert why in said and bool(said) == bool(why)
