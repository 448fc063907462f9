"""Every problem of a file at once, by row and column, with the way out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.directory.conftest import as_json, problems_of
from tests.directory.test_openpgp import FINGERPRINT, KEY
from tocsin.directory import queries
from tocsin.directory.imports.records import SHOWN_PROBLEMS, ConstituentRecord, ImportRefused
from tocsin.kernel import clock


def one(**fields: Any) -> ConstituentRecord:
    """Return the record of a file with one constituent."""
    return queries.read_files([("f.json", as_json({"id": "a", "name": "A", **fields}))]).records[0]


def test_the_rich_form_is_read() -> None:
    record = one(
        names={"fr": "Ministère"},
        languages=["fr", "en"],
        status="Suspended",
        networks=[{"value": "192.0.2.0/24", "valid_from": "2026-01-01", "confirmed_by": "Letter 7"}, "2001:db8::/32"],
        confirmed_on="2026-02-03",
        contacts=[
            {"role": "technical", "name": "NOC", "email": "noc@a.example", "phone": "+999 (1) 23-45", "active": False},
            {"email": "soc@a.example", "openpgp_key": KEY, "verified_on": "2026-01-31", "deputy_of": "noc@a.example"},
        ],
    )
    assert record.given == {
        "name": "A", "names": {"fr": "Ministère"}, "languages": ["fr", "en"], "status": "suspended",
    }  # fmt: skip
    first, second = record.claims
    assert (first.valid_from, first.confirmed_by, first.confirmed_on) == (
        dt.date(2026, 1, 1), "Letter 7", dt.date(2026, 2, 3),
    )  # fmt: skip
    assert (second.valid_from, second.confirmed_on) == (None, dt.date(2026, 2, 3))
    noc, soc = record.contacts
    assert (noc.role, noc.given["phone"], noc.given["is_active"]) == ("technical", "+999 (1) 23-45", False)
    assert (soc.role, soc.given["openpgp_fingerprint"], soc.deputy_of) == ("security", FINGERPRINT, "noc@a.example")


def test_what_the_file_does_not_give_is_not_in_the_record() -> None:
    record = one()
    assert (record.given, record.parent, record.claims, record.contacts) == ({"name": "A"}, None, (), ())
    assert record.claim_kinds == frozenset()
    assert one(networks=[]).claim_kinds == {"network"}


@pytest.mark.parametrize(
    ("fields", "column", "sentence"),
    [
        ({"networks": ["192.0.2.1/24"]}, "networks[1]", "Write it as 192.0.2.0/24"),
        ({"networks": ["192.0.2.0/24", "192.0.2.0/255.255.255.0"]}, "networks[2]", "claimed twice"),
        ({"networks": [7]}, "networks[1]", "must be text"),
        ({"networks": [["192.0.2.0/24"]]}, "networks[1]", "must be text"),
        ({"networks": [{"valid_from": "2026-01-01"}]}, "networks[1]", "value is missing"),
        ({"networks": [{"value": "192.0.2.0/24", "mask": 1}]}, "networks[1].mask", "no such field"),
        ({"networks": [{"value": "192.0.2.0/24", "valid_to": "31.1.2026"}]}, "networks[1].valid_to", "2026-01-31"),
        ({"networks": [{"value": "192.0.2.0/24", "valid_to": "2026-W05-6"}]}, "networks[1].valid_to", "2026-01-31"),
        ({"networks": ["192.0.2.0/24"], "valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "networks[1]", "before"),
        ({"networks": "192.0.2.0/24"}, "networks", "must be a list"),
        ({"asns": ["AS0"]}, "asns[1]", "not an autonomous system number"),
        ({"asns": [True]}, "asns[1]", "must be text"),
        ({"domains": ["not a domain"]}, "domains[1]", "not a domain name"),
        ({"domains": ["gov.example", "com"]}, "domains[2]", "com alone is a whole top-level domain"),
        ({"domains": ["a.example", "A.EXAMPLE."]}, "domains[2]", "claimed twice"),
        ({"id": "a/b"}, "id", "cannot be an id"),
        ({"parent": "a b"}, "parent", "cannot be an id"),
        ({"name": ""}, "name", "needs a name"),
        ({"name": 5}, "name", "must be text"),
        ({"name": "x" * 201}, "name", "longer than 200"),
        ({"name": "A\x00B"}, "name", "control character."),
        ({"name": "A\ud800"}, "name", "control character."),
        ({"name": "\u200b"}, "name", "nothing that can be seen"),
        ({"note": "\x1b[2J"}, "note", "control character."),
        ({"sector": "magic"}, "sector", "Known are: government"),
        ({"status": "asleep"}, "status", "Known are: active"),
        ({"status": "former", "networks": ["192.0.2.0/24"]}, "status", "need a last day"),
        ({"languages": ["French"]}, "languages", "not a language code"),
        ({"languages": ["zz"]}, "languages", "not a language code"),
        ({"contacts": [{"email": "a@bаnk.example"}]}, "contacts[1].email", "several alphabets"),
        ({"names": {"French": "A"}}, "names.French", "not a language code"),
        ({"names": ["A"]}, "names", "an object by language"),
        ({"colour": "red"}, "colour", "no such field"),
        ({"contact": "soc@"}, "contact", "not an e-mail address"),
        ({"contact": ["soc@a.example"]}, "contact", "must be text"),
        ({"contacts": [{"email": "a@localhost"}]}, "contacts[1].email", "none that mail"),
        ({"contacts": [{"email": "a@a.example", "name": "SOC \u202eelpmaxe"}]}, "contacts[1].name", "not fit to stand"),
        ({"contact": " ".join(f"c{n}@a.example" for n in range(101))}, "contacts", "101 contacts are too many; 100"),
        (
            {"contacts": [{"email": f"c{n}@a.example"} for n in range(10_000)]},
            "contacts",
            "10000 contacts are too many",
        ),
        ({"contacts": [{"name": "Nobody"}]}, "contacts[1]", "e-mail address or a telephone"),
        ({"contacts": ["soc@a.example"]}, "contacts[1]", "must be an object"),
        ({"contacts": [{"email": "a@a.example", "phone": "call me"}]}, "contacts[1].phone", "not a telephone number"),
        ({"contacts": [{"email": "a@a.example", "role": "boss"}]}, "contacts[1].role", "Known are: security"),
        ({"contacts": [{"email": "a@a.example", "active": "yes"}]}, "contacts[1].active", "true or false"),
        ({"contacts": [{"email": "a@a.example", "openpgp_key": "x"}]}, "contacts[1].openpgp_key", "OpenPGP"),
        ({"contacts": [{"email": "a@a.example", "deputy_of": "A@a.example"}]}, "contacts[1]", "no other contact"),
        ({"contact": "a@a.example A@a.example"}, "contact", "twice in the same role"),
        ({"valid_from": "2026-02-30"}, "valid_from", "not a date"),
        ({"networks": ["192.0.2.0/24"], "confirmed_on": "2099-01-01"}, "confirmed_on", "2099-01-01 has not come yet"),
        (
            {"networks": [{"value": "192.0.2.0/24", "confirmed_on": "2099-01-01"}]},
            "networks[1].confirmed_on",
            "has not come yet",
        ),
        (
            {"contacts": [{"email": "a@a.example", "verified_on": "2099-01-01"}]},
            "contacts[1].verified_on",
            "has not come yet",
        ),
    ],
)
def test_a_problem_is_named_by_row_and_column(fields: dict[str, Any], column: str, sentence: str) -> None:
    found = problems_of(as_json({"id": "ok", "name": "OK"}, {"id": "a", "name": "A", **fields}))
    assert [(row, where) for row, where, _sentence in found] == [(2, column)]
    assert sentence in found[0][2]


@pytest.mark.parametrize(("hour", "has_come"), [(9, False), (11, True)])
def test_a_day_has_come_when_it_has_begun_anywhere(hour: int, has_come: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 10:00 UTC tomorrow begins in Kiribati."""
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2026, 3, 2, hour, 0, tzinfo=dt.UTC))
    contact = {"email": "a@a.example", "verified_on": "2026-03-03"}
    fields = {"networks": ["192.0.2.0/24"], "confirmed_on": "2026-03-03", "contacts": [contact]}
    file = ("f.json", as_json({"id": "a", "name": "A", **fields}))
    if has_come:
        (record,) = queries.read_files([file]).records
        assert record.claims[0].confirmed_on == record.contacts[0].given["verified_on"] == dt.date(2026, 3, 3)
    else:
        with pytest.raises(ImportRefused, match="has not come yet") as refused:
            queries.read_files([file])
        assert len(refused.value.problems) == 2


