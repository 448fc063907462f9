"""`tocsin mail receive`: one message from a mail server. Exit code 0 says that it is kept, whatever happens then."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tocsin.kernel import clock
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.cli.answers import add_json_option, answer
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.courier.incoming.received import ReceivedMessage

_CHUNK_BYTES = 1 << 20


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `receive`."""
    receive = verbs.add_parser("receive", help="take in one message, as it came, from standard input")
    receive.add_argument(
        "--sender", default="", metavar="ADDRESS", help="who the mail server says sent it; <> for nobody, as bounces"
    )
    receive.add_argument("--recipient", default="", metavar="ADDRESS", help="whom the mail server delivers it to")
    add_json_option(receive)
    receive.set_defaults(run=run_receive)


def run_receive(options: argparse.Namespace) -> int:
    """Take a message in."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidInput("No message came.", remedy="Give one on standard input: tocsin mail receive < FILE")
    open_instance()
    from tocsin.courier.incoming import keeping, receiving

    raw = _read(keeping.MOST_KEPT)
    message = receiving.receive(
        raw, envelope_sender=options.sender, envelope_recipient=options.recipient, at=clock.now()
    )
    answer(options, _sentence(message), _data(message))
    return 0


def _read(most: int) -> bytes:
    """Return at most so many octets; the rest is taken and let go of, so that the mail server is not cut off."""
    raw = sys.stdin.buffer.read(most)
    while len(raw) == most and sys.stdin.buffer.read(_CHUNK_BYTES):
        pass
    return raw


def _data(message: ReceivedMessage) -> dict[str, Any]:
    return {
        "received": message.pk,
        "sha256": message.sha256,
        "state": message.state,
        "kind": message.kind,
        "reference": message.reference,
        "quarantine": message.quarantine,
        "to_be_read": message.is_to_be_read,
        "outcome": message.outcome,
    }


def _sentence(message: ReceivedMessage) -> str:
    what = {
        "reply": "a reply, to be read",
        "bounce": "a bounce",
        "automatic": "from a program",
        "unknown": "of nobody we wrote to, to be read",
    }.get(message.kind, "not looked into yet")
    held = f" In quarantine: {message.get_quarantine_display()}" if message.quarantine else ""
    return f"Message {message.pk} is kept: {what}.{held}"
