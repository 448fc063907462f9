"""Who is not cleared for the label of a feed sees nothing of it: no byte of it on any page, and no number changed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import ids, signed_in, text
from tests.feeds.reports import write
from tests.notices.conftest import prepared, send, set_mail
from tests.portal.api.asking import key_of
from tests.portal.conftest import belongs
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent
from tocsin.feeds import clearing, queries
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.models import Feed, FindingNote, FindingOwner, ReportType, Run
from tocsin.feeds.views import exporting
from tocsin.kernel import clock
from tocsin.kernel.tlp import TLP
from tocsin.notices import actions as notices
from tocsin.notices.models import Notice, Suppression
from tocsin.notices.queries import plan_for, plan_now
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db

BY_AT: dict[str, Any] = {"by": COMMAND_LINE, "at": AT}
SIGNS = ("192.0.2.33", "192.0.2.99", "192.0.2.199", "scan_ssh", "SSH", "canary")
"""What stands in nothing but the reports of the canary: addresses, its type, and what its rows say."""
CHANGING = re.compile(
    rb'name="csrfmiddlewaretoken" value="[^"]*"|<time[^>]*>.*?</time>|"as_of": ?"[^"]*"|:[\w-]{6}:[\w-]{43}(?=")'
)
"""What two answers to one question differ by: tokens, clocks, and when a cursor was signed."""


@pytest.fixture
def told(week: Store) -> Store:
    """The week, whose feed is GREEN, with a notice of it to the bank that is prepared."""
    Feed.objects.update(tlp="GREEN")
    directory.add_contact(Constituent.objects.get(public_id="bank"), email="soc@bank.example", **BY_AT)
    notices.add_policy(tlp="GREEN", **BY_AT)
    notices.prepare_notices(plan_now(AT), most=50, **BY_AT)
    return week


def release(store: Store, folder: Path, *others: Path) -> None:
    """Import the canary: a report of a RED feed, of later than all others, with a row that is not taken.

    One finding of the ministry, one of the bank, one of nobody. Other reports are imported with it.
    """
    path = write(folder / "canary", 4, [33, 99, 199], kind="scan_ssh", tag="canary", port="22")
    path.write_text(path.read_text() + "canary noon,medium,192.0.2.99,tcp,22,canary,1,XM,\n")
    store.run(path, *others)
    secret = Feed.objects.create(code="secret", name="Secret", tlp="RED", terms="Told to nobody: canary.")
    ReportType.objects.filter(name="scan_ssh").update(feed=secret, unknown_columns=["canary"])


def cleared_up_to(person: Person, label: TLP) -> Person:
    """Return the person, whose account is cleared up to a label and no further."""
    person.clearance = label.value
    person.save(update_fields=["clearance"])
    return person


def canary() -> str:
    """Return the id of the finding of the bank's that is RED."""
    (found,) = ids(types=("scan_ssh",), constituents=("bank",))
    return found


ASKED = (
    "", "?state=gone", "?type=scan_ssh", "?asset=192.0.2.99", "?q=canary", "?tlp=RED", "?sort=constituent",
    "?sort=-last_seen", "?whose=bank", "?whose=-", "?severity=4", "?owner=none", "?period=now",
)  # fmt: skip


def addresses() -> list[str]:
    """Return the addresses of all pages that have one, and those of the list as it may be asked."""
    row, found = Notice.objects.filter(tlp="GREEN").earliest("pk"), ids()[0]
    known = {
        "public_id": "bank", "public": found, "code": "shadowserver", "form": "csv", "reference": row.reference,
        "pk": 1,
    }  # fmt: skip
    asked = [*(f"/findings/{each}" for each in ASKED), "/search/?q=192.0.2.99", "/search/?q=canary"]
    asked += ["/feeds/quarantine/?type=scan_ssh", "/findings/export.json?type=scan_ssh", "/notices/planned/bank/"]
    for name, wanted in _patterns(get_resolver()):
        if {*wanted} <= {*known}:
            asked.append(reverse(name, kwargs={each: known[each] for each in wanted}))
    changing = ("/sign-in/", "/account/authenticator/")  # show a secret of their own each time
    return [address for address in dict.fromkeys(asked) if not address.startswith(changing)]


