"""Tables of autonomous systems and countries: read strictly, written whole, named by the manifest."""

from __future__ import annotations

import gzip
import ipaddress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.directory.conftest import AT, BY
from tocsin.directory import actions, queries, tables
from tocsin.directory.choices import TableKind
from tocsin.directory.imports.records import ImportRefused
from tocsin.directory.models import ReferenceTable
from tocsin.engine.enrich import announced_ranges
from tocsin.kernel.refusals import InvalidInput, Unavailable

RIB = """# prefix\tasn
198.18.0.0/15\t64496
198.18.4.0/22\t64497

2001:db8::/32\tAS64498
198.18.4.0/22\t64497
"""

DELEGATED = """2|exampleric|20260301|5|19850701|20260228|+0000
exampleric|*|ipv4|*|3|summary
exampleric|ZZ|ipv4|192.0.2.0|256||available
exampleric|ME|ipv4|198.51.100.0|768|20200101|allocated|abc
exampleric|SI|ipv6|2001:db8::|32|20200101|assigned|abc
exampleric|ME|asn|64496|1|20200101|allocated|abc
"""

Rows = list[tuple[str, str, int | str]]


def rows(path: Path, value: str) -> Rows:
    """Return first and last address and value of each row of a table."""

    def address(family: int, high: int, low: int) -> str:
        kind = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
        return str(kind(high << 64 | low))

    return [
        (
            address(row["family"], row["first_high"], row["first_low"]),
            address(row["family"], row["last_high"], row["last_low"]),
            row[value],
        )
        for row in pq.read_table(path).to_pylist()
    ]


def written(kind: TableKind, content: str | bytes, folder: Path) -> tables.Written:
    """Write a table from the given content."""
    source = folder / "source.txt"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    return tables.write_table(kind, source, folder / "store")


def test_prefixes_are_written_sorted_and_once(tmp_path: Path) -> None:
    table = written(TableKind.ASN, RIB, tmp_path)
    assert table.rows == 3
    assert rows(tmp_path / "store" / table.file, "asn") == [
        ("198.18.0.0", "198.19.255.255", 64496),
        ("198.18.4.0", "198.18.7.255", 64497),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 64498),
    ]


