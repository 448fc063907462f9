"""Many processes act at once; the chain has one order and no gap."""

from __future__ import annotations

import json
import os
import random

from tests.processes import Instance, finish

ACT = """
    import dataclasses, sys
    from tocsin.audit.action import action
    from tocsin.audit.actors import System
    from tocsin.kernel import clock
    from tocsin.kernel.events import Event
    from tocsin.people.models import Person

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Counted(Event):
        number: int

    @action("test.inner")
    def inner(number, *, by, at):
        return Counted(number=number)

    @action("test.counted")
    def count(*, by, at):
        person = Person.objects.get(email="counter@cirt.example")
        number = int(person.name) + 1
        inner(number, by=by, at=at)
        Person.objects.filter(pk=person.pk).update(name=str(number))
        return Counted(number=number)

    for _ in range(int(sys.argv[2])):
        number = count(by=System(sys.argv[1]), at=clock.now()).number
"""
PREPARE = """
    from tocsin.people.models import Person
    Person.objects.create(email="counter@cirt.example", name="0", role="analyst", password="!")
"""
RESULT = """
    from tocsin.audit.queries import verify, latest_rows
    from tocsin.people.models import Person
    verdict = verify()
    print(verdict.rows, verdict.broken_at, Person.objects.get().name, latest_rows(1)[0].data["number"])
"""
DURABILITY = """
    import json, sqlite3
    from django.db import connection, transaction

    asked = {
        "sqlite": ["PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA foreign_keys", "PRAGMA busy_timeout"],
        "postgresql": [
            "SELECT source FROM pg_settings WHERE name = 'synchronous_commit'", "SHOW transaction_isolation",
        ],
    }[connection.vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        found = [cursor.execute(question).fetchone()[0] for question in asked]
        if connection.vendor == "sqlite":
            other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                found.append(str(error))
            other.close()
    print(json.dumps(found))
"""
WHOLE = """
    from django.db import connection
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            print(cursor.execute("PRAGMA integrity_check").fetchone()[0])
        else:
            print("ok")  # a server does not end with those that ask it
"""
KILLS = int(os.environ.get("TOCSIN_TEST_KILLS", "3"))
FULL = 2
"""What SQLite calls the mode in which a commit has reached the disk before it is answered."""


def test_a_commit_is_on_the_disk_when_it_is_answered(instance: Instance) -> None:
    """What a power cut would show, and killing a process cannot: how connections of the product are set."""
    found = json.loads(instance.run(DURABILITY))
    if instance.environment["TOCSIN_DATABASE_URL"]:
        source, isolation = found
        assert source in ("default", "configuration file", "command line"), "left to the server, whose default is on"
        assert isolation == "read committed"
    else:
        # Locked by a transaction that has only read: it begins as the one writer.
        assert found == ["wal", FULL, 1, 20_000, "database is locked"]


def test_processes_that_read_change_and_record_at_once_lose_nothing(instance: Instance) -> None:
    instance.run(PREPARE)
    for process in [instance.start(ACT, f"process {number}", "25") for number in range(4)]:
        finish(process)
    assert instance.run(RESULT).split() == ["200", "None", "100", "100"]


def test_whatever_was_answered_is_there_and_the_chain_sound_whenever_processes_are_killed(instance: Instance) -> None:
    """TOCSIN_TEST_KILLS says how often: 50 were tried, as docs/reference/benchmarks.md says."""
    instance.run(PREPARE)
    chance, answered = random.Random(58), 0
    for killed in range(KILLS):
        victims = [
            instance.start(ACT + "        print(number, flush=True)\n", f"victim {killed}.{one}", "100000")
            for one in (1, 2)
        ]
        for victim in victims:
            for _ in range(chance.randrange(1, 9)):
                answered = max(answered, int(victim.stdout.readline()))
        for victim in victims:
            victim.kill()
        for victim in victims:
            left, _said = victim.communicate()
            whole = left.rpartition("\n")[0]  # the last line may have been cut
            answered = max([answered, *map(int, whole.split())])
        rows, broken_at, counted, last = instance.run(RESULT).split()
        assert (broken_at, last, int(rows)) == ("None", counted, 2 * int(counted)) and int(counted) >= answered
        assert instance.run(WHOLE) == "ok\n"
    instance.run(ACT, "survivor", "3")
    assert int(instance.run(RESULT).split()[2]) == int(counted) + 3
