"""Laws that hold whatever is entered: compared with naive answers, over many invented directories and files."""

from __future__ import annotations

import csv
import datetime as dt
import io
import ipaddress
import itertools
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.directory.conftest import AT, BY
from tocsin.directory import actions, queries
from tocsin.directory.choices import ClaimKind
from tocsin.directory.imports.reading import read_items
from tocsin.directory.models import Claim, Constituent
from tocsin.directory.rules import periods_overlap
from tocsin.kernel import legible
from tocsin.kernel.refusals import Refusal

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

days = st.none() | st.integers(0, 5).map(lambda n: dt.date(2026, 1, 1 + n))
values = st.one_of(
    st.tuples(st.integers(0, 15), st.integers(28, 32)).map(
        lambda t: (ClaimKind.NETWORK, str(ipaddress.ip_network((0xC0000200 + t[0], t[1]), strict=False)))
    ),
    st.sampled_from(["gov.example", "moh.gov.example", "lab.moh.gov.example"]).map(
        lambda name: (ClaimKind.SUFFIX, name)
    ),
    st.sampled_from(["64496", "64497"]).map(lambda number: (ClaimKind.ASN, number)),
)
entries = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), values, days, days), max_size=14)


class Undo(Exception):
    """Ends an example without leaving its rows to the next."""


def enter(entries_given: list[tuple[str, tuple[ClaimKind, str], Any, Any]]) -> None:
    """Enter claims one by one, leaving out those that are refused."""
    for public_id in ("a", "b", "c"):
        actions.add_constituent(public_id=public_id, name=public_id.upper(), sector="other", by=BY, at=AT)
    rows = {row.public_id: row for row in Constituent.objects.all()}
    for public_id, (kind, value), valid_from, valid_to in entries_given:
        try:
            actions.add_claim(
                rows[public_id], kind=kind, value=value, valid_from=valid_from, valid_to=valid_to, by=BY, at=AT
            )
        except Refusal:
            continue


def period(claim: Claim) -> tuple[dt.date | None, dt.date | None]:
    return claim.valid_from, claim.valid_to


@pytest.mark.django_db
@few
@given(entries)
def test_conflicts_are_what_comparing_every_pair_finds(entries_given: list) -> None:
    with pytest.raises(Undo), transaction.atomic():
        enter(entries_given)
        naive = {
            (one.pk, other.pk)
            for one, other in itertools.combinations(Claim.objects.order_by("pk"), 2)
            if one.constituent_id != other.constituent_id
            and (one.kind, one.value) == (other.kind, other.value)
            and periods_overlap(period(one), period(other))
        }
        assert {(found.one.pk, found.other.pk) for found in queries.conflicts()} == naive
        for row in Constituent.objects.all():
            own = {
                pair
                for pair in naive
                if row.pk in Claim.objects.filter(pk__in=pair).values_list("constituent", flat=True)
            }
            assert {(found.one.pk, found.other.pk) for found in queries.conflicts_of(row)} == own
        raise Undo


def encloses(outer: Claim, inner: Claim) -> bool:
    """Whether one claim really lies around another, the naive way."""
    if outer.kind != inner.kind or outer.value == inner.value or outer.kind == ClaimKind.ASN:
        return False
    if outer.kind == ClaimKind.SUFFIX:
        return inner.value.endswith(f".{outer.value}")
    return ipaddress.IPv4Network(inner.value).subnet_of(ipaddress.IPv4Network(outer.value))


@pytest.mark.django_db
@few
@given(entries)
def test_every_overlap_is_real_and_of_another_constituent(entries_given: list) -> None:
    with pytest.raises(Undo), transaction.atomic():
        enter(entries_given)
        claims = {row.pk: row for row in Claim.objects.all()}
        found = [(claims[each.inner.claim_id], claims[each.outer.claim_id]) for each in queries.overlaps()]
        for inner, outer in found:
            assert encloses(outer, inner)
            assert inner.constituent_id != outer.constituent_id
            assert periods_overlap(period(inner), period(outer))
        assert len({inner.pk for inner, _outer in found}) == len(found)
        # Whoever has claims of only one constituent around it, always, is found.
        for inner in claims.values():
            around = [row for row in claims.values() if encloses(row, inner)]
            if around and all(
                row.constituent_id != inner.constituent_id and periods_overlap(period(row), period(inner))
                for row in around
            ):
                assert inner.pk in {each.pk for each, _outer in found}
        raise Undo


