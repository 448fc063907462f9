"""Ask what a dashboard asks: of the observations themselves, of the findings, and of the roll-up.

    TOCSIN_HOME=DIR python -m bench.questions REPEAT

Through the product's own DuckDB, with its memory limit and two threads, and its own tables. Prints one JSON object: for
each question the seconds of each time it was asked (the first is apart: `cold`) and those of the processor (`cpu`), and
whether the answers agree.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

_OWN_DAY = "epoch_us(time) // 86400000000"
_LAST_DAYS = 30
Rows = list[tuple[Any, ...]]


class Asked:
    """The questions to one instance."""

    def __init__(self) -> None:
        from django.conf import settings

        from tocsin.feeds import queries
        from tocsin.feeds.models import ConstituentMovement, Report, State, TypeMovement

        self._store: Path = settings.TOCSIN.store
        self._ask, self._found = queries.database().ask, queries.findings
        self._reports, self._states = Report.objects, State.objects
        self._by_kind, self._by_holder = TypeMovement.objects, ConstituentMovement.objects
        self.today: dt.date = Report.objects.latest("on").on
        self.since = self.today - dt.timedelta(days=_LAST_DAYS - 1)
        self.someone = "c0100"

    def _parts(self, **which: Any) -> list[str]:
        return [str(self._store / part) for report in self._reports.filter(**which) for part in report.parts]

    def _observations(self, what: str, where: str = "", parameters: tuple[Any, ...] = (), **which: Any) -> Rows:
        sql = f"SELECT {what}, count(*) FROM read_parquet(?) {where} GROUP BY 1"
        return self._ask(sql, [self._parts(**which), *parameters]).fetchall()

    def raw(self) -> dict[str, Callable[[], Rows]]:
        """Return the questions to the files; nothing is counted beforehand."""
        return {
            "top types": self._by_type,
            "by constituent": lambda: self._observations("constituent"),
            "by day": self._by_day,
            "by the day of each row's own time": lambda: self._observations(_OWN_DAY),
            "by class": lambda: self._observations("class"),
            "new per day": self._new_per_day,
            "one constituent's last 30 days": self._last_days,
        }

    def _by_type(self) -> Rows:
        """Count the files of each type: that a type is a folder is what the manifest is for."""
        names = self._reports.values_list("type__name", flat=True).distinct().order_by("type__name")
        sql = "SELECT count(*) FROM read_parquet(?)"
        return [(name, *self._ask(sql, [self._parts(type__name=name)]).fetchall()[0]) for name in names]

    def _by_day(self) -> Rows:
        """Count the rows of each file: of which day it is, the manifest knows."""
        sql = "SELECT file_name, num_rows FROM parquet_file_metadata(?)"
        return self._summed_by_day(self._ask(sql, [self._parts()]).fetchall())

    def _last_days(self) -> Rows:
        sql = "SELECT filename, count(*) FROM read_parquet(?, filename = true) WHERE constituent = ? GROUP BY 1"
        return self._summed_by_day(self._ask(sql, [self._parts(on__gte=self.since), self.someone]).fetchall())

    def _summed_by_day(self, counted: Rows) -> Rows:
        day_of = {str(self._store / part): report.on for report in self._reports.all() for part in report.parts}
        sums: Counter[dt.date] = Counter()
        for file, count in counted:
            sums[day_of[file]] += count
        return list(sums.items())

    def _new_per_day(self) -> Rows:
        files = [str(self._store / part) for state in self._states.all() for part in state.partitions]
        return self._ask("SELECT opened_on, count(*) FROM read_parquet(?) GROUP BY 1", [files]).fetchall()

    def rolled_up(self) -> dict[str, Callable[[], Rows]]:
        """Return the same questions to the roll-up; it counts findings, once a day each."""
        from django.db.models import F, Sum

        seen = Sum(F("new") + F("still") + F("returned"))

        def by(movements: Any, *names: str, total: Any = seen, **which: Any) -> Callable[[], Rows]:
            return lambda: list(movements.filter(**which).values_list(*names).annotate(counted=total).order_by())

        return {
            "top types": by(self._by_kind, "type__name"),
            "by constituent": by(self._by_holder, "constituent"),
            "by day": by(self._by_kind, "on"),
            "by class": by(self._by_kind, "category"),
            "new per day": by(self._by_kind, "on", total=Sum("new")),
            "one constituent's last 30 days": by(self._by_holder, "on", constituent=self.someone, on__gte=self.since),
        }

    def findings(self) -> dict[str, Callable[[], Any]]:
        """Return questions to the findings as the pages ask them."""
        from tocsin.engine.query import Filter

        open_ones = Filter(states=("new", "still", "returned"))
        return {
            "first page of open findings": lambda: self._found().page(
                open_ones, sort="severity", descending=True, limit=50
            ),
            "findings by state and class": lambda: self._found().counts(("state", "class"), Filter()),
            "one constituent's open findings": lambda: self._found().count(
                Filter(states=open_ones.states, constituents=(self.someone,))
            ),
        }


def timed(question: Callable[[], Any], repeat: int) -> tuple[dict[str, Any], Any]:
    """Ask once cold and `repeat` times warm; return seconds, those of the processor, and the answer."""
    seconds, cpu = [], []
    for _ in range(repeat + 1):
        began, spent = time.perf_counter(), time.process_time()
        answer = question()
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - spent)
    return {"cold": seconds[0], "warm": seconds[1:], "cpu": cpu[1:]}, answer


def main(repeat: int) -> None:
    """Ask everything and print what it took."""
    from tocsin.site.starting import set_up_django

    set_up_django()
    asked = Asked()
    result: dict[str, Any] = {"raw": {}, "roll-up": {}, "findings": {}, "disagree": []}
    answers: dict[str, dict[str, Any]] = {"raw": {}, "roll-up": {}}
    for kind, questions in (("raw", asked.raw()), ("roll-up", asked.rolled_up())):
        for name, question in questions.items():
            result[kind][name], answer = timed(question, repeat)
            answers[kind][name] = sorted(count for _what, count in answer)
    for name, question in asked.findings().items():
        result["findings"][name], _answer = timed(question, repeat)
    result["disagree"] = [name for name in answers["roll-up"] if answers["raw"][name] != answers["roll-up"][name]]
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
