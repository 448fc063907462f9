"""A finding's key: the same on every machine and in every version, whatever else its row says."""

from __future__ import annotations

import dataclasses
import itertools
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.manifest import Bench
from tests.engine.reports import COLUMNS, as_csv, batch_of, mapping_of, normalised, row, write
from tocsin.engine import identity, public_ids, records
from tocsin.engine.mapping import Mapping
from tocsin.engine.normalise import normalise
from tocsin.formats import shadowserver

SINKHOLE = ("timestamp", "src_ip", "src_port", "src_asn", "infection", "dst_ip")
WEBSITE = ("timestamp", "ip", "port", "protocol", "http_host", "url")
Key = tuple[int, int]


def keys_of(rows: list[dict[str, str]], kind: str = "scan_rdp", columns: tuple[str, ...] = COLUMNS) -> list[Key]:
    events = normalised(rows, kind, columns).events
    return list(zip(events["k1"].to_pylist(), events["k2"].to_pylist(), strict=True))


def key_of(cells: dict[str, str], kind: str = "scan_rdp", columns: tuple[str, ...] = COLUMNS) -> Key:
    (key,) = keys_of([cells], kind, columns)
    return key


PINNED = [
    ("scan_rdp", COLUMNS, row(ip="192.0.2.1", port=3389), "hhn4enqn3uay3en6vwrk6osmze"),
    ("scan_rdp", COLUMNS, row(ip="2001:db8::1", port=3389), "fgm2mez24u7jvphyqlnazvvbvy"),
    ("scan_dns", COLUMNS, row(ip="192.0.2.1", port=53, protocol="udp"), "wohnuo2itdtgmxk62sklpmzps4"),
    (
        "event4_sinkhole",
        SINKHOLE,
        {"timestamp": "2026-11-16 06:00:00", "src_ip": "192.0.2.1", "infection": "mirai"},
        "2llutmllfr6vi2qeqjjjukyyea",
    ),
    (
        "compromised_website",
        WEBSITE,
        row(ip="192.0.2.1", port=80, http_host="www.example"),
        "h34ixh5shbe6nsfvpfuve2yhhi",
    ),
    (
        "compromised_account",
        ("timestamp", "email"),
        {"timestamp": "2026-11-16", "email": "a@port.example"},
        "k335a32clpizbf2ihmvdpkoyge",
    ),
]


@pytest.mark.parametrize(("kind", "columns", "cells", "public"), PINNED, ids=[one[0] for one in PINNED])
def test_keys_stay_what_they_are(kind: str, columns: tuple[str, ...], cells: dict[str, str], public: str) -> None:
    """Notes, owners and notices hang on these. A change here is a change for UPGRADING.md, with a migration."""
    assert public_ids.public_id(*key_of(cells, kind, columns)) == public


def test_what_makes_a_finding_makes_its_key() -> None:
    same = key_of(row())
    for other in (row(ip="192.0.2.2"), row(port=3390), row(protocol="udp")):
        assert key_of(other) != same
    assert key_of(row(), "scan_http") != same


@pytest.mark.parametrize("column", ["timestamp", "severity", "hostname", "tag", "asn", "geo", "cert_length"])
def test_nothing_else_does(column: str) -> None:
    other = {"timestamp": "2026-11-17 00:00:00", "asn": "64511", "geo": "XX", "cert_length": "9"}.get(column, "high")
    assert key_of(row(**{column: other})) == key_of(row())


def test_how_a_cell_is_written_does_not_matter() -> None:
    assert key_of(row(protocol="TCP")) == key_of(row(protocol="tcp"))
    assert key_of(row(port="03389")) == key_of(row(port="3389"))
    assert key_of(row(ip="2001:DB8:0::1")) == key_of(row(ip="2001:db8::1"))
    assert key_of(row(ip="::ffff:192.0.2.1")) == key_of(row(ip="192.0.2.1"))


def test_an_event_is_told_by_its_infection_never_by_its_port() -> None:
    base = {"timestamp": "2026-11-16", "src_ip": "192.0.2.1", "src_port": "1024", "infection": "mirai"}
    one = key_of(base, "event4_sinkhole", SINKHOLE)
    assert key_of({**base, "src_port": "4711", "dst_ip": "192.0.2.9"}, "event4_sinkhole", SINKHOLE) == one
    assert key_of({**base, "infection": "qsnatch"}, "event4_sinkhole", SINKHOLE) != one


def test_a_website_is_told_by_its_host_name_too() -> None:
    names = {key_of(row(http_host=name), "compromised_website", WEBSITE) for name in ("a.example", "b.example", "")}
    assert len(names) == 3


