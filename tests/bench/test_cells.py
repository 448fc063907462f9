"""Runs of columns hold what their columns may hold."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from bench import cells
from bench.feeds import _columns

COLUMNS = _columns()


def table(run: tuple[str, ...], *, dirty: bool = False) -> list[list[str]]:
    texts = cells.variants(run, "2026-11-01", np.random.default_rng(1), dirty=dirty).to_pylist()
    return list(csv.reader(texts))


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_the_parts_of_a_header_put_together_are_the_header(name: str) -> None:
    parts = cells.runs(COLUMNS[name])
    joined = [column for part in parts for column in ([part] if isinstance(part, str) else part)]
    assert joined == COLUMNS[name]


def test_what_a_finding_decides_stands_alone() -> None:
    assert cells.runs(["timestamp", "ip", "server", "version", "port"]) == [
        *("timestamp", "ip", ("server", "version"), "port")
    ]


def test_runs_stay_short_so_that_few_variants_make_many_rows() -> None:
    runs = [part for part in cells.runs(COLUMNS["scan_ssl"]) if isinstance(part, tuple)]
    assert max(map(len, runs)) < 10
    assert len(runs) >= 6


def test_each_kind_of_column_holds_its_kind_of_cell() -> None:
    rows = table(("http_code", "amplification", "cert_valid", "md5_fingerprint", "http_date", "dst_ip", "server"))
    codes, floats, truths, digests, dates, targets, words = map(set, zip(*rows, strict=True))
    assert all(c == "" or c.isdigit() for c in codes)
    assert all(f == "" or 0 <= float(f) < 100 for f in floats)
    assert truths == {"Y", "N", ""}
    assert {len(d) for d in digests} == {32}
    assert all(d.startswith("2026-11-01 00:00:") for d in dates)
    assert targets == {""}
    assert words == {"", *cells.WORDS}


def test_quotes_and_letters_survive_the_writing() -> None:
    assert next(csv.reader([cells.quoted('Basic realm="Réseau"')])) == ['Basic realm="Réseau"']


def test_dirty_variants_differ_from_the_clean_ones_in_one_integer_cell() -> None:
    rows = table(("server", "http_code", "content_length"), dirty=True)
    clean, dirty = rows[: cells.VARIANTS], rows[cells.VARIANTS :]
    assert len(clean) == len(dirty) == cells.VARIANTS
    for before, after in zip(clean, dirty, strict=True):
        changed = [n for n in range(3) if before[n] != after[n]]
        assert len(changed) == 1
        assert changed[0] in (1, 2)
        assert after[changed[0]] == cells.BAD
