"""The generator's right answers equal a naive recount of the files it wrote."""

from __future__ import annotations

import collections
import csv
import dataclasses
import hashlib
import ipaddress
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.feeds import FAMILIES, NAME_COLUMN, Options, generate, main, parse_types
from bench.measures import DIRTY_SHARE, DIRTY_TYPES

MIX = (
    "scan_ssl:3,scan_http:3,scan_snmp:2,event4_sinkhole:3,event4_honeypot_brute_force:1,scan6_http:2,"
    "compromised_website:3,malware_url:2,blocklist:1,event4_ip_spoofer:1"
)
EPHEMERAL = ("event", "blocklist", "malware")
Row = dict[str, str]


def small(out: Path, **changes: Any) -> Options:
    options = Options(out=out, rows=3_000, days=3, types=parse_types(MIX), dirty=0.14, per_file=200)
    return dataclasses.replace(options, **changes)


@dataclasses.dataclass
class Written:
    """A folder of feeds, read with nothing but the standard library."""

    folder: Path
    truth: dict[str, Any]

    def rows(self) -> Iterator[tuple[str, str, Row]]:
        """Yield day, type and row of every report, in order of files."""
        for path in sorted((self.folder / "reports").iterdir()):
            name = path.name[11:].partition("-")[0]
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    yield path.name[:10], name, row


class Owners:
    """Who holds what, looked up one network after the other."""

    def __init__(self, folder: Path) -> None:
        constituents = json.loads((folder / "constituents.json").read_text(encoding="utf-8"))
        self.domains = {d: c["id"] for c in constituents for d in c["domains"]}
        self.asns = {a: c["id"] for c in constituents for a in c["asns"]}
        pairs = [(ipaddress.ip_network(n), c["id"]) for c in constituents for n in c["networks"]]
        self.networks = sorted(pairs, key=lambda pair: -pair[0].prefixlen)

    def of(self, row: Row, name: str) -> str | None:
        host = row[NAME_COLUMN[name]] if name in NAME_COLUMN else ""
        labels = host.split(".")
        for cut in range(len(labels)):
            if ".".join(labels[cut:]) in self.domains:
                return self.domains[".".join(labels[cut:])]
        address = ipaddress.ip_address(row.get("ip") or row["src_ip"])
        for network, constituent in self.networks:
            if address in network:
                return constituent
        return self.asns.get(int(row.get("asn") or row["src_asn"]))


def identity(name: str, row: Row) -> tuple[str, ...]:
    if name.startswith(EPHEMERAL):
        return name, row.get("ip") or row["src_ip"], row.get("infection", "")
    return name, row["ip"], row["port"], row.get("http_host", "")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("feeds")
    return Written(folder, generate(small(folder)))


def test_the_truth_is_written_beside_the_reports(written: Written) -> None:
    assert json.loads((written.folder / "truth.json").read_text(encoding="utf-8")) == written.truth
    keys = "rows duplicates dirty per_type per_constituent unattributed days distinct_findings"
    assert set(written.truth) == set(keys.split())


def test_rows_and_types_are_as_many_as_asked_for(written: Written) -> None:
    counted = collections.Counter(name for _day, name, _row in written.rows())
    assert dict(counted) == written.truth["per_type"]
    assert written.truth["rows"] == sum(counted.values())
    assert abs(written.truth["rows"] - 9_000) <= 3 * len(counted)


def test_owners_are_those_of_a_naive_lookup(written: Written) -> None:
    owners = Owners(written.folder)
    counted = collections.Counter(owners.of(row, name) for _day, name, row in written.rows())
    assert counted.pop(None, 0) == written.truth["unattributed"] > 0
    assert dict(counted) == written.truth["per_constituent"]


def test_names_networks_and_origins_all_decide_for_some(written: Written) -> None:
    owners = Owners(written.folder)
    by_asn = set(owners.asns.values())
    assert by_asn & set(written.truth["per_constituent"])
    named = [row["http_host"] for _d, name, row in written.rows() if name == "compromised_website"]
    assert 0.4 < sum(map(bool, named)) / len(named) < 0.8


