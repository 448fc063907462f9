"""Pages of lists whose types have different days, read only where counts say that a page lies."""

from __future__ import annotations

import datetime as dt
import functools
import gc
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.engine.fold import STATE_SCHEMA
from tocsin.engine.query import FACETS, SORTS, Database, Filter, Findings, TypeFiles
from tocsin.engine.query.asked import FIELDS
from tocsin.engine.query.standing import OPEN, groups, undecided

FIRST = dt.date(2026, 3, 1)
AT = dt.datetime(2026, 3, 10, 6, tzinfo=dt.UTC)
STATES = ("new", "still", "returned", "gone")


def on(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


DAYS: dict[str, tuple[dt.date | None, dt.date, dt.date | None]] = {
    "event4_a": (on(5), on(8), on(3)),
    "scan_b": (on(7), on(8), None),
    "scan_c": (None, on(4), None),
    "scan_d": (on(5), on(8), on(3)),
}
"""Horizon, latest cycle and from when on just gone, of each type: two share theirs."""
ROWS = [
    {
        **dict.fromkeys(STATE_SCHEMA.names),
        "type": tuple(DAYS)[number % 4],
        "k1": (number * 0x9E3779B97F4A7C15) % 2**64,
        "k2": number,
        "ip_high": 0,
        "ip_low": number % 50,
        "port": 80 + number % 3,
        "name": f"host{number % 7}.example",
        "class": ("other", "spam", None)[number % 3],
        "severity": 1 + number % 5,
        "constituent": ("moh", "bank", None, "water")[number // 4 % 4],
        "first_seen": AT - dt.timedelta(days=number % 9),
        "last_seen": AT - dt.timedelta(hours=number % 40),
        "count": number % 13,
        "cycles": 1,
        "last_cycle": on(number // 3 % 9),
        "opened_on": on(0),
        "label": (0, 1, 2)[number // 2 % 3],
        "returns": number % 2,
        "recent": 1,
        "seen_at": AT,
        "report": 0,
        "line": 1,
    }
    for number in range(400)
]


def state(row: dict[str, Any]) -> str:
    horizon, latest, _since = DAYS[row["type"]]
    if horizon and row["last_cycle"] < horizon:
        return "gone"
    return {0: "new", 2: "returned"}.get(row["label"], "still") if row["last_cycle"] >= latest else "still"


def just_gone(row: dict[str, Any]) -> bool:
    horizon, _latest, since = DAYS[row["type"]]
    return bool(horizon and since and since <= row["last_cycle"] < horizon)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> list[TypeFiles]:
    folder = tmp_path_factory.mktemp("state")
    found = []
    for kind, days in DAYS.items():
        mine = sorted((row for row in ROWS if row["type"] == kind), key=lambda row: row["k1"])
        path = folder / f"{kind}.parquet"
        pq.write_table(pa.Table.from_pylist(mine, schema=STATE_SCHEMA), path, store_schema=False)
        found.append(TypeFiles(kind, (str(path),), *days))
    return found


@pytest.fixture(scope="module")
def findings(kinds: list[TypeFiles]) -> Findings:
    return Findings(Database(64), kinds)


def passes(asked: Filter, row: dict[str, Any]) -> bool:
    return all((
        not asked.states or state(row) in asked.states,
        not asked.severities or row["severity"] in asked.severities,
        not asked.classes or row["class"] in asked.classes,
        not asked.types or row["type"] in asked.types,
        not asked.constituents or (row["constituent"] or "") in asked.constituents,
        asked.only_constituents is None or (row["constituent"] or "") in asked.only_constituents,
        not asked.ports or row["port"] in asked.ports,
        asked.words in row["name"],
        not asked.came_back or row["returns"],
        not asked.just_gone or just_gone(row),
    ))  # fmt: skip


def compared(sort: str, descending: bool, one: dict[str, Any], other: dict[str, Any]) -> int:
    """Compare two rows as a list orders them: what is missing is last, the key decides between equals."""
    down = [(column, descending) for column in SORTS[sort].split(", ")]
    if sort == "severity":
        down = [("severity", descending), ("last_seen", True)]
    for column, falling in down:
        left, right = (state(row) if column == "state" else row[column] for row in (one, other))
        if left == right:
            continue
        if left is None or right is None:
            return 1 if left is None else -1
        return (1 if left > right else -1) * (-1 if falling else 1)
    left_key, right_key = (one["k1"], one["k2"]), (other["k1"], other["k2"])
    return (left_key > right_key) - (left_key < right_key)


def some(*values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values)).map(tuple)


FILTERS = st.builds(
    Filter,
    states=some(*STATES),
    severities=st.one_of(st.just(()), some(1, 2, 3, 4, 5)),
    classes=st.one_of(st.just(()), some("other", "spam")),
    types=st.one_of(st.just(()), some(*DAYS, "unknown")),
    constituents=st.one_of(st.just(()), some("moh", "bank", "", "water")),
    only_constituents=st.one_of(st.none(), some("moh", "")),
    ports=st.one_of(st.just(()), some(80, 81)),
    words=st.sampled_from(("", "host1", "nobody")),
    came_back=st.booleans(),
    just_gone=st.sampled_from((False, False, True)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(FILTERS, st.sampled_from(sorted(SORTS)), st.booleans(), st.integers(0, 300), st.integers(1, 60), st.booleans())
def test_a_page_is_what_reading_everything_gives(
    findings: Findings, asked: Filter, sort: str, descending: bool, offset: int, limit: int, counted_before: bool
) -> None:
    matching = [row for row in ROWS if passes(asked, row)]
    ordered = sorted(matching, key=functools.cmp_to_key(functools.partial(compared, sort, descending)))
    if counted_before:
        assert findings.tally(asked).total == len(matching)
    shown = findings.page(asked, sort=sort, descending=descending, limit=limit, offset=offset)
    assert [each.k2 for each in shown] == [row["k2"] for row in ordered[offset : offset + limit]]
    assert [each.state for each in shown] == [state(row) for row in ordered[offset : offset + limit]]
    assert findings.count(asked) == len(matching)


def test_types_with_the_same_days_are_asked_together(kinds: list[TypeFiles]) -> None:
    found = groups(kinds)
    assert [len(group.files) for group in found] == [2, 1, 1]
    assert groups([]) == []


@pytest.mark.parametrize(
    ("states", "left"), [(tuple(OPEN), ()), (("gone",), ()), (("new",), ("new",)), (("gone", "new"), ("gone", "new"))]
)
def test_days_alone_decide_about_open_and_gone(states: tuple[str, ...], left: tuple[str, ...]) -> None:
    asked = Filter(states=states, just_gone=True, severities=(2,))
    assert undecided(asked) == Filter(states=left, severities=(2,))


def test_only_files_and_values_of_the_page_are_asked_for(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    findings.count(Filter())
    asked: list[tuple[str, Any]] = []
    ask = findings._database.ask

    def noted(sql: str, values: Any = (), **more: Any) -> Any:
        asked.append((sql, values))
        return ask(sql, values, **more)

    monkeypatch.setattr(findings._database, "ask", noted)
    findings.page(Filter(types=("scan_b", "scan_c")), sort="severity", descending=False, limit=5, offset=45)
    sql, values = asked[-1]
    assert "severity IN (?)" in sql and 2 in values, "forty of each grade: the page lies within the second"
    assert "OFFSET 5" in sql
    assert findings.page(Filter(words="nobody"), sort="asset", descending=True, limit=5) == []
    findings.tally(Filter(words="nobody"))
    before = len(asked)
    assert findings.page(Filter(words="nobody"), sort="asset", descending=True, limit=5) == []
    assert all("read_parquet" not in sql for sql, _ in asked[before:]), "what was counted as none is not looked for"


def test_few_searches_are_kept_and_their_tables_dropped(kinds: list[TypeFiles]) -> None:
    database = Database(64)
    findings = Findings(database, kinds)

    def tables() -> int:
        gc.collect()
        return len(database.ask("SELECT table_name FROM duckdb_tables()").fetchall())

    for port in range(40):
        found = findings.tally(Filter(ports=(port + 60,)))
        assert found.total == sum(row["port"] == port + 60 for row in ROWS)
    assert findings.tally(Filter()).total == len(ROWS)
    assert 2 <= tables() <= 9
    del findings, found
    assert tables() == 0


def test_every_facet_has_its_field() -> None:
    assert set(FIELDS) == set(FACETS)
    for facet, field in FIELDS.items():
        assert getattr(Filter(**{field: ("x",)}).without(facet), field) == ()
