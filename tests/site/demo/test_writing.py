"""The story, read from the files that were written."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import itertools
import re
import statistics
import time
from pathlib import Path

import pytest

from tests.site.demo.reading import FRIDAY, Week, report_date, report_type
from tocsin.site.demo.writing import DemoFiles, write_country

SILENT, CUT, UNKNOWN = "scan_snmp", "scan_telnet", "scan_lantern"
LAST = 6


def digest(files: DemoFiles) -> str:
    whole = hashlib.sha256()
    for path in (files.directory, files.rib, *files.reports):
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()


def test_a_week_of_reports_holds_more_than_a_hundred_thousand_rows(week: Week) -> None:
    assert 105_000 <= week.files.rows <= 120_000
    assert week.files.rows == sum(map(len, week.rows.values()))


def test_the_week_ends_on_the_day_it_is_loaded(week: Week) -> None:
    assert week.files.days == tuple(FRIDAY - dt.timedelta(days=n) for n in reversed(range(7)))
    assert {report_date(path) for path in week.files.reports} == set(week.files.days)


def test_there_are_at_least_fourteen_report_types_among_them_one_about_ipv6(week: Week) -> None:
    assert len(week.types()) >= 14
    assert {"scan_rdp", "scan6_http", "event4_sinkhole", "compromised_website", "blocklist"} <= week.types()
    assert all(ipaddress.ip_address(a).version == 6 for a in week.column("scan6_http", "ip", 0))


def test_the_same_day_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    one = write_country(tmp_path / "one", FRIDAY, scale=0.05)
    same = write_country(tmp_path / "same", FRIDAY, scale=0.05)
    other = write_country(tmp_path / "other", FRIDAY, scale=0.05, seed=59)
    assert digest(one) == digest(same) != digest(other)
    assert (one.rows, one.copies) == (same.rows, same.copies)


@pytest.mark.parametrize("today", [dt.date(2026, 11, 16) + dt.timedelta(days=n) for n in (0, 4, 6)])
def test_the_story_is_told_whatever_weekday_it_is_loaded_on(tmp_path: Path, today: dt.date) -> None:
    week = Week(write_country(tmp_path, today, scale=0.3))
    sick = [tidewash(week, day) for day in range(7)]
    assert sick[:3] == [0, 0, 0]
    assert sick[3:] == sorted(sick[3:])
    assert sick[-1] > 100


def test_writing_the_country_costs_less_than_four_seconds_of_cpu(tmp_path: Path) -> None:
    before = time.process_time()
    write_country(tmp_path, FRIDAY)
    assert time.process_time() - before < 4


def test_a_scale_beyond_the_country_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no room for more\. Choose a smaller scale"):
        write_country(tmp_path, FRIDAY, scale=50)


# ---- harmless


def test_every_address_in_every_file_is_harmless(week: Week) -> None:
    four, six = ipaddress.ip_network("198.18.0.0/15"), ipaddress.ip_network("2001:db8::/32")
    for path in (week.files.directory, week.files.rib, *week.files.reports):
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "", path.read_text(encoding="utf-8"))
        for found in set(re.findall(r"(?<![\d./])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", text)):
            assert ipaddress.ip_address(found) in four, (path.name, found)
        for found in set(re.findall(r"\b2001:[0-9a-f:]+", text)):
            assert ipaddress.ip_address(found) in six, (path.name, found)


def test_every_autonomous_system_in_the_reports_is_one_for_documentation(week: Week) -> None:
    allowed = {str(n) for n in (*range(64_496, 64_512), *range(65_536, 65_552))}
    for name, header in week.headers.items():
        for column in {"asn", "src_asn", "dst_asn"} & set(header):
            assert set(week.column(name, column, 0)) <= allowed | {""}


def test_every_host_name_ends_in_example(week: Week) -> None:
    for name, header in week.headers.items():
        for column in {"hostname", "src_hostname", "http_host"} & set(header):
            assert all(h == "" or h.endswith(".example") for h in week.column(name, column, 2)), name


# ---- the ordinary week


@pytest.mark.parametrize("name", ["scan_http", "scan_ssl", "scan_rdp", "scan_ntp", "scan_smb", "scan6_http"])
def test_most_findings_are_open_the_next_day_too(week: Week, name: str) -> None:
    days = [week.findings(name, day) for day in range(7)]
    stayed = [len(before & after) / len(before) for before, after in itertools.pairwise(days)]
    assert 0.85 <= statistics.mean(stayed) <= 0.96


def test_some_findings_go_for_three_cycles_and_come_back(week: Week) -> None:
    days = [week.findings("scan_http", day) for day in range(7)]
    back = [f for f in days[0] if f in days[5] and not any(f in day for day in days[1:4])]
    back += [f for f in days[1] if f in days[6] and not any(f in day for day in days[2:5])]
    assert len(back) >= 10


def test_about_five_rows_in_a_hundred_are_exact_copies(week: Week) -> None:
    copies = sum(len(rows) - len({tuple(row) for row in rows}) for rows in week.rows.values())
    assert 0.04 <= copies / week.files.rows <= 0.06
    assert copies == week.files.copies


def test_events_are_fewer_on_the_weekend(week: Week) -> None:
    by_day = [len(week.rows["event4_honeypot_brute_force", day]) for day in range(7)]
    weekend = [n for n, date in zip(by_day, week.files.days, strict=True) if date.weekday() >= 5]
    working = [n for n, date in zip(by_day, week.files.days, strict=True) if date.weekday() < 5]
    assert max(weekend) < min(working)


def test_scans_pass_within_hours_and_events_last_all_day(week: Week) -> None:
    scan = {t[11:13] for t in week.column("scan_rdp", "timestamp", 2)}
    events = {t[11:13] for t in week.column("event4_sinkhole", "timestamp", 2)}
    assert scan == {"04", "05"}
    assert len(events) == 24


def test_nothing_is_seen_later_than_the_hour_of_loading(tmp_path: Path) -> None:
    week = Week(write_country(tmp_path, FRIDAY, scale=0.05, until=dt.time(3, 30)))
    for name in week.types():
        if (name, LAST) in week.rows:
            assert max(week.column(name, "timestamp", LAST)) <= "2026-11-20 03:30:00", name
    assert max(week.column("event4_sinkhole", "timestamp", LAST - 1)) > "2026-11-19 20:00:00"


def test_no_cycle_but_the_one_cut_short_falls_below_half_of_the_usual(week: Week) -> None:
    for name in week.types() - {SILENT}:
        rows = [len(week.rows[name, day]) for day in range(7)]
        thin = [day for day in range(1, 7) if rows[day] < statistics.median(rows[:day]) / 2]
        assert thin == ([LAST] if name == CUT else []), (name, rows)


# ---- an outbreak, then a clean-up that works


def tidewash(week: Week, day: int) -> int:
    """How many machines the sinkhole saw with Tidewash on that day."""
    pairs = zip(
        week.column("event4_sinkhole", "infection", day), week.column("event4_sinkhole", "src_ip", day), strict=True
    )
    return len({address for infection, address in pairs if infection == "tidewash"})


def test_the_outbreak_grows_from_three_machines_to_several_hundred_in_four_days(week: Week) -> None:
    sick = [tidewash(week, day) for day in range(7)]
    assert sick[:4] == [0, 0, 0, 3]
    assert sick[4] >= 5 * sick[3]
    assert sick[5] >= 3 * sick[4]
    assert 400 <= sick[6] <= 500


def test_the_outbreak_is_mostly_among_the_home_customers_of_lagoon_telecom(week: Week) -> None:
    infections = week.column("event4_sinkhole", "infection", LAST)
    addresses = week.column("event4_sinkhole", "src_ip", LAST)
    sick = {a for i, a in zip(infections, addresses, strict=True) if i == "tidewash"}
    at_lagoon = [a for a in sick if week.owner(a, LAST) == "lagoon-telecom"]
    assert 0.75 <= len(at_lagoon) / len(sick) < 1


def test_one_provider_closes_seventy_in_a_hundred_of_its_open_resolvers(week: Week) -> None:
    by_day = [week.owners("scan_dns", day)["outer-isles-cable"] for day in range(7)]
    before, after = statistics.mean(by_day[:4]), statistics.mean(by_day[4:])
    assert 0.55 <= 1 - after / before <= 0.75
    others = [len(week.rows["scan_dns", day]) - by_day[day] for day in range(7)]
    assert min(others) > 0.85 * max(others)


# ---- claims


def test_two_organisations_claim_one_block_and_machines_in_it_wait(week: Week) -> None:
    block = ipaddress.ip_network("198.18.141.0/26")
    waiting = {a for a in week.column("scan_rdp", "ip", LAST) if ipaddress.ip_address(a) in block}
    assert len(waiting) >= 3
    assert {week.owner(a, LAST) for a in waiting} == {"island-net"}  # the last confirmed, until somebody settles it


def test_a_block_that_changed_hands_belongs_to_another_from_the_fourth_day_on(week: Week) -> None:
    assert week.owner("198.18.70.5", 2) == "airports-meridia"
    assert week.owner("198.18.70.5", 3) == "harbour-authority"


def test_some_addresses_belong_to_nobody_but_are_announced(week: Week) -> None:
    nobody = [a for a in week.column("scan_http", "ip", 0) if not week.owner(a, 0)]
    assert 30 <= len(nobody) <= 200
    claimed = {asn for organisation in week.directory for asn in organisation["asns"]}
    asns = dict(zip(week.column("scan_http", "ip", 0), week.column("scan_http", "asn", 0), strict=True))
    assert not {int(asns[a]) for a in nobody} & claimed


def test_every_other_address_lies_in_a_claimed_network(week: Week) -> None:
    unclaimed = [ipaddress.ip_network(n) for n in ("198.19.200.0/22", "198.19.220.0/24", "2001:db8:f000::/44")]
    for name in week.types():
        for address in set(week.column(name, "src_ip" if "src_ip" in week.headers[name] else "ip", 1)):
            in_gap = any(ipaddress.ip_address(address) in n for n in unclaimed)
            assert bool(week.owner(address, 1)) != in_gap, (name, address)


def test_constituents_have_a_long_tail(week: Week) -> None:
    counts = sum((week.owners(name, 0) for name in week.types()), start=week.owners("scan_ssl", 1))
    del counts[""]
    sizes = sorted(counts.values())
    assert 36 <= len(counts) < len(week.directory)
    assert sizes[len(sizes) // 2] < 60 < 1_000 < sizes[-1]


def test_some_websites_belong_to_organisations_that_host_them_elsewhere(week: Week) -> None:
    suffixes = {d: o["id"] for o in week.directory for d in o["domains"]}
    hosts = week.column("compromised_website", "http_host", 0)
    addresses = week.column("compromised_website", "ip", 0)
    declared = [(h, a) for h, a in zip(hosts, addresses, strict=True) if h.removeprefix("www.") in suffixes]
    elsewhere = [1 for h, a in declared if week.owner(a, 0) != suffixes[h.removeprefix("www.")]]
    assert len(elsewhere) >= 10
    assert len(declared) < len(hosts) / 2


# ---- accidents


def test_one_feed_is_silent_on_the_last_two_days(week: Week) -> None:
    silent = {name for name in week.types() if (name, LAST) not in week.rows}
    assert silent == {SILENT}
    assert [day for day in range(7) if (SILENT, day) in week.rows] == [0, 1, 2, 3, 4]


def test_the_last_telnet_report_is_cut_short(week: Week) -> None:
    before, last = len(week.rows[CUT, LAST - 1]), len(week.rows[CUT, LAST])
    assert 0.3 < last / before < 0.45


def test_one_report_has_text_in_a_column_of_numbers(week: Week) -> None:
    spoiled = {
        (name, day): [c for c in week.column(name, "cert_length", day) if not c.isdigit()]
        for name, day in week.rows
        if "cert_length" in week.headers[name]
    }
    found = {key: set(cells) for key, cells in spoiled.items() if any(cells)}
    assert found == {("scan_ssl", 3): {"TLSv1.2"}}
    assert 9 <= len(spoiled["scan_ssl", 3]) <= 12


def test_three_rows_of_one_report_cannot_be_read(week: Week) -> None:
    def unreadable(name: str, row: list[str]) -> bool:
        header = week.headers[name]
        if len(row) != len(header):
            return True
        address = row[header.index("src_ip" if "src_ip" in header else "ip")]
        return not address or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[0])

    found = [(n, d) for (n, d), rows in week.rows.items() for row in {tuple(r) for r in rows} if unreadable(n, [*row])]
    assert found == [("scan_http", 4)] * 3


def test_one_type_has_columns_that_no_mapping_knows(week: Week) -> None:
    assert "beam_pattern" in week.headers[UNKNOWN]
    assert 15 <= len(week.rows[UNKNOWN, 0]) <= 40


# ---- form


def test_file_names_say_date_and_type(week: Week) -> None:
    for path in week.files.reports:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d-[a-z0-9_]+-meridia\.csv", path.name)
    assert {report_type(path) for path in week.files.reports} == week.types()


def test_every_cell_is_quoted_and_every_line_ends_in_a_line_feed(week: Week) -> None:
    for path in week.files.reports[::17]:
        text = path.read_bytes()
        assert b"\r" not in text
        assert text.endswith(b'"\n')
        assert all(line.startswith(b'"') and line.endswith(b'"') for line in text.splitlines())


def test_rows_stand_in_order_of_time(week: Week) -> None:
    times = week.column("event4_sinkhole", "timestamp", 1)
    assert times == sorted(times)


def test_routes_are_written_as_prefix_tab_number(week: Week) -> None:
    lines = week.files.rib.read_text(encoding="utf-8").splitlines()
    assert "198.18.0.0/17\t64496" in lines
    assert all(re.fullmatch(r"[0-9a-f.:]+/\d+\t\d+", line) for line in lines)
