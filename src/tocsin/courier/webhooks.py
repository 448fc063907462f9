"""Postings to webhooks: signed, to the checked address and to no other.

    Tocsin-Id: KEY                       the same at every try
    Tocsin-Timestamp: 1790000000         seconds since 1970, of this try
    Tocsin-Signature: v1=HEX             HMAC-SHA256 of "ID.TIMESTAMP.BODY" with the secret

For a day after the secret was changed there are two signatures, parted by a space: by the new secret and by the one
before. Whoever receives a posting takes it when one of them is right, compares in constant time, refuses what is older
than five minutes, and takes what it has seen by its id for the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.client
import secrets
from collections.abc import Callable, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from django.db.models import Q
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.courier import connecting, events, outbox, queries, tokens
from tocsin.courier.fetching import Fetched, Post, fetch
from tocsin.courier.mailer import Delivery, Outcome
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.courier.refusals import AddressRefused, FetchRefused, SentElsewhere
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant, zone_of
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.kernel.tlp import TLP

NOT_PUBLIC = "What it leads to is not an address of the public Internet."
"""Not which address: members read it, and may name whatever our resolver knows."""
ELSEWHERE = "It answered with a redirect, which is not followed: give the address that takes the posting."
LARGEST_ANSWER_BYTES = 64 * 1024
SHOWN = 200
LONGEST_URL = 2000
OVERLAP = dt.timedelta(days=1)
"""So long is signed by the secret before, too."""
TESTS_WITHIN = dt.timedelta(hours=1)
MOST_TESTS, MOST_TESTS_OF_ONE = 5, 10
"""Of a webhook, and of all webhooks of one thing, those that have ended too: whose machine it is nobody has proved."""

Poster: TypeAlias = Callable[[OutgoingMessage, Instant], Delivery]
Fetch: TypeAlias = Callable[..., Fetched]


def new_secret() -> str:
    """Return a secret by lot: 256 bits, to be shown once."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """Return what proves that a body was sent by who knows the secret, at that time, under that id."""
    signed = f"{key}.{timestamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def secrets_of(hook: Webhook, at: Instant) -> list[str]:
    """Return the secrets by which is signed now, the newest first."""
    is_double = hook.old_secret_until is not None and at < hook.old_secret_until
    return [hook.secret, hook.old_secret] if is_double else [hook.secret]


def headers(message: OutgoingMessage, known: Sequence[str], at: Instant) -> dict[str, str]:
    """Return the headers of one try, signed by each of the secrets."""
    timestamp, body = int(at.timestamp()), bytes(message.content)
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Tocsin-Id": message.key,
        "Tocsin-Timestamp": str(timestamp),
        "Tocsin-Signature": " ".join(signature(secret, message.key, timestamp, body) for secret in known),
    }


def post(message: OutgoingMessage, at: Instant, *, fetched: Fetch = fetch) -> Delivery:
    """Post a message to its webhook once; say what came of it."""
    hook = message.webhook
    if hook is None or hook.ended_at is not None:
        return Delivery(Outcome.REFUSED, "The webhook has ended.")
    posting = Post(bytes(message.content), headers(message, secrets_of(hook, at), at))
    try:
        answer = fetched(hook.url, post=posting, largest_bytes=LARGEST_ANSWER_BYTES)
    except SentElsewhere:
        return Delivery(Outcome.REFUSED, ELSEWHERE)
    except AddressRefused:
        return Delivery(Outcome.REFUSED, NOT_PUBLIC)
    except FetchRefused as refusal:
        return Delivery(Outcome.PUT_OFF, legible.shown(refusal.problem), is_unsure=True)
    return _judged(answer)


def _judged(answer: Fetched) -> Delivery:
    said = legible.shown(" ".join(answer.body[:SHOWN].decode("utf-8", "replace").split()))
    words = f"{answer.status} {said}".strip()
    if 200 <= answer.status < 300:
        return Delivery(Outcome.SENT, words)
    gone = answer.status == http.client.GONE
    return Delivery(Outcome.REFUSED if gone else Outcome.PUT_OFF, words, is_gone=gone, is_unsure=True)


def flaw(url: str) -> str:
    """Return why an address can be no webhook, as far as can be told without asking anybody; empty when it may be one.

    What its name means is asked at each try.
    """
    try:
        connecting.written(url)
    except AddressRefused as refusal:
        return refusal.problem
    if not url.startswith("https://"):
        return "it is no address that begins with https://"
    if not connecting.may_be_public(urlsplit(url).hostname or ""):
        return "its name is none of the public Internet."
    return "port 80 is for http." if urlsplit(url).port == connecting.PORTS["http"] else ""


@action("webhook.added")
def add_webhook(
    *,
    url: str,
    secret: str,
    label: str,
    told: Sequence[str] = (),
    room: str = "",
    key: str = "",
    by: Actor,
    at: Instant,
) -> events.WebhookAdded:
    """Tell somebody by machine from now on. `secret` is from `new_secret`, and shown by the caller, once.

    `told` names what of, `room` and `key` say whose it is. Only https: what is told is not for others to read. Whether
    the address is one of the public Internet is asked at each try, because names change what they mean.
    """
    if not url.startswith("https://") or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        raise InvalidInput("it is no address that begins with https://", where="url")
    if legible.flaw(label) or len(label) > SHOWN:
        raise InvalidInput(f"write at most {SHOWN} characters that can be read.", where="label")
    hook = Webhook.objects.create(
        key=tokens.new_key(), url=url, secret=secret, label=label, events=list(told),
        reference_room=room, reference_key=key, made_at=at,
    )  # fmt: skip
    return events.WebhookAdded(
        webhook=hook.key, url=url, label=label, told=tuple(told), reference_room=room, reference_key=key
    )


@action("webhook.secret_changed")
def change_secret(hook: Webhook, *, secret: str, by: Actor, at: Instant) -> events.WebhookSecretChanged:
    """Sign by another secret, from `new_secret`; for a day by both, so that the other side need not change at once."""
    _require_open(hook)
    until = at + OVERLAP
    hook.old_secret, hook.old_secret_until, hook.secret = hook.secret, until, secret
    hook.save(update_fields=["old_secret", "old_secret_until", "secret"])
    return events.WebhookSecretChanged(webhook=hook.key, url=hook.url, both_until=until)


@action("webhook.tried")
def try_webhook(hook: Webhook, *, by: Actor, at: Instant) -> events.WebhookTried:
    """Post something that says nothing, so that the other side can be seen to take it. Raises Conflict when too often.

    A test stands with the webhook alone: that it was refused is nothing that anybody has to mend.
    """
    _require_open(hook)
    _require_few_tests(hook, at)
    body = {"event": "test", "at": at.isoformat(timespec="seconds")}
    posting = outbox.Posting(f"test:{hook.key}:{tokens.new_key()}", outbox.Reference(queries.TESTS, hook.key))
    message = outbox.put_webhook(hook, body, posting, tlp=TLP.CLEAR, at=at)
    return events.WebhookTried(webhook=hook.key, url=hook.url, message=message.key)


@action("webhook.ended")
def end_webhook(hook: Webhook, *, is_gone: bool = False, by: Actor, at: Instant) -> events.WebhookEnded:
    """Tell somebody no longer; what waits for them is refused when its turn comes. Raises Conflict when it is so.

    `is_gone` says that the other side asked for it, by the answer 410.
    """
    _require_open(hook)
    change(hook, ended_at=at, is_gone=is_gone)
    return events.WebhookEnded(webhook=hook.key, url=hook.url, is_gone=is_gone)


def _require_few_tests(hook: Webhook, at: Instant) -> None:
    tests = OutgoingMessage.objects.filter(reference_room=queries.TESTS, made_at__gt=at - TESTS_WITHIN)
    whose = Q(webhook__reference_room=hook.reference_room, webhook__reference_key=hook.reference_key)
    for counted, most in ((tests.filter(webhook=hook), MOST_TESTS), (tests.filter(whose), MOST_TESTS_OF_ONE)):
        times = list(counted.order_by("-made_at").values_list("made_at", flat=True)[:most])
        if len(times) == most:
            local = timezone.localtime(times[-1] + TESTS_WITHIN)
            again = f"{formats.time_format(local, 'H:i')} {zone_of(local)}"
            words = _("That was {most} tests within an hour, which are the most. Try again after {time}.")
            raise Conflict(words.format(most=most, time=again))


def _require_open(hook: Webhook) -> None:
    hook.refresh_from_db()
    if hook.ended_at is not None:
        raise Conflict(_("This webhook has ended already."))
