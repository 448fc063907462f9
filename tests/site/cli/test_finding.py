"""`tocsin finding list|export`: what is open where, for people and for scripts."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands import environment
from tests.feeds.reports import day, write
from tests.homes import Home
from tocsin.site.cli.parser import build_parser

RECORD_KEYS = [
    "id", "constituent", "asset", "port", "protocol", "type", "identifier", "state", "first_seen", "last_seen", "count",
]  # fmt: skip
EXPORTED_KEYS = [
    *RECORD_KEYS, "tlp", "terms", "severity", "class", "what", "organisation", "name", "detail", "asn", "country",
    "returns",
]  # fmt: skip


@pytest.fixture(scope="module")
def country(fresh_home: Callable[[], Home], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three days: 1 goes, 2 and 70 stay, 3 returns, 4 and 200 are new; one finding of the second type."""
    home, folder = fresh_home(), tmp_path_factory.mktemp("reports")
    days = [[1, 2, 3, 70], [2, 70], [2, 3, 4, 70, 200]]
    reports = [write(folder, n, hosts) for n, hosts in enumerate(days)]
    reports.append(write(folder, 2, [2], kind="scan_ssl", port="443", severity="high", asn="64511"))
    home.run("--accept-drop", *reports)
    return home


def asked(country: Home, *filters: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Return what `finding list --json` gives for each filter."""
    return [json.loads(out) for out in country.many(*(["finding", "list", "--json", *given] for given in filters))]


def hosts(found: list[dict[str, Any]]) -> list[int]:
    return sorted(int(record["asset"].rpartition(".")[2]) for record in found)


def test_a_list_is_an_array_of_records_with_the_promised_keys(country: Home) -> None:
    printed = country.done("finding", "list", "--json", "--asset", "192.0.2.3")
    (record,) = json.loads(printed)
    assert printed.count("\n") == 1
    assert list(record) == RECORD_KEYS
    assert re.fullmatch(r"[a-z2-7]{26}", record["id"])
    assert {key: record[key] for key in RECORD_KEYS[1:]} == {
        "constituent": "moh",
        "asset": "192.0.2.3",
        "port": 3389,
        "protocol": "tcp",
        "type": "scan_rdp",
        "identifier": "open-rdp",
        "state": "returned",
        "first_seen": f"{day(0)}T06:00:00+00:00",
        "last_seen": f"{day(2)}T06:00:00+00:00",
        "count": 2,
    }


FILTERS = [
    ((), [1, 2, 2, 3, 4, 70, 200]),
    (("--state", "open"), [2, 2, 3, 4, 70, 200]),
    (("--state", "gone"), [1]),
    (("--state", "new", "--state", "returned"), [2, 3, 4, 200]),
    (("--constituent", "bank"), [70]),
    (("--constituent", "-"), [200]),
    (("--constituent", "-", "--constituent", "bank"), [70, 200]),
    (("--constituent", "nobody"), []),
    (("--type", "scan_ssl"), [2]),
    (("--type", "scan_none"), []),
    (("--class", "vulnerable-system"), [1, 2, 3, 4, 70, 200]),
    (("--class", "ddos"), []),
    (("--asset", "192.0.2.64/26"), [70]),
    (("--asset", "192.0.2.4", "--asset", "192.0.2.200"), [4, 200]),
    (("--asset", "2001:db8::/32"), []),
    (("--asn", "64511"), [2]),
    (("--asn", "AS64511"), [2]),
    (("--words", "192.0.2.3"), [3]),
    (("--words", "no such words"), []),
    (("--state", "open", "--constituent", "moh", "--type", "scan_rdp", "--asset", "192.0.2.0/30"), [2, 3]),
]


def test_every_filter_narrows_the_list(country: Home) -> None:
    found = asked(country, *(filters for filters, _ in FILTERS))
    assert {filters: hosts(records) for (filters, _), records in zip(FILTERS, found, strict=True)} == dict(FILTERS)


def test_every_filter_that_there_is_has_been_tried() -> None:
    options = vars(build_parser().parse_args(["finding", "list"]))
    there = set(options) - {"command", "verb", "run", "json", "limit"}
    tried = {word[2:].replace("class", "classes") for given, _ in FILTERS for word in given if word.startswith("--")}
    assert tried | {"severity", "id"} == there


def test_severity_and_id_narrow_the_list_too(country: Home) -> None:
    everything, *by_severity = asked(country, (), *(("--severity", str(number)) for number in range(1, 7)))
    assert sorted(map(len, by_severity)) == [0, 0, 0, 0, 1, 6], "the second type is graded high, the first medium"
    first, *_, last = everything
    assert asked(country, ("--id", first["id"]), ("--id", first["id"], "--id", last["id"])) == [[first], [first, last]]


def test_limit_cuts_the_list(country: Home) -> None:
    everything, three, none = asked(country, (), ("--limit", "3"), ("--limit", "0"))
    assert (three, none) == (everything[:3], [])


def test_what_is_no_autonomous_system_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["finding", "list", "--asn", "ASx"])
    assert "Write it as 64496 or AS64496." in capsys.readouterr().err


def test_for_people_there_is_a_line_each_and_a_count(country: Home) -> None:
    two, nothing = country.many(
        ["finding", "list", "--state", "open", "--limit", "2"], ["finding", "list", "--asset", "192.0.2.99"]
    )
    lines = two.splitlines()
    assert len(lines) == 3
    assert lines[-1] == "2 of 6 findings."
    assert lines[0].split("\t") == ["new     ", "192.0.2.2:443", "scan_ssl", "moh"], "the worst comes first"
    assert nothing == "0 of 0 findings.\n"


def test_an_export_is_all_of_it_in_each_format(country: Home) -> None:
    export = ["finding", "export"]
    everything, lines, array, gone, table = country.many(
        ["finding", "list", "--json"],
        export,
        [*export, "--format", "json"],
        [*export, "--json", "--state", "gone"],
        [*export, "--format", "csv"],
    )
    records = json.loads(everything)
    assert len(records) == 7
    assert [json.loads(line) for line in lines.splitlines()] == json.loads(array)
    exported = json.loads(array)
    assert all(each.pop("tlp") == "TLP:AMBER" and "Not to be published" in each.pop("terms") for each in exported)
    listed = [{key: each[key] for key in RECORD_KEYS} for each in exported]
    assert sorted(listed, key=lambda each: each["id"]) == sorted(records, key=lambda each: each["id"])
    assert [each["id"] for each in json.loads(gone)] == [each["id"] for each in records if each["state"] == "gone"]
    rows = list(csv.DictReader(io.StringIO(table)))
    assert rows == [
        {key: "" if value is None else str(value) for key, value in record.items()} for record in json.loads(array)
    ]


def test_an_export_of_nothing_is_an_empty_one(country: Home) -> None:
    nothing = ["finding", "export", "--type", "scan_none"]
    lines, array, table = country.many(nothing, [*nothing, "--json"], [*nothing, "--format", "csv"])
    assert (lines, array) == ("", "[]\n")
    assert table.strip() == ",".join(EXPORTED_KEYS)


def test_formulas_from_a_report_are_harmless_in_csv(prepared: Home, tmp_path: Path) -> None:
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    prepared.run(
        write(tmp_path, 0, [], kind="event4_sinkhole"),
        _sinkhole(tmp_path / "more", columns, '=HYPERLINK("http://x.example")'),
    )
    (row,) = csv.DictReader(io.StringIO(prepared.done("finding", "export", "--format", "csv")))
    assert not any(str(value).startswith(("=", "+", "-", "@")) for value in row.values())
    assert row["identifier"].startswith("'=")


def test_for_people_a_line_tells_two_findings_on_one_address_apart(prepared: Home, tmp_path: Path) -> None:
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    names = ("tide\x1b[2Jwash", "saltmarsh")
    prepared.run(*(_sinkhole(tmp_path, columns, name, part=f"-{name[:4]}") for name in names))

    *lines, _count = prepared.done("finding", "list").splitlines()

    assert sorted(line.split("\t")[4] for line in lines) == ["saltmarsh", r"tide\x1b[2Jwash"]
    assert len({line.rpartition("\t")[0] for line in lines}) == 1
    named, _count = prepared.done("finding", "list", "--words", "SALT").splitlines()
    assert named.endswith("saltmarsh")
    exported = prepared.done("finding", "export", "--words", "marsh", "--format", "json")
    assert [each["detail"] for each in json.loads(exported)] == ["saltmarsh"]


def test_for_people_a_line_is_short_and_steers_no_terminal(prepared: Home, tmp_path: Path) -> None:
    columns = ("timestamp", "src_ip", "src_port", "protocol", "infection", "tag")
    prepared.run(_sinkhole(tmp_path, columns, "\u202e\x1b]0;x\x07" + "ä" * 4000))

    done = prepared("finding", "list")
    line, count = done.stdout.splitlines()

    detail = line.split("\t")[4]
    assert detail.startswith(r"\u202e\x1b]0;x\x07ä") and detail.endswith("ää…") and len(detail) == 72
    assert count == "1 of 1 finding."
    assert done.stderr == "tocsin: what ends in … is shortened; the page of the finding has it whole.\n"
    assert prepared("finding", "list", "--json").stderr == ""


def _sinkhole(folder: Path, columns: tuple[str, ...], infection: str, part: str = "") -> Path:
    cells = {"src_ip": "192.0.2.1", "infection": infection, "tag": "sinkhole" if part else infection}
    return write(folder, 1, [1], kind="event4_sinkhole", part=part, columns=columns, **cells)


@pytest.mark.parametrize(
    "arguments",
    [("--state", "old"), ("--severity", "9"), ("--severity", "high"), ("--limit", "many"), ("--format", "xml")],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    from tocsin.site.cli.parser import run

    with pytest.raises(SystemExit) as stopped:
        run(["finding", "list" if "--format" not in arguments else "export", *arguments])
    assert stopped.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--asset", "192.0.2.300"), "192.0.2.300"),
        (("--asset", "tidewash"), "a name is looked for with --words."),
        (("--id", "nonsense"), "nonsense"),
        (("--words", "\udcff"), "is not UTF-8 text."),
        (("--words", "x" * 201), "--words has 201 letters; 200 are the most."),
    ],
)
def test_a_filter_that_makes_no_sense_is_a_sentence(country: Home, arguments: tuple[str, ...], said: str) -> None:
    done = country("finding", "list", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_store_has_no_findings(prepared: Home) -> None:
    assert prepared.findings() == []
    assert prepared.done("finding", "list") == "0 of 0 findings.\n"


def test_an_asset_is_asked_for_as_it_is_printed(country: Home) -> None:
    one = country.findings("--state", "open")[0]
    place = f"[{one['asset']}]:{one['port']}" if ":" in one["asset"] else f"{one['asset']}:{one['port']}"

    assert one["id"] in {each["id"] for each in country.findings("--asset", place)}
    assert {each["port"] for each in country.findings("--asset", place)} == {one["port"]}
    assert country("finding", "list", "--asset", place, "--asset", place).returncode == 1


def test_every_ipv6_address_and_every_ipv4_address_are_asked_for_apart(country: Home) -> None:
    assets = {
        family: {each["asset"] for each in country.findings("--asset", family)} for family in ("::/0", "0.0.0.0/0")
    }
    assert all(":" in asset for asset in assets["::/0"])
    assert assets["0.0.0.0/0"] and not any(":" in asset for asset in assets["0.0.0.0/0"])


READ_UNTIL_TOLD = """
    import contextlib, io, json, select, sys
    from tocsin.site.cli import run
    while not select.select([sys.stdin], [], [], 0)[0]:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert run(["finding", "list", "--json"]) == 0
        print(len(json.loads(out.getvalue())), flush=True)
"""


def test_a_reader_never_fails_while_imports_go_on(prepared: Home, tmp_path: Path) -> None:
    prepared.run(write(tmp_path, 0, range(100)))
    seen = tmp_path / "seen"
    with seen.open("w") as out:
        reader = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(READ_UNTIL_TOLD)],
            env=environment(prepared.place),
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    imports = itertools.count(1)
    while reader.poll() is None and len(set(seen.read_text().split())) < 3 and (n := next(imports)) < 100:
        prepared.run(write(tmp_path, n, range(n, 100 + n)))
    _none, err = reader.communicate("enough", timeout=60)
    assert reader.returncode == 0, err
    found = [int(each) for each in seen.read_text().split()]
    assert len(set(found)) >= 3 and found == sorted(found) and found[0] >= 100, "read between imports, each as a whole"


def test_what_was_replaced_is_still_there_for_a_reader_that_began_before(prepared: Home, tmp_path: Path) -> None:
    prepared.run(write(tmp_path, 0, [1]))
    (before,) = (path for path in (prepared.place / "store/state").rglob("*.parquet"))
    prepared.run(write(tmp_path, 1, [1]))
    assert before.exists()
    assert before.relative_to(prepared.place / "store").as_posix() not in prepared.files()


def test_a_limit_of_none_shows_none(country: Home) -> None:
    assert country.many(["finding", "list", "--limit", "0"])[0] == "0 of 7 findings.\n"


@pytest.mark.parametrize("verb", [("list",), ("list", "--json"), ("export",)])
def test_what_nothing_is_called_is_named_and_the_rest_is_answered(country: Home, verb: tuple[str, ...]) -> None:
    asked = ("--constituent", "nosuch", "--constituent", "-", "--type", "scan_rpd", "--class", "nosuch")
    done = country("finding", *verb, *asked)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "tocsin: nothing here is called --type scan_rpd. Is it scan_rdp?",
        "tocsin: nothing here is called --constituent nosuch.",
        "tocsin: nothing here is called --class nosuch.",
    ]


def test_what_is_known_is_asked_for_without_a_word(country: Home) -> None:
    known = ("--type", "scan_rdp", "--class", "vulnerable-system", "--constituent", "-")
    assert country("finding", "list", *known).stderr == ""
