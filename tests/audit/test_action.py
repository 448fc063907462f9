"""An action is one transaction, one audit row, one event after commit."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from tests.cast import Cast
from tocsin.audit import queries
from tocsin.audit.action import action
from tocsin.audit.actors import COMMAND_LINE, Known
from tocsin.audit.changes import change
from tocsin.audit.listening import listens_to, stop_listening
from tocsin.audit.models import AuditRow
from tocsin.kernel.events import Event
from tocsin.kernel.refusals import NotPermitted
from tocsin.people import acts
from tocsin.people.models import Person
from tocsin.people.policy import Ability

AT = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Renamed(Event):
    person: int
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AllRenamed(Event):
    people: int


@action("test.renamed")
def rename(person: Person, name: str, *, by: Any, at: dt.datetime, fail: bool = False) -> Renamed:
    before, after = change(person, name=name)
    if fail:
        raise RuntimeError("after the change")
    return Renamed(person=person.pk, before=before, after=after)


@action("test.all_renamed")
def rename_all(people: list[Person], name: str, *, by: Any, at: dt.datetime, fail: bool = False) -> AllRenamed:
    for person in people:
        rename(person, name, by=by, at=at)
    if fail:
        raise RuntimeError("after the inner actions")
    return AllRenamed(people=len(people))


@pytest.fixture(autouse=True)
def _known_to_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let those who manage accounts do the acts of these tests."""
    own = dict.fromkeys(("test.renamed", "test.all_renamed"), (Ability.MANAGE_PEOPLE,))
    monkeypatch.setattr(acts, "NEEDS", {**acts.NEEDS, **own})


@pytest.fixture
def heard() -> Iterator[list[Event]]:
    events: list[Event] = []
    for kind in (Renamed, AllRenamed):
        listens_to(kind)(events.append)
    yield events
    for kind in (Renamed, AllRenamed):
        stop_listening(kind, events.append)


