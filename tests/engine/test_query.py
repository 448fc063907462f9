"""Questions to findings: filters, order, pages and counts agree with a naive look at the same findings."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import day, row, seen, write
from tocsin.engine import addresses, public_ids, query
from tocsin.engine.claims import NETWORK, Claim
from tocsin.engine.query import FACETS, SORTS, Database, Filter, Finding, Findings

CLAIMS = [Claim("a", "c-one", NETWORK, "192.0.2.0/28"), Claim("b", "c-two", NETWORK, "192.0.2.16/28")]
ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = Filter()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Findings of three types over four days: some gone, some back, some of nobody, one without an address."""
    folder = tmp_path_factory.mktemp("query")
    made = Bench(folder / "store", CLAIMS)
    for on, numbers in enumerate([range(1, 40), range(1, 30), range(5, 35), range(1, 40)]):
        rows = [
            seen(f"192.0.2.{n}", day(on), f"0{n % 10}:00:00", port=1000 + n % 3, asn=64496 + n % 2) for n in numbers
        ]
        paths = [write(folder / "in", rows, on=day(on))]
        paths.append(write(folder / "in", [seen(f"2001:db8::{n:x}", day(on)) for n in numbers], "scan6_http", day(on)))
        accounts = [{"timestamp": str(day(on)), "email": f"user{n % 7}@port.example"} for n in numbers]
        if on < 2:
            columns = ("timestamp", "email")
            paths.append(write(folder / "in", accounts, "compromised_account", day(on), columns=columns))
        made.run(paths, accept_drop=True)
    return made


@pytest.fixture(scope="module")
def findings(bench: Bench) -> Findings:
    return bench.findings()


@pytest.fixture(scope="module")
def every(findings: Findings) -> list[Finding]:
    return list(findings.stream(EVERYTHING))


def keys(found: list[Finding]) -> set[tuple[int, int]]:
    return {(one.k1, one.k2) for one in found}


def test_one_finding_is_found_by_its_key(findings: Findings, every: list[Finding]) -> None:
    wanted = every[7]
    assert findings.one(wanted.k1, wanted.k2) == wanted
    assert findings.one(1, 2) is None


def test_a_finding_says_what_is_known_of_it(bench: Bench, findings: Findings) -> None:
    low = addresses.of("192.0.2.2")[1]
    (one,) = [one for one in findings.stream(Filter(addresses=((0, low, 0, low),)))]
    assert dataclasses.asdict(one) | {"k1": 0, "k2": 0, "severity": 0} == {
        "k1": 0, "k2": 0, "type": "scan_rdp", "ip_high": 0, "ip_low": low, "account": None, "port": 1002,
        "protocol": "tcp", "detail": None, "name": None, "asn": 64496, "country": "XM", "identifier": "open-rdp",
        "category": "vulnerable-system", "severity": 0, "constituent": "c-one", "claim": "a",
        "first_seen": dt.datetime(2026, 11, 16, 2, tzinfo=dt.UTC),
        "last_seen": dt.datetime(2026, 11, 19, 2, tzinfo=dt.UTC), "count": 3, "cycles": 3, "last_cycle": day(3),
        "opened_on": day(3), "returns": 1, "recent": 0b1101, "state": "returned",
    }  # fmt: skip


def test_states_are_told_from_the_days(findings: Findings, every: list[Finding]) -> None:
    assert collections.Counter((one.type, one.state) for one in every) == _recount(every)
    assert {one.state for one in every} >= {"still", "returned"}
    assert findings.count(EVERYTHING) == len(every)


def _recount(every: list[Finding]) -> collections.Counter[tuple[str, str]]:
    """State as 03-engine defines it, from each finding's own days: gone is last seen before the latest cycle."""
    found = collections.Counter[tuple[str, str]]()
    for one in every:
        latest = max(other.last_cycle for other in every if other.type == one.type)
        first, before = one.recent.bit_length() == 1 and one.returns == 0, one.recent >> 1 & 1
        if one.last_cycle < latest:
            state = "gone"
        else:
            state = "new" if first and one.cycles == 1 else "still" if before else "returned"
        found[one.type, state] += 1
    return found


