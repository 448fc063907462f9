"""The pages: what they show, what they refuse, who may do what, and that a stranger gets nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, main_of, signed_in, text
from tests.feeds.reports import write
from tests.notices.conftest import BY_AT, DAY, policy, prepared, send, suppression
from tests.portal.conftest import finding_of
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory.models import Constituent, Contact
from tocsin.feeds.actions.answers import answer_findings
from tocsin.feeds.models import Feed
from tocsin.kernel import clock
from tocsin.notices import actions, queries
from tocsin.notices.choices import NoticeState
from tocsin.notices.models import Notice, Policy, Suppression, Told
from tocsin.notices.views import notices as views
from tocsin.notices.views import suppressions as suppression_views

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the morning of the tests, on pages too."""
    import tocsin.site.urls  # noqa: F401  # every page: one that is loaded later would keep this clock for good
    from tocsin.notices.views import policies, suppressions

    for module in (views, policies, suppressions, clock):
        monkeypatch.setattr(module, "now", lambda: AT)


@pytest.fixture
def browser(cast: Cast) -> Client:
    """The analyst's browser."""
    return signed_in(cast.analyst)


@pytest.fixture
def head(cast: Cast) -> Client:
    """The browser of the head of team."""
    return signed_in(cast.manager)


def test_the_first_page_says_who_waits_to_be_told(told: Store, browser: Client) -> None:
    page = browser.get("/notices/")
    said = text(page)
    assert "2 notices are to be written" in said and "Prepare 2 notices" in said
    assert "soc@moh.example" in said and "/notices/planned/moh/" in links(page)


def test_without_a_policy_the_page_says_how_to_begin(store: Store, head: Client, browser: Client) -> None:
    assert "Write the first policy" in text(head.get("/notices/"))
    said = text(browser.get("/notices/"))
    assert "Nobody is told of anything yet" in said and "Write the first policy" not in said


def test_who_cannot_be_told_is_named_with_the_way_to_mend_it(told: Store, browser: Client) -> None:
    Contact.objects.filter(email="soc@bank.example").update(is_active=False)
    page = browser.get("/notices/")
    assert "1 constituent lacks somebody to tell" in text(page)
    assert "/directory/constituents/bank/#contacts" in links(page)
    assert "Nobody can be told" in text(page)


def test_from_the_plan_to_a_notice_that_may_leave(told: Store, browser: Client) -> None:
    page = browser.post("/notices/prepare/", follow=True)
    assert "2 notices are prepared. Read them before they leave." in text(page)
    assert "2 notices wait to be read" in text(page)
    bank = Notice.objects.get(constituent__public_id="bank")
    address = reverse("notices:notice", args=[bank.reference])
    assert address in links(page)
    assert "192.0.2.70:3389" in text(browser.get(address)) and "Language English" in text(browser.get(address))
    assert "You have read it." in text(browser.post(f"{address}read/", follow=True))
    assert "Read by the team" in text(browser.get(address))
    assert "I have read it" not in text(browser.get(address))
    assert "1 notice waits to be read" in text(browser.get("/notices/"))
    ministry = Notice.objects.get(constituent__public_id="moh")
    browser.post(reverse("notices:read", args=[ministry.reference]))
    assert "2 notices wait to be sent" in text(browser.get("/notices/"))


def test_reading_twice_is_refused_with_a_sentence(told: Store, browser: Client) -> None:
    address = reverse("notices:read", args=[prepared()[0].reference])
    browser.post(address)
    assert "in another state by now (Read by the team)" in text(browser.post(address, follow=True))


def test_many_people_need_a_tick(told: Store, browser: Client, settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, notice_people=1)
    assert "One policy writes to 2 people, more than 1." in text(browser.get("/notices/"))
    assert "it asks first" in text(browser.post("/notices/prepare/", follow=True))
    assert not Notice.objects.exists()
    browser.post("/notices/prepare/", {"confirmed": "on"})
    assert Notice.objects.count() == 2


def test_a_notice_is_discarded_for_a_reason(told: Store, browser: Client) -> None:
    bank, _ministry = prepared()
    address = reverse("notices:discard", args=[bank.reference])
    assert browser.post(address, {"reason": ""}).status_code == 422
    assert browser.post(address, {"reason": "a\x1bb"}).status_code == 422
    assert "It is not sent." in text(browser.post(address, {"reason": "They know."}, follow=True))
    assert "They know." in text(browser.get(reverse("notices:notice", args=[bank.reference])))