def pages(browser: Client) -> dict[str, tuple[int, bytes]]:
    """Return the answers at all of them."""
    return {address: _answer(browser, address) for address in addresses()}


def _patterns(resolver: URLResolver, before: str = "") -> Iterator[Any]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield f"{before}{each.name}", each.pattern.converters
        else:
            yield from _patterns(each, f"{before}{each.namespace}:" if each.namespace else before)


def _answer(browser: Client, address: str) -> tuple[int, bytes]:
    answer = browser.get(address)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return answer.status_code, CHANGING.sub(b"", body)


def test_of_a_stricter_feed_no_byte_and_no_number_reaches_a_page(
    told: Store, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "now", lambda: AT)
    person = cleared_up_to(cast.analyst, TLP.GREEN)
    browser, everything = signed_in(person), signed_in(cast.manager)
    for each in (browser, everything):
        each.get("/")  # what was never looked at is looked at for the first time
    before = pages(browser)
    release(told, tmp_path)
    after = pages(browser)

    assert {address for address in before if before[address] != after.get(address)} == set()
    assert len([status for status, _body in after.values() if status == 200]) > 30
    shown = {address: body for address, (_status, body) in after.items()}
    found = {(sign, at) for at, body in shown.items() for sign in SIGNS if sign.encode() in body}
    assert {(sign, at) for sign, at in found if sign not in at} == set(), "what was asked for stands in the box again"

    unseen = {sign.encode() for sign in SIGNS}
    for address in addresses():
        body = _answer(everything, address)[1] if unseen else b""
        unseen = {sign for sign in unseen if sign not in body}
    assert unseen == set()


def of_a_member() -> list[str]:
    """Return the addresses of all pages of the ministry's members, and of what their programs read."""
    own, row = ids(constituents=("moh",))[0], Notice.objects.get(constituent__public_id="moh")
    known = {"public_id": "moh", "public": own, "id": own, "form": "csv", "reference": row.reference}
    asked = [f"/my/findings/{each}" for each in ASKED[:7]]
    asked += [f"/api/v1/my/findings?{each}" for each in ("format=jsonl", "format=csv", "type=scan_ssh", "state=gone")]
    asked += [
        reverse(name, kwargs={each: known[each] for each in wanted})
        for name, wanted in _patterns(get_resolver())
        if name.startswith(("my:", "api:")) and {*wanted} <= {*known}
    ]
    return asked


def test_of_others_and_of_a_stricter_feed_no_byte_reaches_a_member(
    told: Store, cast: Cast, tmp_path: Path, settings: Any
) -> None:
    set_mail(settings)
    directory.add_contact(Constituent.objects.get(public_id="moh"), email="soc@moh.example", **BY_AT)
    send(prepared()[0])
    reader = belongs(cast.contact, "moh", is_administrator=True)
    browser = signed_in(reader)
    browser.defaults["HTTP_AUTHORIZATION"] = f"Bearer {key_of(reader)}"
    asked = of_a_member()
    for address in (each for each in asked if "notices" in each):
        browser.get(address)  # what is opened for the first time is noted
    before = {address: _answer(browser, address) for address in asked}
    release(told, tmp_path, write(tmp_path / "others", 3, [98, 198], kind="scan_ssl"))
    after = {address: _answer(browser, address) for address in asked}
    assert {address for address in asked if before[address] != after[address]} == set()
    assert len([status for status, _body in after.values() if status == 200]) > 20
    assert b"192.0.2.1" in after["/my/findings/"][1] and b"192.0.2.1" in after["/api/v1/my/findings"][1]
    everything = _answer(signed_in(cast.manager), "/findings/")[1]
    assert b"192.0.2.33" in everything and b"192.0.2.98" in everything


