"""The page of a run groups its reports by type and day, whatever their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import main_of, signed_in, text
from tests.feeds.reports import LAMPS, day, write
from tocsin.feeds.models import Run
from tocsin.feeds.run_reports import groups_of


def shape(run: int) -> list[tuple[str, list[tuple[int, str, bool]]]]:
    """Return types in order, each with day, part and whether it is held, of every line."""
    found = groups_of(Run.objects.get(pk=run), {})
    return [
        (
            group.type,
            [
                ((line.on - day(0)).days, line.report.name.partition("geo")[2] if line.report else "-", line.held)
                for line in group.lines
            ],
        )
        for group in found
    ]


def test_reports_stand_by_type_then_day_then_name(store: Store, tmp_path: Path) -> None:
    paths = [
        write(tmp_path, 1, [1], kind="scan_ssl"),
        write(tmp_path, 1, [1], part="-b"),
        write(tmp_path, 1, [2], part="-a"),
        write(tmp_path, 0, [1, 3]),
    ]
    run = store.run(*paths)["run"]

    assert shape(run) == [
        ("scan_rdp", [(0, ".csv", False), (1, "-a.csv", False), (1, "-b.csv", False)]),
        ("scan_ssl", [(1, ".csv", False)]),
    ]
    rdp, _ = groups_of(Run.objects.get(pk=run), {})
    assert (rdp.reports, rdp.kept, dict(rdp.moved)) == (3, 4, {"new": 3, "returned": 0, "still": 1, "gone": 1})
    assert [line.moved is None for line in rdp.lines] == [False, False, True], "a day counts once"


def test_what_waits_for_a_decision_stands_first(week: Store, cast: Cast, tmp_path: Path) -> None:
    few = write(tmp_path, 4, [1])
    run = week.run(few, write(tmp_path, 4, range(20), kind="aaa_first"))["run"]

    assert [kind for kind, _ in shape(run)] == ["scan_rdp", "aaa_first"]
    page = text(signed_in(cast.analyst).get(f"/feeds/runs/{run}/"))
    assert "1 report waits for a decision" in page
    assert page.index("waits for a decision") < page.index("2 reports were read")


def test_many_reports_are_folded_by_type_and_few_are_not(store: Store, cast: Cast, tmp_path: Path) -> None:
    many = [write(tmp_path, number, [1], kind=kind) for number in range(7) for kind in ("scan_rdp", "scan_ssl")]
    browser = signed_in(cast.analyst)
    page = main_of(browser.get(f"/feeds/runs/{store.run(*many)['run']}/"))
    assert page.count('<details class="fold">') == 2 and '<details class="fold" open>' not in page
    assert all(path.name in page for path in many)

    page = main_of(browser.get(f"/feeds/runs/{store.run(write(tmp_path, 8, [1]))['run']}/"))
    assert page.count('<details class="fold" open>') == 1


def test_columns_that_a_mapping_file_names_and_a_report_lacks_are_said(
    store: Store, cast: Cast, settings: Any, tmp_path: Path
) -> None:
    settings.TOCSIN.home.joinpath("mappings").mkdir(parents=True)
    roles = '[roles]\nport = "prot"\ndetail = ["<bulb>"]\n'
    (settings.TOCSIN.home / "mappings" / "lamps.toml").write_text(LAMPS + roles)
    report = tmp_path / "lamps.csv"
    report.write_text("when;lamp;port\n2026-11-16 10:00:00;192.0.2.1;80\n")
    many = [write(tmp_path, number, [1]) for number in range(13)]
    run = store.run(report, *many)["run"]

    page = signed_in(cast.analyst).get(f"/feeds/runs/{run}/")

    said = "lamps lacks columns that its mapping file names, which are taken for empty: <bulb> , prot ."
    assert said in text(page) and text(page).count("lacks columns") == 1
    assert main_of(page).count('<details class="fold" open>') == 1, "what is to be looked at is not folded away"


def test_a_run_of_before_this_was_counted_has_its_page(week: Store, cast: Cast) -> None:
    run = Run.objects.order_by("pk")[0]
    del run.summary["lacking_columns"]
    run.save(update_fields=["summary"])

    assert "1 report was read" in text(signed_in(cast.analyst).get(f"/feeds/runs/{run.pk}/"))


def test_types_are_paged(store: Store, cast: Cast, tmp_path: Path) -> None:
    run = store.run(*[write(tmp_path, 0, [1], kind=f"kind_{number:02}") for number in range(45)])["run"]
    browser = signed_in(cast.analyst)

    first, second = (main_of(browser.get(f"/feeds/runs/{run}/{asked}")) for asked in ("", "?page=2"))

    assert (first.count('class="fold"'), second.count('class="fold"')) == (40, 5)
    assert "45 reports were read" in first and "kind_44" in second and "kind_44" not in first


def test_a_replay_shows_what_it_changed_though_the_reports_are_another_runs(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    browser.post("/feeds/runs/4/replay/")
    replay = Run.objects.latest("pk").pk

    assert shape(replay) == [("scan_rdp", [(3, "-", False)])]
    page = text(browser.get(f"/feeds/runs/{replay}/"))
    assert "What it changed" in page and "0 reports" not in page


def test_a_withdrawn_run_shows_what_it_held_though_its_files_were_imported_again(
    store: Store, cast: Cast, tmp_path: Path
) -> None:
    paths = [write(tmp_path, 0, [1, 2], cert_length="many"), write(tmp_path, 1, [1])]
    first = store.run(*paths)["run"]
    store.withdraw(first)
    browser = signed_in(cast.analyst)
    withdrawn = browser.get(f"/feeds/runs/{first}/")
    assert f"/quarantine/?run={first}" not in main_of(withdrawn), "there would be nothing"
    second = store.run(*paths)["run"]

    page = browser.get(f"/feeds/runs/{first}/")

    (group,) = groups_of(Run.objects.get(pk=first), {})
    assert [(line.on, line.report.name, line.report.kept) for line in group.lines if line.report] == [
        (day(0), paths[0].name, 2),
        (day(1), paths[1].name, 1),
    ]
    assert (group.reports, group.kept, group.elsewhere) == (2, 3, [second])
    assert text(page).count(f"counts by run {second}") == 2
    assert f'<a href="/feeds/runs/{second}/">' in main_of(page)
    assert f"/quarantine/?run={second}" in main_of(page) and f"/quarantine/?run={first}" not in main_of(page)
    assert "counts by run" not in text(browser.get(f"/feeds/runs/{second}/"))