def test_what_a_constituent_would_be_told_is_shown_and_nothing_marked(told: Store, browser: Client) -> None:
    assert "14 constats" in text(browser.get("/notices/planned/moh/")) or "14 findings" in text(
        browser.get("/notices/planned/moh/")
    )
    assert not Notice.objects.exists()
    suppression(category="vulnerable-system")
    said = text(browser.get("/notices/planned/moh/"))
    assert "moh is not to be told of anything now" in said and "Suppressed 14" in said


@pytest.mark.parametrize("path", ["planned/nobody/", "planned/a%00b/", "2222222222/", "a%00b/", "policies/99/"])
def test_what_is_not_there_is_not_found(told: Store, head: Client, path: str) -> None:
    assert head.get(f"/notices/{path}").status_code == 404


def test_the_attachment_bears_its_label_in_its_name(told: Store, browser: Client) -> None:
    bank, _ministry = prepared()
    answer = browser.get(reverse("notices:attachment", args=[bank.reference]))
    assert f"notice-{bank.reference}-TLP-AMBER.csv" in answer["Content-Disposition"]
    assert answer.content.decode("utf-8-sig").count("\n") == 2


POLICY = {
    "threshold": "3", "interval_hours": "12", "channel": "mail", "attachment": "csv", "tlp": "AMBER",
    "second_after_days": "3", "work_days": ["0", "4"], "works_from": "08:00", "works_until": "17:00",
    "time_zone": "Africa/Nairobi", "language": "fr", "digest": "on",
}  # fmt: skip


def test_a_policy_is_written_and_read_as_sentences(told: Store, head: Client) -> None:
    page = head.post("/notices/policies/add/", {**POLICY, "constituent": "bank"}, follow=True)
    said = text(page)
    assert "bank: all findings, from C3" in said
    assert "By mail, once in 12 hours at most. In this language: French." in said
    assert "From 08:00 to 17:00 (Africa/Nairobi) on these days: Monday, Friday. Up to TLP:AMBER." in said
    assert "After 3 days without a reaction the second contact is told." in said
    assert "What stays open comes again in a weekly list." in said


def test_a_policy_that_cannot_be_says_all_that_is_wrong(told: Store, head: Client) -> None:
    wrong = {**POLICY, "works_until": "", "time_zone": "Mars", "regulator_after_days": "9", "constituent": "bank"}
    page = head.post("/notices/policies/add/", wrong)
    said = text(page)
    assert page.status_code == 422 and Policy.objects.count() == 1
    assert all(each in said for each in ("Give both hours or none.", "no such time zone", "who the regulator is"))


def test_for_the_same_a_second_policy_is_refused(told: Store, head: Client) -> None:
    assert "There is a policy for these findings already." in text(head.post("/notices/policies/add/", POLICY))


def test_a_policy_is_changed_and_ended(told: Store, head: Client) -> None:
    row = Policy.objects.get()
    address = reverse("notices:change-policy", args=[row.pk])
    assert 'value="24"' in main_of(head.get(address))
    assert "Everybody: all findings, from C3" in text(head.post(address, POLICY, follow=True))
    page = head.post(f"{address}end/", follow=True)
    assert "nobody is told of anything" in text(page) and not Policy.objects.filter(is_active=True).exists()
    assert head.get(address).status_code == 404


def test_something_is_kept_quiet_and_told_again(told: Store, browser: Client) -> None:
    facts = {"constituent": "bank", "network": "192.0.2.77/26", "until": "2026-11-30", "reason": "They are moving."}
    page = browser.post("/notices/suppressions/add/", facts)
    assert "This keeps 1 open finding quiet" in text(page) and not Suppression.objects.exists()
    known = {**facts, "confirmed": "bank - 192.0.2.77/26 -"}
    assert "This keeps 14 open findings quiet" in text(
        browser.post("/notices/suppressions/add/", {**known, "network": "", "constituent": "moh"})
    ), "what was changed meanwhile is counted anew"
    page = browser.post("/notices/suppressions/add/", known, follow=True)
    assert "bank, 192.0.2.64/26" in text(page) and "They are moving." in text(page)
    row = Suppression.objects.get()
    assert "It is told again." in text(browser.post(f"/notices/suppressions/{row.pk}/end/", follow=True))
    assert "ended already" in text(browser.post(f"/notices/suppressions/{row.pk}/end/", follow=True))