def test_the_classification_never_is_part_of_it() -> None:
    batch = batch_of(as_csv([row(), row(port=80)]))
    mapping = mapping_of("scan_rdp")
    other = dataclasses.replace(
        mapping, title="Another", fields=(), constants=(("classification.type", "other"),), origin="file"
    )
    assert _keys(normalise(batch, mapping).events) == _keys(normalise(batch, other).events)


def _keys(events: pa.Table) -> list[Key]:
    return list(zip(events["k1"].to_pylist(), events["k2"].to_pylist(), strict=True))


@given(st.permutations(COLUMNS), st.lists(st.sampled_from(["extra_a", "extra_b"]), unique=True))
def test_the_order_of_columns_does_not_matter_nor_do_new_ones(columns: list[str], more: list[str]) -> None:
    assert key_of(row(extra_a="x"), columns=(*columns, *more)) == key_of(row())


def test_the_published_schema_gives_the_same_keys(outside_schema: Path) -> None:
    files = {path.name: path.read_bytes() for path in outside_schema.glob("*.json")}
    published = shadowserver.mappings(shadowserver.read_schema_files(files))
    own = shadowserver.mappings()
    shared = [(kind, mapping) for kind, mapping in own.by_type.items() if published.by_type[kind].origin == "published"]
    assert len(shared) >= 30
    assert [(kind, _identity(mapping)) for kind, mapping in shared] == [
        (kind, _identity(dataclasses.replace(published.by_type[kind], columns=mapping.columns)))
        for kind, mapping in shared
    ]


def _identity(mapping: Mapping) -> tuple[object, ...]:
    roles = mapping.roles
    return mapping.type, roles.time, roles.address, roles.account, roles.port, roles.protocol, roles.detail, roles.kinds


def test_chunking_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(ip=f"192.0.2.{n % 250}", port=n) for n in range(1, 400)]
    path = write(tmp_path, rows)
    states = []
    for size in (7, 100, 65_536):
        monkeypatch.setattr(records, "CHUNK_ROWS", size)
        monkeypatch.setattr(records, "BLOCK_BYTES", 64 * size)
        bench = Bench(tmp_path / f"store{size}")
        (report,) = bench.run([path]).accepted
        assert (len(report.parts) > 1) == (size < 400)
        states.append([(one["k1"], one["k2"]) for one in bench.state("scan_rdp")])
    assert states[0] == states[1] == states[2]
    assert len(states[0]) == 399


def test_keys_are_spread_and_never_meet_among_many() -> None:
    count = 200_000
    low = np.arange(count, dtype=np.uint64) | np.uint64(0xFFFF << 32)
    k1, k2 = identity.keys("scan_rdp", np.zeros(count, np.uint64), low)
    assert len(set(k1.tolist())) == len(set(k2.tolist())) == count
    assert np.bincount((k1 >> np.uint64(60)).astype(int)).min() > count / 16 * 0.9
    assert (k1 == k2).sum() == 0


def test_the_place_of_a_part_matters() -> None:
    one, two = np.array([1], np.uint64), np.array([2], np.uint64)
    assert identity.keys("t", one, two) != identity.keys("t", two, one)
    assert identity.keys("t", one) != identity.keys("t", one, np.zeros(1, np.uint64))


def test_the_word_of_a_text_is_fixed() -> None:
    assert identity.text_word(None) == 0
    assert identity.text_word("mirai") == identity.text_word(b"mirai") == 0x59A547867EF2709C
    column = pa.array(["mirai", None, "qsnatch", "mirai", ""])
    assert identity.text_words(column).tolist() == [
        identity.text_word(text) for text in ("mirai", None, "qsnatch", "mirai", "")
    ]


def test_texts_have_words_of_their_own() -> None:
    texts = [f"{a}{b}" for a, b in itertools.product("abcdefghij", range(1_000))]
    assert len({identity.text_word(text) for text in texts}) == len(texts)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_public_id_leads_back_to_its_key(first: int, second: int) -> None:
    public = public_ids.public_id(first, second)
    assert len(public) == 26
    assert public == public.lower()
    assert public_ids.words_of(public) == (first, second)
    assert public_ids.words_of(public.upper()) == (first, second)


@pytest.mark.parametrize(
    "text", ["", "a", "a" * 25, "a" * 27, "1" * 26, "é" * 26, "a" * 25 + "=", "../../etc/passwd", "0" * 26]
)
def test_what_is_no_public_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        public_ids.words_of(text)


def test_keys_do_not_depend_on_the_rows_beside(tmp_path: Path) -> None:
    rows = [row(ip=f"192.0.2.{n}", protocol=("tcp", "udp", "")[n % 3], port=n) for n in range(1, 60)]
    alone = {key_of(one) for one in rows[:10]}
    shuffled = random.Random(5).sample(rows, len(rows))
    assert alone < set(keys_of(shuffled))
