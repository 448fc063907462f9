"""The pages of members in a real browser: from a policy to what the next reports say, and how little they weigh."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_feeds import served
from tests.browser.test_frame import overflow
from tests.cast import PASSWORD, Cast
from tests.courier.mail_server import MailServer, mail_server
from tests.feeds.conftest import AT, Store, store, week
from tests.feeds.pages import signed_in
from tests.feeds.reports import write
from tests.notices.conftest import contact, prepared, send, set_mail
from tests.people.conftest import SECRET, code_of, enrolled
from tests.portal.conftest import belongs, finding_of
from tests.portal.test_webhooks import added
from tocsin.audit.actors import COMMAND_LINE
from tocsin.courier import sending
from tocsin.feeds.actions.answers import answer_findings
from tocsin.kernel import clock
from tocsin.notices import following, queries
from tocsin.notices.models import Notice
from tocsin.people.models import Person

__all__ = ["enrolled", "served", "store", "week"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAY = dt.timedelta(days=1)
MOST_BYTES = 50_000
"""Of a page at a first visit, with everything that it needs, as it comes over the line."""


TARGETS = """() => [...document.querySelectorAll('a[href]:not(.skip), button, input, select, summary')]
    .filter(e => e.checkVisibility())
    .map(e => [e, [e, ...(e.labels || [])].map(each => each.getBoundingClientRect())])
    .map(([e, boxes]) => [
        (e.innerText || e.name).trim(), !!e.closest('main') && !e.closest('.facet'),
        Math.max(...boxes.map(box => box.height)), Math.max(...boxes.map(box => box.width)),
    ])"""
"""What is touched: its words, whether it is one of the main ones, and how high and wide it is, with its label."""
OF_MEMBERS, OF_ALL = 43, 35.5
"""So high is what is touched on pages of members, and on those that staff has, too, as `make pictures` measures."""


class Hands:
    """A clock that is moved by hand."""

    at = AT

    def __call__(self) -> dt.datetime:
        return self.at


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """It is the morning after the week, for everybody."""
    from tocsin.feeds.views import answers
    from tocsin.notices.views import notices as staff_notices
    from tocsin.notices.views import policies
    from tocsin.portal.views import finding, findings, notices, overview

    now = Hands()
    for module in (answers, staff_notices, policies, finding, findings, notices, overview, clock):
        monkeypatch.setattr(module, "now", now)
    return now


@pytest.fixture
def contexts(browser: Browser, served: str) -> Iterator[Callable[..., BrowserContext]]:
    """Open a browser of somebody's: signed in when a person is given."""
    with contextlib.ExitStack() as opened:

        def open_one(person: Person | None = None, language: str = "en", **options: Any) -> BrowserContext:
            context = browser.new_context(locale=language, **options)
            opened.callback(context.close)
            if person:
                key = signed_in(person).cookies[django_settings.SESSION_COOKIE_NAME].value
                context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": key, "url": served}])
            return context

        yield open_one


@pytest.fixture
def server(week: Store, settings: Any) -> Iterator[MailServer]:
    """The mail server of the instance."""
    with mail_server() as running:
        set_mail(settings, smtp_url=f"smtp://127.0.0.1:{running.port}")
        yield running


def on_its_way(hands: Hands) -> None:
    """Let a worker have its turn, and the job that follows what was sent."""
    sending.drain(sending.Turn("worker", now=hands))
    following.settle(at=hands.at)


