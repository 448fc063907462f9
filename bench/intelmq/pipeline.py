"""The pipeline that a national team would run for these reports, as IntelMQ's own configuration.

Seven bots: read files, parse reports, drop exact repetitions, fill in the autonomous system, add the taxonomy, look up
the contact, write a file. Queues, and what the deduplicator remembers, are in one Redis.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLLECTOR, OUTPUT = "reports", "file"


@dataclasses.dataclass(frozen=True)
class Bot:
    """One bot: its id, the module that it is, its parameters."""

    id: str
    module: str
    parameters: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Place:
    """The folders of one installation, below INTELMQ_ROOT_DIR."""

    root: Path
    redis_port: int

    @property
    def delivered(self) -> Path:
        """Where report files are found."""
        return self.root / "delivered"

    @property
    def bots(self) -> Path:
        """Where bots keep their files."""
        return self.root / "var" / "lib" / "bots"

    @property
    def logs(self) -> Path:
        """Where bots write what they do."""
        return self.root / "var" / "log"

    @property
    def events(self) -> Path:
        """Where events come out."""
        return self.bots / "events.jsonl"


def bots(place: Place) -> list[Bot]:
    """Return the bots in the order in which a message passes them."""
    return [
        Bot(
            COLLECTOR,
            "intelmq.bots.collectors.file.collector_file",
            {"path": f"{place.delivered}/", "postfix": ".csv", "delete_file": False, "rate_limit": 0,
             "name": "Reports", "provider": "Shadowserver"},
        ),
        Bot("parser", "intelmq.bots.parsers.shadowserver.parser", {"overwrite": True}),
        Bot(
            "repetitions",
            "intelmq.bots.experts.deduplicator.expert",
            {"filter_type": "blacklist", "filter_keys": "raw,time.observation", "redis_cache_db": 6,
             "redis_cache_host": "127.0.0.1", "redis_cache_port": place.redis_port, "redis_cache_ttl": 86_400},
        ),
        Bot("asn", "intelmq.bots.experts.asn_lookup.expert", {"database": str(place.bots / "rib.dat")}),
        Bot("taxonomy", "intelmq.bots.experts.taxonomy.expert", {}),
        Bot(
            "contact",
            "intelmq.bots.experts.generic_db_lookup.expert",
            {"engine": "sqlite", "database": str(place.bots / "contacts.sqlite"), "table": "contacts",
             "match_fields": {"source.asn": "asn"}, "replace_fields": {"contact": "source.abuse_contact"},
             "overwrite": True},
        ),
        Bot(OUTPUT, "intelmq.bots.outputs.file.output", {"file": str(place.events)}),
    ]  # fmt: skip


def runtime(place: Place) -> dict[str, Any]:
    """Return the content of runtime.yaml (JSON is YAML)."""
    chain = bots(place)
    redis = {f"{end}_pipeline_{what}": value for end in ("source", "destination")
             for what, value in (("host", "127.0.0.1"), ("port", place.redis_port))}  # fmt: skip
    content: dict[str, Any] = {
        "global": {
            **redis,
            "statistics_host": "127.0.0.1",
            "statistics_port": place.redis_port,
            "logging_level": "INFO",
            "logging_path": f"{place.logs}/",
        }
    }
    for bot, after in zip(chain, [*chain[1:], None], strict=True):
        to = {"destination_queues": {"_default": [queue(after.id)]}} if after else {}
        content[bot.id] = {
            "bot_id": bot.id,
            "module": bot.module,
            "name": bot.id,
            "group": "Bench",
            "enabled": True,
            "run_mode": "scheduled" if bot.id == COLLECTOR else "continuous",
            "parameters": {**bot.parameters, **to},
        }
    return content


def queue(bot_id: str) -> str:
    """Return the name of a bot's queue."""
    return f"{bot_id}-queue"


def install(place: Place, packaged: Path, schema: Path, feeds: Path, files: Sequence[Path]) -> None:
    """Make the folders of an installation: configuration, schema, tables, and the report files to read.

    `packaged` is the etc/ folder of the installed package, `feeds` one with rib.txt and constituents.json.
    """
    shutil.rmtree(place.root, ignore_errors=True)
    for folder in (place.delivered, place.bots, place.logs, place.root / "etc", place.root / "var" / "run"):
        folder.mkdir(parents=True)
    shutil.copy(packaged / "harmonization.conf", place.root / "etc")
    (place.root / "etc" / "runtime.yaml").write_text(json.dumps(runtime(place)), encoding="utf-8")
    shutil.copy(schema / "intelmq.json", place.bots / "shadowserver-schema.json")
    shutil.copy(feeds / "rib.txt", place.bots / "rib.dat")
    contacts(place.bots / "contacts.sqlite", json.loads((feeds / "constituents.json").read_text(encoding="utf-8")))
    for path in files:
        shutil.copy(path, place.delivered)


def contacts(path: Path, constituents: Sequence[dict[str, Any]]) -> None:
    """Write the table that the look-up by autonomous system reads."""
    found = {int(asn): entry.get("contact") or f"abuse@{entry['id']}.example"
             for entry in constituents for asn in entry["asns"]}  # fmt: skip
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE contacts (asn INTEGER PRIMARY KEY, contact TEXT)")
        database.executemany("INSERT INTO contacts VALUES (?, ?)", found.items())
    database.close()
