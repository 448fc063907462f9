"""What rows about mail, webhooks and the team's key say."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Group, Sentence
from tocsin.kernel import legible


def _shown(data: Data, *names: str) -> dict[str, str]:
    """Return what others wrote, fit to be shown."""
    return {name: legible.shown(str(data[name])) for name in names}


def _sent(data: Data) -> str:
    return _("Sent to {recipient}").format(**_shown(data, "recipient"))


def _refused(data: Data) -> str:
    return _("Refused by the other side, for {recipient}: {answer}").format(**_shown(data, "recipient", "answer"))


def _given_up(data: Data) -> str:
    attempts = int(data["attempts"])
    said = ngettext(
        "Given up after {n} try, for {recipient}: {answer}",
        "Given up after {n} tries, for {recipient}: {answer}",
        attempts,
    )
    return said.format(n=attempts, **_shown(data, "recipient", "answer"))


def _retried(data: Data) -> str:
    return _("To be sent again, to {recipient}").format(**_shown(data, "recipient"))


def _dismissed(data: Data) -> str:
    return _("Taken off the list, not sent: for {recipient}").format(**_shown(data, "recipient"))


def _dropped(data: Data) -> str:
    return _("Not sent to {recipient}, nothing was left to say: {why}").format(**_shown(data, "recipient", "why"))


def _stopped(data: Data) -> str:
    return _("Everything that goes out was stopped: {reason}").format(**_shown(data, "reason"))


def _hook(words: Any) -> Sentence:
    return lambda data: str(words).format(**_shown(data, "url"))


def _hook_ended(data: Data) -> str:
    gone = data.get("is_gone")
    said = _("Webhook ended, as the other side asked: {url}") if gone else _("Webhook ended: {url}")
    return said.format(**_shown(data, "url"))


def _key(data: Data) -> str:
    said = (
        _("The team’s OpenPGP key was replaced: {fingerprint}")
        if data["before"]
        else _("OpenPGP key of the team: {fingerprint}")
    )
    return said.format(fingerprint=data["fingerprint"])


def _head_mailed(data: Data) -> str:
    words = _("Head of the audit trail of {day} mailed to {recipient}")
    return words.format(day=data["on"], **_shown(data, "recipient"))


def _received(data: Data) -> str:
    return _("Mail came from {envelope_sender} and was kept").format(**_shown(data, "envelope_sender"))


def _bounced(data: Data) -> str:
    said = (
        _("Mail to {recipient} came back; it will never be delivered: {reason}")
        if data["permanent"]
        else _("Mail to {recipient} came back: {reason}")
    )
    return said.format(**_shown(data, "recipient", "reason"))


def _from(words: Any) -> Sentence:
    return lambda data: str(words).format(**_shown(data, "sender"))


_SENTENCES: dict[str, Sentence] = {
    "message.sent": _sent,
    "message.refused": _refused,
    "message.given_up": _given_up,
    "message.retried": _retried,
    "message.dismissed": _dismissed,
    "message.dropped": _dropped,
    "mail.stopped": _stopped,
    "mail.started": lambda _data: _("What waits may go out again"),
    "webhook.added": _hook(gettext_lazy("Webhook added: {url}")),
    "webhook.ended": _hook_ended,
    "webhook.secret_changed": _hook(gettext_lazy("Another secret for the webhook {url}")),
    "webhook.tried": _hook(gettext_lazy("Webhook tried: {url}")),
    "audit.head_mailed": _head_mailed,
    "team_key.changed": _key,
    "mail.received": _received,
    "mail.bounced": _bounced,
    "mail.replied": _from(gettext_lazy("Reply from {sender}")),
    "mail.unknown": _from(gettext_lazy("Mail from {sender}, to whom nobody had written")),
    "mail.automatic": lambda _data: _("Automatic mail came"),
    "mail.read": lambda _data: _("Mail marked as read"),
    "mail.put_back": lambda _data: _("Mail to be read after all"),
    "mail.looked_into_again": lambda _data: _("Mail to be looked into once more"),
}
wording.register(Group("mail", gettext_lazy("Mail and webhooks"), _SENTENCES))