def test_from_a_policy_to_what_the_next_reports_say(
    server: MailServer, served: str, contexts: Any, hands: Hands, cast: Cast, enrolled: Any, tmp_path: Path,
    week: Store,
) -> None:  # fmt: skip
    """A head of team writes a policy; the analyst's notice reaches a member, who answers; the reports judge that."""
    contact("moh", "soc@moh.example", language="en")
    member = belongs(enrolled(cast.contact), "moh")
    staff = contexts(cast.manager).new_page()
    staff.goto(f"{served}/notices/policies/add/")
    staff.get_by_role("button", name="Save").click()
    staff.goto(f"{served}/notices/")
    staff.get_by_role("button", name="Prepare 1 notice").click()
    reference = Notice.objects.get().reference
    staff = contexts(cast.analyst).new_page()
    staff.goto(f"{served}/notices/{reference}/")
    staff.get_by_role("button", name="I have read it").click()
    staff.get_by_role("button", name="Send it", exact=True).click()
    on_its_way(hands)

    bodies = [taken.message.get_body() for taken in server.taken]  # the member was told of the authenticator, too
    texts = "".join(body.get_content() for body in bodies if body is not None)
    link = re.search(r"http\S+(/my/notices/\w+/)", texts)
    assert link is not None and Notice.objects.get().state == "sent"
    page = contexts(viewport={"width": 360, "height": 740}).new_page()
    page.goto(served + link[1])
    sign_in(page, member)
    expect(page.locator("h1")).to_have_text("We told you of 14 findings")
    assert Notice.objects.get().state == "read"

    page.get_by_role("link", name="Remote desktop open to the internet").first.click()
    page.get_by_label("It is fixed").check()
    page.get_by_role("button", name="Send the answer").click()
    expect(page.locator(".message").first).to_contain_text("Thank you")
    fixed = page.url.rstrip("/").rpartition("/")[2]
    assert Notice.objects.get().state == "acted"
    page.goto(f"{served}/my/findings/?answer=none&q=192.0.2.2")
    page.locator(".rows input").first.check()
    other = page.locator(".rows input").first.get_attribute("value")
    page.get_by_label("It is fixed").check()
    page.get_by_role("button", name="Answer the ticked ones").click()
    expect(page.locator(".message").first).to_contain_text("1 finding")
    assert other and queries.plan_now(hands.at + 2 * DAY).notices == (), (
        "nobody is told while the reports are waited for"
    )

    gone = next(host for host in range(1, 64) if finding_of_or_none(host) == fixed)
    seen = next(host for host in range(1, 64) if finding_of_or_none(host) == other)
    hosts = {1, 2, 3, 5, *range(20, 30), 70, 200} - {gone} | {seen}
    week.run(write(tmp_path, 4, sorted(hosts)), at=AT + DAY)
    hands.at = AT + 2 * DAY
    page.goto(f"{served}/my/findings/{fixed}/")
    expect(page.locator(".message")).to_contain_text("Confirmed: the reports do not show it any more.")
    page.goto(f"{served}/my/")
    expect(page.locator("#next")).to_contain_text("1 finding that you said was fixed was seen again")
    staff.goto(f"{served}/notices/")
    staff.get_by_role("button", name="Prepare 1 notice").click()
    again = Notice.objects.latest("pk")
    assert again.reference != reference and [line.finding for line in again.lines.all()] == [other]
    assert "still open after our last notice" in queries.text(queries.letter_of(again))


def finding_of_or_none(host: int) -> str | None:
    """Return the id of the finding at 192.0.2.HOST, if there is one."""
    with contextlib.suppress(StopIteration):
        return finding_of(host)
    return None


