"""Whatever is done to the trail behind the software's back is found and named rightly, on each database."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tocsin.audit import actions, append_only, keeping, queries, signing, trail
from tocsin.audit.actors import System
from tocsin.audit.chain import GENESIS, row_hash
from tocsin.audit.models import AuditRow, SignedHead
from tocsin.audit.signing import Head
from tocsin.audit.verifying import MOST_FAULTS, Fault, verify
from tocsin.people.models import Person

AT = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
BY = System("audit")
DAY = dt.timedelta(days=1)


@pytest.fixture
def home(db: None, tmp_path: Path) -> Path:
    """A trail of three days: the key (row 1), three notes, head (5), three notes, head (9), three notes, head (13)."""
    keeping.ensure_key(tmp_path, by=BY, at=AT)
    for day in range(3):
        for number in range(3):
            trail.append("test.noted", {"number": number, "name": "Zoë"}, by=System("tést"), at=AT + day * DAY)
        keeping.sign_if_due(tmp_path, at=AT + day * DAY)
    return tmp_path


def found(home: Path, *elsewhere: Head) -> list[tuple[str, int, int | None]]:
    faults = verify(keeping.own_key(home), elsewhere).faults
    return [(fault.problem, fault.row, fault.until) for fault in faults]


@contextmanager
def lifted() -> Iterator[None]:
    """Have the triggers lifted, as an administrator of the database can."""
    append_only.permit(connection)
    yield
    append_only.forbid(connection)


def compute_anew(first: int = 1) -> None:
    """Give every row from `first` on the number and the hashes that fit, as who knows the code can."""
    before = AuditRow.objects.filter(sequence__lt=first).order_by("-sequence").first()
    number, previous = (before.sequence, before.hash) if before else (0, GENESIS)
    for row in list(AuditRow.objects.filter(sequence__gte=first).order_by("sequence")):
        number += 1
        fields = (row.actor_key, row.actor_label, row.code, row.data_json, previous)
        AuditRow.objects.filter(pk=row.pk).update(
            sequence=number, previous=previous, hash=row_hash(number, row.at, *fields)
        )
        previous = row_hash(number, row.at, *fields)


def kept(day: int) -> Head:
    """The head of a day as somebody keeps it elsewhere."""
    row = SignedHead.objects.get(on=(AT + day * DAY).date())
    return Head(row.on, row.sequence, row.hash, row.key, row.signature)


def test_an_untouched_trail_is_whole(home: Path) -> None:
    done = verify(keeping.own_key(home), [kept(0), kept(2)])
    assert (done.rows, done.heads, done.last_head, done.faults) == (13, 3, dt.date(2026, 3, 3), ())
    assert done.head == queries.hash_of(13)
    assert [head.sequence for head in SignedHead.objects.all()] == [4, 8, 12]


def test_an_empty_trail_is_whole(db: None) -> None:
    done = verify()
    assert (done.rows, done.head, done.heads, done.faults) == (0, GENESIS, 0, ())


CELLS = [
    ("actor_key", "person:1"),
    ("actor_label", "somebody else"),
    ("code", "test.other"),
    ("data_json", '{"number":7}'),
    ("at", AT + dt.timedelta(microseconds=1)),
    ("hash", "0" * 64),
]


@pytest.mark.parametrize(("cell", "value"), CELLS, ids=[cell for cell, _ in CELLS])
def test_a_changed_cell_is_found_in_its_row(home: Path, cell: str, value: object) -> None:
    with lifted():
        AuditRow.objects.filter(sequence=6).update(**{cell: value})
    assert found(home) == [("changed", 6, None)]


def test_a_cell_that_is_no_instant_or_no_text_any_more_is_found_like_any_other(home: Path) -> None:
    if connection.vendor != "sqlite":  # PostgreSQL keeps every cell to its type
        with lifted(), connection.cursor() as cursor:
            cursor.execute("UPDATE audit_auditrow SET at = 'infinity' WHERE sequence = 6")
        assert found(home) == [("changed", 6, None)]
        return
    for cell in ("'soon'", "17", "x'ff'"):
        for column in ("at", "actor_label", "hash"):
            with lifted(), connection.cursor() as cursor:
                cursor.execute("SELECT actor_label, at, hash FROM audit_auditrow WHERE sequence = 6")
                before = dict(zip(("actor_label", "at", "hash"), cursor.fetchone(), strict=True))
                cursor.execute(f"UPDATE audit_auditrow SET {column} = {cell} WHERE sequence = 6")
                assert found(home) == [("changed", 6, None)], (column, cell)
                cursor.execute(f"UPDATE audit_auditrow SET {column} = %s WHERE sequence = 6", [before[column]])
    assert found(home) == []


@pytest.mark.parametrize("text", ["no JSON", "[]", "7", "{}"])
def test_a_key_s_row_that_holds_no_key_any_more_is_found_like_any_other(home: Path, text: str) -> None:
    with lifted():
        AuditRow.objects.filter(sequence=1).update(data_json=text)
    assert found(home)[0] == ("changed", 1, None)


def test_a_removed_row_is_missing(home: Path) -> None:
    with lifted():
        AuditRow.objects.filter(sequence=6).delete()
    assert found(home) == [("missing", 6, None)]
    with lifted():
        AuditRow.objects.filter(sequence__in=(7, 8)).delete()
    assert found(home) == [("missing", 6, 8)], "the head over row 8 says nothing more"


def test_everything_that_was_done_is_named_and_what_was_left_alone_is_not(home: Path) -> None:
    with lifted():
        AuditRow.objects.filter(sequence__in=(2, 3)).update(actor_label="somebody else")
        AuditRow.objects.filter(sequence=6).delete()
        AuditRow.objects.filter(sequence=10).update(code="test.other")
        AuditRow.objects.filter(sequence__gt=11).delete()
        SignedHead.objects.filter(on=dt.date(2026, 3, 2)).delete()
    done = verify(keeping.own_key(home))
    assert [(fault.problem, fault.row, fault.until) for fault in done.faults] == [
        ("changed", 2, 3), ("missing", 6, None), ("no head", 9, None), ("changed", 10, None), ("cut off", 12, 12),
    ]  # fmt: skip
    assert (done.rows, done.heads, done.more) == (1, 1, 0)


def test_faults_are_bounded_and_the_others_counted(home: Path) -> None:
    for number in range(2 * MOST_FAULTS):
        trail.append("test.noted", {"number": number}, by=BY, at=AT + 3 * DAY)
    with lifted():
        AuditRow.objects.filter(sequence__in=range(14, 14 + 2 * MOST_FAULTS, 2)).update(code="test.other")
        SignedHead.objects.all().delete()
    done = verify(keeping.own_key(home))
    assert [fault.row for fault in done.faults][:4] == [5, 9, 13, 14]
    assert (len(done.faults), done.more) == (MOST_FAULTS, 3)


def test_rows_that_changed_places_are_out_of_order(home: Path) -> None:
    with lifted():
        for old, new in ((6, 99), (7, 6), (99, 7)):
            AuditRow.objects.filter(sequence=old).update(sequence=new)
    assert found(home) == [("order", 6, 8)]


def test_a_row_put_before_the_first_was_never_written(home: Path) -> None:
    with lifted():
        AuditRow.objects.create(sequence=0, at=AT, actor_key="x", actor_label="x", code="x", data_json="{}", hash="x")
    assert found(home) == [("order", 1, None)]


def test_rows_cut_off_at_the_end_are_told_by_the_head_that_goes_furthest(home: Path) -> None:
    with lifted():
        AuditRow.objects.filter(sequence__gt=6).delete()
    assert verify(keeping.own_key(home)).faults == (Fault("cut off", 7, 12, dt.date(2026, 3, 3)),)


def test_a_trail_of_which_nothing_is_left_is_cut_off(home: Path) -> None:
    with lifted():
        AuditRow.objects.all().delete()
    assert found(home) == [("cut off", 1, 12)]


def test_a_trail_of_which_neither_rows_nor_heads_are_left_is_named_where_the_instance_is_in_use(home: Path) -> None:
    with lifted():
        AuditRow.objects.all().delete()
        SignedHead.objects.all().delete()
    assert queries.database_is_append_only()
    assert found(home) == [("emptied", 1, None)]
    assert keeping.flaw(home, at=AT) == ("none of its rows is left", "Find out what was done: tocsin audit verify")
    assert verify().faults == (), "without a key nothing here says that it was ever used"
    Person.objects.create(email="ana@cirt.example", role="analyst")
    assert verify().faults == (Fault("emptied", 1),), "the file of the key may be gone, too"


def test_an_emptied_trail_stays_on_record_when_the_key_is_put_there_anew(home: Path) -> None:
    Person.objects.create(email="ana@cirt.example", role="analyst")
    with lifted():
        AuditRow.objects.all().delete()
        SignedHead.objects.all().delete()
    assert keeping.ensure_key(home, by=BY, at=AT)
    check, made = AuditRow.objects.all()
    assert (check.code, check.data["faults"][0]["problem"], made.code) == ("audit.checked", "emptied", "audit.key_made")


def test_a_change_after_which_all_hashes_were_computed_anew_is_told_by_the_first_head_that_differs(home: Path) -> None:
    with lifted():
        AuditRow.objects.filter(sequence=6).update(actor_label="somebody else")
        compute_anew(6)
    assert queries.verify().broken_at is None
    done = verify(keeping.own_key(home))
    assert done.faults[0] == Fault("rewritten", 5, 8, dt.date(2026, 3, 2))
    assert done.faults[1:] == (Fault("rewritten", 5, 12, dt.date(2026, 3, 3)),), "each head that does not fit"
    assert done.rows == 4, "as far as a head says"


def test_a_row_removed_and_everything_computed_anew_is_told_by_the_heads(home: Path) -> None:
    with lifted():
        AuditRow.objects.filter(sequence=6).delete()
        compute_anew(6)
    assert found(home)[0] == ("rewritten", 5, 8)


def test_what_was_computed_anew_before_a_break_is_named_first(home: Path) -> None:
    with lifted():
        AuditRow.objects.filter(sequence=6).update(actor_label="somebody else")
        compute_anew(6)
        AuditRow.objects.filter(sequence=11).update(code="test.other")
    assert found(home) == [("rewritten", 5, 8), ("rewritten", 5, 12), ("changed", 11, None)]


@pytest.mark.parametrize(
    ("cell", "value"), [("sequence", 7), ("hash", "0" * 64), ("key", "1" * 64), ("signature", "A" * 86 + "==")]
)
def test_a_changed_head_is_told_from_a_changed_row(home: Path, cell: str, value: object) -> None:
    with lifted():
        SignedHead.objects.filter(on=dt.date(2026, 3, 2)).update(**{cell: value})
    done = verify(keeping.own_key(home))
    assert {fault.problem for fault in done.faults} == {"signature", "no head"}
    assert (done.rows, done.heads) == (13, 2)


def test_a_removed_head_is_told_by_the_row_that_says_it_was_signed(home: Path) -> None:
    with lifted():
        SignedHead.objects.filter(on=dt.date(2026, 3, 2)).delete()
    assert verify(keeping.own_key(home)).faults == (Fault("no head", 9, on=dt.date(2026, 3, 2)),)


def test_a_replaced_key_is_found_out(home: Path) -> None:
    keeping.key_path(home).unlink()
    signing.make_key(keeping.key_path(home))
    assert found(home) == [("key", 13, None)]
    keeping.sign_if_due(home, at=AT + 3 * DAY)
    assert [problem for problem, _, _ in found(home)] == ["key", "key"]


def test_a_key_that_was_made_anew_and_put_on_record_is_no_fault(home: Path) -> None:
    keeping.key_path(home).unlink()
    keeping.ensure_key(home, by=BY, at=AT + 3 * DAY)
    keeping.sign_if_due(home, at=AT + 3 * DAY)
    done = verify(keeping.own_key(home))
    assert (done.faults, done.heads) == ((), 4)


def forge_all(home: Path) -> None:
    """Change a row, compute all anew, and sign every head again: what an administrator of the machine can do."""
    with lifted():
        AuditRow.objects.filter(sequence=6).update(actor_label="somebody else")
        compute_anew(6)
        for head in SignedHead.objects.filter(sequence__gte=6):
            forged = Head(head.on, head.sequence, queries.hash_of(head.sequence), head.key)
            signed = signing.sign(forged, keeping.key_path(home))
            SignedHead.objects.filter(on=head.on).update(hash=signed.hash, signature=signed.signature)
            row = AuditRow.objects.get(sequence=head.sequence + 1)
            told = {**row.data, "hash": signed.hash, "signature": signed.signature, "text": signed.text}
            AuditRow.objects.filter(sequence=row.sequence).update(data_json=trail.canonical_json(told))
            compute_anew(row.sequence)


def test_who_has_the_key_can_forge_everything_but_a_head_that_was_kept_elsewhere(home: Path) -> None:
    early, late = kept(0), kept(2)
    forge_all(home)
    assert found(home) == [], "nothing within the machine can tell"
    assert found(home, early) == [], "it was signed before the change"
    assert verify(keeping.own_key(home), [early, late]).faults == (
        Fault("rewritten", 5, 12, dt.date(2026, 3, 3), kept_elsewhere=True),
    )


def test_a_head_from_elsewhere_names_the_same_first_row_as_own_heads_that_show_a_change_themselves(home: Path) -> None:
    early, late = kept(0), kept(2)
    with lifted():
        AuditRow.objects.filter(sequence=6).update(actor_label="somebody else")
        compute_anew(6)
    for given in ([late], [early, late], [late, late]):
        done = verify(keeping.own_key(home), given)
        assert {(fault.problem, fault.row) for fault in done.faults} == {("rewritten", 5)}, given
        assert done.rows == 4


def test_a_head_from_elsewhere_says_how_far_all_is_whole_where_the_own_one_is_gone(home: Path) -> None:
    middle = kept(1)
    with lifted():
        SignedHead.objects.filter(on=middle.on).delete()
        AuditRow.objects.filter(sequence=11).update(actor_label="somebody else")
        compute_anew(11)
    assert found(home)[0] == ("rewritten", 5, 12)
    assert found(home, middle) == [("rewritten", 9, 12), ("no head", 9, None)]


def test_own_heads_that_were_signed_anew_up_to_a_day_say_nothing_beside_one_from_elsewhere(home: Path) -> None:
    middle, forged_since = kept(1), kept(2)
    forge_all(home)
    with lifted():
        row = SignedHead.objects.get(on=forged_since.on)
        SignedHead.objects.filter(on=row.on).update(hash=forged_since.hash, signature=forged_since.signature)
    assert ("rewritten", 9, 12) in found(home), "the forger left one as it was"
    assert ("rewritten", 1, 8) in found(home, middle)


@pytest.mark.parametrize("lost", [(1,), (1, 2), (1, 2, 3, 4, 5)])
def test_heads_are_not_blamed_when_the_row_of_their_key_is_gone(home: Path, lost: tuple[int, ...]) -> None:
    with lifted():
        AuditRow.objects.filter(sequence__in=lost).delete()
    late = kept(2)
    assert found(home, late) == [("missing", 1, lost[-1] if len(lost) > 1 else None)]
    keeping.key_path(home).unlink()
    signing.make_key(keeping.key_path(home))
    assert ("key", 13, None) in found(home, late), "which another one is still"


def test_a_key_is_not_blamed_when_its_row_is_gone_and_it_has_signed_nothing_since(home: Path) -> None:
    keeping.key_path(home).unlink()
    keeping.ensure_key(home, by=BY, at=AT + 3 * DAY)
    trail.append("test.noted", {}, by=BY, at=AT + 3 * DAY)
    with lifted():
        AuditRow.objects.filter(sequence=14).delete()
    assert found(home) == [("missing", 14, None)]


def test_a_head_kept_elsewhere_tells_what_was_cut_off_with_its_heads(home: Path) -> None:
    late = kept(2)
    with lifted():
        AuditRow.objects.filter(sequence__gt=8).delete()
        SignedHead.objects.filter(sequence__gt=4).delete()
    assert found(home) == []
    assert found(home, late) == [("cut off", 9, 12)]


def test_a_head_of_another_instance_is_said_to_be_one(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "audit.key"
    signing.make_key(other)
    head = signing.sign(dataclasses.replace(kept(1), key=signing.public_key(other)), other)
    assert found(home, head) == [("key", 8, 8)]


def test_a_head_with_a_slip_of_the_pen_is_said_not_to_be_as_it_was_signed(home: Path) -> None:
    slip = dataclasses.replace(kept(1), hash="0" * 64)
    assert found(home, slip) == [("signature", 8, 8)]


@pytest.mark.parametrize("table", [AuditRow, SignedHead])
@pytest.mark.parametrize("how", ["update", "delete"])
def test_lifted_triggers_are_noticed_and_put_back(home: Path, table: type, how: str) -> None:
    assert queries.database_is_append_only()
    append_only.permit(connection, [table._meta.db_table])  # type: ignore[attr-defined]
    assert not queries.database_is_append_only()
    append_only.forbid(connection)
    assert queries.database_is_append_only()


CHANGES: dict[str, Callable[[], object]] = {
    "update": lambda: SignedHead.objects.update(sequence=1),
    "delete": lambda: SignedHead.objects.all().delete(),
}


@pytest.mark.parametrize("how", CHANGES)
def test_the_database_refuses_to_change_a_signed_head(home: Path, how: str) -> None:
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CHANGES[how]()
    assert SignedHead.objects.count() == 3


def test_an_action_signs_once_a_day(home: Path) -> None:
    from tocsin.kernel.refusals import Conflict

    with pytest.raises(Conflict, match="2026-03-03 is signed already"):
        actions.sign_head(path=keeping.key_path(home), by=BY, at=AT + 2 * DAY)
