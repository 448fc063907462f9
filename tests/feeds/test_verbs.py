"""The verbs of `tocsin feed` that keep feeds up, as somebody at the terminal sees them."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.commands import Command, environment
from tests.feeds.conftest import Store
from tests.feeds.reports import write
from tests.feeds.test_schemas import columns, files, meaning
from tocsin.audit.models import AuditRow
from tocsin.feeds import holding, queries
from tocsin.feeds.models import Cycle, Run
from tocsin.site import examination
from tocsin.site.cli import parser
from tocsin.site.cli.feed_verbs import telling

LAMPS = """
[feed]
name = "lamps"
title = "Lamps"
[read]
delimiter = ";"
[fields]
"time.source" = "when"
"source.ip" = "lamp"
"source.port" = "port"
[constants]
"classification.type" = "brute-force"
"""


def run(*arguments: str | Path) -> int:
    """Run `tocsin feed …`."""
    return parser.run(["feed", *map(str, arguments)])


def asked(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """Run it with --json; return what it printed."""
    assert run(*arguments, "--json") == code
    (line,) = capsys.readouterr().out.splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer


def test_schema_load_diff_and_show(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema", "show") == 0
    assert capsys.readouterr().out.startswith("No schema was loaded: the ")
    paths = files(tmp_path / "in", meaning(), columns())
    assert run("schema", "diff", *paths) == 0
    assert "1 type is new: scan_lamp." in capsys.readouterr().out
    assert run("schema", "load", *paths) == 0
    said = capsys.readouterr().out
    assert said.startswith("Loaded the schema of 2026-01-01 with 1 type. The next `tocsin feed run` reads by it.\n")
    assert asked(capsys, "schema", "load", *paths)["loaded"] is False
    assert asked(capsys, "schema", "show")["published_at"] == "2026-01-01"
    changed = files(tmp_path / "in", meaning(column="host"), columns(column="host"))
    assert run("schema", "diff", *changed) == 0
    assert "FINDINGS WOULD GET NEW IDENTITIES" in capsys.readouterr().out
    assert [change["type"] for change in asked(capsys, "schema", "diff", *changed)["types_changed"]] == ["scan_lamp"]


def test_a_hostile_schema_is_a_sentence(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema", "load", *files(tmp_path / "in", b"[")) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("tocsin: downloaded-0.txt")


def test_map_shows_what_becomes_of_each_column_and_marks_what_is_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping, report = tmp_path / "m.toml", tmp_path / "anything-2026.csv"
    mapping.write_text(LAMPS)
    report.write_text(
        "when;lamp;port;colour\n2026-01-01 10:00:00;192.0.2.1;many;red\n2026-01-01 10:00:00;;80;blue\ntorn;row\n"
    )
    assert run("map", report, "--mapping", mapping) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "anything-2026.csv is read as lamps (Lamps)."
    assert "  colour  →  extra.colour" in lines
    every = ["classification.taxonomy = intrusion-attempts", "classification.type = brute-force"]
    assert lines[5:8] == ["in every row", *(f"    {one}" for one in every)]
    assert lines.count("    classification.type = brute-force") == 1, "said once, not in each row"
    assert "  ! port: 'many' is not a port (b'many')" not in lines
    assert any(line.startswith("  ! port: ") and line.endswith("('many')") for line in lines)
    assert "line 3: set aside" in lines
    assert "    extra.colour = red" in lines
    assert lines[-1] == "3 of 3 records shown. Of all, 1 kept, 2 set aside, and 1 cell left out."
    data = asked(capsys, "map", report, "--mapping", mapping, "--rows", "1")
    assert [(row["line"], row["event"]["source.ip"]) for row in data["rows"]] == [(2, "192.0.2.1")]
    assert data["rows"][0]["bad"][0]["column"] == "port"
    assert (data["records"], data["columns"]["lamp"]) == (3, ["source.ip"])


def test_columns_that_a_mapping_file_names_and_a_report_lacks_are_said(
    store: Store, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TOCSIN.home.joinpath("mappings").mkdir(parents=True)
    mapping = settings.TOCSIN.home / "mappings" / "lamps.toml"
    fields, constants = LAMPS.split("[constants]")
    roles = '[roles]\nport = "prot"\ndetail = ["bulb"]\nseverity = "level"\n'
    mapping.write_text(f'{fields}"extra.colour" = "colour"\n[constants]{constants}{roles}')
    report = tmp_path / "lamps.csv"
    report.write_text("when;lamp;port\n2026-11-16 10:00:00;192.0.2.1;80\n")

    assert run("map", report, "--mapping", mapping) == 0
    lines = capsys.readouterr().out.splitlines()
    missing = [
        line.split()[0] for line in lines if line.endswith("!  the mapping names it, and the report does not have it")
    ]
    assert missing == ["colour", "prot", "level", "bulb"]
    assert asked(capsys, "map", report, "--mapping", mapping)["lacking"] == missing

    assert run("run", report) == 0
    said = capsys.readouterr().out
    assert (
        "lamps lacks columns that its mapping file names, which are taken for empty: bulb, colour, level, prot.\n"
        in said
    )
    assert set(store.states()) == {"192.0.2.1"}
    assert asked(capsys, "replay", "1")["lacking_columns"] == {"lamps": sorted(missing)}


def test_what_built_in_mappings_know_beyond_a_report_is_not_missed(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = write(tmp_path / "in", 0, [1])
    assert asked(capsys, "run", report)["lacking_columns"] == {}
    assert asked(capsys, "map", report)["lacking"] == []
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(EVENT) + "\n")
    assert asked(capsys, "run", path)["lacking_columns"] == {}


def test_a_report_without_the_column_of_the_asset_is_refused_with_its_name(
    store: Store, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TOCSIN.home.joinpath("mappings").mkdir(parents=True)
    (settings.TOCSIN.home / "mappings" / "lamps.toml").write_text(LAMPS)
    report = tmp_path / "lamps.csv"
    report.write_text("when;port\n2026-11-16 10:00:00;80\n")
    for verb in (("run", report), ("map", report, "--mapping", settings.TOCSIN.home / "mappings" / "lamps.toml")):
        assert run(*verb) == 1
        assert "it has no column 'lamp', which the mapping of lamps needs." in capsys.readouterr().err


def test_map_names_what_is_wrong_with_a_mapping_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.toml").write_text(LAMPS.replace("source.ip", "sauce.ip"))
    (tmp_path / "r.csv").write_text("when;lamp\n")
    assert run("map", tmp_path / "r.csv", "--mapping", tmp_path / "m.toml") == 1
    said = f"tocsin: {tmp_path / 'm.toml'}, [fields] sauce.ip: is not a key of an event"
    assert capsys.readouterr().err.startswith(said)
    assert run("map", tmp_path / "r.csv", "--mapping", tmp_path / "none.toml") == 1
    assert "cannot be read" in capsys.readouterr().err


def test_map_calls_a_mapping_file_what_it_was_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").write_text("when;lamp\n")
    (tmp_path / "m.toml").write_text("[feed]\n")
    monkeypatch.chdir(tmp_path)
    for name in ("/dev/null", "m.toml", "../" + tmp_path.name + "/m.toml"):
        assert run("map", "r.csv", "--mapping", name) == 1
        assert capsys.readouterr().err.startswith(f"tocsin: {name}, [feed] name: is missing.")


EVENT = {
    "time.source": "2026-01-01T10:00:00+00:00",
    "source.ip": "192.0.2.1",
    "feed.name": "IntelMQ",
    "classification.type": "brute-force",
    "extra.tries": 7,
}


def test_events_of_intelmq_are_imported(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join([json.dumps(EVENT), "{broken", json.dumps(EVENT | {"source.ip": "192.0.2.65"})]) + "\n")
    summary = asked(capsys, "run", path)
    assert (summary["rows_read"], summary["rows_kept"], summary["rows_quarantined"]) == (3, 2, 1)
    assert summary["constituents"] == {"bank": 1, "moh": 1}
    assert {finding["type"] for finding in store.findings()} == {"events"}
    assert run("read", path) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["extra.tries"] == "7"
    again = asked(capsys, "replay", str(summary["run"]))
    assert (again["rows_kept"], again["rows_quarantined"]) == (2, 1)


def test_a_listed_network_is_read_as_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "2026-11-16-blocklist-xm.csv"
    path.write_text("timestamp,ip,asn\n2026-11-16 06:00:00,198.51.100.88/29,64496\n2026-11-16 06:00:00,192.0.2.1,\n")
    assert run("read", path) == 0
    out, err = capsys.readouterr()
    network, address = map(json.loads, out.splitlines())
    assert (network["source.network"], network["source.asn"], err) == ("198.51.100.88/29", 64496, "")
    assert address["source.ip"] == "192.0.2.1"
    assert "source.ip" not in network and "source.network" not in address


def test_other_json_is_refused_with_a_way_on(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lamps.jsonl"
    path.write_text('{"lamp": 1}\n')
    assert run("run", path) == 1
    assert "no mapping file covers its name, and they have no time.source. See how to map" in capsys.readouterr().err


def test_a_list_of_addresses_has_the_time_of_its_report(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "2026-01-02-list_of_addresses.txt"
    path.write_text("# bad ones\n192.0.2.1\nnowhere\n192.0.2.65\n")
    summary = asked(capsys, "run", path)
    assert (summary["rows_kept"], summary["rows_quarantined"]) == (2, 1)
    assert {finding["last_seen"] for finding in store.findings()} == {"2026-01-02T00:00:00+00:00"}


ROWS = "timestamp,ip,port,protocol\n2026-11-22 01:00:00,192.0.2.1,22,tcp\n"
UNICODE = "it is UTF-16 text, which Windows programs call Unicode; only UTF-8 is read. Save it as UTF-8"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("2026-11-22-scan_ssh-xm.csv", ROWS.encode("utf-16"), UNICODE),
        ("2026-11-22-scan_ssh-xm.csv", ROWS.encode("utf-16-be"), UNICODE),
        ("unknown.csv", ROWS.encode("utf-16-le"), UNICODE),
        ("events.jsonl", json.dumps(EVENT).encode("utf-16"), UNICODE),
        (
            "2026-11-22-scan_ssh-xm.csv",
            ROWS.replace(",", ";").encode(),
            'its columns are separated by ";". Export it with commas, or use a mapping file with delimiter = ";"',
        ),
        ("unknown.csv", ROWS.replace(",", "|").encode(), 'or use a mapping file with delimiter = "|"'),
        ("unknown.csv", ROWS.replace(",", "\t").encode(), r'or use a mapping file with delimiter = "\t"'),
    ],
)
def test_a_file_of_another_kind_is_told_with_what_helps(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for verb in ("read", "run"):
        assert run(verb, path) == 1
        err = capsys.readouterr().err
        assert err.startswith(f"tocsin: {name}: ") and sentence in err, verb


def test_a_mapping_file_that_cuts_at_the_wrong_sign_is_told(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lamps.toml").write_text(LAMPS)
    (tmp_path / "lamps.csv").write_text("when,lamp,port\n2026-11-22 01:00:00,192.0.2.1,22\n")
    assert run("map", tmp_path / "lamps.csv", "--mapping", tmp_path / "lamps.toml") == 1
    assert 'separated by ",". Leave delimiter out of its mapping file.' in capsys.readouterr().err


def test_a_schema_in_utf_16_is_told(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = files(tmp_path / "in", json.dumps(meaning()).encode("utf-16"))
    assert run("schema", "load", path) == 1
    assert UNICODE in capsys.readouterr().err


def test_a_schema_is_told_with_counts_and_what_is_not_understood(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = meaning()
    (entry,) = (entry for name, entry in odd.items() if name != "_meta")
    entry["optional_fields"] = [["extra.odd", "odd", f"convert_{number}"] for number in range(12)]
    paths = files(tmp_path / "in", json.dumps(odd).encode())

    for verb in ("diff", "load"):
        assert run("schema", verb, *paths) == 0
        said = capsys.readouterr().out
        assert "Types: 1 new, 0 changed, 0 as before, 0 no longer described.\n1 type is new: scan_lamp." in said
        assert "Not understood, in 12 places:" in said and "and 2 more; --json lists all." in said
    assert run("schema", "load", *paths) == 0
    said = capsys.readouterr().out
    assert said.startswith("In force already: the schema of 2026-01-01 with 1 type; nothing to do.\n")
    assert "Not understood, in 12 places:" in said


def test_runs_replay_and_withdraw(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs") == 0
    assert capsys.readouterr().out == "Nothing was imported yet.\n"
    number = store.run(write(tmp_path / "in", 0, [1, 2]))["run"]
    assert run("replay", str(number)) == 0
    assert "2 of 2 rows of 1 report kept" in capsys.readouterr().out
    runs = asked(capsys, "runs")["runs"]
    assert [(one["state"], one["replay_of"], one["rows_kept"]) for one in runs] == [
        ("done", number, 2),
        ("done", None, 2),
    ]
    assert run("withdraw", str(number), "--reason", "It was of another country.") == 0
    assert capsys.readouterr().out == f"Withdrew run {number}: 1 report of scan_rdp counts no more.\n"
    assert store.findings() == []
    assert run("withdraw", str(number)) == 1
    assert capsys.readouterr().err == f"tocsin: run {number} has no report that counts.\n"
    assert run("replay", "999") == 1
    assert capsys.readouterr().err == "tocsin: there is no run 999. See `tocsin feed runs`.\n"


def test_a_corrected_file_says_which_report_it_takes_the_place_of(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = store.run(write(tmp_path / "in", 0, [1, 2]))["run"]
    name = write(tmp_path / "in", 0, [1]).name
    assert run("run", tmp_path / "in") == 0
    assert f"{name} takes the place of the report imported in run {first}.\n" in capsys.readouterr().out
    write(tmp_path / "in", 0, [3])
    summary = asked(capsys, "run", tmp_path / "in")
    assert summary["corrected"] == [{"name": name, "run": first + 1}]
    assert list(summary)[-3:] == ["corrected", "lacking_columns", "passed_over"], "the promised keys keep their places"
    assert asked(capsys, "run", tmp_path / "in")["corrected"] == []


def test_a_watch_says_so_too(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = store.run(write(tmp_path / "in", 0, [1, 2]))["run"]
    name = write(tmp_path / "in", 0, [1]).name
    assert run("watch", tmp_path / "in", "--once", "--settled", "0") == 0
    assert capsys.readouterr().out == (
        f"Run {first + 1}: 1 row of 1 report kept.\n{name} takes the place of the report imported in run {first}.\n"
    )


def test_known_files_with_another_gone_after_are_told_that_it_changes_nothing(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1, 2])
    assert run("run", tmp_path / "in", "--gone-after", "2") == 0
    assert run("run", tmp_path / "in", "--gone-after", "2") == 0
    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().err == "", "nothing else was asked for"

    said = "tocsin: scan_rdp still counts by --gone-after 2: nothing of it was new."
    assert run("run", tmp_path / "in", "--gone-after", "5") == 0
    assert capsys.readouterr().err.startswith(said)
    write(tmp_path / "in", 0, [7], kind="scan_ssl")
    assert run("run", tmp_path / "in", "--gone-after", "5") == 0
    assert capsys.readouterr().err.startswith(said), "of another type something was new"
    write(tmp_path / "in", 1, [1])
    assert run("run", tmp_path / "in", "--gone-after", "5") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("both_count", [False, True], ids=["one corrects the other", "both count"])
def test_a_day_of_two_files_of_one_name_is_whole_again_as_the_reference_says(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], both_count: bool
) -> None:
    one = write(tmp_path / "in" / "siteA", 0, [1])
    two = write(tmp_path / "in" / "siteB", 0, [2])
    assert run("run", tmp_path / "in") == 1
    assert "another file of the same call has its name and its day" in capsys.readouterr().err
    (waiting,) = asked(capsys, "runs", "--waiting")["waiting"]
    assert (waiting["why"], waiting["files"]) == ("broken", [f"siteB/{one.name}"])

    if both_count:
        two = two.rename(two.with_name(two.name.replace("geo", "geo-b")))
    assert run("run", two) == 0
    capsys.readouterr()
    assert len(asked(capsys, "runs", "--waiting")["waiting"]) == both_count
    if both_count:
        assert run("close", "scan_rdp", "2026-11-16") == 0
        capsys.readouterr()
        assert asked(capsys, "runs", "--waiting")["waiting"] == []
    assert set(store.states()) == ({"192.0.2.1", "192.0.2.2"} if both_count else {"192.0.2.2"})


def test_a_country_that_a_report_leaves_out_is_taken_from_the_registrys_table(store: Store, tmp_path: Path) -> None:
    delegated = tmp_path / "delegated-example-extended"
    delegated.write_text("exampleric|XM|ipv4|192.0.2.0|256|20200101|allocated|abc\n")
    assert parser.run(["directory", "load-rir", str(delegated)]) == 0
    assert run("run", write(tmp_path / "in", 0, [1], geo=""), write(tmp_path / "in", 0, [2], part="-b", geo="FR")) == 0
    found = queries.findings().stream(queries.Filter())
    assert sorted(one.country or "" for one in found) == ["FR", "XM"]


def test_many_corrected_files_are_counted(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_NAMED", 1)
    for hosts in ([1, 2], [1]):
        for part in ("-a", "-b"):
            write(tmp_path / "in", 0, [*hosts, 9 if part == "-a" else 8], part=part)
        assert run("run", tmp_path / "in") == 0
    said = capsys.readouterr().out
    assert "2 files take the place of reports imported before (--verbose names them).\n" in said


def test_a_folder_of_known_files_is_counted_not_listed(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [write(tmp_path / "in", number, [1]).name for number in range(3)]
    assert run("run", tmp_path / "in") == 0
    capsys.readouterr()

    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().out == "3 files were imported before; nothing to do (--verbose names them).\n"
    assert run("run", tmp_path / "in", "--verbose") == 0
    assert capsys.readouterr().out.splitlines() == [f"{name} was imported before; nothing to do." for name in names]
    assert asked(capsys, "run", tmp_path / "in")["unchanged"] == names


def test_a_held_report_is_told_by_the_run_that_brought_it_and_counted_by_later_ones(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(write(tmp_path / "in", 0, range(10)))
    assert run("run", write(tmp_path / "in", 1, [1, 2])) == 0
    said = capsys.readouterr().out
    assert "scan_rdp of 2026-11-17 has 2 rows, less than half of the 10 on the days before. It is held" in said
    assert "for a decision" not in said

    for later in (write(tmp_path / "in", 2, range(10)), write(tmp_path / "in", 2, [1], kind="scan_ssl")):
        summary = asked(capsys, "run", later)
        assert (summary["held"], summary["held_waiting"]) == ([], 1), later
    assert run("run", write(tmp_path / "in", 3, range(10))) == 0
    said = capsys.readouterr().out
    assert "It is held" not in said
    assert "1 report waits for a decision: tocsin feed confirm|discard TYPE DATE" in said


def test_a_report_that_a_late_one_makes_too_short_is_told(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 1, [1, 2]))

    summary = store.run(write(tmp_path / "in", 0, range(10)))

    assert [(held["date"], held["usual"]) for held in summary["held"]] == [("2026-11-17", 10.0)]


def test_whoever_waits_says_for_which_run(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = write(tmp_path / "in", 0, [1])
    with holding.lock("import", 12):
        assert run("run", "--wait", "0.5", report) == 1
    assert capsys.readouterr().err.splitlines() == [
        "tocsin: waiting for up to 0.5 s: run 12 is at work on the store.",
        "tocsin: run 12 has kept the store busy for more than 0.5 s. Try again when it is done.",
    ]
    number = str(store.run(report)["run"])
    lock = holding.lock("import", 12)
    lock.__enter__()
    ends = threading.Timer(1, lambda: lock.__exit__(None, None, None))
    ends.start()
    assert run("withdraw", number) == 0
    ends.join()
    assert capsys.readouterr().err == "tocsin: waiting for up to 60 s: run 12 is at work on the store.\n"


def test_runs_of_broken_files_say_so(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "2026-11-17-scan_rdp-xm.csv").write_bytes(b"\0")
    assert run("run", tmp_path / "in") == 1
    assert capsys.readouterr().out == "Nothing was imported.\n"
    write(tmp_path / "in", 0, [1])
    assert run("run", tmp_path / "in") == 1
    capsys.readouterr()

    runs = asked(capsys, "runs")["runs"]
    assert [(one["state"], one["files_broken"]) for one in runs] == [("done", 1), ("unreadable", 1)]
    assert run("runs") == 0
    partly, nothing, *waiting = capsys.readouterr().out.splitlines()
    assert waiting == ["1 cycle waits for somebody: tocsin feed runs --waiting"]
    assert "done " in partly and "1 file could not be read" in partly
    assert "unreadable " in nothing and "nothing could be read (1 file)" in nothing


def test_close_confirm_and_discard(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.run(write(tmp_path / "in", 0, [1, 2, 3, 4]))
    store.run(write(tmp_path / "in", 1, [1]), complete=False)
    assert run("close", "scan_rdp", "2026-11-17") == 0
    assert "is held: it has far fewer rows than usual" in capsys.readouterr().out
    assert run("discard", "scan_rdp", "2026-11-17") == 0
    assert capsys.readouterr().out == "scan_rdp of 2026-11-17 (1 row) makes nothing go gone.\n"
    assert "gone" not in store.states().values()
    data = asked(capsys, "confirm", "scan_rdp", "2026-11-17")
    assert (data["counts"], data["decision"]) == (True, "confirmed")
    assert sorted(store.states().values()) == ["gone", "gone", "gone", "still"]
    assert run("close", "scan_rdp", "2026-11-30") == 1
    assert capsys.readouterr().err == "tocsin: no report of scan_rdp of 2026-11-30 has arrived.\n"
    with pytest.raises(SystemExit) as stopped:
        run("close", "scan_rdp", "yesterday")
    assert stopped.value.code == 2


def test_a_decision_that_changes_nothing_says_so_and_is_not_recorded(
    store: Store, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TOCSIN_TODAY = dt.date(2026, 11, 19)
    store.run(write(tmp_path / "in", 0, [1, 2, 3, 4]))
    store.run(write(tmp_path / "in", 1, [1]))
    store.run(write(tmp_path / "in", 2, [1, 2, 3]), complete=False)

    def said(*arguments: str) -> str:
        """Return what a verb says, and insist that it records nothing."""
        before = AuditRow.objects.count(), store.files(), list(Cycle.objects.values())
        assert run(*arguments) == 0
        assert (AuditRow.objects.count(), store.files(), list(Cycle.objects.values())) == before
        return capsys.readouterr().out

    first, second, third = ("scan_rdp", "2026-11-16"), ("scan_rdp", "2026-11-17"), ("scan_rdp", "2026-11-18")
    assert said("confirm", *first) == "scan_rdp of 2026-11-16 (4 rows) was not held; nothing to decide.\n"
    assert said("close", *first) == "scan_rdp of 2026-11-16 (4 rows) was closed before; nothing to decide.\n"
    assert said("confirm", *third) == (
        "scan_rdp of 2026-11-18 (3 rows) was not held; nothing to decide. "
        "It is not complete: `tocsin feed runs --waiting` says what it waits for.\n"
    )
    assert asked(capsys, "confirm", *second)["changed"] is True
    assert said("confirm", *second) == "scan_rdp of 2026-11-17 (1 row) was confirmed before; nothing to decide.\n"
    assert run("discard", *second) == 0
    assert capsys.readouterr().out == "scan_rdp of 2026-11-17 (1 row) makes nothing go gone.\n"
    assert said("discard", *second) == "scan_rdp of 2026-11-17 (1 row) was discarded before; nothing to decide.\n"
    assert asked(capsys, "confirm", *second)["changed"] is True, "it can be decided otherwise"
    assert run("close", "scan_rdp", "2026-11-19", "--empty") == 0
    capsys.readouterr()
    assert said("close", "scan_rdp", "2026-11-19", "--empty") == (
        "scan_rdp of 2026-11-19 (0 rows) was closed before; nothing to decide.\n"
    )
    assert asked(capsys, "close", *first)["changed"] is False


def test_a_day_that_lacks_a_file_can_be_closed_though_it_is_closed(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1, 2]))
    broken = tmp_path / "in" / "2026-11-16-scan_rdp-xm-geo-part2.csv"
    broken.write_bytes(b"\0")
    store.run(broken)
    assert Cycle.objects.get().closed and not Cycle.objects.get().counts
    assert run("close", "scan_rdp", "2026-11-16") == 0
    assert Cycle.objects.get().counts


def test_a_silent_type_is_declared_empty(
    store: Store, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    assert run("close", "scan_rdp", "2026-11-17", "--empty") == 1
    assert capsys.readouterr().err == "tocsin: 2026-11-17 has not come yet: what it showed cannot be said.\n"
    assert store.states() == {"192.0.2.1": "new"}
    settings.TOCSIN_TODAY = dt.date(2026, 11, 17)
    assert run("close", "scan_rdp", "2026-11-17", "--empty") == 0
    assert (
        capsys.readouterr().out
        == "scan_rdp of 2026-11-17 (0 rows) counts: findings that it does not show may go gone.\n"
    )
    assert store.states() == {"192.0.2.1": "gone"}
    assert run("close", "scan_rdp", "2026-11-16", "--empty") == 1
    assert "there are reports of scan_rdp of 2026-11-16" in capsys.readouterr().err
    assert run("close", "scan_lamp", "2026-11-16", "--empty") == 1
    assert "no report of scan_lamp has ever arrived" in capsys.readouterr().err


def test_watch_once_says_what_it_did(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "in", 0, [1])
    data = asked(capsys, "watch", tmp_path / "in", "--once", "--settled", "0.1")
    assert data["summary"]["rows_kept"] == 1
    (tmp_path / "in" / "2026-11-17-scan_rdp-xm.csv").write_bytes(b"\0")
    assert run("watch", tmp_path / "in", "--once", "--settled", "0") == 1
    assert "passed over until it changes" in capsys.readouterr().err


def test_a_wrong_mapping_file_stops_every_import_with_the_same_sentence(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = write(tmp_path / "in", 0, [1])
    mapping = store.root.parent / "mappings" / "lamps.toml"
    mapping.parent.mkdir(parents=True)
    mapping.write_text(LAMPS.replace("source.ip", "sauce.ip"))
    said = set()
    for arguments in (["run", report], ["run", report.parent], ["watch", report.parent, "--once", "--settled", "0"]):
        assert run(*arguments) == 1
        said.add(capsys.readouterr().err.splitlines()[-1].removeprefix("tocsin: "))
    (sentence,) = said
    assert sentence == (
        "mappings/lamps.toml, [fields] sauce.ip: is not a key of an event; "
        'put it under extra, in quotes: "extra.name". '
        "Mend it, or move it out of that folder: until then nothing is imported."
    )
    (verdict,) = examination._mappings(settings.TOCSIN)
    assert verdict.fix == sentence
    assert run("read", report) == 0, "it needs no data directory, and looks into none"


def test_watch_once_names_what_it_leaves_and_ends_well(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "in", 0, [1])

    def grow(_seconds: float) -> None:
        with path.open("a") as file:
            file.write("\n")

    monkeypatch.setattr(time, "sleep", grow)
    assert run("watch", tmp_path / "in", "--once", "--settled", "9") == 0
    said = f"1 file is still being written, and left for another time: {path.name}."
    assert capsys.readouterr().err.endswith(f"tocsin: {said}\n")
    assert asked(capsys, "watch", tmp_path / "in", "--once", "--settled", "9") == {"left": [path.name]}


def test_watch_once_says_at_what_it_looks(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe")
    assert run("watch", tmp_path / "in", "--once", "--settled", "3") == 0
    assert capsys.readouterr().err.splitlines() == [
        f"tocsin: looking once at {tmp_path / 'in'}. A file is taken in once it has not changed for 3 s.",
        "tocsin: pipe: it is no file but a pipe, a socket or a device, which is never read. It is passed over.",
    ]


def test_what_lies_beside_reports_in_a_folder_is_passed_over_and_said(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = write(tmp_path / "in", 0, [1])
    done = report.read_bytes()
    for name in ("README", "fetch.log", f"{report.name}.part", ".DS_Store"):
        (tmp_path / "in" / name).write_bytes(b"\0 junk")
    (tmp_path / "in" / ".git").mkdir()
    (tmp_path / "in" / ".git" / "2026-11-17-scan_rdp-xm.csv").write_bytes(done)
    for _ in range(2):
        assert run("run", tmp_path / "in") == 0
        assert capsys.readouterr().err == (
            "tocsin: 3 files are passed over, which by their names are no reports: "
            "2026-11-16-scan_rdp-xm-geo.csv.part, README, fetch.log.\n"
        )
    assert Run.objects.filter(summary__broken=[]).count() == 2 and Cycle.objects.get().counts


def test_a_broken_file_in_a_folder_stays_broken_unless_its_name_leaves_no_doubt(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1])
    for name in ("2026-11-17-scan_rdp-xm.csv", "notes.txt", "dump", "x.json", "x.gz"):
        (tmp_path / "in" / name).write_bytes(b"\0 junk")
        assert run("run", tmp_path / "in") == 1, name
        said = capsys.readouterr().err
        assert said.startswith(f"tocsin: {name}: ") and said.count("\n") == 1
        (tmp_path / "in" / name).unlink()


def test_a_file_that_is_named_is_always_tried(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "in", 0, [1]).rename(tmp_path / "in" / "2026-11-16-scan_rdp-xm.csv.log")
    assert run("run", tmp_path / "in") == 1
    assert capsys.readouterr().err.splitlines() == [
        "tocsin: 1 file is passed over, which by its name is no report: 2026-11-16-scan_rdp-xm.csv.log.",
        f"tocsin: {tmp_path / 'in'}: there is no file to import.",
    ]
    assert run("run", log) == 0
    assert capsys.readouterr().err == ""
    assert set(store.states()) == {"192.0.2.1"}
    log.write_bytes(b"\0")
    assert run("run", log) == 1


def test_of_many_that_are_passed_over_ten_are_named(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1])
    for number in range(12):
        (tmp_path / "in" / f"{number:02}.log").touch()
    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().err.endswith("08.log, 09.log and 2 more (--verbose names them).\n")
    assert run("run", tmp_path / "in", "--verbose") == 0
    assert capsys.readouterr().err.endswith("10.log, 11.log.\n")


def test_what_is_no_file_is_named_in_a_folder_and_refused_by_itself(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1])
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    os.mkfifo(tmp_path / "in" / ".hidden")
    (tmp_path / "in" / "lost.csv").symlink_to("nowhere")
    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().err.splitlines() == [
        "tocsin: lost.csv: it is a link that leads nowhere. It is passed over.",
        "tocsin: pipe.csv: it is no file but a pipe, a socket or a device, which is never read. It is passed over.",
    ]
    for verb in ("run", "read"):
        assert run(verb, tmp_path / "in" / "pipe.csv") == 1
        refusal = "tocsin: pipe.csv: it is no file but a pipe, a socket or a device, which is never read.\n"
        assert capsys.readouterr().err == refusal


def test_watch_ends_cleanly_when_told(ready: Path, tocsin: Command, tmp_path: Path) -> None:
    write(tmp_path / "in", 0, [1])
    watched = f"watching {tmp_path / 'in'}, looking every 0.2 s. A file is taken in once it has not changed for 0 s"
    watched += "; Ctrl-C ends it."
    command = [
        sys.executable,
        "-m",
        "tocsin",
        "feed",
        "watch",
        str(tmp_path / "in"),
        "--every",
        "0.2",
        "--settled",
        "0",
    ]
    with subprocess.Popen(
        command, env=environment(ready), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "Run 1: 1 row of 1 report kept.\n"
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, f"tocsin: {watched}\n")
    assert time.monotonic() - started < 20


def test_a_name_that_is_no_text_hinders_nobody(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    good = write(folder, 0, [1, 2])
    odd = folder / os.fsdecode(b"2026-11-17-scan_rdp-\xff\xfe.csv")
    odd.write_bytes(good.read_bytes().replace(b"2026-11-16", b"2026-11-17"))
    torn = folder / os.fsdecode(b"2026-11-18-scan_rdp-\xff.csv.gz")
    torn.write_bytes(b"\x1f\x8b no gzip")

    assert run("run", folder, "--json") == 1
    summary = json.loads(capsys.readouterr().out)

    assert [each["name"] for each in summary["files"]] == [good.name, r"2026-11-17-scan_rdp-\xff\xfe.csv"]
    assert [each["name"] for each in summary["broken"]] == [r"2026-11-18-scan_rdp-\xff.csv"]
    assert run("runs") == 0