def test_a_column_of_days_ahead_is_named() -> None:
    table = (
        b"id,name,networks,confirmed_on,contact,contact_verified_on\na,A,192.0.2.0/24,2099-01-01,a@a.example,2099-02-01"
    )
    found = [(row, where) for row, where, _sentence in problems_of(table, "f.csv")]
    assert found == [(2, "confirmed_on"), (2, "contact_verified_on")]


def test_all_problems_are_returned_at_once() -> None:
    table = b"id,name,sector,networks,contact\na,A,magic,192.0.2.1/24 10.0.0.0/33,soc@\na,A,health,,\n"
    assert [(row, column) for row, column, _text in problems_of(table, "t.csv")] == [
        (2, "sector"), (2, "networks"), (2, "networks"), (2, "contact"), (3, "id"),
    ]  # fmt: skip


def test_ids_must_differ_over_all_files() -> None:
    files = [(name, as_json({"id": "a", "name": "A"})) for name in ("one.json", "two.json")]
    with pytest.raises(queries.ImportRefused) as refused:
        queries.read_files(files)
    assert str(refused.value.problems[0]) == "two.json, row 1, column id: a stands in row 1 of one.json already."


def test_the_same_network_at_different_times_is_two_claims() -> None:
    record = one(
        networks=[
            {"value": "192.0.2.0/24", "valid_to": "2025-12-31"},
            {"value": "192.0.2.0/24", "valid_from": "2026-01-01"},
        ]
    )
    assert len(record.claims) == 2


def test_a_sentence_for_the_terminal_stays_readable() -> None:
    rows = "".join(f"c{number},C,magic\n" for number in range(SHOWN_PROBLEMS + 3))
    with pytest.raises(queries.ImportRefused) as refused:
        queries.read_files([("t.csv", f"id,name,sector\n{rows}".encode())])
    lines = str(refused.value).splitlines()
    assert lines[0] == "Nothing was imported: 53 problems found."
    assert lines[1].startswith("t.csv, row 2, column sector: 'magic' is not known.")
    assert lines[-1] == "… and 3 more."
    assert len(refused.value.problems) == SHOWN_PROBLEMS + 3


def test_text_is_kept_in_composed_form() -> None:
    assert one(name="Ministe\u0300re").given["name"] == "Ministère"
