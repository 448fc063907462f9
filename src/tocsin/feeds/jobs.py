"""Background work of the room."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings

from tocsin.audit.actors import System
from tocsin.directory.events import ATTRIBUTION_JOB, WAITS_FOR_THE_STORE
from tocsin.feeds import expiring, fetching, ordering, reattribution
from tocsin.feeds.fetched import FETCH_JOB, is_by_itself
from tocsin.feeds.holding import Holder
from tocsin.feeds.listeners import ATTRIBUTION
from tocsin.feeds.orders import JOB
from tocsin.jobs.registry import PutBack, Running, every, job
from tocsin.kernel import clock

EXPIRY, EXPIRY_JOB = System("retention"), "feeds.expire"
EXPIRY_EVERY_S = 3600.0
"""A day of reports goes once a day; its files an hour later, when nobody else has been at work on the store."""
log = logging.getLogger(__name__)


@job(ATTRIBUTION_JOB, max_attempts=50, lease_s=20)
def reattribute(payload: dict[str, Any], running: Running) -> None:
    """Give open findings to whom the claims say now. Tried again for as long as an import keeps the store.

    The lease is short: somebody waits, and whoever was killed with it is to be replaced soon.
    """

    def waiting(holder: Holder) -> None:
        running.progress(0.0, WAITS_FOR_THE_STORE)
        log.warning("Open findings are attributed anew as soon as %s is done.", holder)

    reattribution.bring_up_to_date(by=ATTRIBUTION, waiting=waiting, progress=running.progress)


@job(JOB, max_attempts=3)
def carry_out_order(payload: dict[str, Any], running: Running) -> None:
    """Do what a person ordered on a page. What is refused is tried again: another import may be in the way."""
    what, (key, label) = payload.pop("what"), payload.pop("by")
    ordering.carry_out(what, by=ordering.Orderer(key, label), at=clock.now(), **payload)


@job(FETCH_JOB)
def fetch(payload: dict[str, Any], running: Running) -> None:
    """Fetch what the publisher has and import it. What it refused is tried again, soon and then every hour."""

    def go_on(name: str, share: float) -> None:
        if running.should_stop:
            raise PutBack
        running.progress(share, name)

    def importing(name: str, share: float) -> None:
        running.progress(share, name)

    if is_by_itself(settings.TOCSIN):
        fetching.fetch_by_itself(at=clock.now(), downloading=go_on, importing=importing)


@job(EXPIRY_JOB)
def expire(payload: dict[str, Any], running: Running) -> None:
    """Let go of observations that are older than the settings have them kept."""
    expiring.expire(by=EXPIRY, at=clock.now(), progress=lambda name, share: running.progress(share, name))


def schedule(config: Any) -> None:
    """Have reports fetched, and old observations let go of, by themselves when the settings ask for it."""
    if is_by_itself(config):
        every(FETCH_JOB, seconds=fetching.EVERY_S)
    if config.retention.is_set:
        every(EXPIRY_JOB, seconds=EXPIRY_EVERY_S)


schedule(settings.TOCSIN)