def test_what_is_kept_quiet_stands_on_its_page_as_long_as_it_holds(
    told: Store, browser: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TIME_ZONE = "Indian/Mauritius"
    suppression(finding=finding_of(1))
    for hours, is_held in ((14, True), (15, False)):
        monkeypatch.setattr(suppression_views, "now", lambda at=AT + dt.timedelta(hours=hours): at)
        assert ("They are moving." in text(browser.get("/notices/suppressions/"))) == is_held, hours


def test_what_covers_nothing_says_so_and_classes_are_called_as_findings_are(
    told: Store, cast: Cast, browser: Client
) -> None:
    page = main_of(browser.get("/notices/suppressions/add/"))
    assert "(15): Remote desktop" in page and page.index("Open now") < page.index("Nothing open now")
    facts = {"category": "spam", "until": "2026-11-30", "reason": "They know."}
    assert "No open finding fits this now" in text(browser.post("/notices/suppressions/add/", facts))
    browser.post("/notices/suppressions/add/", {**facts, "confirmed": "- spam - -"})
    assert Suppression.objects.get().category == "spam"
    one = prepared()[0].lines.get().finding
    counts = [queries.covered(cast.analyst, each) for each in ({"finding": one}, {"category": "vulnerable-system"})]
    assert counts == [1, 15]


def test_nobody_silences_what_their_account_may_not_see(told: Store, cast: Cast) -> None:
    seen = prepared()[0].lines.get().finding
    cast.analyst.clearance = "GREEN"
    cast.analyst.save()
    browser = signed_in(cast.analyst)
    facts = {"constituent": "moh", "until": "2026-11-30", "reason": "They know.", "confirmed": "moh - - -"}
    for asked in (facts, {**facts, "confirmed": ""}, {**facts, "finding": seen, "confirmed": f"moh - - {seen}"}):
        page = browser.post("/notices/suppressions/add/", asked)
        assert page.status_code == 422 and "does not see all findings" in text(page)
    assert not Suppression.objects.exists()
    Feed.objects.update(tlp="GREEN")
    browser.post("/notices/suppressions/add/", {**facts, "finding": seen, "confirmed": f"moh - - {seen}"})
    assert Suppression.objects.get().finding == seen


def test_an_empty_suppression_is_refused_with_all_that_is_missing(told: Store, browser: Client) -> None:
    page = browser.post("/notices/suppressions/add/", {})
    said = text(page)
    assert page.status_code == 422
    assert all(each in said for each in ("Say what is not to be told", "until which day", "Say why"))


def test_the_page_of_a_finding_can_hand_over_its_id(told: Store, browser: Client) -> None:
    finding = prepared()[0].lines.get().finding
    assert f'value="{finding}"' in main_of(browser.get(f"/notices/suppressions/add/?finding={finding}"))
    assert "not understood" in browser.get("/notices/suppressions/add/?finding=nonsense").content.decode()


def test_the_ledger_stands_on_the_page_of_the_constituent(told: Store, browser: Client) -> None:
    bank, ministry = prepared()
    send(bank)
    said = text(browser.get("/directory/constituents/bank/relations/"))
    assert bank.reference in said and "Sent" in said and ministry.reference not in said


def test_the_list_is_narrowed_by_state(told: Store, browser: Client) -> None:
    bank, ministry = prepared()
    send(bank)
    said = text(browser.get("/notices/?state=sent"))
    assert bank.reference in said and ministry.reference not in said


def test_of_what_was_discarded_nothing_is_shown_and_of_what_came_back_what_was_handed_over(
    told: Store, browser: Client
) -> None:
    bank, ministry = prepared()
    actions.discard_notice(ministry, reason="They know.", **BY_AT)
    said = text(browser.get(f"/notices/{ministry.reference}/"))
    assert "They know." in said and "192.0.2" not in said and "would" not in said and "attachment" not in said
    actions.preview_notice(bank, **BY_AT)
    actions.queue_notice(bank, **BY_AT)
    actions.record_outcome(bank, what=NoticeState.BOUNCED, note="550 no such user", **BY_AT)
    Constituent.objects.filter(public_id="bank").update(name="Renamed since")
    said = main_of(browser.get(f"/notices/{bank.reference}/"))
    assert "As it was sent" in said and "not delivered" in said and "not sent" not in said
    assert "CIRT to bank" in said and "CIRT to Renamed since" not in said


def test_whoever_got_a_notice_may_ask_whether_it_is_ours(told: Store, settings: Any) -> None:
    settings.TIME_ZONE, left = "Pacific/Auckland", AT + DAY + dt.timedelta(hours=6)
    bank, ministry = prepared()
    send(bank, left)
    visitor = Client()
    assert "Is this notice ours?" in text(visitor.get("/notices/verify/"))
    page = visitor.get(f"/notices/verify/?reference={bank.reference}")
    assert "Yes, this notice is ours" in text(page)
    assert f'datetime="{left.isoformat()}"' in page.content.decode(), "when it left, not when it was prepared"
    assert re.search(">20 Nov( 2026)?<", page.content.decode()), "the day that the mail says; there it was the 21st"
    assert not any(each in page.content.decode() for each in ("soc@bank.example", "192.0.2", ">bank"))
    for unknown in (ministry.reference, "2222222222", "x" * 41):
        assert "Yes" not in text(visitor.get(f"/notices/verify/?reference={unknown}"))


SEND = ("prepare/", "suppressions/add/", "suppressions/{suppression}/end/", "{notice}/read/", "{notice}/discard/")
RULE = ("policies/add/", "policies/{policy}/", "policies/{policy}/end/")
VIEW = ("", "policies/", "suppressions/", "planned/moh/", "{notice}/", "{notice}/findings.csv")


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("administrator", VIEW + SEND + RULE),
        ("manager", VIEW + SEND + RULE),
        ("analyst", VIEW + SEND),
        ("auditor", VIEW),
        ("observer", ()),
        ("contact", ()),
        ("stranger", ()),
        ("peer", ()),
    ],
)
def test_who_may_do_what(told: Store, cast: Cast, who: str, allowed: tuple[str, ...]) -> None:
    known = {
        "notice": prepared()[0].reference,
        "policy": policy(sector="justice").pk,
        "suppression": suppression(category="spam").pk,
    }
    browser = signed_in(getattr(cast, who))
    for path in (*VIEW, *SEND, *RULE):
        ask = browser.get if path in VIEW else browser.post
        status = ask(f"/notices/{path.format(**known)}").status_code
        assert (status != 403) == (path in allowed), path


