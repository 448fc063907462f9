"""Postings to webhooks: signed, to the checked address and to no other.

    Tocsin-Id: KEY                       the same at every try
    Tocsin-Timestamp: 1790000000         seconds since 1970, of this try
    Tocsin-Signature: v1=HEX             HMAC-SHA256 of "ID.TIMESTAMP.BODY" with the secret

Whoever receives one compares the signature in constant time, refuses what is older than five minutes, and takes what
it has seen by its id for the same.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import secrets
from collections.abc import Callable
from typing import TypeAlias

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.courier import events, tokens
from tocsin.courier.fetching import Fetched, Post, fetch
from tocsin.courier.mailer import Delivery, Outcome
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.courier.refusals import AddressRefused, FetchRefused
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput

LARGEST_ANSWER_BYTES = 64 * 1024
SHOWN = 200
LONGEST_URL = 2000

Poster: TypeAlias = Callable[[OutgoingMessage, Instant], Delivery]
Fetch: TypeAlias = Callable[..., Fetched]


def new_secret() -> str:
    """Return a secret by lot: 256 bits, to be shown once."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """Return what proves that a body was sent by who knows the secret, at that time, under that id."""
    signed = f"{key}.{timestamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def headers(message: OutgoingMessage, secret: str, at: Instant) -> dict[str, str]:
    """Return the headers of one try."""
    timestamp = int(at.timestamp())
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Tocsin-Id": message.key,
        "Tocsin-Timestamp": str(timestamp),
        "Tocsin-Signature": signature(secret, message.key, timestamp, bytes(message.content)),
    }


def post(message: OutgoingMessage, at: Instant, *, fetched: Fetch = fetch) -> Delivery:
    """Post a message to its webhook once; say what came of it."""
    hook = message.webhook
    if hook is None or hook.ended_at is not None:
        return Delivery(Outcome.REFUSED, "The webhook has ended.")
    posting = Post(bytes(message.content), headers(message, hook.secret, at))
    try:
        answer = fetched(hook.url, post=posting, largest_bytes=LARGEST_ANSWER_BYTES)
    except AddressRefused as refusal:
        return Delivery(Outcome.REFUSED, legible.shown(refusal.problem))
    except FetchRefused as refusal:
        return Delivery(Outcome.PUT_OFF, legible.shown(refusal.problem))
    return _judged(answer)


def _judged(answer: Fetched) -> Delivery:
    said = legible.shown(" ".join(answer.body[:SHOWN].decode("utf-8", "replace").split()))
    words = f"{answer.status} {said}".strip()
    if 200 <= answer.status < 300:
        return Delivery(Outcome.SENT, words)
    gone = answer.status == http.client.GONE
    return Delivery(Outcome.REFUSED if gone else Outcome.PUT_OFF, words)


@action("webhook.added")
def add_webhook(
    *, url: str, secret: str, label: str, room: str = "", key: str = "", by: Actor, at: Instant
) -> events.WebhookAdded:
    """Tell somebody by machine from now on. `secret` is from `new_secret`, and shown by the caller, once.

    `room` and `key` say whose it is. Only https: what is told is not for others to read. Whether the address is one of
    the public Internet is asked at each try, because names change what they mean.
    """
    if not url.startswith("https://") or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        raise InvalidInput("it is no address that begins with https://", where="url")
    if legible.flaw(label) or len(label) > SHOWN:
        raise InvalidInput(f"write at most {SHOWN} characters that can be read.", where="label")
    hook = Webhook.objects.create(
        key=tokens.new_key(), url=url, secret=secret, label=label, reference_room=room, reference_key=key, made_at=at
    )
    return events.WebhookAdded(webhook=hook.key, url=url, label=label, reference_room=room, reference_key=key)


@action("webhook.ended")
def end_webhook(hook: Webhook, *, by: Actor, at: Instant) -> events.WebhookEnded:
    """Tell somebody no longer; what waits for them is refused when its turn comes. Raises Conflict when it is so."""
    if hook.ended_at is not None:
        raise Conflict("This webhook has ended already.")
    change(hook, ended_at=at)
    return events.WebhookEnded(webhook=hook.key, url=hook.url)
