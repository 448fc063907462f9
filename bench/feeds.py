"""Write national days of Shadowserver-format reports, fast and columnar, with the right answers beside them.

    python -m bench.feeds --out DIR [--rows 200000] [--days 1] [--types scan_ssl:18,scan_rdp] [--seed 58]
                          [--dirty 0.0] [--single-file]

Writes reports/YYYY-MM-DD-TYPE-bench[-partN].csv, constituents.json (networks nested across constituents),
rib.txt (`prefix<TAB>asn`) and truth.json: rows, exact duplicates, dirty rows, rows per type, attributed rows per
constituent (declared suffix of the event's own name, then most specific network, then ASN; reverse DNS never
decides), unattributed rows, distinct findings, and per day new, still, gone, returned (gone after one cycle).

The right answers come from painted arrays and sets of numbers (bench/plan.py), not from the engine. The same
arguments give the same bytes with the same version of NumPy.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime as dt
import functools
import json
import sys
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bench import cells
from bench.claims import write_claims
from bench.plan import Plan

__all__ = ["Options", "generate", "main", "parse_types", "write_claims"]

COLUMNS = Path(__file__).resolve().parents[1] / "data" / "meridia" / "columns.toml"
DEFAULT_TYPES = (
    "scan_http:27,scan_ssl:18,event4_sinkhole:15,scan_rdp:10,scan_dns:8,scan_snmp:7,scan_telnet:5,"
    "event4_honeypot_brute_force:5,scan6_http:5,compromised_website:3"
)
PORTS = np.array([80, 443, 8080, 22, 23, 53, 161, 3389, 445, 7547])
FAMILIES = ("tidewash", "saltmarsh", "ninebark", "coppergull", "drumlin", "kelpmite", "sandeel", "fogbank")
NAME_COLUMN = {"compromised_website": "http_host", "malware_url": "hostname"}
"""Types whose rows carry the event's own host name, and where."""
_UDP = {"scan_dns", "scan_snmp", "scan_ntp"}
_KEPT = 0.85
_CHUNK = 1 << 16
_HOSTS = 1 << 16

Numbers = NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Options:
    """What to write. `rows` counts one day, duplicates included."""

    out: Path
    rows: int = 200_000
    days: int = 1
    types: tuple[tuple[str, float], ...] = ()
    seed: int = 58
    dirty: float = 0.0
    duplicates: float = 0.05
    constituents: int = 500
    per_file: int = 250_000
    single_file: bool = False
    first_day: dt.date = dt.date(2026, 11, 16)

    def wanted(self) -> dict[str, int]:
        """Return the rows of one day, by type."""
        types = self.types or parse_types(DEFAULT_TYPES)
        whole = sum(weight for _name, weight in types)
        return {name: round(self.rows * weight / whole) for name, weight in types}


def parse_types(text: str) -> tuple[tuple[str, float], ...]:
    """Return name and weight of each type in `scan_ssl:18,scan_rdp`; raises ValueError for a type without address."""
    columns = _columns()
    pairs = []
    for part in text.split(","):
        name, _colon, weight = part.partition(":")
        if not {"ip", "src_ip"} & set(columns.get(name, ())):
            known = ", ".join(n for n, header in columns.items() if {"ip", "src_ip"} & set(header))
            raise ValueError(f"There are no columns for {name!r}. Known are {known}.")
        pairs.append((name, float(weight or 1)))
    return tuple(pairs)


