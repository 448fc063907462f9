"""The pages without a browser: what they show, what they refuse, and that a stranger gets nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, resolve, reverse
from django.utils import translation

from tests.cast import Cast
from tests.directory.conftest import AT, BY, as_json, claim
from tests.directory.test_importing import NATIONAL
from tests.directory.test_openpgp import FINGERPRINT, KEY
from tocsin.audit import trail
from tocsin.audit.actors import System
from tocsin.directory import actions, queries, uploads
from tocsin.directory.choices import ChangeKind, ClaimKind
from tocsin.directory.events import ATTRIBUTION_JOB, WAITS_FOR_THE_STORE
from tocsin.directory.models import Claim, Constituent, Contact, Membership
from tocsin.directory.views import constituents as constituent_views
from tocsin.directory.views import work as work_views
from tocsin.directory.wishes import Wish
from tocsin.jobs import bell, helping, queue
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.kernel.clock import now

pytestmark = pytest.mark.django_db


class Pages:
    """Asks for pages as one person, past the gate: what the pages themselves do is tested here."""

    def __init__(self, user: Any) -> None:
        self.user, self.messages = user, ""

    def get(self, address: str, **query: Any) -> HttpResponse:
        """Read a page."""
        return self._answer(RequestFactory().get(address, query))

    def get_part(self, address: str, **query: str) -> HttpResponse:
        """Read a part of a page as htmx does."""
        return self._answer(RequestFactory().get(address, query, headers={"HX-Request": "true"}))

    def post(self, address: str, **fields: Any) -> HttpResponse:
        """Send a form."""
        return self._answer(RequestFactory().post(address, fields))

    def _answer(self, request: Any) -> HttpResponse:
        request.user, request.session = self.user, {}
        request._messages = FallbackStorage(request)
        found = resolve(request.path_info)
        response: HttpResponse = found.func(request, *found.args, **found.kwargs)
        self.messages = " ".join(map(str, request._messages))
        return response


@pytest.fixture
def pages(settings: Any, tmp_path: Any, cast: Cast) -> Pages:
    """The pages as an analyst sees them."""
    settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path / "home")
    return Pages(cast.analyst)


def text(response: HttpResponse) -> str:
    """Return what stands in the page's main part, without marks."""
    main = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def names(response: HttpResponse) -> list[str]:
    """Return the row headers of the lists."""
    found = re.findall(r'<th scope="row">(.*?)</th>', response.content.decode())
    return [re.sub(r"<[^>]+>", "", name) for name in found]


CONSTITUENT = "/directory/constituents/moh/"


def test_the_list_shows_the_constituents(pages: Pages, ministry: Constituent, bank: Constituent) -> None:
    claim(ministry, "192.0.2.0/24")
    page = pages.get("/directory/")
    assert page.status_code == 200
    assert names(page) == ["Island Bank", "Ministry of Health"]
    assert "2 constituents" in text(page)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sector": "health"}, ["Ministry of Health"]),
        ({"sector": ["health", "finance"]}, ["Island Bank", "Ministry of Health"]),
        ({"status": "suspended"}, []),
        ({"q": "192.0.2.9"}, ["Ministry of Health"]),
        ({"sort": "-name"}, ["Ministry of Health", "Island Bank"]),
        ({"sort": "-claims"}, ["Ministry of Health", "Island Bank"]),
        ({"sort": "note; DROP TABLE"}, ["Island Bank", "Ministry of Health"]),
        ({"sort": "constituent__claims__source"}, ["Island Bank", "Ministry of Health"]),
        ({"page": "99"}, ["Island Bank", "Ministry of Health"]),
        ({"page": "x"}, ["Island Bank", "Ministry of Health"]),
    ],
)
def test_filters_search_and_order_stand_in_the_address(
    pages: Pages, ministry: Constituent, bank: Constituent, query: dict[str, Any], expected: list[str]
) -> None:
    claim(ministry, "192.0.2.0/24")
    assert names(pages.get("/directory/", **query)) == expected


