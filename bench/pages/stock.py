"""An instance with a million findings, filled by the product's own commands: `init`, `directory import`, `feed run`.

It is kept for the next time: the data directory as it is, and of PostgreSQL, whose server vanishes with the benchmark,
a dump inside it. A file in the directory marks it as a demonstration of its last day, so that no feed has fallen silent
when it is measured again next month.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import product, reports
from bench.measures import checked
from bench.processes import Failed, measured
from bench.product import ROOT, Instance
from bench.reports import Feeds

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASES = (SQLITE, POSTGRESQL)
FIRST_DAY = dt.date(2026, 11, 8)
DAYS = 14
DIRTY = 0.002
TYPES = (
    "scan_http:20,scan_ssl:14,event4_sinkhole:12,scan_rdp:8,scan_dns:7,scan_snmp:6,scan_telnet:5,"
    "event4_honeypot_brute_force:5,scan6_http:5,compromised_website:4,scan_ntp:3,scan_smb:3,scan_mqtt:2,"
    "event4_ip_spoofer:2,blocklist:2,scan_elasticsearch:1,malware_url:1"
)
RIVALS = 200
"""Networks that somebody else claims too, for the work lists."""
ADDRESS = "TOCSIN_DATABASE_URL"
"""Names a PostgreSQL database of one's own, which must be empty."""


@dataclasses.dataclass(frozen=True)
class Stock:
    """A filled instance, and what is in it."""

    instance: Instance
    folder: Path
    """Where constituents.json and rib.txt of its feeds stand."""
    observations: int
    findings: int
    import_s: float
    """Wall seconds that the imports took when it was filled."""
    import_cpu_s: float

    @property
    def constituents(self) -> list[dict[str, Any]]:
        """Return the constituents of its feeds."""
        found: list[dict[str, Any]] = json.loads((self.folder / "constituents.json").read_text(encoding="utf-8"))
        return found


@contextlib.contextmanager
def stocked(data: Path, rows: int, database: str, say: Callable[[str], None]) -> Iterator[Stock]:
    """Yield an instance of that many observations on that database, filled when there is none yet. Raises Failed."""
    home = data / f"pages-{rows}-{database}"
    with address_of(database) as address:
        instance = Instance(home, address)
        mark = home / "stock.json"
        if not mark.is_file():
            say(f"pages, filling an instance on {database} with {rows:,} observations")
            _fill(instance, _feeds(data, rows), mark)
            if address:
                _dump(address, home)
        elif address:
            say("pages, putting the database back")
            _restore(address, home)
        instance.tocsin("upgrade")
        filled = json.loads(mark.read_text(encoding="utf-8"))
        yield Stock(instance, _folder(data, rows), **filled)


@contextlib.contextmanager
def address_of(database: str) -> Iterator[str]:
    """Yield the address of an empty PostgreSQL database; nothing for SQLite. Raises Failed."""
    if database == SQLITE or os.environ.get(ADDRESS):
        yield "" if database == SQLITE else os.environ[ADDRESS]
        return
    beside = [str(ROOT / "tools" / "with-postgres"), "bash", "-c", f'echo "${ADDRESS}"; read -r _ || true']
    with subprocess.Popen(beside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdin is None or server.stdout is None or not (address := server.stdout.readline().strip()):
            raise Failed("No PostgreSQL server started. Run tools/install-test-system first.")
        try:
            yield address
        finally:
            server.stdin.close()  # it ends when it has nothing more to read


def _folder(data: Path, rows: int) -> Path:
    return data / f"pages-{rows}-feeds"


def _feeds(data: Path, rows: int) -> Feeds:
    """Return the report files, written when they are not there yet."""
    folder = _folder(data, rows)
    if not (folder / "truth.json").is_file():
        options = {"rows": rows // DAYS, "days": DAYS, "first-day": FIRST_DAY, "dirty": DIRTY, "types": TYPES}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        product.python("-m", "bench.feeds", "--out", folder, *words)
    return reports.opened("pages", folder)


def _fill(instance: Instance, feeds: Feeds, mark: Path) -> None:
    """Fill an empty instance; its last day comes by a run of its own. Raises Failed or Wrong."""
    product.prepare(instance, feeds.folder / "constituents.json")
    (instance.home / "demo").write_text(feeds.days[-1][0].name[:10], encoding="ascii")
    earlier = [file for day in feeds.days[:-1] for file in day]
    runs = [instance.run(files) for files in (earlier, feeds.days[-1])]
    checked(dataclasses.replace(feeds, truth=_of_runs(feeds.truth)), [summary for _cost, summary in runs])
    rivals = instance.home / "rivals.json"
    rivals.write_text(json.dumps(_rivals(feeds)), encoding="utf-8")
    instance.tocsin("directory", "import", rivals)
    content = {
        "observations": feeds.truth["rows"],
        "findings": feeds.truth["distinct_findings"],
        "import_s": round(sum(cost.wall_s for cost, _summary in runs), 1),
        "import_cpu_s": round(sum(cost.cpu_s for cost, _summary in runs), 1),
    }
    mark.write_text(json.dumps(content), encoding="utf-8")


def _of_runs(truth: dict[str, Any]) -> dict[str, Any]:
    """Return the truth with two entries in place of days: all before the last, and the last."""
    *earlier, last = truth["days"]
    words = ("new", "still", "gone", "returned")
    return {**truth, "days": [{word: sum(day[word] for day in earlier) for word in words}, last]}


def _rivals(feeds: Feeds) -> list[dict[str, Any]]:
    """Return constituents who claim networks that are claimed already, a few each."""
    held = json.loads((feeds.folder / "constituents.json").read_text(encoding="utf-8"))
    networks = [each["networks"][0] for each in held if each["networks"]][:RIVALS]
    return [
        {"id": f"rival{number}", "name": f"Rival {number}", "sector": "business", "networks": networks[number::20]}
        for number in range(min(20, len(networks)))
    ]


def _dump(address: str, home: Path) -> None:
    """Keep the database beside the files that it names."""
    measured(["pg_dump", "--format=custom", "--file", str(home / "database.dump"), address], os.environ)


def _restore(address: str, home: Path) -> None:
    """Fill an empty database from what was kept. No statistics come with it: the product must do without."""
    command = ["pg_restore", "--no-owner", "--exit-on-error", "--dbname", address, str(home / "database.dump")]
    measured(command, os.environ)


def forget(data: Path, rows: int, database: str) -> None:
    """Remove an instance that was kept."""
    shutil.rmtree(data / f"pages-{rows}-{database}", ignore_errors=True)
