"""Bad input of every kind that ends in the database, through the real commands: on PostgreSQL it is as on SQLite.

PostgreSQL refuses what SQLite takes: a zero byte in a text, one longer than its column, a number that is too large.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from tests import forking
from tests.commands import environment
from tests.feeds.reports import COLUMNS, day, write
from tests.homes import DIRECTORY, Home

pytestmark = pytest.mark.postgresql

TELL = """
import contextlib, io, json, sys
from tocsin.site.cli import run

def told(line):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = run(line)
        except SystemExit as usage:
            code = usage.code
    return [code, out.getvalue(), err.getvalue()]

answers = [told(line) for line in json.load(sys.stdin)]
from django.apps import apps
models = apps.get_app_config("feeds").get_models()
tables = {each.__name__: list(each.objects.order_by("pk").values()) for each in models}
rows = apps.get_model("audit", "AuditRow").objects.filter(actor_label="command line").order_by("sequence")
tables["AuditRow"] = list(rows.values("sequence", "code", "data_json"))
for name, rows in tables.items():  # PostgreSQL keeps no order of keys
    tables[name] = [json.dumps(row, default=str, sort_keys=True) for row in rows]
print(json.dumps([answers, tables]))
"""
"""Run command lines one after the other; tell how each ended, what it printed, and what stands in the database then."""
OF_EACH = re.compile(
    r"""((?:cpu_s|wall_s|peak_rss_mb)\\?":\s?)[\d.]+"""  # what it took
    r'|("(?:latest|come)": )"[\d-]{10}"'  # midnight may lie between the two
    r"|20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+(?:\+00:00)?"  # when it was: no report here has parts of a second
    r"|(?<=/)(?:r\d{8}-[0-9a-f]{6}|s[0-9a-f]{12})(?=-)"  # by chance; the digest of what is in the file stays
    r"|(?<=the hash )[0-9a-f]{64}"
)
"""What differs between two instances to which the same was done."""
RUN = ("feed", "run", "--json", "--gone-after", "1")
Answer = tuple[int, str, str]
"""Exit code, standard output, standard error."""


@pytest.fixture
def both(_first_instance: Path, on_postgresql: Home, tmp_path: Path) -> tuple[Home, Home]:
    """An instance on SQLite and one on PostgreSQL, as `tocsin init` leaves them."""
    return Home(_first_instance).copy(tmp_path / "sqlite"), on_postgresql


def alike(text: str) -> str:
    """Return a text with 0 in place of what is of each instance its own."""
    return OF_EACH.sub(r"\g<1>\g<2>0", text)


def tell(home: Home, lines: list[list[str]]) -> tuple[list[Answer], dict[str, list[str]]]:
    """Run command lines; return the answer to each, and the tables, without what is of each instance its own."""
    done = forking.run(["-c", TELL], environment(home.place, **home.settings), given=json.dumps(lines))
    assert done.returncode == 0, done.stderr
    answers, tables = json.loads(done.stdout)
    return [(code, alike(out), alike(err)) for code, out, err in answers], {
        name: [alike(row) for row in rows] for name, rows in tables.items()
    }


def awkward(folder: Path) -> list[Path]:
    """Write reports of the first day, each with something else that is wrong or strange."""
    torn = write(folder, 0, range(1, 9), columns=(*COLUMNS, "wingspan", "w" * 300))
    at = b"2026-11-16 06:00:00,medium,192.0.2."
    lines = (
        b"torn,row",
        b"never,medium,192.0.2.9,tcp,3389,rdp,64496,XM,,,",
        b"0001-01-01 00:00:00,medium,192.0.2.10,tcp,3389,rdp,64496,XM,,,",
        b"9999-12-31 23:59:59,medium,192.0.2.11,tcp,3389,rdp,64496,XM,,,",
        at + b"12,tcp,99999999999999999999,rdp,18446744073709551616,XM,,,",
        at + b"13,tcp,3389,r\xff\xfe\xed\xa0\x80p\x1b,64496,\xe2\x80\xae,,,",
        at + b"14,tcp,3389," + b"t" * 70_000 + b",64496,XM,,,",
        at + b"1,tcp,3389,rdp,64496,XM,,,",
        at + b"1,tcp,3389,rdp,64496,XM,,,",
    )
    torn.write_bytes(torn.read_bytes() + b"\n".join(lines) + b"\n")
    cut, empty, zeros = (
        folder / f"{day(0)}-{name}" for name in ("scan_ssh-xm-geo.csv.gz", "scan_http-x.csv", "ssl-x.csv")
    )
    cut.write_bytes(gzip.compress(write(folder / "whole", 0, range(50), kind="scan_ssh").read_bytes(), mtime=0)[:-30])
    empty.write_bytes(b"")
    zeros.write_bytes(b"timestamp,ip\n2026-11-16 06:00:00,192.0.2.\x00\n")
    control = write(folder, 0, [1], kind="scan_ftp", columns=(*COLUMNS, "wing\x7fspan"))
    invented = [write(folder, 0, [1, 2], kind=kind) for kind in ("lanterns", "scan_" + "x" * 150)]
    second = write(folder, 0, [4], part="\nsecond\u2028\x1b[2J\N{SNOWMAN}")
    return [torn, cut, empty, zeros, control, *invented, second, write(folder / "other", 0, [5, 6])]


