"""What attribution, the work lists and the search box take from the directory."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tests.cast import Cast
from tests.directory.conftest import AT, BY, as_json, claim
from tocsin.directory import actions, history, queries, sectors
from tocsin.directory.choices import ClaimKind
from tocsin.directory.history import sentence
from tocsin.directory.models import Claim, Constituent

pytestmark = pytest.mark.django_db


def test_the_engine_gets_every_claim_with_its_dates(ministry: Constituent, bank: Constituent) -> None:
    first = claim(ministry, "192.0.2.0/24", valid_to=dt.date(2025, 12, 31))
    second = claim(bank, "AS64496", ClaimKind.ASN, is_confirmed=True)
    assert list(queries.claims_for_engine()) == [
        queries.ClaimRow(first.pk, "moh", "network", "192.0.2.0/24", None, dt.date(2025, 12, 31), None, first.added_at),
        queries.ClaimRow(second.pk, "bank", "asn", "64496", None, None, AT, second.added_at),
    ]


def test_the_fingerprint_changes_with_what_attribution_depends_on(ministry: Constituent) -> None:
    seen = [queries.claims_fingerprint()]
    row = claim(ministry, "192.0.2.0/24")
    seen.append(queries.claims_fingerprint())
    actions.confirm_claim(row, by=BY, at=AT)
    seen.append(queries.claims_fingerprint())
    actions.end_claim(row, ends_on=AT.date(), by=BY, at=AT)
    seen.append(queries.claims_fingerprint())
    assert len(set(seen)) == 4
    actions.change_constituent(ministry, region="North", by=BY, at=AT)
    assert queries.claims_fingerprint() == seen[-1]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(ClaimKind.NETWORK, "192.0.2.0/24"), (ClaimKind.ASN, "64496"), (ClaimKind.SUFFIX, "gov.example")],
)
def test_equal_claims_of_any_kind_are_a_conflict(
    ministry: Constituent, bank: Constituent, kind: ClaimKind, value: str
) -> None:
    ours, theirs = claim(ministry, value, kind), claim(bank, value, kind)
    assert [(found.one, found.other) for found in queries.conflicts()] == [(ours, theirs)]


def test_equal_claims_one_after_the_other_are_none(ministry: Constituent, bank: Constituent) -> None:
    claim(ministry, "192.0.2.0/24", valid_to=dt.date(2025, 12, 31))
    claim(bank, "192.0.2.0/24", valid_from=dt.date(2026, 1, 1))
    assert queries.conflicts() == []


def test_three_claimants_are_three_pairs(ministry: Constituent, bank: Constituent) -> None:
    actions.add_constituent(public_id="port", name="Port", sector="transport", by=BY, at=AT)
    for row in Constituent.objects.all():
        claim(row, "192.0.2.0/24")
    assert len(queries.conflicts()) == 3


def test_nested_claims_are_shown_and_no_conflict(ministry: Constituent, bank: Constituent) -> None:
    claim(ministry, "192.0.2.0/24")
    claim(ministry, "192.0.2.0/25")
    claim(bank, "192.0.2.0/28")
    claim(ministry, "gov.example", ClaimKind.SUFFIX)
    claim(bank, "bank.gov.example", ClaimKind.SUFFIX)
    assert [(found.inner.value, found.outer.value) for found in queries.overlaps()] == [
        ("192.0.2.0/28", "192.0.2.0/25"), ("bank.gov.example", "gov.example"),
    ]  # fmt: skip
    assert queries.conflicts() == []


def test_nested_claims_of_different_times_do_not_overlap(ministry: Constituent, bank: Constituent) -> None:
    claim(ministry, "192.0.2.0/24", valid_to=dt.date(2025, 12, 31))
    claim(bank, "192.0.2.0/28", valid_from=dt.date(2026, 1, 1))
    assert queries.overlaps() == []


@pytest.mark.parametrize(
    "text",
    [
        "ministry", "HEALTH", "moh", "SANTÉ", "sante",
        "192.0.2.77", "192.0.2.128/25", "2001:db8::1", "AS64496", "64496",
        "moh.example", "www.MOH.example",
    ],
)  # fmt: skip
def test_a_constituent_is_found_by_what_people_have_at_hand(
    load: Callable[..., queries.Plan], bank: Constituent, text: str
) -> None:
    load(
        as_json(
            {
                "id": "moh", "name": "Ministry of Health", "names": {"fr": "Ministère de la Santé"},
                "networks": ["192.0.2.0/24", "2001:db8::/48"], "asns": [64496], "domains": ["moh.example"],
            }
        )
    )  # fmt: skip
    found = queries.constituents_matching(text, Constituent.objects.all())
    assert [row.public_id for row in found] == ["moh"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ministry", ["moh"]), ("SANTÉ", ["moh"]), ("sante", ["moh"]), ("MOH", ["moh"]), ("192.0.2.77", []), ("%", []),
        ("moh.example", []), ("B", ["bank"]),
    ],
)  # fmt: skip
def test_a_name_or_an_id_names_a_constituent_and_what_it_claims_does_not(
    load: Callable[..., queries.Plan], bank: Constituent, text: str, named: list[str]
) -> None:
    names = {"name": "Ministry of Health", "names": {"fr": "Ministère de la Santé"}}
    load(as_json({"id": "moh", **names, "networks": ["192.0.2.0/24"], "domains": ["moh.example"]}))
    assert queries.constituents_named(text) == named


@pytest.mark.parametrize("text", ["192.0.3.1", "AS1", "example", "nobody", "%", "9" * 400])
def test_what_nobody_claims_finds_nobody(ministry: Constituent, text: str) -> None:
    claim(ministry, "192.0.2.0/24")
    claim(ministry, "moh.example", ClaimKind.SUFFIX)
    assert not queries.constituents_matching(text, Constituent.objects.all()).exists()


def test_who_may_view_the_directory_sees_all_and_strangers_nothing(ministry: Constituent, cast: Cast) -> None:
    for person in (cast.administrator, cast.manager, cast.analyst, cast.auditor):
        assert list(queries.constituents_visible_to(person)) == [ministry]
    cast.analyst.is_active = False
    for person in (AnonymousUser(), cast.analyst, cast.contact, cast.stranger, cast.peer, cast.observer):
        assert not queries.constituents_visible_to(person).exists()


def test_history_is_what_was_done_to_a_constituent(
    ministry: Constituent, bank: Constituent, load: Callable[..., queries.Plan]
) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    actions.confirm_claim(ours, by=BY, at=AT)
    actions.settle_conflict(confirmed=ours, ended=theirs, ends_on=AT.date(), reason="Letter 7.", by=BY, at=AT)
    actions.change_constituent(bank, name="moh", by=BY, at=AT)
    actions.add_contact(ministry, email="soc@moh.example", by=BY, at=AT)
    load(as_json({"id": "moh", "name": "Ministry of Health", "region": "North"}))
    assert [sentence(row.code, row.data) for row in queries.history_of(ministry)] == [
        "Imported from directory.json",
        "Contact entered",
        "192.0.2.0/24 goes to moh; the claim of bank ends on 2 Mar 2026: Letter 7.",
        "Claim of 192.0.2.0/24 confirmed",
        "Claim of 192.0.2.0/24 entered",
        "Entered",
    ]
    assert sentence("claim.ended", {"values": ["64496"], "ends_on": "2026-03-01", "reason": "Sold"}) == (
        "Claim of 64496 ends on 1 Mar 2026: Sold"
    )
    newest = queries.history_of(bank)[0]
    assert sentence(newest.code, newest.data) == "Changed: Name"


def test_every_code_of_history_has_its_sentence() -> None:
    assert set(queries.HISTORY_CODES) == set(history._SENTENCES)
    assert sentence("moon.landed", {}) == "moon.landed"


def test_counts_add_up(ministry: Constituent, bank: Constituent) -> None:
    claim(ministry, "192.0.2.0/24")
    claim(bank, "192.0.2.0/24")
    actions.change_constituent(bank, status="suspended", by=BY, at=AT)
    assert queries.counts() == {
        "constituents": 2,
        "by_status": {"active": 1, "suspended": 1},
        "by_sector": {"health": 1},
        "claims": {"network": 2},
        "conflicts": 1,
    }
    assert queries.constituent_names() == {"moh": "Ministry of Health", "bank": "Island Bank"}


def test_names_and_sectors_follow_the_reader(ministry: Constituent) -> None:
    ministry.names = {"fr": "Ministère de la Santé"}
    assert (ministry.local_name, ministry.sector_label) == ("Ministry of Health", "Health")
    with translation.override("fr-CA"):
        assert (ministry.local_name, ministry.sector_label) == ("Ministère de la Santé", "Santé")


def test_every_sector_has_words_in_both_languages() -> None:
    known = sectors.sectors()
    used = {"government", "energy", "finance", "health", "telecom", "water", "transport", "education", "business"}
    assert used <= set(known)
    assert all(words["en"] and words["fr"] for words in known.values())
    assert (sectors.sector_label("magic", "fr"), sectors.sector_label("water", "ar")) == (
        "magic",
        "Water and waste water",
    )


def test_a_claim_holds_on_its_first_and_last_day(ministry: Constituent) -> None:
    row = claim(ministry, "192.0.2.0/24", valid_from=dt.date(2026, 1, 1), valid_to=dt.date(2026, 1, 31))
    days = [dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 1, 31), dt.date(2026, 2, 1)]
    assert [row.holds_on(day) for day in days] == [False, True, True, False]
    assert Claim(kind="asn", value="1").holds_on(days[0])


def test_lists_cost_the_same_however_long_they_are(load: Callable[..., queries.Plan]) -> None:
    items = [{"id": f"c{n}", "name": f"C {n}", "networks": [f"192.0.2.{n // 2}/32"]} for n in range(60)]
    load(as_json(*items))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert len(queries.conflicts()) == 30
        assert len(queries.overlaps()) == 0
        assert len(list(queries.claims_for_engine())) == 60
    assert len(asked) == 9


@pytest.mark.slow
def test_fifty_thousand_networks_load_and_list_in_time(load: Callable[..., queries.Plan]) -> None:
    items = [
        {"id": f"c{n}", "name": f"C {n}", "networks": [f"10.{n % 250}.{m}.{n // 250 * 64}/26" for m in range(100)]}
        for n in range(500)
    ]
    started = time.process_time()
    plan = load(as_json(*items))
    imported = time.process_time()
    assert plan.as_data()["claims_added"] == 50_000
    assert imported - started < 30
    assert (len(queries.conflicts()), len(queries.overlaps())) == (0, 0)
    assert len(queries.claims_fingerprint()) == 64
    print(f"import {imported - started:.1f} s, lists {time.process_time() - imported:.1f} s")


def test_who_is_found_by_a_claim_is_asked_for_by_itself(bank: Constituent, ministry: Constituent) -> None:
    """A database that takes tables for empty answers a question within a question row by row."""
    claim(bank, "10.7.0.0/16")
    with CaptureQueriesContext(connection) as asked:
        assert list(queries.constituents_matching("10.7.1.1", Constituent.objects.all())) == [bank]

    tables = [re.findall(r'FROM "(\w+)"', each["sql"]) for each in asked]
    assert tables == [["directory_claim"], ["directory_constituent"]]


@pytest.mark.slow
def test_conflicts_are_found_in_time_whatever_the_database_believes_of_its_tables(bank: Constituent) -> None:
    others = [Constituent(public_id=f"c{n}", name=f"C {n}", added_at=AT, changed_at=AT) for n in range(250)]
    Constituent.objects.bulk_create(others)
    Claim.objects.bulk_create(
        Claim(
            constituent=one, kind=ClaimKind.NETWORK, value=f"10.{n}.{m}.0/24", source="import",
            first_address=bytes([4, 10, n, m, 0]), last_address=bytes([4, 10, n, m, 255]), added_at=AT, changed_at=AT,
        )
        for n, one in enumerate(others)
        for m in range(80)
    )  # fmt: skip
    for n in range(50):
        claim(bank, f"10.{n}.7.0/24")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # as after a big import into tables that were looked at while empty
            cursor.execute("UPDATE pg_class SET reltuples = 0, relpages = 1000 WHERE relname LIKE 'directory_c%'")
            cursor.execute("SET LOCAL statement_timeout = '20s'")
    assert len(queries.conflicts()) == len(queries.conflicts_of(bank)) == 50
    assert len(queries.conflicts_of(others[0])) == 1
    assert queries.overlaps() == []
    assert len(queries.claims_fingerprint()) == 64
    everybody = Constituent.objects.all()
    found = queries.constituents_matching("10.3.5.1", everybody)
    assert queries.in_shown_order(found, "name") == [others[3].pk]
    by_claims = queries.in_shown_order(everybody, "claim_count", is_descending=True)
    assert [each.claim_count for each in queries.listed(everybody, by_claims)] == [80] * 250 + [50]
    assert len(queries.in_shown_order(everybody, "verified_on")) == 251


def test_what_is_listed_of_a_constituent_is_counted_over_what_holds(ministry: Constituent, bank: Constituent) -> None:
    claim(ministry, "192.0.2.0/25")
    claim(ministry, "192.0.2.128/25", valid_to=AT.date())
    facts = {"role": "security", "by": BY, "at": AT}
    for number, (day, is_active) in enumerate([(3, True), (7, True), (9, False)]):
        verified = {"verified_on": dt.date(2026, 1, day), "is_active": is_active}
        actions.add_contact(ministry, email=f"{number}@moh.example", **verified, **facts)
    everybody = Constituent.objects.all()
    (first, second) = queries.listed(everybody, [bank.pk, ministry.pk])
    assert (first.constituent, first.claim_count, first.verified_on) == (bank, 0, None)
    assert (second.constituent, second.claim_count, second.verified_on) == (ministry, 1, dt.date(2026, 1, 7))
    for column in ("claim_count", "verified_on"):
        assert queries.in_shown_order(everybody, column) == [bank.pk, ministry.pk]
        assert queries.in_shown_order(everybody, column, is_descending=True) == [ministry.pk, bank.pk]


def test_a_claim_of_a_constituent_entered_meanwhile_is_read_with_it(
    ministry: Constituent, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(ministry, "192.0.2.0/25")
    monkeypatch.setattr(queries._Constituents, "__init__", lambda self: None)
    assert [row.constituent for row in queries.claims_for_engine()] == ["moh"]
