"""The cast of the directory's tests: a ministry, a bank, an analyst, and a fixed morning."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from tocsin.directory import actions, queries
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Claim, Constituent

AT = dt.datetime(2026, 3, 2, 8, 30, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Analyst:
    """Somebody who acts."""

    audit_key: str = "person:1"
    audit_label: str = "Ana Lys"


BY = Analyst()


def as_json(*constituents: dict[str, Any]) -> bytes:
    """Return a directory file."""
    return json.dumps(constituents).encode()


@pytest.fixture
def ministry(db: None) -> Constituent:
    """The ministry of health."""
    actions.add_constituent(public_id="moh", name="Ministry of Health", sector="health", by=BY, at=AT)
    return Constituent.objects.get(public_id="moh")


@pytest.fixture
def bank(db: None) -> Constituent:
    """A bank: the stranger of the ministry."""
    actions.add_constituent(public_id="bank", name="Island Bank", sector="finance", by=BY, at=AT)
    return Constituent.objects.get(public_id="bank")


@pytest.fixture
def load(db: None) -> Callable[..., queries.Plan]:
    """Import one file of the given content, unless there is nothing to change; return its plan."""

    def run(content: bytes, name: str = "directory.json", *, end_missing: bool = False) -> queries.Plan:
        files = queries.read_files([(name, content)])
        plan = queries.plan_import(files, end_missing=end_missing)
        if not plan.is_empty:
            actions.import_directory(files, end_missing=end_missing, by=BY, at=AT)
        return plan

    return run


def claim(constituent: Constituent, value: str, kind: ClaimKind = ClaimKind.NETWORK, **facts: Any) -> Claim:
    """Enter a claim and return it."""
    event = actions.add_claim(constituent, kind=kind, value=value, **facts, by=BY, at=AT)
    return Claim.objects.get(pk=event.claims[0])


def problems_of(content: bytes, name: str = "directory.json") -> list[tuple[int, str, str]]:
    """Return row, column and sentence of each problem that a file has in itself."""
    with pytest.raises(queries.ImportRefused) as refused:
        queries.read_files([(name, content)])
    return [(found.place.row, found.place.column, found.sentence) for found in refused.value.problems]