def test_an_action_changes_records_and_tells(
    cast: Cast, heard: list[Event], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        event = rename(cast.analyst, "Ana", by=cast.manager, at=AT)
        assert heard == []
    assert heard == [event]
    row = queries.latest_rows()[0]
    assert (row.actor_key, row.actor_label) == (f"person:{cast.manager.pk}", "Marta Head <marta@cirt.example>")
    assert row.at == AT
    assert row.data == {"person": cast.analyst.pk, "before": {"name": "Anan Analyst"}, "after": {"name": "Ana"}}
    assert Person.objects.get(pk=cast.analyst.pk).name == "Ana"


def test_an_action_that_fails_leaves_no_change_no_row_and_no_event(
    cast: Cast, heard: list[Event], django_capture_on_commit_callbacks: Any
) -> None:
    with pytest.raises(RuntimeError), django_capture_on_commit_callbacks(execute=True):
        rename(cast.analyst, "Ana", by=cast.manager, at=AT, fail=True)
    assert heard == []
    assert AuditRow.objects.count() == 0
    assert Person.objects.get(pk=cast.analyst.pk).name == "Anan Analyst"


def test_who_is_bound_by_rules_is_asked_before_anything_is_read(cast: Cast, django_assert_num_queries: Any) -> None:
    person, by = cast.analyst, cast.peer
    with pytest.raises(NotPermitted, match="may not open and close accounts"), django_assert_num_queries(0):
        rename(person, "Ana", by=by, at=AT)
    rename(person, "Ana", by=Known(by.audit_key, by.audit_label), at=AT)
    assert AuditRow.objects.get().actor_key == by.audit_key, "what follows from an act is its author's"


def test_an_inner_action_writes_its_own_row_before_the_outer_one(
    cast: Cast, heard: list[Event], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        rename_all([cast.analyst, cast.peer], "Same", by=COMMAND_LINE, at=AT)
    codes = [row.code for row in AuditRow.objects.all()]
    assert codes == ["test.renamed", "test.renamed", "test.all_renamed"]
    assert [type(event).__name__ for event in heard] == ["Renamed", "Renamed", "AllRenamed"]
    assert queries.verify().rows == 3


def test_an_outer_action_that_fails_takes_the_inner_ones_with_it(
    cast: Cast, heard: list[Event], django_capture_on_commit_callbacks: Any
) -> None:
    with pytest.raises(RuntimeError), django_capture_on_commit_callbacks(execute=True):
        rename_all([cast.analyst], "Same", by=COMMAND_LINE, at=AT, fail=True)
    assert heard == []
    assert AuditRow.objects.count() == 0


def test_an_inner_action_whose_savepoint_is_rolled_back_leaves_a_sound_chain(cast: Cast) -> None:
    rename(cast.analyst, "One", by=COMMAND_LINE, at=AT)
    with pytest.raises(RuntimeError), transaction.atomic():
        rename(cast.analyst, "Two", by=COMMAND_LINE, at=AT)
        raise RuntimeError
    rename(cast.peer, "Three", by=COMMAND_LINE, at=AT)
    verdict = queries.verify()
    assert (verdict.rows, verdict.broken_at) == (2, None)


@pytest.mark.parametrize(
    "keywords",
    [
        {"at": AT},
        {"by": None, "at": AT},
        {"by": "somebody", "at": AT},
        {"by": Person(email="new@cirt.example"), "at": AT},
        {"by": COMMAND_LINE},
        {"by": COMMAND_LINE, "at": None},
        {"by": COMMAND_LINE, "at": AT.replace(tzinfo=None)},
        {"by": COMMAND_LINE, "at": AT.date()},
    ],
    ids=["no by", "None", "text", "unsaved person", "no at", "at None", "naive at", "a day"],
)
def test_an_action_without_actor_or_instant_is_refused_before_anything_happens(
    cast: Cast, keywords: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        rename(cast.analyst, "Ana", **keywords)
    assert Person.objects.get(pk=cast.analyst.pk).name == "Anan Analyst"


def test_an_action_that_does_not_say_what_happened_is_refused(cast: Cast) -> None:
    @action("test.silent")
    def silent(*, by: Any, at: dt.datetime) -> Event:
        return None  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"test\.silent must return an Event"):
        silent(by=COMMAND_LINE, at=AT)


def test_a_listener_that_fails_keeps_no_other_from_hearing(
    cast: Cast, heard: list[Event], django_capture_on_commit_callbacks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Renamed) -> None:
        raise ValueError("broken listener")

    stop_listening(Renamed, heard.append)
    listens_to(Renamed)(broken)
    listens_to(Renamed)(heard.append)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            event = rename(cast.analyst, "Ana", by=COMMAND_LINE, at=AT)
    finally:
        stop_listening(Renamed, broken)
    assert heard == [event]
    assert "broken listener" in caplog.text


def test_nothing_that_differs_is_nothing_that_changes(cast: Cast) -> None:
    assert change(cast.analyst, name="Anan Analyst") == ({}, {})


def replace(rows: QuerySet[AuditRow]) -> None:
    """Put another row in the place of each, as each database lets one."""
    columns = ", ".join(field.column for field in AuditRow._meta.fields)
    values = columns.replace("code", "'x'")
    replacing, when_there = ("INSERT OR REPLACE", "")
    if connection.vendor == "postgresql":
        replacing, when_there = "INSERT", "ON CONFLICT (sequence) DO UPDATE SET code = 'x'"
    with connection.cursor() as cursor:
        cursor.execute(f"{replacing} INTO audit_auditrow ({columns}) SELECT {values} FROM audit_auditrow {when_there}")


def empty(rows: QuerySet[AuditRow]) -> None:
    """Take all rows away at once. SQLite has no other way than to delete each."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_auditrow" if connection.vendor == "postgresql" else "DELETE FROM audit_auditrow")


@pytest.mark.parametrize("how", ["update", "delete", "replace", "empty"])
def test_the_database_refuses_to_change_the_trail(cast: Cast, how: str) -> None:
    rename(cast.analyst, "Ana", by=COMMAND_LINE, at=AT)
    rows = AuditRow.objects.all()
    changed_by = {
        "update": lambda rows: rows.update(code="x"),
        "delete": lambda rows: rows.delete(),
        "replace": replace,
        "empty": empty,
    }
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        changed_by[how](rows)
    assert [row.code for row in rows] == ["test.renamed"]
    assert queries.database_is_append_only()
