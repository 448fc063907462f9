"""What was said of days, and by which run: how they stand follows from what is left of it."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.engine.run import Delta
from tocsin.engine.said import THIS_RUN, Said, What
from tocsin.feeds.models import ReportType, Run, Saying

_BATCH = 2000


def said_of(report_type: str) -> list[Said]:
    """Return what was said of the days of a type and is not withdrawn, in order."""
    rows = Saying.objects.filter(type__name=report_type, is_withdrawn=False).order_by("pk")
    return [
        Said(report_type, on, What(what), about, by)
        for on, what, about, by in rows.values_list("on", "what", "about", "run")
    ]


def note(said: Iterable[Said], run: Run | None) -> None:
    """Note what was said; `run` is the one that is at work."""
    said = list(said)
    types = {row.name: row for row in ReportType.objects.filter(name__in={one.type for one in said})} if said else {}
    at_work = run.pk if run else None
    Saying.objects.bulk_create(
        (
            Saying(
                run_id=at_work if one.by == THIS_RUN else one.by,
                type=types[one.type],
                on=one.on,
                what=one.what.value,
                about=one.about,
            )
            for one in said
        ),
        batch_size=_BATCH,
    )


def types_of(run: Run) -> set[str]:
    """Return the types of whose days a run said something that is not withdrawn."""
    return set(run.sayings.filter(is_withdrawn=False).order_by().values_list("type__name", flat=True).distinct())


def withdraw(run: Run, delta: Delta) -> None:
    """Take back what a run said; and what persons said of days of which nothing is left but the word."""
    run.sayings.update(is_withdrawn=True)
    for one in delta.types:
        left = [cycle.on for cycle in one.cycles]
        of_persons = Saying.objects.filter(run=None, type__name=one.type, is_withdrawn=False).exclude(on__in=left)
        of_persons.exclude(what=What.EMPTY.value).update(is_withdrawn=True)
