"""The bench of notices has somebody to tell for each finding that it writes, and its targets are those of the issue."""

from __future__ import annotations

import numpy as np

from bench import notices, stored


def test_every_holder_of_a_stored_finding_has_a_contact() -> None:
    (first, *_others) = stored.kinds(100_000, notices.DAYS)
    held = {f"c{number:04d}" for number in first.holder(np.arange(20_000)) if number >= 0}
    told = {entry["id"] for entry in notices.directory() if entry["contacts"]}
    assert len(told) == stored.CONSTITUENTS and held <= told and len(held) > 100


def test_nobody_is_told_at_the_address_of_another() -> None:
    addresses = [contact["email"] for entry in notices.directory() for contact in entry["contacts"]]
    assert len(addresses) == len(set(addresses))


def test_ten_seconds_and_half_a_gigabyte_are_the_most() -> None:
    assert notices.SECONDS.verdict(10.0) == "must" and notices.SECONDS.verdict(10.1) == "missed"
    assert notices.MEMORY_MB.verdict(500.0) == "must" and notices.MEMORY_MB.verdict(501.0) == "missed"