def generate(options: Options) -> dict[str, Any]:
    """Write everything and return the truth. Raises ValueError when the rows do not fit the plan's addresses."""
    columns, wanted = _columns(), options.wanted()
    room = {version: 0 for version in (4, 6)}
    for name, rows in wanted.items():
        version = _version(name)
        room[version] = max(room[version], 2 * rows // (len(PORTS) if _has_stable_port(name) else 1))
    plan = Plan(options.seed, options.constituents, room)
    (options.out / "reports").mkdir(parents=True, exist_ok=True)
    plan.write(options.out)
    truth = Truth(plan, options)
    addresses: dict[int, pa.Array] = {}
    for name, rows in wanted.items():
        version = _version(name)
        if version not in addresses:
            addresses[version] = plan.addresses(version)
        _TypeOfReport(name, columns[name], plan, addresses[version], options).write(rows, truth)
    (options.out / "truth.json").write_text(json.dumps(truth.as_json(), indent=1), encoding="utf-8")
    return truth.as_json()


class Truth:
    """What must come out, counted while it is written."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self._ids = [c["id"] for c in plan.constituents]
        self._days = [options.first_day + dt.timedelta(days=n) for n in range(options.days)]
        self._lives: list[collections.Counter[str]] = [collections.Counter() for _ in self._days]
        self._owned = np.zeros(len(self._ids) + 1, dtype=np.int64)
        self._per_type: collections.Counter[str] = collections.Counter()
        self._numbers: collections.Counter[str] = collections.Counter()

    def add_rows(self, name: str, owners: NDArray[np.int32], dirty: int, duplicates: int) -> None:
        """Count one day's rows of a type; `owners` has one entry for each row, -1 for nobody."""
        self._owned += np.bincount(owners + 1, minlength=len(self._owned))
        self._per_type[name] += len(owners)
        self._numbers.update(rows=len(owners), duplicates=duplicates, dirty=dirty)

    def add_lives(self, day: int, today: Numbers, before: Numbers, ever: Numbers) -> None:
        """Count what happened to the findings of one type; all three are sorted and hold each finding once."""
        seen = np.isin(today, ever, assume_unique=True)
        still = np.isin(today, before, assume_unique=True)
        self._lives[day].update(
            new=int((~seen).sum()),
            still=int(still.sum()),
            gone=len(before) - int(still.sum()),
            returned=int((seen & ~still).sum()),
        )
        self._numbers["distinct_findings"] += int((~seen).sum())

    def as_json(self) -> dict[str, Any]:
        """Return the answers under the names of truth.json."""
        owned = {name: int(n) for name, n in zip(self._ids, self._owned[1:], strict=True) if n}
        return {
            "rows": self._numbers["rows"],
            "duplicates": self._numbers["duplicates"],
            "dirty": self._numbers["dirty"],
            "per_type": dict(self._per_type),
            "per_constituent": owned,
            "unattributed": int(self._owned[0]),
            "days": [
                {"day": day.isoformat(), **{k: lives[k] for k in ("new", "still", "gone", "returned")}}
                for day, lives in zip(self._days, self._lives, strict=True)
            ],
            "distinct_findings": self._numbers["distinct_findings"],
        }


class _TypeOfReport:
    """One report type: its findings over the days, and their rows.

    A finding is a number: index of its address times ports, plus the port's number.
    Whatever else its rows say is mixed from that number, so a finding that
    returns is the same one.
    """

    def __init__(self, name: str, columns: Sequence[str], plan: Plan, addresses: pa.Array, options: Options) -> None:
        self.name, self.columns, self.plan, self.options = name, columns, plan, options
        self._addresses = addresses
        self._version = _version(name)
        self._slots = len(PORTS) if _has_stable_port(name) else 1
        self._rng = np.random.default_rng([options.seed, zlib.crc32(name.encode())])
        self._salt = np.uint64(zlib.crc32(f"{options.seed}/{name}".encode()))
        self._texts = _Texts(name, columns, plan, self._rng)

    def write(self, wanted: int, truth: Truth) -> None:
        """Write every day's report and count it."""
        before = ever = np.empty(0, dtype=np.int64)
        for day in range(self.options.days):
            today = self._open(before, int(wanted / (1 + self.options.duplicates)))
            truth.add_lives(day, today, before, ever)
            ever = _union(ever, today)
            before = today
            self._report(day, today, wanted - len(today), truth)

    def _open(self, before: Numbers, count: int) -> Numbers:
        """Return the day's findings: most of yesterday's, filled up at random, which may meet an old one again."""
        today = before[self._rng.random(len(before)) < _KEPT][:count]
        universe = self.plan.size[self._version] * self._slots
        while len(today) < count:
            drawn = self._rng.integers(0, universe, size=count - len(today))
            today = _union(today, drawn)
        return today

    def _report(self, day: int, findings: Numbers, duplicates: int, truth: Truth) -> None:
        rng = self._rng
        copies = np.ones(len(findings), dtype=np.int64)
        copies[rng.permutation(len(findings))[:duplicates]] = 2
        dirty = (
            rng.random(len(findings)) < self.options.dirty
            if self._texts.has_integers
            else np.zeros(len(findings), dtype=bool)
        )
        seconds = rng.integers(0, 86_400, size=len(findings))
        ports = rng.integers(1_024, 65_536, size=len(findings))
        drawn = rng.integers(0, cells.VARIANTS, size=(len(findings), self._texts.runs))
        owners = self._owner(findings)
        order = rng.permutation(np.repeat(np.arange(len(findings)), copies))
        truth.add_rows(self.name, np.repeat(owners, copies), int(dirty.sum()), int((copies == 2).sum()))
        date = self.options.first_day + dt.timedelta(days=day)
        for path, part in self._parts(date, order):
            with path.open("wb") as file:
                file.write(",".join(map(cells.quoted, self.columns)).encode())
                for start in range(0, len(part), _CHUNK):
                    at = part[start : start + _CHUNK]
                    rows = _Rows(findings[at], seconds[at], ports[at], drawn[at], dirty[at])
                    _write_text(file, self._texts.lines(date, self._key_texts(rows), rows))
                file.write(b"\n")

    def _parts(self, date: dt.date, order: Numbers) -> Iterator[tuple[Path, Numbers]]:
        size = len(order) if self.options.single_file else self.options.per_file
        for number, start in enumerate(range(0, max(len(order), 1), max(size, 1))):
            suffix = f"-part{number}" if number else ""
            yield (
                self.options.out / "reports" / f"{date}-{self.name}-bench{suffix}.csv",
                order[start : start + size],
            )

    def _owner(self, findings: Numbers) -> NDArray[np.int32]:
        held = self.plan.owner(self._version, findings // self._slots)
        if self.name not in NAME_COLUMN:
            return held
        domain, named = self._domain(findings)
        return np.where(named, self.plan.owner_of_domain[domain], held)

    def _domain(self, findings: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Return the number of each finding's domain, and whether its rows hold a host name at all."""
        share = 0.6 if self.name in NAME_COLUMN else 0.12
        return self._mixed(findings, 1, len(self.plan.domains)), self._mixed(findings, 2, 1_000) < share * 1_000

    def _mixed(self, findings: Numbers, purpose: int, below: int) -> Numbers:
        """Return a number below `below` for each finding, the same whenever it is asked (splitmix64)."""
        z = findings.astype(np.uint64) * np.uint64(8) + np.uint64(purpose) + (self._salt << np.uint64(24))
        z = (z + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        return (z % np.uint64(below)).astype(np.int64)

    def _key_texts(self, rows: _Rows) -> dict[str, pa.Array]:
        """Return the columns that depend on the finding, quoted."""
        index = rows.findings // self._slots
        domain, named = self._domain(rows.findings)
        host = self._texts.hosts(np.where(named, self._mixed(rows.findings, 3, _HOSTS), -1), domain)
        port = self._port(rows)
        return {
            "ip": self._addresses.take(pa.array(index)),
            "port": self._texts.numbers.take(pa.array(port)),
            "asn": self._texts.numbers.take(pa.array(self.plan.asn(self._version, index).astype(np.int64))),
            "host": host,
            "family": self._texts.families.take(pa.array(self._mixed(rows.findings, 4, len(FAMILIES)))),
        }

    def _port(self, rows: _Rows) -> Numbers:
        if self._slots > 1:
            return PORTS[rows.findings % self._slots]
        if self.name.startswith("event"):
            return rows.ports
        return PORTS[self._mixed(rows.findings, 5, len(PORTS))]


@dataclasses.dataclass(frozen=True)
class _Rows:
    """The rows of one chunk: a finding, second of the day, ephemeral port, variants of the runs, and whether dirty."""

    findings: Numbers
    seconds: Numbers
    ports: Numbers
    drawn: NDArray[np.int64]
    dirty: NDArray[np.bool_]


class _Texts:
    """Tables of quoted cells, and the lines that are joined from them."""

    def __init__(self, name: str, columns: Sequence[str], plan: Plan, rng: np.random.Generator) -> None:
        self._parts = cells.runs(columns)
        self._constants = _constants(name)
        integer_runs = [n for n, run in enumerate(self._runs()) if set(run) & cells.INTEGERS]
        self.runs = len(self._runs())
        self.has_integers = bool(integer_runs)
        self._dirty_run = integer_runs[0] if integer_runs else -1
        self._variants = [
            cells.variants(run, "2026-11-01", rng, dirty=number == self._dirty_run)
            for number, run in enumerate(self._runs())
        ]
        self.numbers = _quoted_numbers()
        self.families = pa.array([f'"{family}"' for family in FAMILIES])
        self._domains = pa.array([f'{domain}"' for domain in plan.domains] + ['"'])

    def _runs(self) -> list[tuple[str, ...]]:
        return [part for part in self._parts if isinstance(part, tuple)]

    def hosts(self, label: Numbers, domain: Numbers) -> tuple[pa.Array, pa.Array]:
        """Return host names and URLs, both quoted; empty where `label` is -1."""
        ending = self._domains.take(pa.array(np.where(label < 0, len(self._domains) - 1, domain)))
        number = pa.array(np.where(label < 0, _HOSTS, label))
        return (
            pc.binary_join_element_wise(_host_labels("").take(number), ending, ""),
            pc.binary_join_element_wise(_host_labels("http://").take(number), ending, ""),
        )

    def lines(self, date: dt.date, keys: dict[str, Any], rows: _Rows) -> pa.Array:
        """Return each row as one text that begins with a line feed."""
        pieces: list[Any] = []
        run = 0
        for part in self._parts:
            if isinstance(part, str):
                pieces.append(self._known(part, date, keys, rows))
                continue
            at = rows.drawn[:, run]
            if run == self._dirty_run:
                at = at + cells.VARIANTS * rows.dirty
            pieces.append(self._variants[run].take(pa.array(at)))
            run += 1
        return pc.binary_join_element_wise(*pieces, ",")

    def _known(self, column: str, date: dt.date, keys: dict[str, Any], rows: _Rows) -> Any:
        """Return a column that findings or types decide: an array, or one text for all."""
        host, url = keys["host"]
        by_column = {
            "timestamp": lambda: _line_starts(date).take(pa.array(rows.seconds)),
            "ip": lambda: keys["ip"],
            "port": lambda: keys["port"],
            "asn": lambda: keys["asn"],
            "hostname": lambda: host,
            "http_host": lambda: host,
            "url": lambda: url,
            "infection": lambda: keys["family"],
            "family": lambda: keys["family"],
        }
        plain = column.removeprefix("src_")
        return by_column[plain]() if plain in by_column else f'"{self._constants.get(plain, "")}"'


def _constants(name: str) -> dict[str, str]:
    return {
        "protocol": "udp" if name in _UDP else "tcp",
        "application": "http",
        "geo": "XM",
        "region": "Serrat",
        "city": "Port Serrat",
        "naics": "0",
        "severity": "medium",
        "tag": name.split("_", 1)[-1],
        "dst_port": "80",
    }


@functools.cache
def _quoted_numbers() -> pa.Array:
    return pa.array([f'"{n}"' for n in range(65_536)])


@functools.cache
def _host_labels(before: str) -> pa.Array:
    """Return the beginnings of quoted host names; the last is for none."""
    return pa.array([f'"{before}h{n}.' for n in range(_HOSTS)] + ['"'])


@functools.lru_cache(maxsize=2)
def _line_starts(date: dt.date) -> pa.Array:
    """Return a line feed and the quoted time for each second of a day."""
    return pa.array([f'\n"{date} {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}"' for s in range(86_400)])


def _union(one: Numbers, other: Numbers) -> Numbers:
    """Return the numbers of both, sorted, each once."""
    both = np.sort(np.concatenate((one, other)))
    return both[np.concatenate(([True], both[1:] != both[:-1]))] if len(both) else both


def _write_text(file: BinaryIO, lines: pa.Array) -> None:
    """Write the texts one after the other, as they stand in memory."""
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    file.write(memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]])


def _columns() -> dict[str, list[str]]:
    with COLUMNS.open("rb") as file:
        return tomllib.load(file)


def _version(name: str) -> int:
    return 6 if "6_" in name else 4


def _has_stable_port(name: str) -> bool:
    """Whether one address can have several findings of the type, told apart by their port."""
    return name.startswith(("scan", "compromised"))


def _options(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.feeds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of one day, duplicates included")
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--types", type=parse_types, default=parse_types(DEFAULT_TYPES), metavar="NAME:WEIGHT,…")
    parser.add_argument("--seed", type=int, default=58)
    parser.add_argument("--dirty", type=float, default=0.0, help="share of rows with text in an integer cell")
    parser.add_argument("--duplicates", type=float, default=0.05, help="exact copies, as a share of the other rows")
    parser.add_argument("--constituents", type=int, default=500)
    parser.add_argument("--per-file", type=int, default=250_000, help="rows after which the next part begins")
    parser.add_argument("--single-file", action="store_true", help="one file for each type and day, whatever its size")
    parser.add_argument("--first-day", type=dt.date.fromisoformat, default=Options.first_day)
    return Options(**vars(parser.parse_args(argv)))


def main(argv: Sequence[str] | None = None) -> int:
    """Write what the arguments ask for and print the truth without its long lists."""
    try:
        truth = generate(_options(sys.argv[1:] if argv is None else argv))
    except ValueError as error:
        print(f"bench.feeds: {error}", file=sys.stderr)
        return 1
    short = ("rows", "duplicates", "dirty", "unattributed", "distinct_findings", "days")
    print(json.dumps({key: truth[key] for key in short}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