@pytest.mark.django_db
@few
@given(entries)
def test_no_constituent_ever_holds_a_value_twice_on_a_day(entries_given: list) -> None:
    with pytest.raises(Undo), transaction.atomic():
        enter(entries_given)
        for one, other in itertools.combinations(Claim.objects.all(), 2):
            if (one.constituent_id, one.kind, one.value) == (other.constituent_id, other.kind, other.value):
                assert not periods_overlap(period(one), period(other))
        raise Undo


@pytest.mark.django_db
@few
@given(entries)
def test_the_directory_written_as_a_file_is_the_directory(entries_given: list) -> None:
    with pytest.raises(Undo), transaction.atomic():
        enter(entries_given)
        fields = {ClaimKind.NETWORK: "networks", ClaimKind.ASN: "asns", ClaimKind.SUFFIX: "domains"}
        items: dict[str, dict[str, Any]] = {
            row.public_id: {"id": row.public_id, "name": row.name, "networks": [], "asns": [], "domains": []}
            for row in Constituent.objects.all()
        }
        for row in queries.claims_for_engine():
            claim: dict[str, Any] = {"value": row.value}
            claim |= {"valid_from": str(row.valid_from)} if row.valid_from else {}
            claim |= {"valid_to": str(row.valid_to)} if row.valid_to else {}
            items[row.constituent][fields[ClaimKind(row.kind)]].append(claim)
        files = queries.read_files([("all.json", json.dumps(list(items.values())).encode())])
        plan = queries.plan_import(files, end_missing=True)
        assert plan.is_empty
        raise Undo


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)
plain = words.map(str.strip).filter(lambda text: bool(text) and not legible.flaw(text))
table_rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True),
            "name": plain,
            "region": plain,
            "networks": st.lists(st.integers(0, 255).map(lambda n: f"192.0.2.{n}/32"), unique=True, max_size=3),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row["id"],
)


@given(table_rows, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_table_and_a_list_say_the_same(rows: list[dict], delimiter: str, end: str, has_mark: bool) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows({**row, "networks": " ".join(row["networks"])} for row in rows)
    table = text.getvalue().encode("utf-8-sig" if has_mark else "utf-8")
    from_table = queries.read_files([("t", table)]).records
    from_list = queries.read_files([("t", json.dumps(rows).encode())]).records
    assert [(r.public_id, r.given, [c.value for c in r.claims]) for r in from_table] == [
        (r.public_id, r.given, [c.value for c in r.claims]) for r in from_list
    ]


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_no_bytes_whatever_are_more_than_a_problem(content: bytes) -> None:
    items, problems, _remarks = read_items("file", content)
    assert all(item.place.row >= 1 for item in items)
    assert all(problem.sentence for problem in problems)
    try:
        queries.read_files([("file", content)])
    except queries.ImportRefused as refused:
        assert all(str(problem).startswith("file") for problem in refused.problems)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
field_names = st.sampled_from(
    [
        "id",
        "name",
        "names",
        "sector",
        "languages",
        "status",
        "parent",
        "networks",
        "asns",
        "domains",
        "contact",
        "contacts",
    ]
)


@given(st.lists(st.dictionaries(field_names, json_values, max_size=6), max_size=3))
@settings(max_examples=300, deadline=None)
def test_no_json_of_any_shape_is_more_than_a_problem(items: list[dict]) -> None:
    try:
        records = queries.read_files([("file", json.dumps(items).encode())]).records
    except queries.ImportRefused as refused:
        assert refused.problems
    else:
        assert len(records) == len(items)


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    """Of all rooms."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0, stdout=StringIO())