@pytest.mark.parametrize(
    "query", ["sort=note", "sort=--name", "page=99", "page=x", "status=gone", "sector=none", "q=%00", "q=" + "a" * 201]
)
def test_what_is_not_understood_is_left_out_and_said(
    pages: Pages, ministry: Constituent, bank: Constituent, query: str
) -> None:
    page = pages.get("/directory/", **dict(parse_qsl(query)))

    assert names(page) == ["Island Bank", "Ministry of Health"]
    assert f"One part of the address was not understood and is left out: {query.partition('=')[0]}=" in text(page)


def test_an_unknown_page_of_claims_is_said(pages: Pages, ministry: Constituent) -> None:
    assert "is left out: page=7" in text(pages.get(CONSTITUENT, page="7"))


def test_an_id_that_is_no_text_is_nobodys(pages: Pages, ministry: Constituent) -> None:
    with pytest.raises(Http404):
        pages.get("/directory/constituents/%00/")


def test_a_page_has_fifty_rows_and_a_fixed_number_of_queries(pages: Pages, load: Callable[..., Any]) -> None:
    load(as_json(*({"id": f"c{n:03}", "name": f"C {n:03}", "asns": [n + 1]} for n in range(120))))
    with CaptureQueriesContext(connection) as asked:
        page = pages.get("/directory/", sector="other", page=2)
    assert names(page)[0] == "C 050" and len(names(page)) == 50
    assert len(asked) <= 10


FRENCH = {"c1": "Zoo", "c2": "École", "c3": "Abbaye", "c4": "énergie", "c5": "Eau"}


@pytest.mark.parametrize(("language", "sort", "expected"), [
    ("en", "name", ["C 1", "C 2", "C 3", "C 4", "C 5", "É 6"]),
    ("fr", "name", ["Abbaye", "É 6", "Eau", "École", "énergie", "Zoo"]),
    ("fr", "-name", ["Zoo", "énergie", "École", "Eau", "É 6", "Abbaye"]),
    ("fr", "sector", ["Eau", "École", "énergie", "Abbaye", "É 6", "Zoo"]),
    ("fr", "-claims", ["Zoo", "Abbaye", "É 6", "Eau", "École", "énergie"]),
    ("fr", "-verified", ["énergie", "Abbaye", "É 6", "Eau", "École", "Zoo"]),
])  # fmt: skip
def test_the_list_is_in_the_order_of_the_names_that_the_reader_sees(
    pages: Pages, load: Callable[..., Any], language: str, sort: str, expected: list[str]
) -> None:
    """c2, c4 and c5 are of finance, the others of health: "finances" and "santé" in French."""
    rows = [
        {"id": f"c{n}", "name": f"C {n}" if n < 6 else "É 6", "sector": "finance" if n in (2, 4, 5) else "health"}
        for n in range(1, 7)
    ]
    load(as_json(*({**row, "names": {"fr": FRENCH[row["id"]]} if row["id"] in FRENCH else {}} for row in rows)))
    claim(Constituent.objects.get(public_id="c1"), "192.0.2.0/24")
    c4 = Constituent.objects.get(public_id="c4")
    actions.add_contact(c4, role="security", email="a@b.example", verified_on=AT.date(), by=BY, at=AT)
    with translation.override(language):
        assert names(pages.get("/directory/", sort=sort)) == expected