FILTERS: list[tuple[Filter, Any]] = [
    (Filter(states=("returned",)), lambda f: f.state == "returned"),
    (Filter(states=("still", "gone")), lambda f: f.state in ("still", "gone")),
    (Filter(severities=(4,)), lambda f: f.severity == 4),
    (Filter(classes=("vulnerable-system", "data-leak")), lambda f: f.category in ("vulnerable-system", "data-leak")),
    (Filter(types=("scan_rdp",)), lambda f: f.type == "scan_rdp"),
    (Filter(types=("nothing",)), lambda f: False),
    (Filter(constituents=("c-one",)), lambda f: f.constituent == "c-one"),
    (Filter(constituents=("", "c-two")), lambda f: f.constituent in (None, "c-two")),
    (Filter(asns=(64497,)), lambda f: f.asn == 64497),
    (Filter(ports=(1000, 1001)), lambda f: f.port in (1000, 1001)),
    (Filter(words="USER3"), lambda f: "user3" in (f.account or "")),
    (Filter(words="100%_"), lambda f: False),
    (Filter(words="USER3", named=("c-one", "")), lambda f: "user3" in (f.account or "") or f.constituent == "c-one"),
    (Filter(words="100%_", named=("c-one",), states=("new",)), lambda f: f.constituent == "c-one" and f.state == "new"),
    (Filter(words="100%_", named=("c-one",), only_constituents=("c-two",)), lambda f: False),
    (Filter(only_constituents=("c-one",)), lambda f: f.constituent == "c-one"),
    (Filter(only_constituents=()), lambda f: False),
    (Filter(only_constituents=("",)), lambda f: f.constituent is None),
    (Filter(came_back=True), lambda f: f.returns > 0),
    (Filter(keys=()), lambda f: False),
    (Filter(last_cycle_before=day(2)), lambda f: f.last_cycle < day(2)),
    (Filter(just_gone=True), lambda f: False),
    (Filter(types=("scan_rdp",), constituents=("c-one",), ports=(1001,)),
     lambda f: (f.type, f.constituent, f.port) == ("scan_rdp", "c-one", 1001)),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "holds"), FILTERS, ids=[str(n) for n in range(len(FILTERS))])
def test_a_filter_finds_what_a_naive_look_finds(
    asked: Filter, holds: Any, findings: Findings, every: list[Finding]
) -> None:
    expected = keys([one for one in every if holds(one)])
    assert keys(list(findings.stream(asked))) == expected
    assert findings.count(asked) == len(expected)
    assert keys(findings.page(asked, sort="last_seen", descending=True, limit=1_000)) == expected


@pytest.mark.parametrize(
    ("first", "last"), [("192.0.2.5", "192.0.2.9"), ("2001:db8::2", "2001:db8::2"), ("::", "ffff::")]
)
def test_ranges_of_addresses_include_their_ends(
    first: str, last: str, findings: Findings, every: list[Finding]
) -> None:
    (a, b), (c, d) = addresses.of(first), addresses.of(last)
    found = keys(list(findings.stream(Filter(addresses=((a, b, c, d),)))))
    low, high = a << 64 | b, c << 64 | d
    assert found == keys(
        [f for f in every if f.ip_high is not None and low <= f.ip_high << 64 | (f.ip_low or 0) <= high]
    )
    assert found


def test_keys_are_found_together_or_left_out_together(findings: Findings, every: list[Finding]) -> None:
    wanted = keys(every[3:9])
    assert keys(list(findings.stream(Filter(not_keys=tuple(wanted))))) == keys(every) - wanted
    assert keys(list(findings.stream(Filter(keys=tuple(wanted))))) == wanted


ORDER: dict[str, Any] = {
    "severity": lambda f: f.severity, "first_seen": lambda f: f.first_seen, "last_seen": lambda f: f.last_seen,
    "constituent": lambda f: f.constituent, "asset": lambda f: (f.ip_high, f.ip_low) if f.ip_high is not None else None,
    "state": lambda f: f.state, "type": lambda f: f.type, "count": lambda f: f.count,
}  # fmt: skip


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_are_in_order_and_together_are_everything(
    sort: str, descending: bool, findings: Findings, every: list[Finding]
) -> None:
    pages = [
        findings.page(EVERYTHING, sort=sort, descending=descending, limit=17, offset=at)
        for at in range(0, len(every), 17)
    ]
    found = [one for page in pages for one in page]
    assert len(found) == len(every)
    assert keys(found) == keys(every)
    values = [ORDER[sort](one) for one in found]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=descending)
    assert values == known + [None] * (len(values) - len(known)), "what is unknown comes last"