def sign_in(page: Page, person: Person) -> None:
    """Sign in as people do; one is led on to where one wanted to go."""
    page.locator("input[name=login]").fill(person.email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form .primary").first.click()
    page.locator("input[name=code]").fill(code_of(SECRET))
    page.locator("form .primary").first.click()


@pytest.fixture
def member(week: Store, cast: Cast, hands: Hands, tmp_path: Path, settings: Any) -> Person:
    """An administrator of a ministry with more than fifty open findings, some of them answered, and a notice."""
    from tocsin.notices import actions

    set_mail(settings)
    week.run(write(tmp_path, 4, range(1, 63)))
    contact("moh", "soc@moh.example")
    actions.add_policy(by=COMMAND_LINE, at=AT)
    send(prepared()[0])
    answer_findings([finding_of(1), finding_of(2)], kind="fixed", text="Closed.", by=COMMAND_LINE, at=AT)
    answer_findings([finding_of(3)], kind="not-ours", by=COMMAND_LINE, at=AT)
    return belongs(cast.contact, "moh", is_administrator=True)


def pages() -> list[str]:
    """Return the address of every page of members."""
    notice = Notice.objects.get().reference
    return [
        "/my/", "/my/findings/", "/my/findings/?state=open&state=gone", f"/my/findings/{finding_of(1)}/",
        f"/my/findings/{finding_of(9)}/", "/my/notices/", f"/my/notices/{notice}/", "/my/entry/moh/", "/my/webhooks/",
    ]  # fmt: skip


def entry_and_account(person: Person) -> list[str]:
    """Return the addresses at which members see to their organisation's entry, to their webhooks and their account."""
    of_entry = ("", "change/", "claims/add/", "contacts/add/", "members/add/")
    hook = added(person)
    return [
        *(f"/my/entry/moh/{each}" for each in of_entry), "/my/webhooks/", "/my/webhooks/add/moh/",
        f"/my/webhooks/{hook.key}/", "/account/", "/account/authenticator/", "/account/keys/add/", "/people/roles/",
    ]  # fmt: skip


SIGNING_IN = ("/sign-in/", "/sign-in/link/", "/sign-in/no-access/", "/notices/verify/")


def test_each_page_weighs_little_at_a_first_visit(member: Person, served: str, contexts: Any) -> None:
    paths = [*pages(), *entry_and_account(member)]
    weights = weighed(contexts(member).new_page(), served, paths) | weighed(contexts().new_page(), served, SIGNING_IN)
    assert max(weights.values()) <= MOST_BYTES, weights
    print(weights)


def weighed(page: Page, served: str, paths: Iterable[str]) -> dict[str, int]:
    """Return how much comes over the line for each page, to a browser that keeps nothing."""
    line, sizes = page.context.new_cdp_session(page), list[float]()
    line.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    line.send("Network.enable")
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    found = {}
    for path in paths:
        sizes.clear()
        answer = page.goto(served + path, wait_until="networkidle")
        assert answer is not None and answer.ok and page.url == served + path, path
        assert len(sizes) >= 2 and page.locator("h1").count() == 1, "the page and its style sheet"
        found[path] = round(sum(sizes))
    return found


@pytest.mark.layout
def test_no_page_scrolls_sideways_on_a_telephone_in_any_language_and_what_is_touched_is_large(
    member: Person,
    served: str,
    contexts: Any,
    settings: Any,
    pseudo_arabic: Path,
) -> None:
    settings.LANGUAGES = [("en", "English"), ("fr", "Français"), ("ar", "العربية")]
    settings.LOCALE_PATHS = [*settings.LOCALE_PATHS, pseudo_arabic]
    paths = dict.fromkeys((*pages(), *entry_and_account(member)))
    for language in ("en", "fr", "ar"):
        page = contexts(member, language, viewport={"width": 320, "height": 700}, has_touch=True).new_page()
        for path in paths:
            page.goto(served + path)
            assert overflow(page) <= 0, (path, language)
            targets = page.evaluate(TARGETS)
            least = OF_MEMBERS if path.startswith("/my/") else OF_ALL
            small = [
                name for name, is_main, high, wide in targets if min(high, wide) < 24 or (is_main and high < least)
            ]
            assert targets and small == [], (path, language)
        assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")


def test_several_are_answered_without_a_script(member: Person, served: str, contexts: Any) -> None:
    page = contexts(member, java_script_enabled=False).new_page()
    page.goto(f"{served}/my/findings/?answer=none")
    for number in range(3):
        page.locator(".rows input").nth(number).check()
    page.get_by_role("button", name="Answer the ticked ones").click()
    expect(page.locator(".error li").first).to_contain_text("Say what you answer.")
    expect(page.locator(".rows input:checked")).to_have_count(3)
    page.get_by_label("It is fixed").check()
    page.get_by_role("button", name="Answer the ticked ones").click()
    expect(page.locator(".message").first).to_contain_text("3 findings")