def directories(folder: Path) -> tuple[Path, Path]:
    """Write a directory that is refused, and one that is not."""
    bad = [
        {**DIRECTORY[0], "name": "Ministry\0", "networks": ["192.0.2.0/33"]},
        {"id": "x" * 300, "name": "y" * 5000, "networks": ["192.0.2.64/26"], "contacts": [{"email": "a\0@b.example"}]},
    ]
    paths = folder / "bad.json", folder / "good.json"
    for path, content in zip(paths, (bad, DIRECTORY), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    return paths


def a_bad_week(folder: Path) -> list[tuple[int, list[str]]]:
    """Write the files of a week in which much goes wrong; return what is asked of an instance, with its exit codes."""
    first = list(map(str, awkward(folder)))
    refused, good = map(str, directories(folder))
    corrected = str(write(folder / "again", 0, [*range(1, 7), 20]))
    counts = ((1, []), (2, [1]), (9000, [1]))
    none, few, ahead = (str(write(folder, number, hosts, kind="scan_ssh")) for number, hosts in counts)
    return [
        (1, ["directory", "import", refused, "--json"]),
        (0, ["directory", "import", good, "--json"]),
        (1, [*RUN, *first]),
        (1, [*RUN, *first]),
        (0, [*RUN, corrected, corrected]),
        (0, [*RUN, str(folder / "whole")]),
        (0, [*RUN, few]),
        (1, [*RUN, none, ahead]),
        (0, ["feed", "runs", "--waiting", "--json"]),
        (0, ["feed", "confirm", "scan_ssh", str(day(1))]),
        (0, ["feed", "confirm", "scan_ssh", str(day(1))]),
        (0, ["feed", "discard", "scan_ssh", str(day(2))]),
        (1, ["feed", "confirm", "x" * 500, str(day(1))]),
        (0, ["feed", "withdraw", "3"]),
        (2, ["feed", "withdraw", "99999999999999999999"]),
        (1, ["feed", "withdraw", "9223372036854775807"]),
        (0, ["feed", "close", "scan_http", str(day(0))]),
        (0, ["feed", "replay", "1", "--json"]),
        (0, ["feed", "runs", "--json"]),
        (0, ["feed", "runs", "--waiting", "--json"]),
        (0, ["finding", "list", "--json", "--constituent", "x" * 500]),
        (0, ["finding", "export"]),
        (0, ["audit", "verify"]),
    ]


def test_a_week_of_bad_input_comes_to_the_same_on_both_databases(both: tuple[Home, Home], tmp_path: Path) -> None:
    """Answers, exit codes, findings, and every row of the room's tables; of what was set aside the file's digest."""
    asked = a_bad_week(tmp_path / "in")
    (here, tables), (there, their_tables) = (tell(home, [line for _, line in asked]) for home in both)
    for (code, line), ours, theirs in zip(asked, here, there, strict=True):
        assert ours == theirs, line
        assert ours[0] == code, (line, ours[1:])
    for name, rows in tables.items():
        assert rows == their_tables[name], name
    first, late, waiting = (json.loads(here[at][1]) for at in (2, 7, 8))
    counts = ("rows_quarantined", "cells_quarantined", "duplicates", "broken", "needs_mapping")
    assert [first[name] if isinstance(first[name], int) else len(first[name]) for name in counts] == [3, 5, 2, 4, 3]
    assert [(cycle["type"], cycle["date"], cycle["doubts"]) for cycle in late["held"]] == [
        ("scan_ssh", str(day(1)), {"few": []})
    ]
    assert {cycle["why"] for cycle in waiting["waiting"]} == {"broken", "held"}


def test_of_two_imports_of_one_file_at_once_one_takes_it_in(both: tuple[Home, Home], tmp_path: Path) -> None:
    path = write(tmp_path, 0, range(1, 9))
    words = ["-m", "tocsin", "feed", "run", str(path)]
    for home in both:
        variables = environment(home.place, **home.settings)
        at_once = [forking.Process(words, variables) for _ in range(2)]
        printed = [each.communicate(timeout=120) for each in at_once]
        assert [each.returncode for each in at_once] == [0, 0], printed
        assert sorted(out.startswith(f"{path.name} was imported before") for out, _ in printed) == [False, True]
        assert not any("Traceback" in err for _, err in printed)
        _, tables = tell(home, [["audit", "verify"]])
        assert [len(tables[name]) for name in ("Report", "Delivery", "Cycle", "State")] == [1, 1, 1, 1]