def test_nobody_who_has_not_signed_in_sees_a_notice(told: Store) -> None:
    bank, _ministry = prepared()
    for path in VIEW:
        answer = Client().get(f"/notices/{path.format(notice=bank.reference)}")
        assert answer.status_code == 302 and "/sign-in/" in answer["Location"]


def test_what_others_wrote_is_text_on_the_page(told: Store, browser: Client) -> None:
    bank, _ministry = prepared()
    actions.discard_notice(bank, reason="<script>alert(1)</script>", **BY_AT)
    suppression(network="192.0.2.0/24", reason="<img src=x onerror=alert(1)>")
    for path in (f"/notices/{bank.reference}/", "/notices/suppressions/"):
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page


def test_each_figure_of_a_notice_is_what_the_database_has(
    told: Store, browser: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """New, came back, still open and weekly in one notice: the page counts them as its rows and the findings do."""
    Policy.objects.update(digest=True)
    for each in prepared():
        send(each)
    open_now = [*range(1, 4), 5, *range(20, 30), 70, 200]
    told.run(write(tmp_path, 4, open_now[2:]), accept_drop=True)  # two go
    told.run(write(tmp_path, 5, [*open_now, 40, 41, 42]), accept_drop=True)  # and come back; three are new
    late = AT + 7 * DAY
    answer_findings([finding_of(20)], kind="fixed", by=COMMAND_LINE, at=AT)
    (ministry,) = (each for each in prepared(late) if each.constituent.public_id == "moh")
    monkeypatch.setattr(views, "now", lambda: late)
    rows = list(ministry.lines.values_list("finding", "why"))
    wanted = {"new": 3, "returned": 2, "escalated": 1, "digest": 11}
    assert Counter(why for _finding, why in rows) == wanted
    states = {row["id"]: row["state"] for row in told.findings()}
    assert {states[finding] for finding, _why in rows} <= {"new", "still", "returned"}
    assert shown_figures(browser, ministry) == (17, [3, 2, 1, 11])
    assert len(queries.attachment_of(ministry, late).splitlines()) == 1 + 17
    suppression(finding=finding_of(40), until=late.date())
    answer_findings([finding_of(21)], kind="fixed", by=COMMAND_LINE, at=late)
    assert shown_figures(browser, ministry) == (15, [2, 2, 1, 10]), "as it would leave now"
    assert "2 findings of it are not so any more" in text(browser.get(f"/notices/{ministry.reference}/"))
    send(ministry, late)
    assert shown_figures(browser, ministry) == (15, [2, 2, 1, 10]) and ministry.lines.count() == 15
    told_now = Told.objects.filter(last_at=late)
    assert set(told_now.values_list("finding", flat=True)) == set(ministry.lines.values_list("finding", flat=True))
    ledger = [(each.what, each.words) for each in ministry.ledger.all()]
    assert ("struck", "suppressed (1), answered (1)") in ledger


def shown_figures(browser: Client, notice: Notice) -> tuple[int, list[int]]:
    """Return the total in the heading, and the numbers of what is new, came back, is open still and weekly."""
    page = text(browser.get(reverse("notices:notice", args=[notice.reference])))
    heading = re.search(r"(?:is|was) told of (\d+) findings", page)
    counts = re.search(r"New (\d+) Came back (\d+) Still open (\d+) Weekly (\d+)", page)
    assert heading and counts
    return int(heading[1]), [int(each) for each in counts.groups()]