def test_every_sort_and_facet_is_covered_here() -> None:
    assert ORDER.keys() == SORTS.keys()
    assert FACETS == ("state", "severity", "class", "type", "constituent")


def test_tallies_add_up(findings: Findings, every: list[Finding]) -> None:
    for asked in (
        EVERYTHING,
        Filter(types=("scan_rdp",), states=("returned",)),
        Filter(ports=(1001,), severities=(4, 5)),
    ):
        tally = findings.tally(asked)
        assert tally.total == findings.count(asked)
        for facet in FACETS:
            assert sum(tally.by_facet[facet].values()) == findings.count(asked.without(facet)), facet
    asked = Filter(types=("scan_rdp",), states=("returned",))
    counted = findings.tally(asked).by_facet
    assert counted["state"] == collections.Counter(f.state for f in every if f.type == "scan_rdp")
    assert counted["type"] == collections.Counter(f.type for f in every if f.state == "returned")
    assert findings.tally(EVERYTHING).by_facet["constituent"] == collections.Counter(f.constituent or "" for f in every)


def test_counts_by_several_facets_add_up(findings: Findings, every: list[Finding]) -> None:
    counted = {(kind, owner): count for kind, owner, count in findings.counts(["type", "constituent"], EVERYTHING)}
    assert counted == collections.Counter((f.type, f.constituent or "") for f in every)


def test_many_are_given_in_the_order_asked(findings: Findings, every: list[Finding]) -> None:
    wanted = [every[9], every[2], every[30]]
    assert findings.many([(1, 1), *((one.k1, one.k2) for one in wanted)]) == wanted
    assert findings.many([]) == []


