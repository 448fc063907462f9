"""Importing files: all or nothing, the same file changes nothing, and nothing disappears in silence."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.forms.models import model_to_dict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.directory.conftest import AT, BY, as_json, claim
from tests.directory.test_openpgp import EXPIRED
from tocsin.audit.listening import listens_to
from tocsin.courier import openpgp
from tocsin.directory import actions, queries
from tocsin.directory.events import DirectoryImported
from tocsin.directory.models import Claim, Constituent, Contact
from tocsin.kernel.refusals import Conflict

pytestmark = pytest.mark.django_db

Load = Callable[..., queries.Plan]

NATIONAL = [
    {
        "id": "c0000", "name": "Organisation 0", "contact": "security@org0000.example", "sector": "government",
        "asns": [64496], "networks": [], "domains": [],
    },
    {
        "id": "c0001", "name": "Organisation 1", "contact": "security@org0001.example", "sector": "energy",
        "asns": [], "networks": ["198.18.4.0/22", "2001:db8:4::/48"], "domains": ["org0001.gov.example", "o1.example"],
    },
    {
        "id": "c0002", "name": "Organisation 2", "contact": "security@org0002.example", "sector": "finance",
        "asns": [], "networks": ["198.18.5.0/24"], "domains": [],
    },
]  # fmt: skip


def everything() -> list[Any]:
    """Return all rows, to see whether anything changed."""
    return [model_to_dict(row) for model in (Constituent, Claim, Contact) for row in model.objects.order_by("pk")]


def refusal(content: bytes) -> queries.ImportRefused:
    """Return what the directory as it stands has against a file."""
    files = queries.read_files([("directory.json", content)])
    with pytest.raises(queries.ImportRefused) as refused:
        queries.plan_import(files, end_missing=False)
    return refused.value


def test_a_national_file_loads_as_it_is(load: Load) -> None:
    plan = load(json.dumps(NATIONAL, indent=1).encode(), "constituents.json")
    assert (len(plan.added), plan.conflicts, plan.remarks) == (3, (), ())
    assert list(Claim.objects.order_by("pk").values_list("constituent__public_id", "kind", "value", "source")) == [
        ("c0000", "asn", "64496", "constituents.json"),
        ("c0001", "network", "198.18.4.0/22", "constituents.json"),
        ("c0001", "network", "2001:db8:4::/48", "constituents.json"),
        ("c0001", "suffix", "org0001.gov.example", "constituents.json"),
        ("c0001", "suffix", "o1.example", "constituents.json"),
        ("c0002", "network", "198.18.5.0/24", "constituents.json"),
    ]
    assert Contact.objects.get(constituent__public_id="c0002").email == "security@org0002.example"
    assert Constituent.objects.get(public_id="c0001").sector == "energy"


def test_files_from_outside_load_as_they_are(load: Load, outside_feeds: Path) -> None:
    for path in sorted(outside_feeds.rglob("constituents.json")):
        content = path.read_bytes()
        load(content, path.name)
        for item in json.loads(content):
            claims = Claim.objects.filter(constituent__public_id=item["id"]).values_list("value", flat=True)
            assert set(claims) >= {*item["networks"], *map(str, item["asns"]), *item["domains"]}


def test_the_same_file_again_changes_nothing(load: Load) -> None:
    load(as_json(*NATIONAL))
    before = everything()
    plan = load(as_json(*NATIONAL))
    assert (plan.is_empty, plan.unchanged, everything()) == (True, 3, before)


def test_applying_a_plan_without_changes_is_refused(load: Load) -> None:
    load(as_json(*NATIONAL))
    files = queries.read_files([("f.json", as_json(*NATIONAL))])
    with pytest.raises(Conflict, match="nothing to change"):
        actions.import_directory(files, by=BY, at=AT)


def test_a_changed_file_says_what_changes(load: Load) -> None:
    load(as_json(*NATIONAL))
    changed = json.loads(json.dumps(NATIONAL))
    changed[1] |= {"name": "Power Company", "networks": ["198.18.4.0/22", "198.18.9.0/24"]}
    changed.append({"id": "c0003", "name": "Organisation 3"})
    plan = load(as_json(*changed))
    data = plan.as_data()
    assert (data["added"], data["changed"], data["unchanged"]) == (1, 1, 2)
    assert data["constituents"][1] == {
        "id": "c0001", "name": "Power Company", "new": False, "fields": ["name"], "claims_added": ["198.18.9.0/24"],
        "claims_changed": [], "claims_missing": ["2001:db8:4::/48"], "contacts_added": [], "contacts_changed": [],
    }  # fmt: skip
    assert Constituent.objects.get(public_id="c0003").sector == "other"


def test_a_claim_that_the_file_leaves_out_is_kept_and_named(load: Load) -> None:
    load(as_json(*NATIONAL))
    plan = load(as_json({**NATIONAL[2], "networks": []}))
    assert [row.value for row in plan.missing_claims] == ["198.18.5.0/24"]
    assert (plan.is_empty, plan.not_in_files) == (True, 2)
    assert Claim.objects.get(value="198.18.5.0/24").valid_to is None


def test_end_missing_ends_it_as_of_yesterday(load: Load) -> None:
    load(as_json(*NATIONAL))
    plan = load(as_json({**NATIONAL[2], "networks": []}), end_missing=True)
    assert plan.as_data()["claims_ended"] == 1
    assert Claim.objects.get(value="198.18.5.0/24").valid_to == dt.date(2026, 3, 1)
    assert Claim.objects.filter(valid_to=None).count() == 5


def test_end_missing_spares_kinds_and_constituents_that_the_file_does_not_give(load: Load) -> None:
    load(as_json(*NATIONAL))
    plan = load(b"id,name,asns\nc0001,Organisation 1,\n", "t.csv", end_missing=True)
    assert plan.is_empty
    assert Claim.objects.filter(valid_to=None).count() == 6


def test_an_ended_claim_is_not_opened_again_by_an_old_file(load: Load) -> None:
    load(as_json(*NATIONAL))
    ended = Claim.objects.get(value="198.18.5.0/24")
    actions.end_claim(ended, ends_on=dt.date(2026, 2, 1), by=BY, at=AT)
    plan = load(as_json(*NATIONAL))
    assert plan.is_empty
    assert "198.18.5.0/24 of c0002 has 2026-02-01 as its last day here" in plan.remarks[0]
    plan = load(
        as_json({"id": "c0002", "name": "Organisation 2", "networks": ["198.18.5.0/24"], "valid_from": "2026-03-01"})
    )
    assert plan.as_data()["claims_added"] == 1
    assert Claim.objects.filter(value="198.18.5.0/24").count() == 2


def test_an_empty_last_day_takes_no_last_day_back_and_that_is_said(load: Load) -> None:
    ended = {"id": "c0002", "name": "Two", "networks": ["198.18.5.0/24"], "valid_from": "2026-01-01"}
    load(as_json({**ended, "valid_to": "2026-02-01"}))

    plan = load(as_json({**ended, "valid_to": ""}))

    assert plan.is_empty
    assert "has 2026-02-01 as its last day here and stays so; to claim it anew, give" in plan.remarks[0]


def test_equal_claims_of_two_are_a_conflict_and_no_error(load: Load, ministry: Constituent) -> None:
    claim(ministry, "198.18.5.0/24")
    plan = load(as_json(*NATIONAL, {"id": "c0009", "name": "Nine", "asns": [64496]}))
    assert [(c.value, c.constituents) for c in plan.conflicts] == [
        ("64496", ("c0000", "c0009")), ("198.18.5.0/24", ("c0002", "moh")),
    ]  # fmt: skip
    assert len(queries.conflicts()) == 2


def test_what_the_file_does_not_give_stays(load: Load) -> None:
    load(as_json({**NATIONAL[1], "region": "North", "languages": ["fr"], "status": "suspended", "note": "By letter."}))
    load(as_json({"id": "c0001", "name": "Organisation 1", "names": {"fr": "Organisation une"}}))
    row = Constituent.objects.get()
    assert (row.region, row.languages, row.status, row.sector) == ("North", ["fr"], "suspended", "energy")
    assert (row.names, row.note) == ({"fr": "Organisation une"}, "By letter.")


def test_later_confirmations_and_verifications_win(load: Load) -> None:
    def file(confirmed_on: str) -> bytes:
        contacts = [{"email": "a@a.example", "verified_on": confirmed_on}]
        return as_json(
            {"id": "a", "name": "A", "networks": ["192.0.2.0/24"], "confirmed_on": confirmed_on, "contacts": contacts}
        )

    load(file("2026-01-02"))
    assert Claim.objects.get().confirmed_by == "Ana Lys"
    load(file("2026-02-02"))
    assert load(file("2026-01-02")).is_empty
    assert Claim.objects.get().confirmed_at == dt.datetime(2026, 2, 2, tzinfo=dt.UTC)
    assert Contact.objects.get().verified_on == dt.date(2026, 2, 2)


def test_dates_of_a_claim_are_changed_not_doubled(load: Load) -> None:
    base = {"id": "a", "name": "A", "networks": ["192.0.2.0/24"]}
    load(as_json(base))
    load(as_json({**base, "valid_from": "2025-01-01"}))
    load(as_json({**base, "valid_from": "2025-01-01", "valid_to": "2026-12-31"}))
    only = Claim.objects.get()
    assert (only.valid_from, only.valid_to) == (dt.date(2025, 1, 1), dt.date(2026, 12, 31))


def test_without_an_id_the_name_finds_the_constituent(load: Load, ministry: Constituent) -> None:
    plan = load(b"name,region\nMinistry of Health,North\nNew Port,South\n", "t.csv")
    assert [(item.public_id, item.constituent is None) for item in plan.items] == [("moh", False), ("org-0001", True)]
    ministry.refresh_from_db()
    assert ministry.region == "North"


def test_two_of_one_name_need_the_id(load: Load) -> None:
    load(as_json({"id": "a", "name": "Port"}, {"id": "b", "name": "Port"}))
    assert "give the id" in refusal(b"name\nPort\n").problems[0].sentence


def test_parents_may_stand_later_in_the_file_or_here(load: Load, ministry: Constituent) -> None:
    load(as_json({"id": "b", "name": "B", "parent": "a"}, {"id": "a", "name": "A", "parent": "moh"}))
    b = Constituent.objects.get(public_id="b")
    assert b.parent and b.parent.public_id == "a" and b.parent.parent == ministry
    load(as_json({"id": "b", "name": "B", "parent": ""}))
    b.refresh_from_db()
    assert b.parent is None


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([{"id": "a", "name": "A", "parent": "nobody"}], "There is no constituent nobody"),
        ([{"id": "a", "name": "A", "parent": "a"}], "its own parent"),
        ([{"id": "a", "name": "A", "parent": "b"}, {"id": "b", "name": "B", "parent": "a"}], "its own parent"),
    ],
)
def test_parents_that_do_not_fit_are_problems(items: list[dict], sentence: str) -> None:
    assert sentence in refusal(as_json(*items)).problems[0].sentence


def test_a_constituent_cannot_become_former_with_open_claims(load: Load) -> None:
    load(as_json(*NATIONAL))
    item = {**NATIONAL[2], "status": "former", "networks": []}
    assert "need a last day" in refusal(as_json(item)).problems[0].sentence
    load(as_json(item), end_missing=True)
    assert Constituent.objects.get(public_id="c0002").status == "former"


def test_dates_that_cross_another_claim_of_the_same_are_problems(load: Load) -> None:
    periods = [{"valid_to": "2025-06-30"}, {"valid_from": "2025-09-01"}]
    load(as_json({"id": "a", "name": "A", "networks": [{"value": "192.0.2.0/24", **period} for period in periods]}))
    crossing = {"value": "192.0.2.0/24", "valid_from": "2025-06-01", "valid_to": "2025-09-15"}
    found = refusal(as_json({"id": "a", "name": "A", "networks": [crossing]}))
    assert "do not fit" in found.problems[0].sentence


def test_contacts_are_added_and_changed_and_deputies_linked(load: Load) -> None:
    chief = {"role": "management", "email": "chief@a.example", "name": "Chief"}
    deputy = {"role": "management", "email": "deputy@a.example", "deputy_of": "chief@a.example"}
    load(as_json({"id": "a", "name": "A", "contacts": [deputy, chief]}))
    plan = load(as_json({"id": "a", "name": "A", "contacts": [deputy, {**chief, "phone": "+999 123 45"}]}))
    assert (plan.as_data()["contacts_added"], plan.as_data()["contacts_changed"]) == (0, 1)
    found = Contact.objects.get(email="deputy@a.example").deputy_of
    assert found and (found.name, found.phone) == ("Chief", "+999 123 45")


def test_the_one_whose_deputy_somebody_is_need_not_stand_in_the_file(load: Load) -> None:
    chief = {"role": "management", "email": "chief@a.example", "name": "Chief"}
    deputy = {"role": "management", "email": "deputy@a.example", "deputy_of": "CHIEF@a.example"}
    load(as_json({"id": "a", "name": "A", "contacts": [chief]}, {"id": "b", "name": "B", "contact": "soc@b.example"}))
    file = as_json({"id": "a", "name": "A", "contacts": [deputy]})
    assert load(file).as_data()["contacts_added"] == 1 and load(file).is_empty
    found = Contact.objects.get(email="deputy@a.example").deputy_of
    assert found and found.name == "Chief"
    for nobody in ("lost@a.example", "soc@b.example"):
        (problem,) = refusal(as_json({"id": "a", "name": "A", "contacts": [{**deputy, "deputy_of": nobody}]})).problems
        assert problem.sentence == f"{nobody} is no other contact of this constituent."


@pytest.mark.parametrize("zone", ["Indian/Mauritius", "America/Lima"])
def test_the_day_on_which_mail_came_back_is_one_of_the_zone_of_the_instance(
    load: Load, settings: Any, zone: str
) -> None:
    settings.TIME_ZONE = zone
    came_back = dt.datetime(2026, 3, 1, 22, 30, tzinfo=dt.UTC)  # in the east the second of the month
    on = {"Indian/Mauritius": dt.date(2026, 3, 2), "America/Lima": dt.date(2026, 3, 1)}[zone]
    soc = {"role": "security", "email": "soc@a.example"}
    load(as_json({"id": "a", "name": "A", "contacts": [soc]}))
    actions.note_undelivered(Contact.objects.get(), answer="550 5.1.1 no such user", by=BY, at=came_back)
    for verified, is_reached in ((on - dt.timedelta(days=1), False), (on, True)):
        load(as_json({"id": "a", "name": "A", "contacts": [{**soc, "verified_on": str(verified)}]}))
        assert (Contact.objects.get().undelivered_since is None) == is_reached


@pytest.mark.parametrize(("verified", "is_reached"), [("2026-03-02", True), ("2026-03-01", False)])
def test_a_contact_verified_after_mail_came_back_is_written_to_again(
    load: Load, verified: str, is_reached: bool
) -> None:
    soc = {"role": "security", "email": "soc@a.example"}
    load(as_json({"id": "a", "name": "A", "contacts": [soc]}))
    actions.note_undelivered(Contact.objects.get(), answer="550 5.1.1 no such user", by=BY, at=AT)
    load(as_json({"id": "a", "name": "A", "contacts": [{**soc, "verified_on": verified}]}))
    row = Contact.objects.get()
    assert row.verified_on and (row.undelivered_since is None, row.undelivered_answer == "") == (is_reached, is_reached)


def test_one_mailbox_is_one_contact_however_a_file_writes_it(load: Load) -> None:
    chief = {"role": "management", "email": "chief@santé.example", "phone": "+999 123 45"}
    deputy = {"role": "management", "email": "deputy@a.example", "deputy_of": "Chief@Santé.example"}
    load(as_json({"id": "a", "name": "A", "contacts": [deputy, chief]}))
    again = [{**chief, "email": "CHIEF@xn--sant-epa.example"}, {**deputy, "email": "Deputy@a.example"}]
    assert load(as_json({"id": "a", "name": "A", "contacts": again})).is_empty
    assert Contact.objects.count() == 2 and Contact.objects.filter(deputy_of__isnull=False).count() == 1


@pytest.mark.parametrize("email", ["soc@сосо.example", "soc@xn--n1aahb.example"])
def test_a_new_contact_whose_host_looks_like_one_of_the_own_ones_is_a_problem(load: Load, email: str) -> None:
    coco: dict[str, Any] = {"id": "coco", "name": "Coco", "sector": "finance"}
    look_alike = {**coco, "contacts": [{"email": email}]}
    for own in ({"domains": ["coco.example"]}, {"contacts": [{"email": "noc@coco.example"}, {"email": email}]}):
        (problem,) = refusal(as_json({**look_alike, **own})).problems
        assert "looks like coco.example" in problem.sentence
    load(as_json({**coco, "domains": ["coco.example"]}))
    assert len(refusal(as_json(look_alike)).problems) == 1
    load(as_json({**look_alike, "id": "other", "name": "Other"}))


def test_a_key_to_which_nothing_can_be_encrypted_is_a_problem_unless_it_is_here_already(load: Load) -> None:
    file = as_json({"id": "a", "name": "A", "contacts": [{"email": "a@a.example", "openpgp_key": EXPIRED}]})
    assert "expired on 31 Dec 2020" in refusal(file).problems[0].sentence
    load(as_json({"id": "a", "name": "A", "contacts": [{"email": "a@a.example"}]}))
    Contact.objects.update(openpgp_key=EXPIRED.strip(), openpgp_fingerprint=openpgp.fingerprint(EXPIRED))
    assert load(file).is_empty


def test_listeners_hear_of_an_import_once(load: Load, django_capture_on_commit_callbacks: Any) -> None:
    heard: list[DirectoryImported] = []
    listens_to(DirectoryImported)(heard.append)
    with django_capture_on_commit_callbacks(execute=True):
        load(as_json(*NATIONAL))
        load(as_json(*NATIONAL))
    mine = [event for event in heard if event.files == ("directory.json",)]
    assert [(event.added, event.claims_added) for event in mine] == [(("c0000", "c0001", "c0002"), 6)]


WRONG = [{"networks": ["192.0.2.1/24"]}, {"sector": "magic"}, {"id": ""}, {"parent": "nobody"}, {"contact": "@"}]
right = st.integers(0, 8).map(lambda n: {"id": f"h{n}", "name": f"H {n}", "networks": [f"198.18.{n}.0/24"]})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(right, max_size=5, unique_by=lambda item: item["id"]),
    st.lists(st.integers(0, len(WRONG) - 1), max_size=2),
    st.randoms(use_true_random=False),
)
def test_a_file_is_applied_whole_or_not_at_all(load: Load, items: list[dict], wrong: list[int], random: Any) -> None:
    broken = [{"id": f"w{number}", "name": "", **WRONG[kind]} for number, kind in enumerate(wrong)]
    rows = [*items, *broken]
    random.shuffle(rows)
    before = everything()
    if broken:
        with pytest.raises(queries.ImportRefused):
            load(as_json(*rows))
        assert everything() == before
    elif rows:
        load(as_json(*rows))
        assert load(as_json(*rows)).is_empty
        assert {item["id"] for item in rows} <= set(Constituent.objects.values_list("public_id", flat=True))


def test_a_failure_while_writing_leaves_nothing_behind(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("tocsin.directory.actions.imports._write_contacts", fail)
    with pytest.raises(OSError, match="disk full"):
        load(as_json(*NATIONAL))
    assert everything() == []


def test_five_hundred_constituents_load_in_a_moment(load: Load) -> None:
    items = [
        {
            "id": f"c{n:04}",
            "name": f"C {n}",
            "contact": f"s@c{n}.example",
            "networks": [f"198.{18 + n % 2}.{n // 2}.0/24"],
        }
        for n in range(500)
    ]
    started = time.process_time()
    load(as_json(*items))
    assert time.process_time() - started < 3
