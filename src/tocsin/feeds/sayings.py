"""What was said of days, and by which run: how they stand follows from what is left of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.db.models import QuerySet

from tocsin.engine.counting import Move
from tocsin.engine.run import Delta
from tocsin.engine.said import CLOSING, THIS_RUN, Said, What
from tocsin.engine.store import CycleKey
from tocsin.feeds.models import Cycle, ReportType, Run, Saying

_BATCH = 2000
_STANDING = (What.EMPTY, What.CONFIRMED, What.DISCARDED)
"""What a person said that stands whatever becomes of the day."""


def said_of(report_types: Collection[str]) -> list[Said]:
    """Return what was said of the days of types and is not withdrawn, in order."""
    rows = Saying.objects.filter(type__name__in=report_types, is_withdrawn=False).order_by("pk")
    return [
        Said(kind, on, What(what), about, by)
        for kind, on, what, about, by in rows.values_list("type__name", "on", "what", "about", "run")
    ]


def was_ever_said(one: Said) -> bool:
    """Tell whether somebody said it before, be it withdrawn since."""
    return Saying.objects.filter(type__name=one.type, on=one.on, what=one.what.value, about=one.about).exists()


def move(moves: Iterable[Move], types: Mapping[str, ReportType]) -> None:
    """Let what was said of days be said of those that their reports are of now."""
    moves = list(moves)
    before = {move.before: list(_of(move.before).values_list("pk", flat=True)) for move in moves}  # days may swap
    for move in moves:
        kind, on = move.after
        rows = Saying.objects.filter(pk__in=before[move.before])
        if move.ids:
            rows.filter(about=move.ids).update(about=move.contents)
        rows.filter(what=What.COMPLETE, run__in=move.silent).update(is_withdrawn=True)
        rows.update(type=types[kind], on=on)


def _of(day: CycleKey) -> QuerySet[Saying]:
    return Saying.objects.filter(type__name=day[0], on=day[1], is_withdrawn=False)


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


def is_closed_by_run(cycle: Cycle) -> bool:
    """Say whether a day is closed since a run said so, and nobody else: the word goes with the run."""
    said = Saying.objects.filter(type=cycle.type_id, on=cycle.on, is_withdrawn=False)
    return not said.filter(run=None, what__in=CLOSING | {What.EMPTY}).exists()


def withdraw(run: Run, delta: Delta) -> None:
    """Take back what a run said; and that persons closed days of whose reports none is left, or of which nothing is.

    What they decided stands for when just these reports come again, and that a day was empty for when it is.
    """
    run.sayings.update(is_withdrawn=True)
    for day in delta.emptied:
        _of(day).filter(run=None, what__in=CLOSING).update(is_withdrawn=True)
    for one in delta.types:
        left = [cycle.on for cycle in one.cycles]
        of_persons = Saying.objects.filter(run=None, type__name=one.type, is_withdrawn=False).exclude(on__in=left)
        of_persons.exclude(what__in=_STANDING).update(is_withdrawn=True)