HOSTILE = [
    "'; DROP TABLE f; --",
    'severity"; SELECT 1',
    "1 OR 1=1",
    "last_seen DESC, (SELECT 1)",
    "",
    "k1",
    "\0",
    "é" * 500,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_request_becomes_sql(text: str, findings: Findings, every: list[Finding]) -> None:
    with pytest.raises(KeyError):
        findings.page(EVERYTHING, sort=text, descending=False, limit=1)
    assert findings.counts([text, "state"], EVERYTHING) == []
    for name in ("states", "classes", "types", "constituents", "only_constituents"):
        expected = sum(one.constituent is None for one in every) if text == "" and "constituents" in name else 0
        assert findings.count(dataclasses.replace(EVERYTHING, **{name: (text,)})) == expected
    if text:
        assert findings.count(Filter(words=text)) == 0


def test_limits_are_numbers(findings: Findings) -> None:
    with pytest.raises(ValueError):
        findings.page(EVERYTHING, sort="type", descending=False, limit="1; DROP TABLE f")  # type: ignore[arg-type]
    assert len(list(findings.stream(EVERYTHING, limit=3))) == 3


def test_other_questions_may_be_asked_while_a_stream_is_read(findings: Findings, every: list[Finding]) -> None:
    found = []
    for one in findings.stream(EVERYTHING, batch=5):
        found.append(one)
        assert findings.count(EVERYTHING) == len(every)
    assert found == every


def test_without_findings_every_answer_is_empty() -> None:
    nothing = Findings(Database(threads=1), [])
    assert (nothing.count(EVERYTHING), list(nothing.stream(EVERYTHING)), nothing.one(1, 1)) == (0, [], None)
    assert nothing.page(EVERYTHING, sort="type", descending=False, limit=5) == []
    assert (nothing.tally(EVERYTHING).total, nothing.counts(["state"], EVERYTHING), nothing.many([(1, 1)])) == (
        0,
        [],
        [],
    )


def test_the_observations_of_a_finding_are_shown_latest_first(bench: Bench, findings: Findings) -> None:
    low = addresses.of("192.0.2.2")[1]
    (one,) = findings.stream(Filter(addresses=((0, low, 0, low),)))
    parts = [str(bench.root / part) for report in bench.manifest.reports("scan_rdp") for part in report.parts]
    found = query.observations(Database(threads=1), parts, one.k1, one.k2, limit=10)
    assert [at.date() for at, *_ in found] == [day(3), day(1), day(0)]
    _, line, path, constituent, claim, cells = found[0]
    assert (line, constituent, claim) == (3, "c-one", "a")
    assert path in parts
    expected = row(ip="192.0.2.2", timestamp=f"{day(3)} 02:00:00", port=1002, asn=64496)
    assert cells == {name: text for name, text in expected.items() if text}
    assert len(query.observations(Database(threads=1), parts, one.k1, one.k2, limit=1)) == 1
    assert sorted(query.sightings(Database(threads=1), parts, one.k1, one.k2).values()) == [1, 1, 1]
    assert query.observations(Database(threads=1), [], one.k1, one.k2, limit=1) == []
    only = query.observations(Database(threads=1), [path], one.k1, one.k2, limit=9, line=3)
    assert only == found[:1] and not query.observations(Database(threads=1), [path], one.k1, one.k2, limit=9, line=99)


def test_where_a_finding_was_sighted_is_told_part_after_part(bench: Bench, findings: Findings) -> None:
    low = addresses.of("192.0.2.2")[1]
    (one,) = findings.stream(Filter(addresses=((0, low, 0, low),)))
    parts = [str(bench.root / part) for report in bench.manifest.reports("scan_rdp") for part in report.parts]
    seen = query.observations(Database(threads=1), parts, one.k1, one.k2, limit=10)
    told = [(at, line, part) for at, line, part, *_ in seen]

    for order in (parts, parts[::-1]):
        found = query.sighted(Database(threads=1), order, one.k1, one.k2, limit=10)
        assert found == sorted(told, key=lambda row: order.index(row[2]))
        assert query.sighted(Database(threads=1), order, one.k1, one.k2, limit=1, offset=1) == found[1:2]
    assert query.sighted(Database(threads=1), [], one.k1, one.k2, limit=1) == []


def test_what_could_not_be_taken_is_shown_in_line_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([write(tmp_path, [row(port="x"), row(ip=""), row(), row(asn="y", geo="zzz")])]).accepted
    files = [str(bench.root / report.quarantine)]
    found = query.quarantined(Database(threads=1), files, limit=10)
    assert [(line, column, whole) for _, line, column, _, _, whole in found] == [
        (2, "port", False), (3, "ip", True), (5, "asn", False), (5, "geo", False),
    ]  # fmt: skip
    assert query.quarantined(Database(threads=1), files, limit=1, offset=2) == found[2:3]
    assert query.quarantined(Database(threads=1), [], limit=1) == []


def test_kinds_of_fault_are_told_from_what_they_quote(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "store")
    rows = [row(port="x"), row(port="y"), row(ip=""), row(), row(asn="z")]
    (report,) = bench.run([write(tmp_path, rows)]).accepted
    files = [str(bench.root / report.quarantine)]
    found = query.faults(Database(threads=1), files)
    assert [(one.column, one.whole_rows, one.cells) for one in found[:1]] == [("port", 0, 2)]
    assert sum(one.whole_rows + one.cells for one in found) == 4
    (port, *_) = found
    chosen = query.quarantined(Database(threads=1), files, limit=9, reason=port.reason, column="port")
    assert [(line, raw) for _, line, _, _, raw, _ in chosen] == [(2, "x"), (3, "y")]
    assert query.quarantined(Database(threads=1), files, limit=9, reason="' OR 1=1 --") == []
    assert query.faults(Database(threads=1), []) == []


def test_findings_are_gathered_in_blocks_of_their_network(findings: Findings, every: list[Finding]) -> None:
    naive = collections.Counter(
        (one.asn, None if one.ip_low is None else one.ip_low >> 8 if one.ip_high == 0 else one.ip_high >> 16)
        for one in every
    )
    total, blocks = query.blocks(findings, EVERYTHING, limit=100)
    assert total == len(blocks) == len(naive)
    assert [one.findings for one in blocks] == sorted(naive.values(), reverse=True)
    assert query.blocks(findings, EVERYTHING, limit=1, offset=1) == (total, blocks[1:2])


def test_reverse_names_are_those_of_nobodys_rows(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "store", CLAIMS)
    rows = [row(ip=f"192.0.2.{n}", hostname=f"h{n}.example") for n in (1, 100, 101, 200)] + [row(ip="192.0.2.102")]
    (report,) = bench.run([write(tmp_path, rows)]).accepted
    parts = [str(bench.root / part) for part in report.parts]
    first, last = addresses.of("192.0.2.0")[1], addresses.of("192.0.2.127")[1]
    found = query.reverse_names(Database(threads=1), parts, [(0, first, 0, last)])
    assert sorted(name for *_, name in found) == ["h100.example", "h101.example"]
    assert query.reverse_names(Database(threads=1), [], [(0, first, 0, last)]) == []


def test_reports_without_a_column_for_reverse_names_have_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "store", CLAIMS)
    path = tmp_path / "2026-11-16-scan_rdp-xx.csv"
    path.write_text("timestamp,ip,port\n2026-11-16 06:00:00,192.0.2.100,3389\n")
    sinkhole = tmp_path / "2026-11-16-event4_sinkhole-xx.csv"
    sinkhole.write_text(
        "timestamp,src_ip,src_hostname\n2026-11-16 06:00:00,192.0.2.101,h.example\n2026-11-16 06:00:00,192.0.2.102,\n"
    )
    plain, named = sorted(bench.run([path, sinkhole]).accepted, key=lambda report: report.type, reverse=True)
    spans = [(0, addresses.of("192.0.2.0")[1], 0, addresses.of("192.0.2.127")[1])]

    def found(*parts: str) -> list[str]:
        paths = [str(bench.root / part) for part in parts]
        return [name for *_, name in query.reverse_names(Database(threads=1), paths, spans)]

    assert found(*plain.parts) == []
    assert found(*named.parts) == found(*plain.parts, *named.parts) == ["h.example"]


