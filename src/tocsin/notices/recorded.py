"""What rows about notices say, and notices as things that rows are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Fact, Group, Kind, Sentence
from tocsin.feeds.wording import class_label
from tocsin.notices import noted
from tocsin.notices.choices import Happening, NoticeState
from tocsin.notices.forms import PolicyForm
from tocsin.notices.models import Notice


def _day(text: str) -> str:
    return str(formats.date_format(dt.date.fromisoformat(text), pgettext("date format", "j M Y")))


def _suppressed(data: Data) -> str:
    return _("Not told until {day}: {reason}").format(day=_day(data["until"]), reason=data["reason"])


def _prepared(data: Data) -> str:
    count = len(data["references"])
    said = ngettext("{n} notice prepared: {notices}", "{n} notices prepared: {notices}", count)
    return said.format(n=count, notices=_listed(data["references"]))


def _listed(references: Any) -> str:
    """Return the first few by name: a night may bring hundreds."""
    return wording.listed([*references[:SHOWN], *(["…"] if len(references) > SHOWN else [])])


def _moved(data: Data) -> str:
    state = dict(NoticeState.choices).get(data["what"], data["what"])
    said = _("Notice {notice}: {state} ({note})") if data["note"] else _("Notice {notice}: {state}")
    return said.format(notice=data["notice"], state=state, note=data["note"])


def _noted(data: Data) -> str:
    what = dict(Happening.choices).get(data["what"], data["what"])
    return _("Notice {notice}: {state}").format(notice=data["notice"], state=what)


def _of_notice(words: Any) -> Sentence:
    return lambda data: str(words).format(notice=data["notice"], reason=data.get("reason", ""))


def _revised(data: Data) -> str:
    count = len(data["struck"])
    if not count:
        return _("Notice {notice} brought up to date").format(notice=data["notice"])
    said = ngettext(
        "{n} finding struck off notice {notice}, since it is not so any more",
        "{n} findings struck off notice {notice}, since they are not so any more",
        count,
    )
    return said.format(n=count, notice=data["notice"])


def _discarded(data: Data) -> str:
    reason = noted.words(noted.sentence(data["reason"])) if data["reason"] == noted.OFF_THE_LIST else data["reason"]
    return _("Notice {notice} discarded: {reason}").format(notice=data["notice"], reason=reason)


def _dropped(data: Data) -> str:
    """Say why a notice does not leave; the reason is a sentence of ours, kept in English."""
    struck = data.get("struck") or {}
    reason = noted.words(noted.struck_off(struck, is_all=True) if struck else noted.sentence(data["reason"]))
    return _("Notice {notice} does not leave: {reason}").format(notice=data["notice"], reason=reason)


def _held_out(data: Data) -> str:
    words = _(
        "{held} of {organisations} organisations are not told of {what} from C5 to C{mildest} until {day}: {reason}"
    )
    return words.format(
        held=data["held_out"], organisations=data["organisations"], what=class_label(data["category"]),
        mildest=data["mildest"], day=_day(data["until"]), reason=data["reason"],
    )  # fmt: skip


def _of_hold_out(words: Any) -> Sentence:
    return lambda data: str(words).format(what=class_label(data["category"]), who=data.get("constituent", ""))


SHOWN = 10
_SENTENCES: dict[str, Sentence] = {
    "notice-policy.added": lambda _data: _("Policy written: who is told of what"),
    "notice-policy.changed": lambda _data: _("Policy changed: who is told of what"),
    "notice-policy.ended": lambda _data: _("Policy ended: who is told of what"),
    "suppression.added": _suppressed,
    "suppression.ended": lambda _data: _("What was not told may be told again"),
    "hold-out.began": _held_out,
    "hold-out.ended": _of_hold_out(gettext_lazy("Those held out of {what} are told")),
    "hold-out.exempted": _of_hold_out(gettext_lazy("{who} asked, and is told of {what}")),
    "notices.prepared": _prepared,
    "notice.previewed": _of_notice(gettext_lazy("Notice {notice} read before it is sent")),
    "notice.discarded": _discarded,
    "notice.revised": _revised,
    "notice.dropped": _dropped,
    "notice.queued": _of_notice(gettext_lazy("Notice {notice} waits to be sent")),
    "notice.moved": _moved,
    "notice.noted": _noted,
}


def _facts() -> Mapping[str, Fact]:
    return wording.facts_of(PolicyForm)


def _names(keys: Collection[str]) -> Mapping[str, str]:
    return {}


def _find(text: str) -> str | None:
    return text if Notice.objects.filter(reference=text).exists() else None


def _address(key: str) -> str:
    return reverse("notices:notice", args=[key])


_ABOUT = {"notice": "notice", "references": "notice", "constituent": "constituent", "constituents": "constituent"}
wording.register(Group("notices", gettext_lazy("Notices"), _SENTENCES, _ABOUT, _facts))
wording.register_kind(Kind("notice", gettext_lazy("Notice"), _names, _address, _find))