def test_duplicates_are_exact_copies_within_one_report(written: Written) -> None:
    seen = collections.Counter((day, name, tuple(row.values())) for day, name, row in written.rows())
    assert sum(count - 1 for count in seen.values()) == written.truth["duplicates"]
    assert 0.03 < written.truth["duplicates"] / written.truth["rows"] < 0.06


def test_findings_are_new_still_gone_and_returned_as_a_set_would_say(written: Written) -> None:
    by_day: dict[str, set[tuple[str, ...]]] = collections.defaultdict(set)
    for day, name, row in written.rows():
        by_day[day].add(identity(name, row))
    ever: set[tuple[str, ...]] = set()
    before: set[tuple[str, ...]] = set()
    found = []
    for day in sorted(by_day):
        today = by_day[day]
        found.append(
            {
                "day": day,
                "new": len(today - ever),
                "still": len(today & before),
                "gone": len(before - today),
                "returned": len((today & ever) - before),
            }
        )
        ever |= today
        before = today
    assert found == written.truth["days"]
    assert len(ever) == written.truth["distinct_findings"]


def test_findings_come_back_where_the_country_is_small_enough(tmp_path: Path) -> None:
    options = small(tmp_path, rows=40_000, days=4, types=parse_types("event4_sinkhole"), dirty=0)
    assert [day["returned"] > 50 for day in generate(options)["days"]] == [False, False, True, True]


def test_a_finding_keeps_its_infection_and_name_from_day_to_day(written: Written) -> None:
    said: dict[tuple[str, ...], set[tuple[str, str]]] = collections.defaultdict(set)
    for _day, name, row in written.rows():
        key = (name, row.get("ip") or row["src_ip"], "" if name.startswith(EPHEMERAL) else row["port"])
        said[key].add((row.get("infection", ""), row.get("hostname", row.get("src_hostname", ""))))
    assert max(map(len, said.values())) == 1
    assert {i for values in said.values() for i, _ in values} == {"", *FAMILIES}


def test_the_files_of_the_bench_have_a_bad_cell_in_fourteen_rows_of_a_hundred(tmp_path: Path) -> None:
    truth = generate(small(tmp_path, rows=4_000, days=1, types=parse_types(DIRTY_TYPES), dirty=DIRTY_SHARE))
    assert round(truth["dirty"] / truth["rows"], 2) == 0.14


def test_dirty_rows_hold_text_in_one_integer_cell(written: Written) -> None:
    numbers = ("http_code", "content_length", "cert_length", "ssl_version", "response_size", "uptime")
    dirty = {
        (day, name, tuple(row.values()))
        for day, name, row in written.rows()
        if any(row.get(column) == "TLSv1.2" for column in numbers)
    }
    assert len(dirty) == written.truth["dirty"]
    with_numbers = sum(written.truth["per_type"][n] for n in ("scan_ssl", "scan_http", "scan_snmp", "scan6_http"))
    assert 0.10 < len(dirty) / with_numbers < 0.17


def test_clean_files_hold_only_numbers_where_numbers_belong(tmp_path: Path) -> None:
    clean = Written(tmp_path, generate(small(tmp_path, dirty=0, days=1)))
    assert clean.truth["dirty"] == 0
    cells = [row[c] for _d, name, row in clean.rows() if name == "scan_ssl" for c in ("ssl_version", "cert_length")]
    assert all(cell == "" or cell.isdigit() for cell in cells)


def test_every_address_is_harmless_and_canonical(written: Written) -> None:
    spaces = [ipaddress.ip_network(n) for n in ("198.18.0.0/15", "10.0.0.0/8", "2001:db8::/32")]
    versions = set()
    for _day, _name, row in written.rows():
        text = row.get("ip") or row["src_ip"]
        address = ipaddress.ip_address(text)
        assert str(address) == text
        assert any(address in space for space in spaces)
        versions.add(address.version)
    assert versions == {4, 6}


