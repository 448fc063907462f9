"""One byte of an instance changes behind its back: somebody notices, and nobody answers as if nothing had happened."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.reports import write
from tests.homes import DIRECTORY, Home

pytestmark = pytest.mark.slow
DRIVER = Path(__file__).with_name("flips_driver.py")
KINDS = ("scan_rdp", "scan_telnet")
DAYS = range(-14, 0)
"""Of the first two nothing is kept; of the rest there are more files than any page shows."""
EXPIRE = """
import datetime as dt
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import expiring, keeping
from tocsin.kernel import clock
keeping.today = lambda: dt.date(2026, 12, 4)
assert expiring.expire(by=COMMAND_LINE, at=clock.now())
"""
MAPPING = """
[feed]
name = "sensor_logins"
files = ["sensors-*.csv"]
[read]
delimiter = ";"
[fields]
"time.source" = "when"
"source.ip" = "attacker"
[constants]
"classification.type" = "brute-force"
"""
MEANING = {
    "_meta": {"date_created": "2026-01-01"},
    "scan_lamp": {
        "feed_name": "Lamps",
        "file_name": "scan_lamp",
        "constant_fields": {"classification.type": "vulnerable-system", "classification.identifier": "lamp"},
        "required_fields": [["time.source", "timestamp", "add_UTC_to_timestamp"], ["source.ip", "ip"]],
    },
}
COLUMNS = {"scan_lamp": {"name": "Lamps", "fields": ["timestamp", "ip"]}}
STORE = {
    "findings": "store/state/scan_rdp/*-0000.*",
    "what is left of older findings": "store/state/scan_rdp/*-base-*",
    "observations": "store/observations/scan_rdp/*",
    "quarantine": "store/quarantine/scan_rdp/*",
    "table of addresses": "store/reference/*",
}
OTHERS = {
    "mapping file": "mappings/own.toml",
    "schema": "schema/intelmq.json",
    "digests of the schema": "schema/SHA256SUMS",
    "list of what leaves": "store/files.leaving",
}


def filled(place: Path, given: Path) -> Home:
    """An instance with something of every kind in it, made by commands alone."""
    given.mkdir()
    texts = {"c.json": json.dumps(DIRECTORY), "rib.txt": "192.0.2.0/24\t64496\n", "own.toml": MAPPING}
    texts |= {"intelmq.json": json.dumps(MEANING), "reports.json": json.dumps(COLUMNS)}
    for name, text in texts.items():
        (given / name).write_text(text)
    for kind in KINDS:
        for number in DAYS:
            path = write(given / "days", number, [1, 2, 70, 100 - number, 200], kind=kind, hostname="")
            with path.open("a") as file:
                file.write(f"torn,row {number}\n")
    home = Home(place, retention_days="30")
    home.done("init")
    (place / "mappings").mkdir(exist_ok=True)
    (place / "mappings/own.toml").write_text(MAPPING)
    home.many(
        ("directory", "import", str(given / "c.json")),
        ("directory", "load-asn", str(given / "rib.txt")),
        ("user", "create", "--email", "analyst@example.org", "--role", "national_administrator"),
        ("feed", "schema", "load", str(given / "intelmq.json"), str(given / "reports.json")),
        ("feed", "run", "--gone-after", "1", str(given / "days")),
    )
    home.python(EXPIRE)
    return home


def named(home: Home, pattern: str) -> list[str]:
    """Return the files of a kind that count, relative to the data directory."""
    leaving = (home.place / "store/files.leaving").read_text()
    return sorted(
        path.relative_to(home.place).as_posix() for path in home.place.glob(pattern) if path.name not in leaving
    )


@dataclasses.dataclass(frozen=True)
class Round:
    """What became of one damage: what was answered otherwise than before, by command and page."""

    kind: str
    file: str
    how: str
    other: dict[str, list[Any]]
    is_mended: bool

    @property
    def doctor(self) -> str:
        return str(self.other.get("doctor --thorough", ["", ""])[1])


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> list[Round]:
    """Every damage to a file of every kind."""
    place = tmp_path_factory.mktemp("flips")
    home = filled(place / "home", place / "given")
    kinds = {kind: named(home, pattern) for kind, pattern in (STORE | OTHERS).items()}
    kinds["findings"] = [file for file in kinds["findings"] if "-base-" not in file]
    by_file = {files[0]: kind for kind, files in kinds.items()}
    given = {"home": str(home.place), "files": list(by_file), "swapped": [kinds["observations"][:2]]}
    found = json.loads(home.python(DRIVER.read_text(), json.dumps(given)))
    return [Round(kind=by_file[each["file"]], **each) for each in found]


def of_store(rounds: list[Round]) -> Iterator[tuple[Round, str]]:
    """Yield the rounds on files of the store, with how the file is named there."""
    return ((each, each.file.removeprefix("store/")) for each in rounds if each.kind in STORE)


def test_there_is_a_file_of_every_kind(rounds: list[Round]) -> None:
    assert {each.kind for each in rounds} == {*STORE, *OTHERS}
    assert len({(each.kind, each.how) for each in rounds}) == len(rounds) == 5 * len(STORE | OTHERS) + 1


def test_nothing_ends_in_an_error_that_nobody_foresaw(rounds: list[Round]) -> None:
    for each in rounds:
        for what, (code, said, err) in each.other.items():
            assert code in (0, 1, 200, 503), (each, what)
            assert "Traceback" not in said + err, (each, what)


def test_doctor_names_every_file_of_the_store_with_what_mends_it(rounds: list[Round]) -> None:
    for each, name in of_store(rounds):
        assert f"store: {name}: it is damaged: " in each.doctor, each
        assert any(words in each.doctor for words in ("Run: ", "Put it back", "Load it again: ")), each


def test_whoever_answers_otherwise_names_the_file(rounds: list[Round]) -> None:
    for each, name in of_store(rounds):
        for what, (code, said, err) in each.other.items():
            if what == "feed refold":
                continue
            assert code in (1, 503), (each, what)
            assert name in html.unescape(said + err), (each, what)


def test_findings_are_mended_by_one_command_and_of_the_rest_it_says_what_helps(rounds: list[Round]) -> None:
    for each, name in of_store(rounds):
        code, said, err = each.other["feed refold"]
        if each.kind == "findings":
            assert (code, each.is_mended) == (0, True), each
            assert said.startswith("Computed anew: "), each
        else:
            assert (code, said) == (1, "No findings were computed anew.\n"), each
            assert f"tocsin: {name}: it is damaged: " in err, each


def test_what_is_asked_shows_the_damage_that_it_meets(rounds: list[Round]) -> None:
    """That the rounds look at the files at all: else what stays the same would say nothing."""
    met = {"findings": "finding list", "observations": "/findings/", "quarantine": "/feeds/quarantine/"}
    for each, _ in of_store(rounds):
        if words := met.get(each.kind):
            assert any(what.startswith(words) for what in each.other), each


def test_a_damaged_schema_is_named_and_reads_no_report(rounds: list[Round]) -> None:
    for each in rounds:
        if each.kind == "schema" or (each.kind == "digests of the schema" and each.other):
            assert "mappings: nothing can be imported. schema/" in each.doctor, each
            assert "Load the schema again: tocsin feed schema load" in each.doctor, each


def test_a_mapping_file_is_refused_or_taken_as_it_is_for_who_wrote_it_may_have_changed_it(rounds: list[Round]) -> None:
    for each in rounds:
        if each.kind == "mapping file":
            assert not each.other or "mappings: nothing can be imported. mappings/own.toml" in each.doctor, each
            assert all(what.startswith("/findings/") for what in each.other if what.startswith("/")), each


def test_a_damaged_list_of_what_leaves_changes_no_answer(rounds: list[Round]) -> None:
    assert not [each for each in rounds if each.kind == "list of what leaves" and each.other]