def test_sums_and_days_are_those_of_what_may_be_seen(told: Store, cast: Cast, tmp_path: Path) -> None:
    person = cleared_up_to(cast.analyst, TLP.GREEN)
    release(told, tmp_path)
    everything, (day, *_) = queries.latest_day(), sorted(Run.objects.values_list("pk", flat=True))
    assert everything == dt.date(2026, 11, 20)
    with clearing.reading_for(person):
        assert queries.latest_day() == dt.date(2026, 11, 19)
        assert {kind.type for kind in queries.findings().types} == {"scan_rdp"}
        assert [each.type.name for each in situation.health()] == ["scan_rdp"]
        assert set(situation.movements().by_type) == {"scan_rdp"} == set(situation.labels())
        less = situation.day_before()
    assert {kind.type for kind in queries.findings().types} == {"scan_rdp", "scan_ssh"}
    assert less.by_constituent.keys() >= {"moh"} and day == 1


def test_things_of_a_stricter_feed_are_not_there(told: Store, cast: Cast, tmp_path: Path) -> None:
    release(told, tmp_path)
    finding, run = canary(), Run.objects.latest("pk").pk
    browser = signed_in(cleared_up_to(cast.analyst, TLP.AMBER))
    told_of = signed_in(cast.manager)
    for address in (f"/findings/{finding}/", f"/feeds/runs/{run}/", "/feeds/terms/secret/"):
        assert browser.get(address).status_code == 404, address
        assert told_of.get(address).status_code == 200, address
    for address, form in (
        (f"/findings/{finding}/note/", {"text": "Seen."}),
        (f"/findings/{finding}/owner/", {"owner": str(cast.analyst.pk)}),
        (f"/feeds/runs/{run}/withdraw/", {"reason": "It was of another country."}),
        (f"/feeds/runs/{run}/replay/", {}),
        ("/feeds/terms/secret/", {"tlp": "GREEN", "terms": ""}),
    ):
        assert browser.post(address, form).status_code == 404, address
    assert Feed.objects.get(code="secret").tlp == "RED"
    assert not FindingNote.objects.exists()


def test_many_at_once_are_those_that_may_be_seen(told: Store, cast: Cast, tmp_path: Path) -> None:
    release(told, tmp_path)
    other = ids(types=("scan_rdp",), constituents=("bank",))[0]
    browser = signed_in(cleared_up_to(cast.analyst, TLP.GREEN))
    browser.post("/findings/work/", {"finding": [canary(), other], "do": "take"})
    assert list(FindingOwner.objects.values_list("finding", flat=True)) == [other]
    said = text(browser.post("/findings/work/", {"finding": [canary()], "do": "take"}, follow=True))
    assert "No finding was chosen" in said


@pytest.mark.parametrize("wanted", ["confirmed", "empty"])
def test_a_type_that_may_not_be_seen_is_decided_on_as_one_that_never_came(
    told: Store, cast: Cast, tmp_path: Path, wanted: str
) -> None:
    release(told, tmp_path)
    browser = signed_in(cleared_up_to(cast.manager, TLP.GREEN))
    said = []
    for name in ("scan_ssh", "scan_xyz"):
        form = {"type": name, "on": "2026-11-20" if wanted == "confirmed" else "2026-11-19", "decision": wanted}
        answer = browser.post("/feeds/cycles/decide/", form, follow=True).content.decode()
        said.append(re.findall(rf"[^<>]*{name}[^<>]*arrived", answer)[0].replace(name, "…").strip())
    assert said[0] == said[1]


def test_notices_are_planned_prepared_and_sent_of_what_may_be_seen(told: Store, cast: Cast, tmp_path: Path) -> None:
    release(told, tmp_path)
    notices.add_policy(tlp="RED", constituent=Constituent.objects.get(public_id="bank"), **BY_AT)
    person, at = cleared_up_to(cast.analyst, TLP.GREEN), AT + dt.timedelta(days=2)
    whole, part = plan_now(at), plan_for(person, at)
    assert {line.type for each in whole.notices for line in each.lines} >= {"scan_ssh"}
    assert {line.type for each in part.notices for line in each.lines} <= {"scan_rdp"}
    assert {each.tlp for each in part.notices} <= {TLP.CLEAR, TLP.GREEN}
    notices.prepare_notices(whole, most=50, **BY_AT)
    hidden = Notice.objects.get(tlp="RED")
    browser = signed_in(person)
    assert hidden.reference not in browser.get("/notices/").content.decode()
    assert browser.get(f"/notices/{hidden.reference}/").status_code == 404
    assert browser.post(f"/notices/{hidden.reference}/read/").status_code == 404
    assert signed_in(cast.manager).get(f"/notices/{hidden.reference}/").status_code == 200


