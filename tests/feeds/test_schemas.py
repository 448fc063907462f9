"""Taking the publisher's schema into use."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import AT
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.feeds import mappings, schemas
from tocsin.kernel import durable
from tocsin.kernel.refusals import Busy, InvalidInput

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.CONFIG = settings.TOCSIN = dataclasses.replace(settings.CONFIG, home=tmp_path / "home")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def meaning(kind: str = "scan_lamp", column: str = "ip", created: str = "2026-01-01") -> dict[str, Any]:
    """An `intelmq.json` of one type."""
    return {
        "_meta": {"date_created": created},
        kind: {
            "feed_name": "Lamps",
            "file_name": kind,
            "constant_fields": {"classification.type": "vulnerable-system", "classification.identifier": "lamp"},
            "required_fields": [["time.source", "timestamp", "add_UTC_to_timestamp"], ["source.ip", column]],
            "optional_fields": [["extra.", "wattage", "validate_to_none"]],
        },
    }


def columns(kind: str = "scan_lamp", column: str = "ip") -> dict[str, Any]:
    """A `reports.json` of one type."""
    return {kind: {"name": "Lamps", "fields": ["timestamp", column, "wattage"]}}


def files(folder: Path, *contents: Any) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"downloaded-{number}.txt"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        paths.append(path)
    return paths


def load(paths: list[Path]) -> schemas.Candidate:
    return schemas.load(paths, by=COMMAND_LINE, at=AT)


def held(home: Path) -> dict[str, bytes]:
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*.json")}


def test_a_loaded_schema_is_in_force_at_once_and_on_record(home: Path, tmp_path: Path) -> None:
    assert mappings.current().find("scan_lamp") is None
    candidate = load(files(tmp_path / "in", columns(), meaning()))
    assert candidate.difference.types_added == ("scan_lamp",)
    found = mappings.current().find("scan_lamp")
    assert found is not None
    assert (found.origin, found.constant("classification.identifier")) == ("published", "lamp")
    assert set(held(home)) == {"schema/intelmq.json", "schema/reports.json"}
    entry = AuditRow.objects.get(code="feed.schema_loaded")
    assert entry.data["types"] == 1
    assert len(entry.data["sha256"]) == 2


def test_the_schema_before_is_kept_and_the_same_one_again_changes_nothing(home: Path, tmp_path: Path) -> None:
    load(files(tmp_path / "in", meaning(), columns()))
    first = held(home)
    load(files(tmp_path / "in", meaning(created="2026-02-02"), columns()))
    second = held(home)
    assert second["schema/previous/intelmq.json"] == first["schema/intelmq.json"]
    assert load(files(tmp_path / "in", columns(), meaning(created="2026-02-02"))).is_in_force
    assert held(home) == second
    assert AuditRow.objects.filter(code="feed.schema_loaded").count() == 2


def test_a_difference_is_told_and_nothing_is_changed(home: Path, tmp_path: Path) -> None:
    load(files(tmp_path / "in", meaning(), columns()))
    before = held(home)
    candidate = schemas.examine(files(tmp_path / "in", meaning(column="host"), columns(column="host")))
    (change,) = candidate.difference.types_changed
    assert (change.type, change.identity_changes) == ("scan_lamp", True)
    assert held(home) == before


def test_a_changed_byte_is_refused_and_the_same_schema_mends_it(home: Path, tmp_path: Path) -> None:
    good = files(tmp_path / "in", meaning(), columns())
    load(good)
    file = home / "schema/intelmq.json"
    file.write_bytes(file.read_bytes().replace(b'"source.ip"', b'"source.iq"'))
    with pytest.raises(InvalidInput, match=r"schema/intelmq\.json: it is not as it was loaded\. Load the schema again"):
        mappings.current()

    assert not load(good).is_in_force

    assert mappings.current().find("scan_lamp") is not None
    assert load(good).is_in_force


def test_a_schema_that_can_no_longer_be_read_is_replaced(home: Path, tmp_path: Path) -> None:
    good = files(tmp_path / "in", meaning(), columns())
    load(good)
    (home / "schema/intelmq.json").write_bytes(b"")
    load(good)
    assert mappings.current().find("scan_lamp") is not None


def test_a_schema_that_an_earlier_version_loaded_is_believed_until_it_is_loaded_again(
    home: Path, tmp_path: Path
) -> None:
    good = files(tmp_path / "in", meaning(), columns())
    load(good)
    (home / "schema" / mappings.DIGESTS).unlink()
    assert mappings.current().find("scan_lamp") is not None
    assert load(good).is_in_force
    assert (home / "schema" / mappings.DIGESTS).read_text().splitlines()[0].endswith("  intelmq.json")


HOSTILE = {
    "no JSON": b"<html>not found</html>",
    "cut short": json.dumps(meaning()).encode()[:-9],
    "a list": [],
    "nothing": {},
    "no types": {"_meta": {}},
    "a name that leads out": meaning(kind="../../etc/passwd"),
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "a field that is none": {"scan_lamp": {"feed_name": "x", "required_fields": [["time.source"]]}},
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_files_that_are_no_schema_change_nothing(case: str, home: Path, tmp_path: Path) -> None:
    load(files(tmp_path / "in", meaning(), columns()))
    before = held(home)
    with pytest.raises(InvalidInput):
        load(files(tmp_path / "in", HOSTILE[case]))
    assert held(home) == before
    assert mappings.current().find("scan_lamp") is not None
    assert AuditRow.objects.filter(code="feed.schema_loaded").count() == 1


BAD_FIELD = {"scan_lamp": {"feed_name": "x", "required_fields": [["time.source"]]}}


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (BAD_FIELD, "bad.json, scan_lamp, required_fields 1: is not"),
        ({"scan_lamp": {"fields": [7]}}, "bad.json, scan_lamp, fields: entry 1 is not text"),
        ({"name": "something else"}, "bad.json, name: is not a JSON object"),
        ([], "bad.json: is not a JSON object"),
    ],
)
def test_the_file_that_is_wrong_is_named_as_it_was_given(
    home: Path, tmp_path: Path, bad: Any, said: str, is_first: bool
) -> None:
    """Whichever place it has, and though it may look like the other one."""
    good = meaning() if bad != BAD_FIELD else columns()
    paths = [tmp_path / "good.json", tmp_path / "bad.json"]
    for path, data in zip(paths, (good, bad), strict=True):
        path.write_text(json.dumps(data))
    with pytest.raises(InvalidInput) as refused:
        load(paths[::-1] if is_first else paths)
    assert str(refused.value).startswith(said)


def test_files_that_are_not_there_or_given_twice_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load([tmp_path / "none.json"])
    (path,) = files(tmp_path / "in", meaning())
    with pytest.raises(InvalidInput, match="same name"):
        load([path, path])
    assert held(home) == {}


@pytest.mark.parametrize("point", ["before the swap", "between the two renames", "before clearing up"])
def test_a_crash_while_loading_leaves_a_whole_schema(
    point: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(files(tmp_path / "in", meaning(), columns()))
    renames = iter([0, 1, 2])
    fatal = {"before the swap": 0, "between the two renames": 1, "before clearing up": None}[point]
    rename = Path.rename

    def crashing(self: Path, target: Path) -> Path:
        if next(renames) == fatal:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", crashing)
    if fatal is None:
        monkeypatch.setattr(durable, "sync", _crash_at_home(home))
    with pytest.raises(KeyboardInterrupt):
        load(files(tmp_path / "in", meaning(created="2026-02-02"), columns()))
    monkeypatch.undo()
    expected = "2026-02-02" if fatal is None else "2026-01-01"
    schema = mappings.in_force(home)
    assert schema is not None
    assert schema.published_at == expected
    load(files(tmp_path / "in", meaning(created="2026-03-03"), columns()))
    assert (home / "schema" / "previous" / "intelmq.json").read_text().count(expected) == 1


def _crash_at_home(home: Path) -> Any:
    def sync(path: Path) -> None:
        if path == home:
            raise KeyboardInterrupt

    return sync


def test_two_loads_at_once_are_refused(home: Path, tmp_path: Path) -> None:
    with schemas._only_one(), pytest.raises(Busy):
        load(files(tmp_path / "in", meaning()))


def test_the_built_in_types_keep_their_identities_under_the_publishers_schema(home: Path, outside_schema: Path) -> None:
    candidate = schemas.examine([outside_schema / "intelmq.json", outside_schema / "reports.json"])
    assert [change.type for change in candidate.difference.types_changed if change.identity_changes] == []


def test_an_own_mapping_file_is_in_force_when_it_is_there_and_named_when_it_is_wrong(home: Path) -> None:
    folder = home / "mappings"
    folder.mkdir()
    text = '[feed]\nname = "lamps"\n[fields]\n"source.ip" = "ip"\n"time.source" = "when"\n'
    (folder / "lamps.toml").write_text(text)
    assert mappings.recognition()("lamps.csv", ("when", "ip")).mapping.type == "lamps"
    (folder / "lamps.toml").write_text(text.replace("source.ip", "sauce.ip"))
    with pytest.raises(InvalidInput, match=r"mappings/lamps.toml, \[fields\] sauce.ip"):
        mappings.recognition()
    (folder / "lamps.toml").write_text(text)
    (folder / "twice.toml").write_text(text)
    with pytest.raises(InvalidInput, match="two files describe the feed lamps"):
        mappings.recognition()


def test_the_feeds_that_come_with_the_product_are_known_by_name(home: Path) -> None:
    assert mappings.recognition()("2026-01-01-urlhaus.csv", ("dateadded", "url")).mapping.type == "urlhaus"