def test_the_origin_in_a_row_is_the_longest_route(written: Written) -> None:
    lines = (written.folder / "rib.txt").read_text(encoding="utf-8").splitlines()
    routes = sorted(
        ((ipaddress.ip_network(p), asn) for p, asn in (line.split("\t") for line in lines)),
        key=lambda route: -route[0].prefixlen,
    )
    for number, (_day, _name, row) in enumerate(written.rows()):
        if number % 40 == 0:
            address = ipaddress.ip_address(row.get("ip") or row["src_ip"])
            assert next(asn for p, asn in routes if address in p) == (row.get("asn") or row["src_asn"])


def test_claimed_networks_are_nested_across_constituents_and_never_equal(written: Written) -> None:
    networks = [network for network, _owner in Owners(written.folder).networks if network.version == 4]
    assert len(set(networks)) == len(networks) > 300
    inside = sum(any(n != o and n.subnet_of(o) for o in networks) for n in networks[:200])
    assert inside > 20


def test_every_cell_is_quoted_under_the_published_header(written: Written) -> None:
    path = next((written.folder / "reports").glob("*-scan_ssl-bench.csv"))
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0].startswith('"timestamp","severity","ip","protocol","port","hostname","tag","asn"')
    assert lines[-1] == ""
    assert all(line[0] == line[-1] == '"' for line in lines[:-1])
    assert {len(row) for row in csv.reader(lines[:-1])} == {76}


def test_large_reports_come_in_parts_and_each_has_its_header(written: Written) -> None:
    parts = sorted((written.folder / "reports").glob("2026-11-16-scan_ssl-bench*.csv"))
    assert [p.name[20:] for p in parts] == ["bench-part1.csv", "bench-part2.csv", "bench.csv"]
    assert len({p.read_bytes().split(b"\n", 1)[0] for p in parts}) == 1


def test_a_single_file_holds_all_rows_of_a_type_and_day(tmp_path: Path) -> None:
    truth = generate(small(tmp_path, single_file=True, days=1))
    paths = list((tmp_path / "reports").iterdir())
    assert len(paths) == len(truth["per_type"])


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.*")):
        whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    for name, seed in (("one", 58), ("same", 58), ("other", 59)):
        generate(small(tmp_path / name, days=2, seed=seed))
    assert digest(tmp_path / "one") == digest(tmp_path / "same") != digest(tmp_path / "other")


def test_two_hundred_thousand_rows_cost_less_than_four_seconds_of_cpu(tmp_path: Path) -> None:
    before = time.process_time()
    generate(Options(out=tmp_path))
    assert time.process_time() - before < 4


def test_the_plan_grows_into_private_space_when_the_rows_need_it(tmp_path: Path) -> None:
    options = small(tmp_path, rows=150_000, days=1, types=parse_types("blocklist"), per_file=10**6)
    grown = Written(tmp_path, generate(options))
    addresses = {row["ip"] for _d, _n, row in grown.rows()}
    assert len(addresses) == grown.truth["distinct_findings"] > 131_072
    assert any(a.startswith("10.") for a in addresses)
    assert any(a.startswith("198.1") for a in addresses)


def test_more_rows_than_the_plan_has_addresses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not fit the plan"):
        generate(small(tmp_path, rows=20_000_000, types=parse_types("event4_sinkhole")))


def test_a_type_without_columns_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(ValueError, match=r"no columns for 'scan_moon'\. Known are scan_http"):
        parse_types("scan_http:2,scan_moon")


def test_weights_may_be_left_out() -> None:
    assert parse_types("scan_rdp,scan_ssl:2.5") == (("scan_rdp", 1.0), ("scan_ssl", 2.5))


def test_the_command_prints_the_truth_in_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--rows", "500", "--types", "scan_rdp:2,scan_dns", "--seed", "3"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["rows"] == 500
    assert printed["days"][0]["still"] == 0
    assert (tmp_path / "constituents.json").exists()


def test_the_command_says_why_it_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--rows", "30000000", "--types", "blocklist"]) == 1
    assert "Use more types or fewer rows" in capsys.readouterr().err
