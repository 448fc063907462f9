"""Requests whose thing is no longer as it was when they were asked."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.audit.actors import System
from tocsin.directory import actions, wishes
from tocsin.directory.choices import ChangeState
from tocsin.directory.models import ChangeRequest
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict

DIRECTORY = System("directory")
"""Who sets them aside."""


def set_aside(constituents: Iterable[str], *, at: Instant) -> int:
    """Note of each that waits and is overtaken that it is; return how many. Constituents by public id."""
    waiting = ChangeRequest.objects.filter(state=ChangeState.WAITS, constituent__public_id__in=list(constituents))
    done = 0
    for request in waiting.select_related("constituent", "claim", "contact", "asked_by"):
        if wishes.is_outdated(request):
            try:
                actions.outdate_change(request, by=DIRECTORY, at=at)
                done += 1
            except Conflict:  # somebody has decided meanwhile
                continue
    return done
