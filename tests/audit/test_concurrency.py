"""Many processes act at once; the chain has one order and no gap."""

from __future__ import annotations

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


def test_processes_that_read_change_and_record_at_once_lose_nothing(instance: Instance) -> None:
    instance.run(PREPARE)
    for process in [instance.start(ACT, f"process {number}", "25") for number in range(4)]:
        finish(process)
    assert instance.run(RESULT).split() == ["200", "None", "100", "100"]


def test_a_process_killed_in_the_middle_leaves_a_sound_chain(instance: Instance) -> None:
    instance.run(PREPARE)
    victim = instance.start(ACT + "        print(number, flush=True)\n", "victim", "100000")
    for _ in range(5):
        victim.stdout.readline()
    victim.kill()
    victim.communicate()
    instance.run(ACT, "survivor", "3")
    rows, broken_at, counted, last = instance.run(RESULT).split()
    assert broken_at == "None"
    assert int(rows) == 2 * int(counted) >= 16
    assert counted == last
