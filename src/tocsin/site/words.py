"""Words that stand on every page: severities and states, each with its icon and its look."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

SEVERITIES: dict[int, Any] = {
    1: pgettext_lazy("severity C1", "national emergency"),
    2: pgettext_lazy("severity C2", "highly significant"),
    3: pgettext_lazy("severity C3", "significant"),
    4: pgettext_lazy("severity C4", "substantial"),
    5: pgettext_lazy("severity C5", "moderate"),
    6: pgettext_lazy("severity C6", "localised"),
}


MONTHS = (
    pgettext_lazy("abbrev. month", "Jan."),
    pgettext_lazy("abbrev. month", "Feb."),
    pgettext_lazy("abbrev. month", "March"),
    pgettext_lazy("abbrev. month", "April"),
    pgettext_lazy("abbrev. month", "May"),
    pgettext_lazy("abbrev. month", "June"),
    pgettext_lazy("abbrev. month", "July"),
    pgettext_lazy("abbrev. month", "Aug."),
    pgettext_lazy("abbrev. month", "Sept."),
    pgettext_lazy("abbrev. month", "Oct."),
    pgettext_lazy("abbrev. month", "Nov."),
    pgettext_lazy("abbrev. month", "Dec."),
)
"""Here only so that our catalogue holds them: it goes before Django's own, whose French is not that of officials."""

ACTORS: dict[str, Any] = {
    "another service": _("another service"),
    "attribution": _("attribution"),
    "audit": _("keeping of the audit trail"),
    "command line": _("command line"),
    "demonstration": _("demonstration"),
    "directory": pgettext_lazy("a part of the software", "directory"),
    "effect": _("reckoning of effects"),
    "enrolment": _("enrolment"),
    "feed fetch": _("fetching of reports"),
    "feed watch": _("watched folder"),
    "mailed link": _("link in a mail"),
    "outbox": pgettext_lazy("a part of the software", "outbox"),
    "webhooks": pgettext_lazy("a part of the software", "webhooks"),
    "incoming mail": _("incoming mail"),
    "retention": _("retention"),
    "set-up": _("set-up"),
}
"""Parts of the software that act by themselves, as the trail knows them."""


@dataclasses.dataclass(frozen=True)
class State:
    """How a state is shown."""

    word: Any
    icon: str
    look: str


STATES = {
    # findings
    "open": State(pgettext_lazy("state of a finding", "Open"), "open", "open"),
    "new": State(pgettext_lazy("state of a finding", "New"), "open", "open"),
    "still": State(pgettext_lazy("state of a finding", "Still open"), "open", "open"),
    "told": State(pgettext_lazy("state of a finding", "Open, told"), "told", "told"),
    "returned": State(pgettext_lazy("state of a finding", "Came back"), "returned", "returned"),
    "gone": State(pgettext_lazy("state of a finding", "Gone"), "gone", "gone"),
    # feeds and services
    "running": State(pgettext_lazy("state of a service", "Running"), "gone", "done"),
    "stopped": State(pgettext_lazy("state of a service", "Stopped"), "stopped", "stopped"),
    "stops": State(pgettext_lazy("state of a service", "Will stop"), "stops", "stops"),
    "arrives": State(pgettext_lazy("state of a feed", "Arrives as usual"), "gone", "done"),
    "held": State(pgettext_lazy("state of a feed", "Waits for a decision"), "wait", "waiting"),
    "broken": State(pgettext_lazy("state of a feed", "Latest report could not be read"), "failed", "failed"),
    "late": State(pgettext_lazy("state of a feed", "Late"), "stops", "stops"),
    "silent": State(pgettext_lazy("state of a feed", "Silent"), "stopped", "stopped"),
    # runs and other work
    "waiting": State(pgettext_lazy("state of work", "Waiting"), "wait", "waiting"),
    "working": State(pgettext_lazy("state of work", "In progress"), "stops", "stops"),
    "done": State(pgettext_lazy("state of work", "Done"), "gone", "done"),
    "partly": State(pgettext_lazy("state of work", "Done in part"), "failed", "failed"),
    "unreadable": State(pgettext_lazy("state of work", "Nothing could be read"), "failed", "failed"),
    "interrupted": State(pgettext_lazy("state of work", "Interrupted"), "failed", "failed"),
    "failed": State(pgettext_lazy("state of work", "Failed"), "failed", "failed"),
    "withdrawn": State(pgettext_lazy("state of work", "Withdrawn"), "returned", "told"),
}
"""Code → how it is shown. A room's own code maps to one of these."""