def test_pages_follow_one_another_in_the_order_that_is_shown(
    pages: Pages, load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(as_json(*({"id": f"c{n}", "name": f"C {n}", "names": {"fr": f"F {9 - n}"}} for n in range(10))))
    monkeypatch.setattr(constituent_views, "ROWS", 4)
    with translation.override("fr"):
        shown = [name for page in (1, 2, 3) for name in names(pages.get("/directory/", page=page))]
    assert shown == [f"F {n}" for n in range(10)]


def test_an_empty_directory_says_what_to_do(pages: Pages, db: None) -> None:
    page = text(pages.get("/directory/"))
    assert "No constituents yet" in page and "Import a file" in page


def test_a_constituent_shows_claims_contacts_and_conflicts(
    pages: Pages, ministry: Constituent, bank: Constituent
) -> None:
    claim(ministry, "192.0.2.0/24", is_confirmed=True, source="Letter 7")
    claim(bank, "192.0.2.0/24")
    actions.add_contact(ministry, email="soc@moh.example", openpgp_key=KEY, verified_on=AT.date(), by=BY, at=AT)
    page = text(pages.get(CONSTITUENT))
    for expected in ("192.0.2.0/24", "Ana Lys", "Letter 7", "soc@moh.example", FINGERPRINT, "Somebody else claims"):
        assert expected in page


def test_what_people_typed_is_shown_as_text(pages: Pages, ministry: Constituent) -> None:
    nasty = "<script>alert(1)</script>"
    actions.change_constituent(ministry, name=nasty, note=nasty, region=nasty, names={"fr": nasty}, by=BY, at=AT)
    for address in ("/directory/", CONSTITUENT, f"{CONSTITUENT}change/"):
        assert "<script>alert" not in pages.get(address).content.decode()


def test_a_constituent_is_entered_and_changed(pages: Pages, ministry: Constituent) -> None:
    answer = pages.post(
        "/directory/add/", name="Port", sector="transport", status="active", parent="moh", languages="fr, en",
        names="fr: Le port",
    )  # fmt: skip
    assert (answer.status_code, answer["Location"]) == (302, "/directory/constituents/org-0001/")
    row = Constituent.objects.get(public_id="org-0001")
    assert (row.parent, row.languages, row.names) == (ministry, ["fr", "en"], {"fr": "Le port"})
    pages.post(
        "/directory/constituents/org-0001/change/", name="Harbour", sector="transport", status="suspended", names=""
    )
    row.refresh_from_db()
    assert (row.name, row.status, row.parent, row.names) == ("Harbour", "suspended", None, {})


def test_a_refused_form_keeps_what_was_typed_and_says_why(pages: Pages, ministry: Constituent) -> None:
    answer = pages.post("/directory/add/", name="Second", sector="health", status="active", public_id="moh")
    assert answer.status_code == 422
    assert "There is a constituent moh already." in text(answer)
    assert 'value="Second"' in answer.content.decode()
    answer = pages.post("/directory/add/", name="", sector="magic", status="active", names="Le port", languages="??")
    assert "things to put right" in text(answer)
    assert Constituent.objects.count() == 1


def test_the_page_says_how_large_a_file_it_takes(pages: Pages) -> None:
    """The page takes less than the command does."""
    assert f"at most {work_views.LONGEST_UPLOAD // 2**20} MB" in text(pages.get("/directory/import/"))


def test_what_is_said_of_a_claim_has_its_label_where_there_is_no_head(pages: Pages, ministry: Constituent) -> None:
    claim(ministry, "192.0.2.0/24")
    page = pages.get(CONSTITUENT).content.decode()
    assert 'data-label="confirmed"' in page and 'data-label="how we know"' in page


def test_a_claim_is_entered_confirmed_and_ended(pages: Pages, ministry: Constituent) -> None:
    answer = pages.post(f"{CONSTITUENT}claims/add/", kind="network", value="192.0.2.1/24")
    assert (answer.status_code, "Write it as 192.0.2.0/24" in text(answer)) == (422, True)
    pages.post(f"{CONSTITUENT}claims/add/", kind="network", value="192.0.2.0/24", valid_from="2026-01-01")
    row = Claim.objects.get()
    assert (row.valid_from, row.confirmed_at) == (dt.date(2026, 1, 1), None)
    assert pages.post(f"/directory/claims/{row.pk}/confirm/").status_code == 302
    pages.post(f"/directory/claims/{row.pk}/end/", ends_on="2026-02-01", reason="Sold")
    row.refresh_from_db()
    assert (row.confirmed_by, row.valid_to) == (pages.user.audit_label, dt.date(2026, 2, 1))


def test_confirming_needs_a_form_not_a_link(pages: Pages, ministry: Constituent) -> None:
    assert pages.get(f"/directory/claims/{claim(ministry, '192.0.2.0/24').pk}/confirm/").status_code == 405


def test_a_contact_is_entered_and_changed(pages: Pages, ministry: Constituent) -> None:
    pages.post(
        f"{CONSTITUENT}contacts/add/",
        role="security",
        email="soc@moh.example",
        verified_on="2026-03-01",
        is_active="on",
    )
    row = Contact.objects.get()
    assert (row.is_active, row.verified_on) == (True, dt.date(2026, 3, 1))
    address = f"/directory/contacts/{row.pk}/"
    pages.post(address, role="security", email="new@moh.example", verified_on="2026-03-01", is_active="on")
    row.refresh_from_db()
    assert (row.email, row.verified_on) == ("new@moh.example", None)
    assert pages.post(address, role="security", email="").status_code == 422


def test_a_conflict_is_settled_for_one(pages: Pages, ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    assert "1 claim has two owners" in text(pages.get("/directory/conflicts/"))
    address = f"/directory/conflicts/{ours.pk}-{theirs.pk}/"
    assert "Who is responsible for 192.0.2.0/24 ?" in text(pages.get(address))
    assert 'for <bdi class="mono" dir="ltr">192.0.2.0/24</bdi>?</h1>' in pages.get(address).content.decode()
    answer = pages.post(address, decision=str(theirs.pk), reason="Sold.", ends_on="")
    assert "Say on which day" in text(answer)
    assert pages.post(address, decision=str(theirs.pk), reason="Sold.", ends_on="2026-02-01").status_code == 302
    ours.refresh_from_db()
    assert ours.valid_to == dt.date(2026, 2, 1)
    assert "No claim has two owners" in text(pages.get("/directory/conflicts/"))


def test_a_conflict_is_settled_by_keeping_both(pages: Pages, ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "gov.example", ClaimKind.SUFFIX), claim(bank, "gov.example", ClaimKind.SUFFIX)
    address = f"/directory/conflicts/{ours.pk}-{theirs.pk}/"
    assert pages.post(address, decision="both", reason="").status_code == 422
    assert pages.post(address, decision="both", reason="Shared.").status_code == 302
    assert queries.conflicts() == []


def everything_is_attributed() -> None:
    """Let what was ordered be done, as a worker does it; it is no concern of this room how."""
    Job.objects.filter(kind=ATTRIBUTION_JOB).update(state=State.DONE, finished_at=now())


def findings_changed_hands(**gained: int) -> None:
    """Let the trail say so, as the room of the findings does."""
    data = {"findings": sum(gained.values()), "by_constituent": gained}
    trail.append("finding.reattributed", data, by=System("attribution"), at=now())


def test_settled_says_who_got_how_many_findings_when_it_is_done(
    pages: Pages, ministry: Constituent, bank: Constituent, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.WORK_BY_JOBS = True
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    findings_changed_hands(moh=99)  # before: by another decision

    def done_at_once(kind: str) -> bool:
        findings_changed_hands(bank=1234, **{"": 1})
        everything_is_attributed()
        return kind == ATTRIBUTION_JOB

    monkeypatch.setattr(helping, "see_done", done_at_once)
    address = f"/directory/conflicts/{ours.pk}-{theirs.pk}/"
    pages.post(address, decision=str(theirs.pk), reason="Sold.", ends_on="2026-02-01")
    assert pages.messages == ("Settled. 1,234 open findings now belong to Island Bank. 1 open finding now is nobody’s.")
    assert 'id="attribution"' not in pages.get("/directory/conflicts/").content.decode()


def test_what_changes_no_claim_orders_nothing(pages: Pages, ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    everything_is_attributed()
    pages.post(f"/directory/conflicts/{ours.pk}-{theirs.pk}/", decision="both", reason="Shared.")
    assert pages.messages == "Settled. No open finding changes hands."


def test_settled_that_takes_longer_shows_how_far_it_is(pages: Pages, ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    everything_is_attributed()
    address = f"/directory/conflicts/{ours.pk}-{theirs.pk}/"
    pages.post(address, decision=str(ours.pk), reason="Sold.", ends_on=str(now().date()))

    assert pages.messages == "Settled. Open findings are being attributed anew. This page says when it is done."
    (job,) = Job.objects.filter(state=State.WAITING)
    Job.objects.update(run_after=now())
    for path in ("/directory/conflicts/", "/directory/", "/directory/constituents/moh/"):
        page = pages.get(path)
        assert "Open findings will be attributed anew in a moment." in text(page), path
        assert 'hx-trigger="every 1s"' in page.content.decode()
    since = re.findall(r"attribution/\?since=(\d+)", page.content.decode())[0]
    claimed = queue.claim("worker", at=now())
    assert claimed == job
    queue.note_progress(claimed, 0.4, "")
    assert "Open findings are being attributed anew: 40 % looked through." in text(pages.get("/directory/conflicts/"))
    queue.note_progress(claimed, 0.0, WAITS_FOR_THE_STORE)
    assert "as soon as it ends" in text(pages.get("/directory/conflicts/"))
    findings_changed_hands(moh=12)
    queue.finish(claimed, at=now())
    part = attribution_part(pages, since=since)
    assert "12 open findings now belong to Ministry of Health." in part and "hx-get" not in part
    assert pages.get("/directory/attribution/")["Location"] == "/directory/conflicts/"


def attribution_part(pages: Pages, **query: str) -> str:
    """Return the part of the page as the page asks for it again and again."""
    return pages.get_part("/directory/attribution/", **query).content.decode()


def test_where_no_worker_runs_the_page_offers_to_do_it(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.enqueue(ATTRIBUTION_JOB, at=now() - dt.timedelta(minutes=1))

    part = attribution_part(pages)
    assert "no worker runs" in part and "Do it now" in part and "hx-get" in part
    with bell.listening():
        assert "the worker is busy with other work" in attribution_part(pages)

    asked: list[str] = []
    monkeypatch.setattr(helping, "see_done", lambda kind: not asked.append(kind))
    assert pages.post("/directory/attribution/").status_code == 302
    assert asked == [ATTRIBUTION_JOB]
    assert pages.messages == "Open findings are attributed by the claims as they are now."


def test_attribution_that_failed_says_why_and_is_done_again_on_request(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.enqueue(ATTRIBUTION_JOB, at=now())
    Job.objects.update(state=State.FAILED, last_error="The disk is full.", finished_at=now())
    part = attribution_part(pages)
    assert "could not be attributed anew: The disk is full." in part and "hx-get" not in part

    monkeypatch.setattr(helping, "see_done", lambda _kind: False)
    pages.post("/directory/attribution/")
    assert Job.objects.filter(kind=ATTRIBUTION_JOB, state=State.WAITING).exists()
    assert "will be attributed anew in a moment" in attribution_part(pages)


def test_claims_that_are_not_in_conflict_cannot_be_settled(
    pages: Pages, ministry: Constituent, bank: Constituent
) -> None:
    one, other = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/25")
    with pytest.raises(Http404):
        pages.post(f"/directory/conflicts/{one.pk}-{other.pk}/", decision="both", reason="x")
    assert "1 claim lies inside another" in text(pages.get("/directory/conflicts/"))


def test_what_an_import_would_end_or_change_is_shown_before(pages: Pages, load: Callable[..., Any]) -> None:
    load(as_json({"id": "moh", "name": "M", "networks": ["192.0.2.0/25", "198.51.100.0/24"], "asns": [64496]}))
    networks = [{"value": "198.51.100.0/24", "valid_from": "2026-01-01"}]
    content = as_json({"id": "moh", "name": "M", "networks": networks, "asns": []})
    page = text(pages.post("/directory/import/", file=upload(content), end_missing="on"))
    assert "2 claims are not in the file and end" in page and "192.0.2.0/25" in page and "AS64496" in page
    assert "1 claim is changed" in page and "198.51.100.0/24" in page


def test_of_very_many_problems_the_first_are_shown(pages: Pages) -> None:
    content = as_json(*({"id": "a", "name": "", "sector": "magic"} for _ in range(600)))
    page = pages.post("/directory/import/", file=upload(content))
    assert "Only the first 500 are shown." in text(page)
    assert page.content.count(b"<tr>") == 501


def test_a_file_may_be_called_anything(pages: Pages) -> None:
    content = as_json({"id": "zz", "name": "Z", "networks": ["192.0.2.0/24"]})
    token = uploads.keep(content, settings.CONFIG.home / "uploads" / "directory", now())
    assert pages.post("/directory/import/", token=token, name="a\0b" + "c" * 300).status_code == 302
    assert Claim.objects.get().source.startswith("abccc")


def upload(content: bytes, name: str = "national.json") -> SimpleUploadedFile:
    """Return a file as a browser sends it."""
    return SimpleUploadedFile(name, content)


def test_a_file_is_checked_then_applied(pages: Pages) -> None:
    checked = pages.post("/directory/import/", file=upload(as_json(*NATIONAL)))
    assert "This is what national.json would change" in text(checked)
    assert b'<bdi dir="ltr">+' in checked.content, "where text runs from right to left, +1 would read 1+"
    assert "3 added, 0 changed, 0 unchanged" in text(checked)
    assert not Constituent.objects.exists()
    token = re.findall(r'name="token" value="(\w+)"', checked.content.decode())[0]
    assert pages.post("/directory/import/", token=token, name="national.json").status_code == 302
    assert Constituent.objects.count() == 3
    assert Claim.objects.first().source == "national.json"  # type: ignore[union-attr]
    again = pages.post("/directory/import/", file=upload(as_json(*NATIONAL)))
    assert "Everything is as national.json says already" in text(again)


def test_end_missing_is_asked_for_and_carried_along(pages: Pages, load: Callable[..., Any]) -> None:
    load(as_json(*NATIONAL))
    content = as_json({**NATIONAL[2], "networks": []})
    assert "1 claim is not in the file and stays" in text(pages.post("/directory/import/", file=upload(content)))
    checked = pages.post("/directory/import/", file=upload(content), end_missing="on")
    token = re.findall(r'name="token" value="(\w+)"', checked.content.decode())[0]
    pages.post("/directory/import/", token=token, name="n.json", end_missing="on")
    assert Claim.objects.filter(valid_to=None).count() == 5


def test_the_problems_of_a_file_stand_in_a_table(pages: Pages) -> None:
    answer = pages.post("/directory/import/", file=upload(b"id,name,networks\na,A,192.0.2.1/24\n", "t.csv"))
    assert answer.status_code == 422
    assert "1 thing to put right in t.csv" in text(answer)
    assert "2 networks 192.0.2.1/24 is not a whole network" in text(answer)


@pytest.mark.parametrize("token", ["", "../../tocsin.sqlite3", "0" * 64])
def test_a_file_that_was_not_checked_cannot_be_applied(pages: Pages, token: str, db: None) -> None:
    assert pages.post("/directory/import/", token=token).status_code == 302
    assert "Choose it again" in pages.messages


def addresses() -> list[str]:
    """Return every address of the room."""
    from tocsin.directory import urls

    found = []
    for pattern in urls._pages:
        parts = {"public_id": "moh", "pk": 1, "one": 1, "other": 2}
        wanted = {name: parts[name] for name in pattern.pattern.converters}
        found.append(reverse(f"directory:{pattern.name}", kwargs=wanted))
    return found


def test_a_stranger_gets_nothing_from_any_page(ministry: Constituent, bank: Constituent, cast: Cast) -> None:
    claim(ministry, "192.0.2.0/24")
    claim(bank, "192.0.2.0/24")
    for person in (AnonymousUser(), cast.stranger, cast.peer):
        for address in addresses():
            for ask in (Pages(person).get, Pages(person).post):
                with contextlib.suppress(PermissionDenied, Http404):
                    answer = ask(address)
                    assert answer.status_code in (200, 405, 422)
                    assert not any(each in text(answer) for each in ("Ministry of Health", "192.0.2.0/24", "Bank"))
    assert not Claim.objects.exclude(valid_to=None, confirmed_at=None).exists()


def test_every_page_renders_in_french_and_right_to_left(pages: Pages, ministry: Constituent, bank: Constituent) -> None:
    one, other = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    actions.add_contact(ministry, email="soc@moh.example", by=BY, at=AT)
    contact = Contact.objects.get()
    facts = {"name": "Carla", "is_administrator": True, "token": "t"}
    actions.add_member(ministry, email="carla@moh.example", **facts, by=BY, at=AT)
    member = Membership.objects.get()
    wish = Wish(ministry, ChangeKind.FACTS, {"region": "North"})
    asked = actions.ask_for_change(wish, by=member.person, at=AT).request
    for language in ("fr", "ar"):
        with translation.override(language):
            for address in addresses():
                address = address.replace("conflicts/1-2", f"conflicts/{one.pk}-{other.pk}")
                address = address.replace("claims/1/", f"claims/{one.pk}/").replace(
                    "contacts/1/", f"contacts/{contact.pk}/"
                )
                address = address.replace("members/1/", f"members/{member.pk}/")
                address = address.replace("changes/1/", f"changes/{asked}/")
                assert pages.get(address).status_code in (200, 302, 405)  # 302: a part of a page


def test_the_side_bar_finds_its_places() -> None:
    assert reverse("directory") == reverse("directory:list") == "/directory/"
    assert reverse("overlapping-claims") == reverse("directory:conflicts")
    with pytest.raises(NoReverseMatch):
        reverse("directory:constituent", args=["a/b"])


def test_organisations_have_their_french_names_wherever_they_are_named(
    pages: Pages, ministry: Constituent, bank: Constituent
) -> None:
    actions.change_constituent(ministry, names={"fr": "Ministère de la Santé"}, by=BY, at=AT)
    actions.change_constituent(bank, names={"fr": "Banque centrale"}, by=BY, at=AT)
    for value in ("192.0.2.0/25", "198.51.100.0/24"):
        claim(ministry, value)
    for value in ("192.0.2.0/24", "198.51.100.0/24"):
        claim(bank, value)
    with translation.override("fr"):
        lists, form, thing = (
            text(pages.get(address))
            for address in ("/directory/conflicts/", "/directory/add/", "/directory/constituents/moh/")
        )
    assert lists.count("Ministère de la Santé") == lists.count("Banque centrale") == 2
    assert "Ministry" not in lists and "Ministry" not in form
    assert "198.51.100.0/24 : Ministère de la Santé, Banque centrale" in thing


def test_changes_are_told_in_the_readers_words(pages: Pages, ministry: Constituent) -> None:
    actions.change_constituent(ministry, region="North", parent=None, by=BY, at=AT)
    actions.end_claim(claim(ministry, "192.0.2.0/24"), ends_on=AT.date(), reason="Vendu", by=BY, at=AT)
    with translation.override("fr"):
        page = text(pages.get("/directory/constituents/moh/"))
    assert "Modification : Région" in page
    assert "La déclaration de 192.0.2.0/24 prend fin le 2 mars 2026 : Vendu" in page


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("network", "192.0.2.1/24", "192.0.2.1/24 n’est pas un réseau entier. Écrivez 192.0.2.0/24."),
        ("network", "10.0.0.0/7", "10.0.0.0/7 est plus étendu que le réseau de tout organisme."),
        ("asn", "AS0", "n’est pas un numéro de système autonome."),
        ("suffix", "192.0.2.1", "n’est pas un nom de domaine."),
    ],
)
def test_refusals_speak_french(pages: Pages, ministry: Constituent, kind: str, value: str, sentence: str) -> None:
    with translation.override("fr"):
        answer = pages.post("/directory/constituents/moh/claims/add/", kind=kind, value=value)
    assert answer.status_code == 422
    assert sentence in text(answer)


def test_organisations_are_offered_in_the_order_of_words(pages: Pages, bank: Constituent) -> None:
    """A database puts É after Z, and knows no name but the first."""
    names = [("Zinc", "Zinc"), ("Works", "Énergie"), ("Alpha", "Œuvres"), ("É", "eau")]
    for number, (name, french) in enumerate(names):
        facts = {"sector": "energy", "names": {"fr": french}, "by": BY, "at": AT}
        actions.add_constituent(public_id=f"o{number}", name=name, **facts)
    with translation.override("fr"):
        page = pages.get("/directory/constituents/bank/change/").content.decode()
    offered = page.partition('name="parent"')[2].partition("</select>")[0]
    assert re.findall(r">([^<>]+)</option>", offered) == ["---------", "eau", "Énergie", "Œuvres", "Zinc"]


@pytest.mark.parametrize(("zone", "hour"), [("Pacific/Auckland", 20), ("Pacific/Pago_Pago", 10)])
def test_the_day_offered_is_one_of_utc_wherever_the_team_is(
    pages: Pages, ministry: Constituent, bank: Constituent, settings: Any, monkeypatch: Any, zone: str, hour: int
) -> None:
    settings.TIME_ZONE, today = zone, "2026-11-19"
    one, other = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    at = dt.datetime(2026, 11, 19, hour, 30, tzinfo=dt.UTC)
    for view in (constituent_views, work_views):
        monkeypatch.setattr(view, "now", lambda: at)
    ending = pages.get(f"/directory/claims/{one.pk}/end/")
    settling = pages.get(f"/directory/conflicts/{one.pk}-{other.pk}/")
    assert f'value="{today}"' in ending.content.decode()
    assert f'value="{dt.date.fromisoformat(today) - dt.timedelta(days=1)}"' in settling.content.decode()
