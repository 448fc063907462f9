"""Questions to findings in files: filters, order, pages, counts, and what is kept in memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.engine import query
from tocsin.engine.fold import STATE_SCHEMA
from tocsin.engine.query import FACETS, SORTS, Database, Filter, Findings, TypeFiles

LATEST = dt.date(2026, 3, 10)
AT = dt.datetime(2026, 3, 10, 6, tzinfo=dt.UTC)
MAPPED = 0xFFFF_0000_0000
TYPES = ("scan_a", "scan_b")


def row(number: int) -> dict[str, Any]:
    """Return a finding; its number decides about everything."""
    age = number % 5
    return {
        "type": TYPES[number % 2],
        "k1": (number * 0x9E3779B97F4A7C15) % 2**64,
        "k2": number,
        "ip_high": None if number % 11 == 0 else 0,
        "ip_low": None if number % 11 == 0 else MAPPED | 0xC000_0200 + number,
        "account": f"Account-{number}@x.example" if number % 11 == 0 else None,
        "port": 80 + number % 3,
        "protocol": "tcp",
        "detail": None,
        "name": f"host{number}.example" if number % 4 == 0 else None,
        "asn": 64496 + number % 2,
        "country": "XM",
        "identifier": "x",
        "class": ("other", "spam", None)[number % 3],
        "severity": 1 + number % 6,
        "constituent": ("moh", "bank", None)[number % 3],
        "claim": None,
        "first_seen": AT - dt.timedelta(days=age + 3),
        "last_seen": AT - dt.timedelta(days=age, minutes=number),
        "count": number,
        "cycles": 1,
        "last_cycle": LATEST - dt.timedelta(days=age),
        "opened_on": LATEST - dt.timedelta(days=age + 3),
        "label": (0, 1, 2)[number % 3],
        "returns": number % 2,
        "recent": 1,
        "seen_at": AT,
        "report": 0,
        "line": 1,
    }


def state_of(found: dict[str, Any]) -> str:
    """Return the state as `fold` defines it: gone before the horizon, new or returned on the latest day only."""
    if found["last_cycle"] < HORIZON:
        return "gone"
    return {0: "new", 2: "returned"}.get(found["label"], "still") if found["last_cycle"] == LATEST else "still"


HORIZON = LATEST - dt.timedelta(days=2)
SINCE = LATEST - dt.timedelta(days=3)
ROWS = [row(number) for number in range(240)]


def written(folder: Path, rows: list[dict[str, Any]]) -> list[TypeFiles]:
    """Write findings as the engine does: two partitions a type, each in the order of its keys."""
    kinds = []
    for kind in TYPES:
        files = []
        for half in (0, 1):
            mine = [each for each in rows if each["type"] == kind and each["k1"] >> 63 == half]
            path = folder / f"{kind}-{half}.parquet"
            table = pa.Table.from_pylist(sorted(mine, key=lambda each: (each["k1"], each["k2"])), schema=STATE_SCHEMA)
            pq.write_table(table, path, store_schema=False)
            files.append(str(path))
        kinds.append(TypeFiles(kind, tuple(files), HORIZON, LATEST, SINCE))
    return kinds


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    folder = tmp_path_factory.mktemp("state")
    return Findings(Database(64, scratch=folder / "scratch"), written(folder, ROWS))


def matching(asked: Filter) -> list[dict[str, Any]]:
    """Return the rows that a filter gives, by reading it plainly."""

    def passes(each: dict[str, Any]) -> bool:
        low = each["ip_low"]
        words = " ".join(filter(None, (each["name"], each["account"], each["detail"]))).lower()
        conditions = [
            not asked.states or state_of(each) in asked.states,
            not asked.severities or each["severity"] in asked.severities,
            not asked.classes or each["class"] in asked.classes,
            not asked.types or each["type"] in asked.types,
            not asked.constituents or (each["constituent"] or "") in asked.constituents,
            not asked.asns or each["asn"] in asked.asns,
            not asked.ports or each["port"] in asked.ports,
            not asked.words or asked.words.lower() in words or each["constituent"] in asked.named,
            not asked.addresses or (low is not None and any(a[1] <= low <= a[3] for a in asked.addresses)),
            asked.keys is None or (each["k1"], each["k2"]) in asked.keys,
            (each["k1"], each["k2"]) not in asked.not_keys,
            asked.only_constituents is None or (each["constituent"] or "") in asked.only_constituents,
            not asked.came_back or each["returns"] > 0,
            not asked.just_gone or SINCE <= each["last_cycle"] < HORIZON,
            asked.last_cycle_before is None or each["last_cycle"] < asked.last_cycle_before,
        ]
        return all(conditions)

    return [each for each in ROWS if passes(each)]


def several(values: Any) -> Any:
    return st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


KEYS = [(each["k1"], each["k2"]) for each in ROWS]
FILTERS = st.builds(
    Filter,
    states=several(["new", "still", "returned", "gone"]),
    severities=several([1, 2, 3, 4, 5, 6]),
    classes=several(["other", "spam", "phishing"]),
    types=several([*TYPES, "scan_c"]),
    constituents=several(["moh", "bank", "", "who"]),
    asns=st.just(()) | several([64496, 1]),
    ports=st.just(()) | several([80, 81, 443]),
    addresses=st.just(()) | st.just(((0, MAPPED | 0xC000_0200, 0, MAPPED | 0xC000_023F),)),
    words=st.sampled_from(["", "", "HOST1", "account", "'; --"]),
    named=st.just(()) | several(["moh", "bank", "who"]),
    keys=st.none() | several(KEYS),
    not_keys=st.just(()) | several(KEYS),
    only_constituents=st.none() | several(["moh", ""]),
    came_back=st.booleans(),
    just_gone=st.booleans(),
    last_cycle_before=st.none() | st.just(LATEST - dt.timedelta(days=1)),
)
ON_ONE_STORE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)


@ON_ONE_STORE
@given(FILTERS)
def test_a_filter_gives_what_it_says(findings: Findings, asked: Filter) -> None:
    expected = {each["k2"] for each in matching(asked)}

    assert {each.k2 for each in findings.page(asked, sort="asset", descending=False, limit=500)} == expected
    assert {each.k2 for each in findings.stream(asked)} == expected
    assert findings.count(asked) == len(expected)


@ON_ONE_STORE
@given(FILTERS)
def test_the_count_of_a_facet_is_that_of_the_list_it_leads_to(findings: Findings, asked: Filter) -> None:
    tally = findings.tally(asked)

    assert tally.total == len(matching(asked))
    for facet in FACETS:
        left = matching(asked.without(facet))
        name = {"state": state_of}.get(facet, lambda each, facet=facet: each[facet])
        counted: dict[str, int] = {}
        for each in left:
            value = str(name(each) if name(each) is not None else "")
            counted[value] = counted.get(value, 0) + 1
        assert {value: n for value, n in tally.by_facet[facet].items() if n} == counted, facet


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", SORTS)
def test_pages_one_after_the_other_are_the_whole_list_in_order(findings: Findings, sort: str, descending: bool) -> None:
    whole = findings.page(Filter(), sort=sort, descending=descending, limit=240)
    pieces = [
        each
        for offset in range(0, 240, 50)
        for each in findings.page(Filter(), sort=sort, descending=descending, limit=50, offset=offset)
    ]

    assert [each.k2 for each in pieces] == [each.k2 for each in whole] and len(whole) == 240


def test_the_worst_and_latest_come_first(findings: Findings) -> None:
    page = findings.page(Filter(), sort="severity", descending=False, limit=240)

    assert [(each.severity, -each.last_seen.timestamp()) for each in page] == sorted(
        (each.severity, -each.last_seen.timestamp()) for each in page
    )


def test_deep_in_a_list_the_same_findings_are_whole(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond some rows the keys are ordered first and the rest is looked up."""
    near = findings.page(Filter(), sort="asset", descending=False, limit=50, offset=100)
    monkeypatch.setattr("tocsin.engine.query.findings._FEW_ROWS", 10)

    assert findings.page(Filter(), sort="asset", descending=False, limit=50, offset=100) == near


