"""Every field is explained with its type, in the order of the code; nothing is explained that is not there."""

from __future__ import annotations

import dataclasses
import datetime as dt
import tomllib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from tests.commands import ROOT
from tests.docs.reading import described, page, section, tables
from tocsin.engine.convert import KINDS
from tocsin.engine.cycles import Cycle, judge
from tocsin.engine.fold import MOVEMENTS, STATE
from tocsin.engine.normalise import EVENT_COLUMNS, QUARANTINE, RAW, SEVERITY_WORDS
from tocsin.engine.observations import ATTRIBUTION
from tocsin.engine.query import Finding
from tocsin.engine.run import Broken, Delta, TypeDelta
from tocsin.engine.said import Said, What
from tocsin.engine.store import Report
from tocsin.feeds.models import Feed
from tocsin.feeds.queries import EXPORTED, as_exported, as_record
from tocsin.feeds.summary import Before, Cost, summarise

FIELDS = page("reference/fields")
IDF = tomllib.loads((ROOT / "data/idf.toml").read_text(encoding="utf-8"))


def named(kind: pa.DataType) -> str:
    return "dictionary" if pa.types.is_dictionary(kind) else str(kind)


COLUMNS = {
    "Observations": EVENT_COLUMNS | ATTRIBUTION,
    "Findings": STATE,
    "Quarantine": dict(zip(QUARANTINE.names, QUARANTINE.types, strict=True)),
}


@pytest.mark.parametrize("heading", COLUMNS)
def test_every_column_of_our_files_is_explained_with_its_type(heading: str) -> None:
    explained = {name: kind for name, (kind, _) in described(section(FIELDS, heading)).items()}
    assert list(explained.items()) == [(name, named(kind)) for name, kind in COLUMNS[heading].items()]


def test_the_place_of_the_untouched_cells_is_named() -> None:
    assert f"`{RAW}NAME`" in section(FIELDS, "Observations")


def test_the_words_of_severity_are_as_explained() -> None:
    said = section(FIELDS, "Observations")
    assert [word.decode() for word, level in SEVERITY_WORDS.items() if f"`{word.decode()}` {level}" not in said] == []


@pytest.mark.parametrize(("table", "part"), [(0, "keys"), (1, "sides")])
def test_every_key_of_an_event_is_explained_as_the_dictionary_has_it(table: int, part: str) -> None:
    expected = {name: (entry["kind"], entry["meaning"]) for name, entry in IDF[part].items()}
    assert described(section(FIELDS, "Events"), table) == expected


def test_every_kind_of_value_is_explained() -> None:
    explained = {row[0]: row[1] for row in tables(section(FIELDS, "Kinds"))[0][1:]}
    json_of = {"text": "string", "time": "string", "int": "number", "float": "number", "bool": "true, false"}
    assert explained == {name: json_of[kind.output] for name, kind in KINDS.items()}


def paths(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a JSON object with its type; keys below are named as `files[].name`."""
    words = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    for key, held in value.items():
        yield prefix + key, words[type(held)]
        if isinstance(held, list) and held and isinstance(held[0], dict):
            yield from paths(held[0], f"{prefix}{key}[].")


DAY = dt.date(2026, 11, 16)
REPORT = Report(
    id="0" * 64,
    name="2026-13-45-scan_new.csv",
    type="scan_new",
    on=DAY,
    records=1,
    kept=1,
    rows_quarantined=0,
    cells_quarantined=0,
    parts=(),
    quarantine="",
    constituents={"c": 1},
    size=1,
    unknown_columns=("x",),
    lacking_columns=("y",),
    origin="none",
)
HELD = judge(
    Cycle("scan_new", DAY - dt.timedelta(days=back), rows, True, findings=rows)
    for back, rows in ((2, 9), (1, 9), (0, 1))
)
DELTA = Delta(
    accepted=(REPORT,),
    superseded=(),
    unchanged=("b.csv",),
    broken=(Broken("c.csv", "it is broken."),),
    types=(TypeDelta("scan_new", DAY, MOVEMENTS.empty_table(), (), tuple(HELD), None),),
    duplicates=0,
    debris=(),
    said=(Said("scan_old", DAY, What.COMPLETE),),
)


def test_every_key_of_the_summary_of_a_run_is_explained_with_its_type() -> None:
    summary = summarise(
        1,
        DELTA,
        Cost(0.0, 0.0, 0.0),
        DAY - dt.timedelta(days=2),
        Before(corrected=[("d.csv", 1)], open=[("scan_old", DAY)]),
    )
    assert summary["held"], "the run of this test holds a cycle, so that its keys are seen"
    explained = {name: kind for name, (kind, _) in described(section(FIELDS, "The summary of a run")).items()}
    assert explained == dict(paths(summary))


def test_every_key_of_a_finding_as_json_is_explained() -> None:
    at = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
    values: dict[str, Any] = {field.name: None for field in dataclasses.fields(Finding)}
    finding = Finding(**values | {"k1": 1, "k2": 2, "first_seen": at, "last_seen": at})
    assert list(described(section(FIELDS, "A finding as JSON"))) == list(as_record(finding))
    feed = Feed(tlp="AMBER", terms="Not to be published.")
    exported = as_exported(finding, feed, what="Remote desktop open", organisation="Ministry of Health")
    added = list(described(section(FIELDS, "What an export adds")))
    assert [*as_record(finding), *added] == list(exported) == list(EXPORTED)
