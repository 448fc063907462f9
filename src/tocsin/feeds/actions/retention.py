"""Observations that are no longer kept, and what people said of findings that go with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.engine.public_ids import words_of
from tocsin.engine.retention import Expiry, Forgotten
from tocsin.feeds import manifest
from tocsin.feeds.events import ObservationsExpired
from tocsin.feeds.models import Answer, FindingNote, FindingOwner, Handover

_BATCH = 500
_SAID = (FindingNote, FindingOwner, Handover, Answer)


@action("observations.expired")
def expire_observations(
    expiries: Sequence[Expiry], types: Sequence[dict[str, Any]], *, by: Actor, at: dt.datetime
) -> ObservationsExpired:
    """Keep no more what is older than the settings say. `types` tell the trail what went of each report type.

    The trail itself keeps what was done about a finding, and notes as they were written.
    """
    for expiry in expiries:
        manifest.expire(expiry, at)
    return ObservationsExpired(types=tuple(types), notes=_forget([expiry.forgotten for expiry in expiries]))


def _forget(forgotten: Sequence[Forgotten]) -> int:
    """Delete what people said of findings that are forgotten; return how many rows that were."""
    if not any(map(len, forgotten)):
        return 0
    spoken_of = sorted(
        {finding for model in _SAID for finding in model._default_manager.values_list("finding", flat=True)}
    )
    ids = _among(spoken_of, forgotten)
    deleted = 0
    for first in range(0, len(ids), _BATCH):
        for model in _SAID:
            deleted += model._default_manager.filter(finding__in=ids[first : first + _BATCH]).delete()[0]
    return deleted


def _among(findings: Sequence[str], forgotten: Sequence[Forgotten]) -> list[str]:
    """Return those of some ids that are forgotten. There may be millions of these, so they stay arrays."""
    words = [words_of(finding) for finding in findings]
    spoken = np.array([first for first, _ in words], np.uint64)
    keys = {key for each in forgotten for key in _keys(each, spoken)}
    return [finding for finding, key in zip(findings, words, strict=True) if key in keys]


def _keys(each: Forgotten, spoken: Any) -> Iterator[tuple[int, int]]:
    near = np.isin(each.k1, spoken)
    return zip(each.k1[near].tolist(), each.k2[near].tolist(), strict=True)
