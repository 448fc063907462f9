"""The stored trail is checked in chunks, and tampering past the triggers is named."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from tests.cast import Cast
from tocsin.audit import append_only, queries, stored, trail
from tocsin.audit.actors import COMMAND_LINE, System
from tocsin.audit.models import AuditRow

AT = dt.datetime(2026, 3, 1, 9, 30, 0, 5, tzinfo=dt.UTC)


@pytest.fixture
def ten_rows(db: None) -> None:
    for number in range(10):
        trail.append("test.counted", {"number": number, "name": "Zoë\x00\ud800 \u202e"}, by=System("tést"), at=AT)


@pytest.mark.usefixtures("ten_rows")
def test_the_stored_trail_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "CHUNK_ROWS", 3)
    verdict = queries.verify()
    assert (verdict.rows, verdict.broken_at) == (10, None)
    assert verdict.head == AuditRow.objects.get(sequence=10).hash
    assert AuditRow.objects.get(sequence=10).data == {"number": 9, "name": "Zoë\x00\ud800 \u202e"}


@pytest.mark.usefixtures("ten_rows")
def test_an_administrator_who_lifts_the_triggers_is_found_out() -> None:
    append_only.permit(connection)
    assert not queries.database_is_append_only()
    AuditRow.objects.filter(sequence=6).update(data_json='{"number":0}')
    append_only.forbid(connection)
    assert queries.verify().breaks == (("changed", 6, 6),)


@pytest.mark.usefixtures("ten_rows")
def test_a_deleted_row_is_found_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "CHUNK_ROWS", 3)
    append_only.permit(connection)
    AuditRow.objects.filter(sequence=4).delete()
    append_only.forbid(connection)
    assert queries.verify().breaks == (("missing", 4, 4),)


@pytest.mark.usefixtures("ten_rows")
def test_the_latest_rows_come_first() -> None:
    assert [row.sequence for row in queries.latest_rows(3)] == [10, 9, 8]


def test_what_one_person_did_is_found_after_the_account_is_renamed(cast: Cast) -> None:
    trail.append("test.one", {}, by=cast.analyst, at=AT)
    trail.append("test.two", {}, by=COMMAND_LINE, at=AT)
    cast.analyst.name = "Somebody Else"
    cast.analyst.save()
    assert [(row.code, row.actor_label) for row in queries.rows_of(cast.analyst.audit_key)] == [
        ("test.one", "Anan Analyst <anan@cirt.example>")
    ]


def test_an_empty_trail_is_sound(db: None) -> None:
    assert queries.verify().rows == 0
