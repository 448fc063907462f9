"""No page costs more than a few queries: neither the first time after an import nor the next."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from tests.cast import Cast
from tests.effect import made as effects
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import asked_by_member, signed_in, text, things_of
from tests.feeds.reports import write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions
from tocsin.directory.choices import ClaimKind, ContactRole
from tocsin.directory.events import ATTRIBUTION_JOB
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact
from tocsin.feeds import manifest, queries
from tocsin.feeds.actions.findings import add_note, give_finding
from tocsin.feeds.models import Feed, Report
from tocsin.jobs import queue
from tocsin.notices import actions as notices
from tocsin.notices.models import HoldOut, Notice, Policy
from tocsin.notices.queries import plan_now
from tocsin.people.models import Person

pytestmark = pytest.mark.database

AT_MOST = 15
PLANNING = {"notices": 4, "notices:planned": 1}
"""So many more for a page that has what is to be told reckoned first, when nobody has within the last minute."""
ASKED = {
    "situation": ("", "?kinds=all"),
    "findings": (
        "",
        "?owner=me",
        "?owner=none&q=192.0.2.0/24&sort=constituent",
        "?period=now&sector=health",
        "?q=rdp",
        "?q=bank",
    ),
    "search": ("?q=moh", "?q=ban", "?q=192.0.2.0/24"),
    "quarantine": ("", "?type=scan_rdp"),
    "directory:list": ("", "?sort=-claims", "?sort=verified&q=192.0.2.1", "?q=moh&sector=health"),
}
"""What stands after an address, by the name of it: ways to ask for a page that cost another number of queries."""
NOT_FOR_STAFF = {
    "account_login", "account_logout", "mfa_authenticate", "people_demo_link", "people_enrolment_link",
    "people_mailed_link", "people_reset",
}  # fmt: skip
"""Who is signed in is sent elsewhere, or is not signed in any more."""


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        space = f"{prefix}{entry.namespace}:" if isinstance(entry, URLResolver) and entry.namespace else prefix
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, space)
        elif entry.name:
            yield f"{prefix}{entry.name}", entry


def _values(store: Store) -> dict[str, object]:
    """Return a value for each part of an address that has one."""
    claims = Claim.objects.filter(value="192.0.2.64/26").order_by("pk")
    finding = next(iter(queries.findings().stream(queries.Filter())))
    report = Report.objects.order_by("pk")[0]
    return {
        "public": queries.finding_id(finding),
        "id": queries.finding_id(finding),
        "public_id": "bank",
        "one": claims[0].pk,
        "other": claims[1].pk,
        "run": report.run_id,
        "code": Feed.objects.get().code,
        "digest": report.digest,
        "report": report.pk,
        "form": "csv",
        "reference": Notice.objects.get().reference,
        "sequence": 1,
    }


def _keys(name: str) -> object:
    """Return the number that an address has for its thing."""
    if "policy" in name:
        return Policy.objects.get().pk
    if "asked-for" in name:
        return ChangeRequest.objects.latest("pk").pk
    if "contact" in name:
        return Contact.objects.latest("pk").pk
    return Claim.objects.latest("pk").pk if "claim" in name else Report.objects.latest("pk").run_id


def page_addresses(store: Store) -> dict[str, str]:
    """Return the address of every page by its name."""
    found, values = {}, _values(store)
    numbers = things_of(Person.objects.get(role="head_of_team"), "bank")
    for name, entry in _patterns(get_resolver()):
        wanted = entry.pattern.converters
        here = {"pk": _keys(name), "number": _keys(name), **values, **numbers(name)}
        given = {each: here.get(each) for each in wanted}
        try:
            found[name] = reverse(name, kwargs=given)
        except NoReverseMatch:
            raise AssertionError(f"There is no value for an address of {name}: {given}.") from None
    return found


def _asked(client: Client, address: str) -> tuple[int, list[str]]:
    with CaptureQueriesContext(connection) as asked:
        status = client.get(address).status_code
    return status, [query["sql"] for query in asked.captured_queries]


@pytest.fixture
def crowded(week: Store, cast: Cast, tmp_path: Path) -> Store:
    """An instance where there is something of everything: contested claims, parts, notes, a short report, a broken one,

    types of which nothing has come for long, others that are ahead, and claims that wait to be attributed.
    """
    bank, moh = (Constituent.objects.get(public_id=name) for name in ("bank", "moh"))
    for constituent, network in ((moh, "192.0.2.64/26"), (bank, "192.0.2.0/27")):
        actions.add_claim(constituent, kind=ClaimKind.NETWORK, value=network, by=COMMAND_LINE, at=AT)
    actions.add_constituent(public_id="branch", name="Branch", sector="finance", parent=bank, by=COMMAND_LINE, at=AT)
    actions.add_contact(bank, role=ContactRole.SECURITY, name="C", email="c@bank.example", by=COMMAND_LINE, at=AT)
    finding = queries.finding_id(next(iter(queries.findings().stream(queries.Filter()))))
    give_finding(finding, owner=cast.analyst, seen=None, by=cast.analyst, at=AT)
    add_note(finding, text="Told.", by=cast.analyst, at=AT)
    week.run(write(tmp_path, 4, [1]), write(tmp_path, 4, [7], kind="scan_ssl"))
    week.run(write(tmp_path, -90, [1], kind="scan_http"), write(tmp_path, 40, [1], kind="scan_dns"))
    broken = tmp_path / "2026-11-18-scan_rdp-xm-geo.csv"
    broken.write_bytes(b"\x00")
    week.run(broken)
    queue.enqueue(ATTRIBUTION_JOB, at=AT)
    for region in ("North", "South", "East"):
        asked_by_member("bank", region=region)
    notices.add_policy(by=COMMAND_LINE, at=AT)
    effects.reckoned(by=COMMAND_LINE, at=AT)
    HoldOut.objects.create(
        category="vulnerable-system",
        mildest=6,
        share=50,
        key="key",
        until=AT.date() + dt.timedelta(days=180),
        reason="x",
        began_at=AT,
    )
    notices.prepare_notices(plan_now(AT), most=50, by=COMMAND_LINE, at=AT)
    return week


def _slips(page: str) -> list[str]:
    """Return what an English text has of the kind of `1 rows`."""
    words = "rows|cells|reports|claims|findings|files|days|types|runs|kinds|organisations|constituents|people|cycles"
    return re.findall(rf"(?<![\d.,–-]\b)(?<![\d.,–:-])1 (?:{words})\b", page)


def test_one_row_and_one_cell_are_counted_in_good_english(store: Store, cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, 0, [1, 2], severity="low", cert_length="12")
    bad = path.read_text().replace("192.0.2.1,", ",").replace(",64496,", ",644x6,", 2).replace("644x6", "64496", 1)
    path.write_text(bad)
    store.run(path)

    page = text(signed_in(cast.manager).get(reverse("quarantine")))

    assert "1 row and 1 cell could not be taken" in page
    assert not _slips(page)


def test_every_page_counts_in_good_english(crowded: Store, cast: Cast) -> None:
    browser = signed_in(cast.manager)
    slips = {}
    for name, address in page_addresses(crowded).items():
        if name not in NOT_FOR_STAFF and (response := browser.get(address)).headers["Content-Type"][:9] == "text/html":
            slips[address] = _slips(text(response))

    assert not {address: found for address, found in slips.items() if found}


def test_every_page_costs_few_queries(crowded: Store, cast: Cast) -> None:
    """The first is asked for after an import, so that nothing is known any more of what was."""
    browser, costly, seen = signed_in(cast.manager), {}, set()
    addresses = [
        (name, address + after)
        for name, address in page_addresses(crowded).items()
        if name not in NOT_FOR_STAFF
        for after in ASKED.get(name, ("",))
    ]
    for name, address in addresses:
        manifest.touch()
        for when in ("first", "next"):
            status, asked = _asked(browser, address)
            if status == 200:
                seen.add(name)
            if len(asked) > AT_MOST + (PLANNING.get(name, 0) if when == "first" else 0):
                costly[f"{address}, {when}"] = asked

    listed = "\n".join(f"{where}: {len(asked)}\n  " + "\n  ".join(asked) for where, asked in costly.items())
    assert not costly, listed
    assert seen >= {
        "situation",
        "findings",
        "feeds",
        "feeds:run",
        "feeds:finding",
        "directory:constituent",
        "notices:notice",
        "notices:hold-outs",
        "effect",
        "effect:one",
    }, seen
