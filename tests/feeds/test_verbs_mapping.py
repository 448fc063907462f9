"""The verbs of `tocsin feed` that say as what a file is read, and what is said of files that nothing can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from tests.feeds.conftest import Store
from tests.feeds.reports import LAMPS, write
from tests.feeds.test_schemas import columns, files, meaning
from tests.feeds.verbs import asked, run
from tocsin.site import examination


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
    told = capsys.readouterr().out
    assert "FINDINGS WOULD GET NEW IDENTITIES" in told
    assert "1 column added; 1 column removed; " in told and "1 fields" not in told and "1 columns" not in told
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
    with report.open("a") as more:
        more.writelines(f"2026-01-01 10:00:00;192.0.2.{host};80;red\n" for host in range(2, 21))
    assert len(asked(capsys, "map", report, "--mapping", mapping)["rows"]) == 20
    assert run("map", report, "--mapping", mapping) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("20 of 22 records shown. Of all, 20 kept, ")


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


def test_a_mapping_file_without_end_is_too_large(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("map", str(write(tmp_path, 0, [1])), "--mapping", "/dev/zero") == 1
    assert "is larger than 1,048,576 bytes" in capsys.readouterr().err


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
    (verdict,) = examination._mappings(django_settings.TOCSIN)
    assert verdict.fix == sentence
    assert run("read", report) == 0, "it needs no data directory, and looks into none"


def test_a_wrong_mapping_file_stops_nothing_that_reads_no_report(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(*(write(tmp_path / "in", number, [1, 2]) for number in (0, 2)), complete=False)
    mapping = store.root.parent / "mappings" / "lamps.toml"
    mapping.parent.mkdir(parents=True)
    mapping.write_text("nonsense =")
    assert run("replay", "1") == 1, "it reads them"
    assert "until then nothing is imported" in capsys.readouterr().err
    for verb in (("close", "scan_rdp", "2026-11-16"), ("close", "--empty", "scan_rdp", "2026-11-17")):
        assert run(*verb) == 0
    for decision in ("discard", "confirm"):
        assert run(decision, "scan_rdp", "2026-11-18") == 0
    assert run("withdraw", "1", "--reason", "of another country") == 0
    assert capsys.readouterr().err == ""
    assert store.findings() == []