def test_findings_by_key_come_in_the_order_asked_for(findings: Findings) -> None:
    keys = [KEYS[number] for number in (7, 3, 200)]

    assert [each.k2 for each in findings.many([*keys, (1, 1)])] == [7, 3, 200]
    assert findings.one(*keys[0]) == findings.many(keys[:1])[0]
    assert findings.one(5, 5) is None and findings.many([]) == []
    assert len(findings.many(KEYS)) == 240


def test_a_stream_is_in_order_of_type_and_key(findings: Findings) -> None:
    found = [(each.type, each.k1, each.k2) for each in findings.stream(Filter())]

    assert found == sorted(found)
    assert [(e.type, e.k1, e.k2) for e in findings.stream(Filter(), limit=130)] == found[:130]


def test_a_stream_may_be_read_while_others_ask(findings: Findings) -> None:
    stream = findings.stream(Filter(), batch=10)
    seen = [next(stream).k2]
    assert findings.count(Filter()) == 240
    seen += [each.k2 for each in stream]

    assert sorted(seen) == list(range(240))


def test_a_finding_is_as_it_was_written(findings: Findings) -> None:
    found = findings.one(*KEYS[12])

    assert found is not None
    written_as = {**ROWS[12], "category": ROWS[12]["class"]}
    for field in dataclasses.fields(found):
        if field.name != "state":
            assert getattr(found, field.name) == written_as[field.name], field.name


