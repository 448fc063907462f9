"""What became of a message that was sent, by what mail servers write back.

First the delivery report that RFC 3464 describes; where there is none, the
words of servers that write their own, which stand in `data/mail/bounces.toml`.
Whoever can write mail can write this: it says nothing until the address it came
to proves that it is about a message of ours.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from tocsin.formats.mail import headers
from tocsin.formats.mail.automatic import is_automatic
from tocsin.formats.mail.message import Bounce, Mail, Outcome
from tocsin.kernel.reference_data import DATA

LOOKED_THROUGH = 20_000
"""Characters of a text in which words are looked for: servers say what happened before they quote."""
LONGEST_REASON = 300
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d[ -]")
_RETURNED_ID = re.compile(r"^ {0,8}message-id: {0,8}(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_ACTIONS = {
    "delayed": Outcome.DELAYED,
    "delivered": Outcome.DELIVERED,
    "relayed": Outcome.DELIVERED,
    "expanded": Outcome.DELIVERED,
}
_OF_ADDRESS = re.compile(r"5\.(?:1\.(?:[0-6]|10)|2\.1|4\.[14])")
"""No such address or host, a mailbox that is shut, no way there (RFC 3463, RFC 7505). 5.1.7 to 5.1.9 are of others."""
_OF_RECIPIENT = ("550", "551", "553", "556")
_WORST_FIRST = tuple(Outcome)
_ANSWERED = ("auto-replied",)
"""What an absent person's mail program says of its answer: it is no bounce, whomever it is sent from."""


@functools.cache
def _known() -> dict[str, Any]:
    return tomllib.loads((DATA / "mail" / "bounces.toml").read_text(encoding="utf-8"))


def read_bounce(mail: Mail) -> Bounce | None:
    """Return what a mail server says became of a message; None for what is no such answer.

    Of several recipients the worst off counts: what we send goes to one.
    """
    told = [bounce for group in mail.report[1:] or mail.report if (bounce := _of_group(mail, dict(reversed(group))))]
    if told:
        return min(told, key=lambda bounce: _WORST_FIRST.index(bounce.outcome))
    if mail.value("auto-submitted").lower().startswith(_ANSWERED) or not is_automatic(mail):
        return None
    return _of_words(mail)


def is_of_address(answer: str, *, of_recipient: bool = False) -> bool:
    """Say whether what was refused for good was refused because nothing reaches the address, and not for its content.

    By the first code that says more than *failed*, else by the words that are known, else by whether it was said of
    the recipient: then RFC 5321 has these answers mean the mailbox or its domain.
    """
    codes = (each[0] for each in _STATUS.finditer(answer) if not each[0].endswith(".0.0"))
    if code := next(codes, "") or _status_of_words(_flat(answer)):
        return _OF_ADDRESS.fullmatch(code) is not None
    return of_recipient and answer.startswith(_OF_RECIPIENT)


def _of_group(mail: Mail, fields: dict[str, str]) -> Bounce | None:
    action = fields.get("action", "").lower().strip()
    status = _STATUS.search(fields.get("status", ""))
    if action in _ACTIONS:
        outcome = _ACTIONS[action]
    elif action.startswith("fail") or (status and not action):
        outcome = Outcome.TRANSIENT if status and status[1] == "4" else Outcome.PERMANENT
    else:
        return None
    recipient = fields.get("final-recipient") or fields.get("original-recipient", "")
    return Bounce(
        outcome=outcome,
        status=status[0] if status else "",
        recipient=_first_address(recipient.partition(";")[2] or recipient),
        original_id=_original_id(mail),
        reason=headers.cut(fields.get("diagnostic-code", "").partition(";")[2].strip(), LONGEST_REASON),
    )


def _of_words(mail: Mail) -> Bounce | None:
    text = mail.text[:LOOKED_THROUGH]
    said, subject = _flat(text), mail.subject.lower()
    failed = mail.value("x-failed-recipients")
    if not failed and not any(_is_of(form, said, subject) for form in _known()["form"]):
        return None
    if any(words in said or words in subject for words in _known()["delayed"]["says"]):
        outcome, status = Outcome.DELAYED, ""
    else:
        status = _status(text, said)
        outcome = Outcome.TRANSIENT if status.startswith("4") else Outcome.PERMANENT
    return Bounce(
        outcome=outcome,
        status=status,
        recipient=_first_address(failed) or _recipient(text),
        original_id=_original_id(mail),
        reason=_reason(text),
    )


def _flat(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())


def _is_of(form: dict[str, Any], said: str, subject: str) -> bool:
    begun = any(subject.startswith(words) for words in form.get("subjects", ()))
    return begun or any(words in said for words in form.get("says", ()))


def _status(text: str, said: str) -> str:
    """Return the status code that is written, else the one that the words stand for; empty when neither is."""
    if found := next((each for each in _STATUS.finditer(text) if each[1] != "2"), None):
        return found[0]
    if known := _status_of_words(said):
        return known
    reply = _REPLY.search(text)
    return f"{reply[1]}.0.0" if reply else ""


def _status_of_words(said: str) -> str:
    found = (reason for reason in _known()["reason"] if any(words in said for words in reason["says"]))
    return next((str(reason["status"]) for reason in found), "")


def _lines(text: str) -> Iterable[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _recipient(text: str) -> str:
    """Return the address that a line of its own names, as most servers write it; else the first there is."""
    for line in _lines(text):
        found = headers.addresses(line[:LONGEST_REASON])
        if len(found) == 1 and line.strip("<>:.,;()[]").lower() == found[0]:
            return found[0]
    return _first_address(text)


def _reason(text: str) -> str:
    """Return the line in which a server says why: one with a code, or with words that are known."""
    known = [words for reason in _known()["reason"] for words in reason["says"]]
    for line in _lines(text):
        if _STATUS.search(line) or _REPLY.search(line) or any(words in line.lower() for words in known):
            return headers.cut(line, LONGEST_REASON)
    return ""


def _first_address(text: str) -> str:
    return next(iter(headers.addresses(text)), "")


def _original_id(mail: Mail) -> str:
    """Return the Message-ID of what was sent: from what was given back, else from the text that quotes it."""
    given_back = headers.message_ids(dict(reversed(mail.returned)).get("message-id", ""))
    quoted = _RETURNED_ID.findall(mail.text)
    return next(iter([*given_back, *quoted, *mail.references]), "")
