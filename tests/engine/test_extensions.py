"""DuckDB never loads or fetches what was not installed with the product."""

from __future__ import annotations

import ast
from pathlib import Path

import duckdb
import pytest

from tests.commands import ROOT
from tocsin.engine.query.database import Database

ASKED = "SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')"


def test_no_connection_installs_or_loads_extensions_by_itself(tmp_path: Path) -> None:
    for database in (Database(), Database(256, threads=1, scratch=tmp_path)):
        assert database.ask(ASKED).fetchall() == [(False, False)]
        assert database.stream(ASKED).fetchall() == [(False, False)]


def test_the_product_opens_duckdb_in_one_place() -> None:
    """So the test above speaks of every connection; the module's own default connection is not used either."""
    of_the_module = {
        "connect",
        "sql",
        "query",
        "execute",
        "read_parquet",
        "read_csv",
        "read_json",
        "default_connection",
    }
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "duckdb"
                and node.attr in of_the_module
            ):
                found.append(f"{path.relative_to(ROOT / 'src/tocsin')}: {node.attr}")
            assert not (isinstance(node, ast.ImportFrom) and node.module == "duckdb"), path
    assert found == ["engine/query/database.py: connect"]


def test_what_needs_an_extension_is_refused_and_not_fetched() -> None:
    with pytest.raises(duckdb.Error, match="extension") as refused:
        Database().ask("SELECT * FROM read_xlsx('nowhere.xlsx')")
    assert "http" not in str(refused.value).lower().replace("https://duckdb.org/docs", "")
