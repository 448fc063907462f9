"""The second roll-up: movements summed once more, so that a chart reads hundreds of rows instead of half a million.

`Movement` has a row for each type, constituent, class and severity of a day. What dashboards ask is coarser: how many
of which kind on each day, whoever holds them (`TypeMovement`); how many of each constituent on each day, whatever they
are (`ConstituentMovement`). Both are nothing but sums of `Movement`: `refresh` makes the sums of some days anew within
the transaction that changed these days, never by adding to what was there, so that they cannot drift apart. Only
`feeds.manifest` and upgrades write here.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Iterator, Sequence

from django.db import connection
from django.db.models import Model, QuerySet, Sum

from tocsin.feeds.models import ConstituentMovement, Movement, TypeMovement

WORDS = ("new", "still", "returned", "gone")
"""Columns of all three tables."""
_SUMS: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (TypeMovement, ("type_id", "on", "category", "severity")),
    (ConstituentMovement, ("constituent", "on")),
)
_DAYS_AT_ONCE = 500
"""So many parameters are well within what each database takes in one statement."""


def refresh(days: Collection[dt.date]) -> None:
    """Sum the movements of some days anew."""
    for some in _batches(sorted(days)):
        for model, by in _SUMS:
            model._default_manager.filter(on__in=some).delete()
            _insert(model, by, Movement.objects.filter(on__in=some))


def rebuild() -> None:
    """Sum all movements anew."""
    for model, by in _SUMS:
        model._default_manager.all().delete()
        _insert(model, by, Movement.objects.all())


def _batches(days: Sequence[dt.date]) -> Iterator[Sequence[dt.date]]:
    for first in itertools.count(0, _DAYS_AT_ONCE):
        if first >= len(days):
            return
        yield days[first : first + _DAYS_AT_ONCE]


def _insert(model: type[Model], by: Sequence[str], movements: QuerySet[Movement]) -> None:
    """Let the database sum and insert in one statement: no row comes here."""
    sums = movements.order_by().values_list(*by).annotate(**{f"sum_{word}": Sum(word) for word in WORDS})
    select, parameters = sums.query.sql_with_params()
    quote = connection.ops.quote_name
    into = f"{quote(model._meta.db_table)} ({', '.join(quote(name) for name in (*by, *WORDS))})"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {into} {select}", parameters)