def test_no_findings_is_no_error() -> None:
    none = Findings(Database(32), [TypeFiles("scan_a", (), None, LATEST)])

    assert none.page(Filter(), sort="asset", descending=True, limit=5) == [] and none.one(1, 2) is None
    assert list(none.stream(Filter())) == [] and none.count(Filter()) == 0
    assert none.tally(Filter()).total == 0 and query.blocks(none, Filter(), limit=5) == (0, [])


def test_counts_are_made_once_and_forgotten_with_their_version(tmp_path: Path) -> None:
    database = Database(32)
    found = Findings(database, written(tmp_path, ROWS))
    assert found.count(Filter()) == found.count(Filter()) == 240

    tables = "SELECT count(*) FROM duckdb_tables()"
    assert database.ask(tables).fetchall() == [(1,)]
    del found
    gc.collect()
    assert database.ask(tables).fetchall() == [(0,)]


def test_blocks_gather_neighbours(findings: Findings) -> None:
    total, blocks = query.blocks(findings, Filter(constituents=("",)), limit=50)

    mine = [each for each in ROWS if each["constituent"] is None]
    assert total == len(blocks) and sum(block.findings for block in blocks) == len(mine)
    with_address = [block for block in blocks if block.low is not None]
    assert {(block.low, block.asn) for block in with_address} == {
        (each["ip_low"] & ~0xFF, each["asn"]) for each in mine if each["ip_low"] is not None
    }
    assert [block.findings for block in blocks] == sorted((block.findings for block in blocks), reverse=True)
    assert all(block.worst >= 1 and block.is_v4 == (block.low is not None) for block in blocks)


def test_blocks_of_ipv6_are_whole_sites(tmp_path: Path) -> None:
    site = 0x2001_0DB8_0041_0000
    rows = [{**row(number), "ip_high": site + number % 3, "ip_low": number, "asn": 1} for number in range(1, 9)]
    found = Findings(Database(32), written(tmp_path, rows))

    total, (block,) = query.blocks(found, Filter(), limit=5)
    assert (total, block.high, block.low, block.is_v4, block.findings) == (1, site, 0, False, 8)


QUARANTINED = [
    {"line": 5, "column": "port", "reason": "'a' is not a port", "raw": b"a", "whole_row": False},
    {"line": 3, "column": "port", "reason": "'b' is not a port", "raw": b"\xff", "whole_row": False},
    {"line": 4, "column": None, "reason": "there is no asset", "raw": b"x,y", "whole_row": True},
]


def test_quarantine_is_grouped_by_kind_of_fault(tmp_path: Path) -> None:
    path = str(tmp_path / "q.parquet")
    pq.write_table(pa.Table.from_pylist(QUARANTINED), path)
    database = Database(32)

    first, second = query.faults(database, [path])
    assert (first.reason, first.column, first.whole_rows, first.cells) == ("… is not a port", "port", 0, 2)
    assert (second.reason, second.column, second.whole_rows, second.cells) == ("there is no asset", "", 1, 0)

    everything = query.quarantined(database, [path], limit=10)
    assert [each[1] for each in everything] == [3, 4, 5] and everything[0][4] == "�"
    only = query.quarantined(database, [path], limit=10, reason="… is not a port", column="port")
    assert [each[1] for each in only] == [3, 5]
    assert query.quarantined(database, [path], limit=1, offset=2) == everything[2:]
    assert query.faults(database, []) == [] and query.quarantined(database, [], limit=1) == []


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("names", [(), ("moh", "bank"), ("bank",)])
@pytest.mark.parametrize("sort", SORTS)
def test_reading_on_from_a_finding_gives_the_rest_of_the_list(
    findings: Findings, sort: str, descending: bool, names: tuple[str, ...]
) -> None:
    ordered: Any = {"sort": sort, "descending": descending, "names": names}
    whole = findings.page(Filter(), limit=240, **ordered)

    assert len({each.k2 for each in whole}) == 240
    for at in {0, 239, *range(3 * len(names) + len(sort), 240, 41)}:  # not the same places for each order
        assert findings.page_beyond(whole[at], Filter(), limit=50, **ordered) == whole[at + 1 : at + 51]
        before = findings.page_beyond(whole[at], Filter(), limit=50, backwards=True, **ordered)
        assert before == whole[max(0, at - 50) : at]


def test_constituents_are_in_the_order_of_their_names_and_nobody_comes_last(findings: Findings) -> None:
    known = [each for each in sorted({row["constituent"] for row in ROWS} - {None})]
    names = known[::-1]
    found = findings.page(Filter(), sort="constituent", descending=False, limit=240, names=names)
    places = [names.index(each.constituent) if each.constituent else len(names) for each in found]

    assert places == sorted(places) and len(set(places)) > 2
