"""The daily round, the key, and what `doctor` says of both."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.audit.test_verifying import AT, BY, DAY, lifted
from tocsin.audit import actions, keeping, queries, trail
from tocsin.audit.actors import System
from tocsin.audit.events import HeadSigned
from tocsin.audit.listening import listens_to, stop_listening
from tocsin.audit.models import AuditRow, SignedHead
from tocsin.audit.signing import read_head
from tocsin.audit.verifying import verify
from tocsin.kernel.refusals import Conflict, Unavailable

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keeping.ensure_key(tmp_path, by=BY, at=AT)
    return tmp_path


def codes() -> list[str]:
    return list(AuditRow.objects.order_by("sequence").values_list("code", flat=True))


def test_each_day_the_trail_is_checked_and_its_head_signed_once(home: Path) -> None:
    for hours in range(0, 49, 6):
        keeping.go_round(home, at=AT + dt.timedelta(hours=hours))
    assert codes() == ["audit.key_made", *["audit.checked", "audit.head_signed"] * 3]
    assert [head.on.day for head in SignedHead.objects.all()] == [1, 2, 3]
    assert verify(keeping.own_key(home)).faults == ()


def test_whoever_listens_is_told_the_text_of_the_head(home: Path, django_capture_on_commit_callbacks: Any) -> None:
    heard: list[HeadSigned] = []
    listens_to(HeadSigned)(heard.append)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            keeping.go_round(home, at=AT)
    finally:
        stop_listening(HeadSigned, heard.append)
    (event,) = heard
    head = read_head(event.text)
    assert (head.on, head.sequence, head.hash) == (AT.date(), 2, queries.hash_of(2))
    assert head.is_signed


def test_a_trail_that_is_found_wrong_is_put_on_record_and_signed_all_the_same(home: Path) -> None:
    keeping.go_round(home, at=AT)
    with lifted():
        AuditRow.objects.filter(sequence=2).update(code="test.other")
    keeping.go_round(home, at=AT + DAY)
    check = queries.last_check()
    assert check is not None
    assert check.data["faults"] == [
        {"problem": "changed", "row": 2, "until": None, "on": None, "kept_elsewhere": False}
    ]
    assert check.data["rows"] == 1
    assert SignedHead.objects.count() == 2


def test_the_key_is_made_and_put_on_record_once(home: Path) -> None:
    assert not keeping.ensure_key(home, by=BY, at=AT)
    assert codes() == ["audit.key_made"]
    assert queries.keys_on_record() == {keeping.own_key(home)}


def test_without_the_key_nothing_is_signed_and_the_way_out_is_said(home: Path) -> None:
    keeping.key_path(home).unlink()
    assert keeping.own_key(home) == ""
    with pytest.raises(Unavailable, match="tocsin upgrade"):
        keeping.go_round(home, at=AT)
    assert SignedHead.objects.count() == 0
    assert queries.last_check() is not None, "it was checked before"


def test_a_trail_without_rows_has_no_head(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="no row yet"):
        actions.sign_head(path=keeping.key_path(tmp_path), by=BY, at=AT)


def flaw(home: Path, days: float) -> str:
    said = keeping.flaw(home, at=AT + days * DAY)
    return f"{said[0]}. {said[1]}" if said else ""


def test_a_fresh_trail_has_two_days_until_its_first_head(home: Path) -> None:
    assert flaw(home, 2) == ""
    assert flaw(home, 3) == (
        "no head was signed since 2026-03-01. Have the worker run, which signs one each day: tocsin serve"
    )


def test_a_head_that_is_two_days_old_is_old_enough(home: Path) -> None:
    keeping.go_round(home, at=AT + DAY)
    assert flaw(home, 3) == ""
    assert flaw(home, 4).startswith("no head was signed since 2026-03-02")


def test_a_head_that_does_not_fit_its_row_is_named(home: Path) -> None:
    keeping.go_round(home, at=AT)
    with lifted():
        AuditRow.objects.filter(sequence=2).update(hash="0" * 64)
    assert flaw(home, 1) == "its head of 2026-03-01 does not fit. Find out what was done: tocsin audit verify"


def test_a_head_whose_row_is_gone_is_named(home: Path) -> None:
    keeping.go_round(home, at=AT)
    with lifted():
        AuditRow.objects.filter(sequence=2).delete()
    assert flaw(home, 1).startswith("its head of 2026-03-01 does not fit")


def test_a_changed_head_is_named(home: Path) -> None:
    keeping.go_round(home, at=AT)
    with lifted():
        SignedHead.objects.update(signature="A" * 86 + "==")
    assert flaw(home, 1).startswith("its head of 2026-03-01 does not fit")


def test_heads_that_were_removed_are_named_and_not_the_worker(home: Path) -> None:
    for day in range(3):
        keeping.go_round(home, at=AT + day * DAY)
    assert flaw(home, 9).startswith("no head was signed since 2026-03-03")
    with lifted():
        SignedHead.objects.filter(on=(AT + 2 * DAY).date()).delete()
    assert flaw(home, 9) == "1 signed head was removed. Find out what was done: tocsin audit verify"
    with lifted():
        SignedHead.objects.all().delete()
    assert flaw(home, 2).startswith("3 signed heads were removed")


def test_what_the_last_check_found_is_named(home: Path) -> None:
    for number in range(3):
        trail.append("test.noted", {"number": number}, by=System("tést"), at=AT)
    with lifted(), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditrow SET code = 'x' WHERE sequence = 3")
    keeping.go_round(home, at=AT)
    assert flaw(home, 1) == ("row 3 was found wrong on 2026-03-01. Find out what was done: tocsin audit verify")


def test_a_missing_key_and_a_replaced_one_are_named(home: Path) -> None:
    keeping.key_path(home).rename(home / "elsewhere")
    assert "holds no key" in flaw(home, 0)
    keeping.signing.make_key(keeping.key_path(home))
    assert flaw(home, 0).startswith("the key that signs its heads was replaced")