def test_a_public_id_leads_to_its_finding(findings: Findings, every: list[Finding]) -> None:
    for one in every[:5]:
        assert findings.one(*public_ids.words_of(public_ids.public_id(one.k1, one.k2))) == one


def test_asking_needs_neither_pyarrow_nor_numpy() -> None:
    script = (
        "import json, sys; from tocsin.engine.query import Database; "
        "Database(threads=1).ask('select 1').fetchall(); print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "src", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not {"pyarrow", "numpy", "pandas"} & set(json.loads(done.stdout))


def test_columns_that_differ_by_case_alone_keep_their_cells(tmp_path: Path) -> None:
    rows = [
        {"timestamp": "2026-11-16 01:00:00", "Tag": "one", "TAG": "two"},
        {"timestamp": "2026-11-17 01:00:00", "TAG": "three"},
    ]
    columns = [("Tag", "TAG"), ("TAG",)]
    paths = [
        write(tmp_path, [row(**cells)], on=day(number), columns=("timestamp", "ip", "port", "protocol", *names))
        for number, (cells, names) in enumerate(zip(rows, columns, strict=True))
    ]
    bench = Bench(tmp_path / "store")
    parts = [str(bench.root / part) for report in bench.run(paths).accepted for part in report.parts]
    (one,) = bench.state("scan_rdp")
    found = query.observations(Database(threads=1), parts, one["k1"], one["k2"], limit=5)
    assert [{name: cell for name, cell in raw.items() if name in ("Tag", "TAG")} for *_, raw in found] == [
        {"TAG": "three"},
        {"Tag": "one", "TAG": "two"},
    ]
    assert len(query.observations(Database(threads=1), parts, one["k1"], one["k2"], limit=1)) == 1


def test_reasons_that_quote_an_apostrophe_are_of_one_kind(tmp_path: Path) -> None:
    ports = ["O'1", "O'2", "P1", 'x"y', "a'b\"c"]
    path = write(tmp_path, [row(ip=f"192.0.2.{n}", port=port) for n, port in enumerate(ports, 1)])
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([path]).accepted
    (fault,) = query.faults(Database(threads=1), [str(bench.root / report.quarantine)])
    assert (fault.reason, fault.cells) == ("… is not a whole number", len(ports))
    found = query.quarantined(Database(threads=1), [str(bench.root / report.quarantine)], limit=9, reason=fault.reason)
    assert len(found) == len(ports)
