"""For how long observations are kept, by the label of their feed, and what is due to go.

Only says it; `expiring` does it. A row stands under the label of its feed: no
report marks its rows one by one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.db.models import Min, QuerySet

from tocsin.feeds import days
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Baseline, Cycle, Feed, Report, ReportType
from tocsin.feeds.reported import kept
from tocsin.kernel.retention import FOR_EVER, Retention
from tocsin.kernel.tlp import TLP

MOST_AHEAD = dt.timedelta(days=31)
"""By so much the clock may be ahead of the newest report before it is asked whether the clock is right."""
OVERDUE_DAYS = 2
"""A worker that runs lets nothing stay for so much longer."""


def retention() -> Retention:
    """Return for how long what is marked how is kept."""
    found: Retention = settings.TOCSIN.retention
    return found


@dataclasses.dataclass(frozen=True)
class Due:
    """A type of report of which something is no longer to be kept."""

    type: ReportType
    label: TLP
    days: int
    up_to: dt.date
    """The last day that goes."""


def due(today: dt.date) -> list[Due]:
    """Return the types of which something goes, by name."""
    types = ReportType.objects.select_related("feed").order_by("name")
    if not retention().is_set or not types:
        return []
    since = dict(Baseline.objects.values_list("type_id", "up_to"))
    found = [each for row in types if (each := _due(row, today, since.get(row.pk)))]
    return [each for each in found if _is_anything_of(each, since.get(each.type.pk))]


def _due(row: ReportType, today: dt.date, since: dt.date | None) -> Due | None:
    label = TLP.read(row.feed.tlp)
    up_to = retention().up_to(label, today)
    if up_to is None or (since and up_to <= since):  # what has gone does not come back when days are added
        return None
    return Due(row, label, retention().days(label), up_to)


def _is_anything_of(each: Due, since: dt.date | None) -> bool:
    """Say whether days that go have a report, or a cycle that may have made findings gone."""
    going = {"type": each.type, "on__gt": since or dt.date.min, "on__lte": each.up_to}
    return held_reports().filter(**going).exists() or Cycle.objects.filter(**going).exists()


def held_reports() -> QuerySet[Report]:
    """Return the reports whose rows are here."""
    return named_reports().filter(expired_at=None)


def named_reports() -> QuerySet[Report]:
    """Return the reports whose files the manifest names, those that are no longer kept too: they have none.

    Beside those that count these are withdrawn ones, whose history can be read, and those that will count again should
    the correction that came in their place be withdrawn.
    """
    states = (ReportState.ACCEPTED, ReportState.WITHDRAWN, ReportState.REPLACED)
    return Report.objects.filter(state__in=states)


def today() -> dt.date:
    """Return the day by which it is judged what is old."""
    return days.today(_reported())


def days_without_reports(on: dt.date) -> int:
    """Return for how many days before one there has been no report; 0 where there never was one."""
    reported = _reported()
    return max((on - max(reported)).days, 0) if reported else 0


def _reported() -> frozenset[dt.date]:
    return frozenset(Cycle.objects.order_by().values_list("on", flat=True).distinct())


@dataclasses.dataclass(frozen=True)
class Kept:
    """For how long the rows of a feed are kept."""

    days: int
    since: dt.date | None
    """The day of the oldest report whose rows are here; None when there is none."""

    @property
    def is_for_ever(self) -> bool:
        """Whether there is no end."""
        return self.days == FOR_EVER


def kept_by_feed(feeds: Iterable[Feed]) -> Mapping[int, Kept]:
    """Return for how long and from which day the rows of feeds are kept, by their keys."""
    oldest: Mapping[int, dt.date] = kept("oldest rows by feed", _oldest_by_feed)
    return {feed.pk: Kept(retention().days(TLP.read(feed.tlp)), oldest.get(feed.pk)) for feed in feeds}


def _oldest_by_feed() -> Mapping[int, dt.date]:
    counting = held_reports().filter(state=ReportState.ACCEPTED).order_by()
    return dict(counting.values_list("type__feed").annotate(Min("on")))


def kept_from(kind: ReportType) -> dt.date | None:
    """Return the first day of a type that is kept; None when all of it is."""
    baseline: Baseline | None = getattr(kind, "baseline", None)
    return baseline.up_to + dt.timedelta(days=1) if baseline else None


def overdue() -> list[str]:
    """Return the types of which there is more than a worker that runs would have left."""
    return [each.type.name for each in due(today() - dt.timedelta(days=OVERDUE_DAYS))]