def test_what_is_kept_quiet_about_a_stricter_finding_is_not_told(told: Store, cast: Cast, tmp_path: Path) -> None:
    release(told, tmp_path)
    until = clock.now().date() + dt.timedelta(days=9)
    notices.add_suppression(
        finding=canary(), until=until, reason="They know the canary.", by=COMMAND_LINE, at=clock.now()
    )
    row = Suppression.objects.get()
    browser, everything = (signed_in(each) for each in (cleared_up_to(cast.analyst, TLP.GREEN), cast.manager))
    assert "They know the canary." not in text(browser.get("/notices/suppressions/"))
    assert browser.post(f"/notices/suppressions/{row.pk}/end/").status_code == 404
    assert "They know the canary." in text(everything.get("/notices/suppressions/"))
    assert everything.post(f"/notices/suppressions/{row.pk}/end/").status_code == 302


def test_what_bears_no_label_counts_as_red(told: Store, cast: Cast) -> None:
    person = cleared_up_to(cast.manager, TLP.AMBER_STRICT)
    browser = signed_in(person)
    for address in ("/audit/", "/outbox/", "/mail/received/"):
        assert browser.get(address).status_code == 403, address
    cleared_up_to(person, TLP.RED)
    for address in ("/audit/", "/outbox/", "/mail/received/"):
        assert signed_in(person).get(address).status_code == 200, address


def test_a_run_is_seen_by_who_is_cleared_for_all_of_it(told: Store, cast: Cast, tmp_path: Path) -> None:
    person = cleared_up_to(cast.analyst, TLP.AMBER)
    before = list(queries.runs_visible_to(person).values_list("pk", flat=True))
    assert before == [4, 3, 2, 1]
    Run.objects.filter(pk=4).update(summary={"broken": [{"name": "x.csv", "reason": "cut"}]})
    running = Run.objects.create(started_at=AT, actor_label="somebody")
    assert list(queries.runs_visible_to(person).values_list("pk", flat=True)) == [3, 2, 1]
    assert queries.runs_visible_to(cast.manager).first() == running


def test_the_log_tells_of_the_runs_that_may_be_seen(told: Store, cast: Cast, tmp_path: Path) -> None:
    from tocsin.feeds import history

    person, since = cleared_up_to(cast.analyst, TLP.AMBER), AT - dt.timedelta(days=30)
    before = [row.pk for row, _said, _address in history.since(since, person)]
    release(told, tmp_path)
    assert [row.pk for row, _said, _address in history.since(since, person)] == before != []
    assert history.since(since, cast.manager)[0][0] == AuditRow.objects.filter(code="run.committed").latest("sequence")


def test_who_is_cleared_for_everything_is_asked_no_further_question(
    told: Store, cast: Cast, django_assert_num_queries: Any
) -> None:
    head, analyst = cast.manager, cast.analyst
    with django_assert_num_queries(0):
        assert clearing.hidden_from(head) == frozenset()
        with clearing.reading_for(head):
            assert clearing.hidden() == frozenset()
    with django_assert_num_queries(1), clearing.reading_for(cleared_up_to_now(analyst)):
        assert clearing.hidden() == clearing.hidden() == clearing.hidden_from(analyst) == frozenset()


def cleared_up_to_now(person: Person) -> Person:
    """Return the person as one who is cleared up to AMBER, without a word to the database."""
    person.clearance = TLP.AMBER.value
    return person


def test_whoever_is_nobody_is_cleared_for_nothing(told: Store) -> None:
    with clearing.reading_for(None):
        assert queries.findings().types == () and situation.labels() == {}
    assert queries.findings().types != ()
