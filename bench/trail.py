"""Fill an instance with a trail as years of work would have left it, and measure how long checking it takes.

    TOCSIN_HOME=DIR python -m bench.trail ROWS

Straight into the tables, with hashes that fit and a signed head for each day: only checking is to be measured.
Prints one JSON object: rows, heads.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from bench.figures import Figure, Target, cost, median
from bench.measures import Setting, Wrong
from bench.pages.stock import DATABASES, address
from bench.processes import Cost
from bench.product import Instance

CHECKED = Target(10.0, 5.0)
MEMORY_MB = Target(256, 128)
ROWS = 1_000_000
A_DAY = 1_000
_CHUNK = 5_000
FIRST = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
_CODES = ("finding.noted", "claim.added", "run.committed", "person.signed_in")


def checking(setting: Setting) -> list[Figure]:
    """AUDIT: `tocsin audit verify` over a million rows, on SQLite and on PostgreSQL."""
    rows = min(setting.rows, ROWS)
    return [figure for database in DATABASES for figure in checking_on(setting, rows, database)]


def checking_on(setting: Setting, rows: int, database: str) -> list[Figure]:
    """Measure on one database. Raises Wrong when the trail is not found whole."""
    home = setting.scratch / f"trail-{database}"
    shutil.rmtree(home, ignore_errors=True)
    with address(database) as url:
        instance = Instance(home, url)
        instance.tocsin("init")
        setting.say(f"AUDIT, {database}: writing {rows:,} rows")
        instance.python("-m", "bench.trail", str(rows))
        spent = [_checked(instance, rows, setting) for _ in range(setting.repeat)]
    shutil.rmtree(home)
    what = f"AUDIT verify, {database}, {rows:,} rows"
    peaks = [each.peak_mb for each in spent]
    return [
        median(what, [each.wall_s for each in spent], "s", CHECKED),
        median(f"{what}: peak memory", peaks, "MB", MEMORY_MB),
        cost(what, spent, rows),
    ]


def _checked(instance: Instance, rows: int, setting: Setting) -> Cost:
    setting.say("AUDIT, checking")
    spent, said = instance.tocsin("audit", "verify", "--json")
    if json.loads(said)["rows"] < rows:
        raise Wrong(f"The trail was not found whole: {said}")
    return spent


def fill(rows: int) -> int:
    """Write so many rows behind those that are there, and heads; return how many of these. Needs Django."""
    from tocsin.audit.models import AuditRow

    last = AuditRow.objects.order_by("-sequence").values_list("sequence", "hash").first()
    heads: list[tuple[int, str]] = []
    chunk: list[tuple[Any, ...]] = []
    for row in made(rows, *(last or (0, "0" * 64))):
        chunk.append(row)
        if row[0] % A_DAY == 0:
            heads.append((row[0], row[-1]))
        if len(chunk) == _CHUNK:
            _write(chunk)
            chunk = []
    _write(chunk)
    _sign(heads)
    return len(heads)


def made(rows: int, sequence: int, previous: str) -> Iterator[tuple[Any, ...]]:
    """Yield so many rows that follow the one with this number and hash."""
    from tocsin.audit.chain import canonical_json, row_hash

    for number in range(sequence + 1, sequence + rows + 1):
        at = FIRST + dt.timedelta(seconds=86 * number, microseconds=number % 7)
        who = number % 40
        data = {"finding": f"f{number:012d}", "text": "Ihr Anschluß wurde geprüft; siehe Vermerk.", "before": {"n": 1}}
        fields = (f"person:{who}", f"Zoë {who} <z{who}@cirt.example>", _CODES[number % 4], canonical_json(data))
        digest = row_hash(number, at, *fields, previous)
        yield number, at, *fields, previous, digest
        previous = digest


def _write(chunk: list[tuple[Any, ...]]) -> None:
    from django.db import connection

    columns = "sequence, at, actor_key, actor_label, code, data_json, previous, hash"
    if connection.vendor == "sqlite":
        plain = [(row[0], row[1].replace(tzinfo=None).isoformat(" "), *row[2:]) for row in chunk]
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO audit_auditrow ({columns}) VALUES ({', '.join(['%s'] * 8)})", plain)
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY audit_auditrow ({columns}) FROM STDIN") as copy:
        for row in chunk:
            copy.write_row(row)


def _sign(heads: list[tuple[int, str]]) -> None:
    from django.conf import settings

    from tocsin.audit import keeping, signing
    from tocsin.audit.models import SignedHead

    path = keeping.key_path(settings.TOCSIN.home)
    key = signing.public_key(path)
    signed = [
        signing.sign(signing.Head(FIRST.date() + dt.timedelta(days=number), *head, key), path)
        for number, head in enumerate(heads)
    ]
    SignedHead.objects.bulk_create(
        SignedHead(on=head.on, sequence=head.sequence, hash=head.hash, key=key, signature=head.signature)
        for head in signed
    )


def main(rows: int) -> None:
    """Fill the instance in TOCSIN_HOME."""
    from django.db import transaction

    from tocsin.site.starting import set_up_django

    set_up_django()
    with transaction.atomic():
        heads = fill(rows)
    print(json.dumps({"rows": rows, "heads": heads}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