def test_delegated_ranges_keep_their_true_size(tmp_path: Path) -> None:
    table = written(TableKind.COUNTRY, DELEGATED, tmp_path)
    assert rows(tmp_path / "store" / table.file, "country") == [
        ("198.51.100.0", "198.51.102.255", "ME"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "SI"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        RIB.replace("\n", "\r\n"),
        gzip.compress(RIB.encode(), mtime=0),
        RIB.replace("/", "\t"),
        RIB.replace("\t", "  "),
        RIB.replace("64497", "64497_65000"),
    ],
    ids=["crlf", "gzip", "three columns", "spaces", "several origins"],
)
def test_the_same_table_in_other_clothes(content: str | bytes, tmp_path: Path) -> None:
    plain = written(TableKind.ASN, RIB, tmp_path / ".." / tmp_path.name)
    other = written(TableKind.ASN, content, tmp_path)
    store = tmp_path / "store"
    assert rows(store / other.file, "asn") == rows(store / plain.file, "asn")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("198.18.0.1/15\t1", "not a whole prefix"),
        ("198.18.0.0/33\t1", "not a prefix"),
        ("198.18.0.0\t1", "not a prefix"),
        ("198.18.0/24\t1", "not an address"),
        ("2001:db8::g/32\t1", "not an address"),
        ("198.18.0.0/15\tX1", "not an autonomous system number"),
        ("198.18.0.0/15\t4294967296", "not an autonomous system number"),
        ("198.18.0.0/15", "must be a prefix and"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(line: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused) as refused:
        written(TableKind.ASN, f"192.0.2.0/24\t1\n{line}\n", tmp_path)
    only = refused.value.problems[0]
    assert only.place.row == 2
    assert sentence in only.sentence
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("r|ME|ipv4|198.51.100.0|0|20200101|allocated", "number of addresses"),
        ("r|ME|ipv4|255.255.255.0|257|20200101|allocated", "number of addresses"),
        ("r|ME|ipv5|198.51.100.0|256|20200101|allocated", "is not ipv4, ipv6 or asn"),
        ("r|M1|ipv4|198.51.100.0|256|20200101|allocated", "not a country code"),
        ("r|ME|ipv4", "has 3 cells"),
    ],
)
def test_a_wrong_delegation_is_named(line: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused) as refused:
        written(TableKind.COUNTRY, DELEGATED + line, tmp_path)
    assert sentence in refused.value.problems[0].sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no row of this kind"),
        (b"# nothing\n", "no row of this kind"),
        (gzip.compress(RIB.encode(), mtime=0)[:-20], "damaged or cut off"),
        (b"\x1f\x8b\x00\x00", "damaged or cut off"),
        (b"x" * 10_000, "too large, or is no text"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        written(TableKind.ASN, content, tmp_path)


def test_a_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_TEXT_BYTES", 10_000)
    with pytest.raises(InvalidInput, match="too large"):
        written(TableKind.ASN, gzip.compress(b"#" * 1000 + b"\n" * 100_000), tmp_path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="it is not there"):
        tables.write_table(TableKind.ASN, tmp_path / "none.txt", tmp_path)


def test_a_store_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot be written"):
        written(TableKind.ASN, RIB, tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(
                lambda t: ipaddress.ip_network(t, strict=False)
            )
            | st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(
                lambda t: ipaddress.IPv6Network(t, strict=False)
            ),
            st.integers(0, 2**32 - 1),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_prefixes_come_back_as_they_were(tmp_path: Path, given_rows: list) -> None:
    table = written(TableKind.ASN, "".join(f"{network}\t{asn}\n" for network, asn in given_rows), tmp_path)
    expected = {(str(network[0]), str(network[-1]), asn) for network, asn in given_rows}
    found = rows(tmp_path / "store" / table.file, "asn")
    assert set(found) == expected
    assert len(found) == len(expected) == table.rows


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of prefixes."""
    path = tmp_path / "rib.txt"
    path.write_text(RIB)
    return path


@pytest.mark.django_db
def test_the_manifest_says_which_table_counts(source: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert queries.reference_table(TableKind.ASN, store) is None
    event = actions.load_reference_table(TableKind.ASN, source, store=store, by=BY, at=AT)
    assert event and (event.rows, event.source) == (3, "rib.txt")
    current = queries.reference_table(TableKind.ASN, store)
    assert current and current.is_file()
    assert actions.load_reference_table(TableKind.ASN, source, store=store, by=BY, at=AT) is None


@pytest.mark.django_db
def test_the_table_before_stays_for_who_reads_it_and_older_ones_go(
    source: Path, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    store = tmp_path / "store"
    paths = []
    for asn in (1, 2, 3):
        source.write_text(f"198.18.0.0/15\t{asn}\n")
        with django_capture_on_commit_callbacks(execute=True):
            actions.load_reference_table(TableKind.ASN, source, store=store, by=BY, at=AT)
        paths.append(queries.reference_table(TableKind.ASN, store))
    assert [path.is_file() for path in paths if path] == [False, True, True]
    assert ReferenceTable.objects.filter(is_current=True).count() == 1


@pytest.mark.django_db
def test_an_older_file_can_be_loaded_again(
    source: Path, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    store = tmp_path / "store"
    for asn in (1, 2, 3, 1):
        source.write_text(f"198.18.0.0/15\t{asn}\n")
        with django_capture_on_commit_callbacks(execute=True):
            actions.load_reference_table(TableKind.ASN, source, store=store, by=BY, at=AT)
    current = queries.reference_table(TableKind.ASN, store)
    assert current and rows(current, "asn") == [("198.18.0.0", "198.19.255.255", 1)]


def test_announced_ranges_stand_on_one_line_of_128_bit_numbers(source: Path, tmp_path: Path) -> None:
    table = tables.write_table(TableKind.ASN, source, tmp_path)
    mapped = int(ipaddress.IPv6Address("::ffff:198.18.4.0"))
    found = list(announced_ranges(tmp_path / table.file))
    assert (mapped, mapped + 1023, 64497) in found
    first = int(ipaddress.IPv6Address("2001:db8::"))
    assert (first, first + 2**96 - 1, 64498) in found
