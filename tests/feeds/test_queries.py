"""Findings as the manifest names them now, read lightly."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.commands import environment
from tests.feeds.conftest import Store
from tests.feeds.reports import write
from tests.homes import Home
from tocsin.engine.public_ids import words_of
from tocsin.feeds import queries
from tocsin.feeds.manifest import touch

LIGHTLY = """
    import sys
    from tocsin.site.starting import set_up_django
    set_up_django()
    from tocsin.feeds import queries
    from tocsin.feeds.actions import findings
    found = queries.findings()
    assert found.count(queries.Filter()) == 3
    assert len(found.page(queries.Filter(), sort="severity", descending=False, limit=2)) == 2
    assert len([queries.as_record(one) for one in found.stream(queries.Filter())]) == 3
    print(*sorted({"pyarrow", "numpy", "pandas", "dask"} & set(sys.modules)))
"""


def test_findings_are_those_of_the_manifest_now(store: Store, tmp_path: Path) -> None:
    assert queries.findings().count(queries.Filter()) == 0
    store.run(write(tmp_path, 0, [1, 2]))
    assert queries.findings().count(queries.Filter()) == 2
    store.run(write(tmp_path, 1, [2, 3]))
    assert queries.findings().count(queries.Filter()) == 3


def test_nothing_is_read_again_until_the_manifest_changes(
    store: Store, tmp_path: Path, django_assert_num_queries: Any
) -> None:
    store.run(write(tmp_path, 0, [1]))
    first = queries.findings()
    with django_assert_num_queries(1):
        assert queries.findings() is first
    touch()
    assert queries.findings() is not first


def test_another_store_is_another_set_of_findings(store: Store, tmp_path: Path, settings: Any) -> None:
    store.run(write(tmp_path, 0, [1]))
    here = queries.findings()
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path / "elsewhere")
    assert queries.findings() is not here


def test_the_version_grows_with_every_change(store: Store, tmp_path: Path) -> None:
    assert queries.manifest_version() == 0
    run = store.run(write(tmp_path, 0, [1]))["run"]
    first = queries.manifest_version()
    store.withdraw(run)
    assert queries.manifest_version() > first > 0


def test_a_page_sees_one_version_and_asks_for_it_once(
    store: Store, tmp_path: Path, django_assert_num_queries: Any
) -> None:
    store.run(write(tmp_path, 0, [1]))
    queries.findings()

    @queries.at_one_version
    def page() -> tuple[int, int]:
        return queries.manifest_version(), queries.manifest_version()

    with django_assert_num_queries(1):
        first, second = page()
    assert first == second == queries.manifest_version()


@pytest.mark.parametrize(
    ("kind", "column", "address"),
    [("scan_rdp", "ip", "192.0.2.7"), ("scan6_rdp", "ip", "2001:db8::7"), ("scan6_rdp", "ip", "2001:db8:ffff::")],
)
def test_an_asset_is_written_as_people_do(store: Store, tmp_path: Path, kind: str, column: str, address: str) -> None:
    store.run(write(tmp_path, 0, [1], kind=kind, **{column: address}))
    (record,) = store.findings()
    assert (record["asset"], record["type"]) == (address, kind)


def test_a_record_has_the_promised_keys_in_order_and_its_id_leads_back(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [1]))
    (record,) = store.findings()
    assert tuple(record) == queries.RECORD
    found = queries.findings().one(*words_of(record["id"]))
    assert found is not None
    assert queries.as_record(found) == record


def test_new_is_what_the_latest_cycle_saw_first(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [1, 2]), gone_after=2)
    assert set(store.states().values()) == {"new"}
    store.run(write(tmp_path, 1, [2, 3]), gone_after=2)
    assert store.states() == {"192.0.2.1": "still", "192.0.2.2": "still", "192.0.2.3": "new"}


def test_reading_findings_imports_neither_pyarrow_nor_numpy(ready: Path, tmp_path: Path) -> None:
    home = Home(ready)
    home.run(write(tmp_path, 0, [1, 2, 3]))
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(LIGHTLY),
    ]  # Python anew: what commands are forked from has loaded both
    done = subprocess.run(command, env=environment(ready), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    assert "pyarrow" in sys.modules, "of this process it is no sign"
