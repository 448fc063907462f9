"""Numbers with their nouns."""

from __future__ import annotations

from tocsin.kernel.counting import counted


def test_a_noun_agrees_with_its_number() -> None:
    assert [counted(number, "row") for number in (0, 1, 2, 1_000)] == ["0 rows", "1 row", "2 rows", "1000 rows"]
    assert [counted(number, "job", "waits", "wait") for number in (1, 2)] == ["1 job waits", "2 jobs wait"]
