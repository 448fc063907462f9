"""Each measure, end to end and very small: so that it cannot rot."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from bench import attribution, measures, product
from bench.__main__ import chosen, main, parser
from bench.claims import write_claims
from bench.figures import Figure
from bench.large import stored
from bench.measures import Setting, Wrong
from bench.plain import read
from bench.processes import Cost
from bench.reports import Feeds, own


def quiet(_words: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(tmp_path_factory.mktemp("data"), rows=600, repeat=1, say=quiet)


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.measure: figure for figure in figures}


@pytest.mark.parametrize("name", ["TOCSIN_LANGUAGE", "DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE"])
def test_nothing_that_the_caller_has_set_reaches_what_is_measured(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    assert name not in product.environment()


def test_the_plain_parse_reads_every_row(setting: Setting) -> None:
    feeds = own(setting.data, setting.rows, days=2)
    assert sum(read(str(path)) for path in feeds.first) == feeds.rows


def test_the_whole_run_is_measured_on_both_days_and_its_answers_are_right(begun: None, setting: Setting) -> None:
    figures = by_name(measures.whole_run(setting))
    rows = own(setting.data, setting.rows, days=2).rows
    for day in ("first import", "second day"):
        figure = figures[f"E2 whole run, built-in, {day}, own feeds, {rows:,} rows"]
        assert figure.target == measures.WHOLE
    assert figures["E2 published schema, first import"].verdict == "skipped"
    assert "TOCSIN_TEST_SCHEMA" in figures["E2 published schema, first import"].note
    assert not list(setting.scratch.iterdir())


def test_a_run_with_a_wrong_answer_is_no_measurement(setting: Setting) -> None:
    feeds = own(setting.data, setting.rows)
    truth = {**feeds.truth, "rows": feeds.truth["rows"] + 1}
    with pytest.raises(Wrong, match=f"rows_read: {feeds.truth['rows']} where {truth['rows']} is right"):
        measures.checked(dataclasses.replace(feeds, truth=truth), [summary_of(feeds)])


def summary_of(feeds: Feeds) -> dict[str, Any]:
    truth = feeds.truth
    moved = {f"findings_{word}": truth["days"][0][word] for word in ("new", "still", "gone", "returned")}
    rows = {"rows_read": truth["rows"], "rows_kept": truth["rows"], "duplicates": truth["duplicates"]}
    return {**moved, **rows, "unattributed_rows": truth["unattributed"], "constituents": truth["per_constituent"]}


def test_bad_cells_that_are_not_counted_are_noticed(setting: Setting) -> None:
    feeds = dataclasses.replace(own(setting.data, setting.rows), truth={"dirty": 10})
    for good in (10, 12, 20):
        measures._counted_bad_cells(feeds, {"cells_quarantined": good})
    for bad in (0, 9, 21):
        with pytest.raises(Wrong):
            measures._counted_bad_cells(feeds, {"cells_quarantined": bad})


def test_attribution_is_compared_with_the_naive_answer(tmp_path: Path) -> None:
    asked = write_claims(tmp_path, networks=300, asns=20, domains=60)
    put = list(asked.questions(200))
    claims, given = attribution.engine_claims(asked), attribution.columns(put)
    right = [asked.naive_owner(q.ip, q.asn, q.host, q.on) for q in put]
    assert attribution.answers(claims, given) == right
    assert len(set(right)) > 10
    many = attribution.repeated(given, 1_000)
    assert {len(column) for column in many.values()} == {1_000}
    assert set(attribution.answers(claims, many)) <= set(right)


def test_stored_observations_are_asked_and_files_and_roll_up_agree(begun: None, setting: Setting) -> None:
    figures = by_name(stored(setting, 4_000))
    for kind, questions in (("raw", 7), ("roll-up", 6)):
        found = [name for name in figures if name.startswith(f"E5 {kind}, ") and figures[name].target]
        assert len(found) == questions
        spent = [name for name in figures if name.startswith(f"E5 {kind}, ") and name.endswith("processor time")]
        assert len(spent) == questions
        assert all(figures[name].value for name in found)


def test_the_command_line_keeps_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOCSIN_BENCH_DATA", str(tmp_path / "data"))
    for folder in ("TOCSIN_BENCH_FEEDS", "TOCSIN_TEST_FEEDS", "TOCSIN_TEST_SCHEMA"):
        monkeypatch.delenv(folder, raising=False)
    monkeypatch.setattr("bench.machine.keep_to_two_cores", lambda: 2)
    few = [Figure("E4 something", 3.0, "s", measures.START)]
    monkeypatch.setattr(measures, "start", lambda _setting: few)
    assert main(["run", "--only", "E4", "--results", str(tmp_path)]) == 1
    assert "missed" in capsys.readouterr().out
    kept = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert kept["settings"] == {
        "rows": 1_000_000, "repeat": 5, "only": ["E4"], "given_feeds": None, "published_schema": False,
    }  # fmt: skip
    assert {"processor", "cores", "memory_gb", "python", "pyarrow", "date", "load_at_start"} <= set(kept["machine"])
    assert str(tmp_path) not in json.dumps(kept)


def test_the_growth_of_memory_is_judged_where_it_is_tenfold() -> None:
    rounds = measures._Rounds()
    for rows, wall_s, peak_mb in ((100, 1.0, 300.0), (1_000, 10.0, 400.0)):
        rounds.add(str(rows), Cost(wall_s, wall_s, peak_mb))
    figures = by_name(measures._growth_figures(rounds, 100, 1_000))
    assert figures["E3 time, 100 → 1,000 rows"].verdict == "moonshot"
    assert figures["E3 peak memory, 100 → 1,000 rows"].verdict == "must"
    rounds.add("400", Cost(4.1, 4.1, 900.0))
    figures = by_name(measures._growth_figures(rounds, 100, 400))
    assert figures["E3 time, 100 → 400 rows"].verdict == "must"
    assert figures["E3 peak memory, 100 → 400 rows"].verdict == ""


def test_a_busy_machine_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOCSIN_BENCH_DATA", str(tmp_path))
    monkeypatch.setattr("bench.machine.keep_to_two_cores", lambda: 2)
    for busy, said in ((1e9, True), (0.0, False)):
        seen = iter((0.0, busy))
        monkeypatch.setattr("bench.machine.busy_s", lambda seen=seen: next(seen))
        assert main(["run", "--only", "nothing", "--results", str(tmp_path)]) == 0
        assert ("not to be trusted" in capsys.readouterr().out) == said


@pytest.mark.parametrize(
    ("command", "targets"), [("run", "AUDIT E2 E3 E4 E6 E7"), ("large", "E3 E5"), ("intelmq", "E1")]
)  # fmt: skip
def test_every_target_has_its_command(command: str, targets: str) -> None:
    assert sorted(chosen(parser().parse_args([command]))) == targets.split()


def test_the_page_gives_each_target_its_limits_and_each_figure_its_verdict() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "benchmarks.md").read_text("utf-8")
    targets, measured = (
        page.partition(f"## {title}\n")[2].partition("\n## ")[0] for title in ("The targets", "Measured")
    )
    for target in ("E1", "E2", "E3", "E4", "E5", "E6", "E7", "AUDIT", "N1"):
        assert f"| {target} | " in measured
        (line,) = [line for line in targets.splitlines() if line.startswith(f"| {target} | ")]
        (_, must, moonshot) = line.strip("| ").split(" | ")[1:]
        assert all(limit.strip()[0] in "≤≥0" for part in (must, moonshot) for limit in part.split(";")), line


def test_a_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOCSIN_BENCH_DATA", str(tmp_path))
    monkeypatch.setenv("TOCSIN_TEST_SCHEMA", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match="nowhere, which is no folder"):
        main(["run", "--only", "nothing"])
