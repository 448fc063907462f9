"""The pages of findings in a real browser: widths, directions, policy, keys, and without a script."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.serving import serving
from tests.browser.test_frame import overflow
from tests.cast import Cast
from tests.feeds.conftest import Store, store, week  # noqa: F401  fixtures
from tests.feeds.pages import signed_in
from tocsin.feeds import holding, queries
from tocsin.feeds.choices import RunState
from tocsin.feeds.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]


@pytest.fixture
def served(settings: Any, week: Store) -> Iterator[str]:  # noqa: F811
    """Where the site is served, one request after the other, from the database of the test."""
    with serving(settings) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, served: str, cast: Cast) -> Iterator[Visit]:
    """Open a page as the analyst. What the browser complains of, a broken policy too, fails the test."""
    client = signed_in(cast.analyst)
    name = django_settings.SESSION_COOKIE_NAME
    complaints: list[str] = []
    with contextlib.ExitStack() as contexts:

        @functools.cache
        def reader(language: str, **options: Any) -> BrowserContext:
            context = browser.new_context(locale=language, **options)
            contexts.callback(context.close)
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": served}])
            return context

        def open_it(path: str, width: int = 1366, language: str = "en", **options: Any) -> Page:
            page = reader(language, **options).new_page()
            page.set_viewport_size({"width": width, "height": 768})
            page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(served + path)
            return page

        yield open_it
    assert complaints == []


def pages() -> list[str]:
    """Return the address of every page of the room."""
    found = queries.findings().page(queries.Filter(came_back=True), sort="asset", descending=False, limit=1)
    one = queries.finding_id(found[0])
    return [
        "/", "/?kinds=all", "/findings/", "/findings/?q=nothing", f"/findings/{one}/", "/feeds/",
        f"/feeds/runs/{last_run()}/",
        "/feeds/quarantine/", "/directory/unattributed/", "/feeds/terms/shadowserver/",
    ]  # fmt: skip


def last_run() -> int:
    """Return the number of the latest run."""
    return Run.objects.latest("pk").pk


@pytest.mark.layout
@pytest.mark.parametrize(("language", "widths"), [("en", (320, 1366)), ("fr", (320, 768))])
def test_no_page_scrolls_sideways(visit: Visit, language: str, widths: tuple[int, int]) -> None:
    for path in pages():
        page = visit(path, widths[0], language)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 768})
            assert overflow(page) <= 0, (path, width)
            wide = page.evaluate(
                "[...document.querySelectorAll('main table')].filter(t => !t.closest('.wide, details'))"
                ".map(t => t.getBoundingClientRect().right).filter(x => x > innerWidth + 1).length"
            )
            assert wide == 0, f"a table of {path} is cut off at {width}"


@pytest.mark.layout
def test_no_page_scrolls_sideways_right_to_left(arabic: None, visit: Visit) -> None:
    for path in pages():
        page = visit(path, 320, "ar")
        assert page.evaluate("document.documentElement.dir") == "rtl"
        assert overflow(page) <= 0, path


FOUR_DECISIONS = """() => {
    const those = document.querySelectorAll('.situation .todo');
    for (let more = those.length; more < 4; more++) those[0].after(those[0].cloneNode(true));
}"""


@pytest.mark.layout
def test_situation_fits_the_first_screen(visit: Visit) -> None:
    page = visit("/")

    questions = page.locator(".situation h2.question")
    expect(questions).to_have_count(4)
    last = questions.nth(3).bounding_box()
    assert last is not None and last["y"] < 700
    page.evaluate(FOUR_DECISIONS)
    expect(page.locator(".situation .todo")).to_have_count(4)
    whole = page.locator(".situation").bounding_box()
    assert whole is not None and whole["y"] + whole["height"] <= 768


CLIPPED = """() => [...document.querySelectorAll('main select, main input[type=search]')].filter(e => {
    const pen = document.createElement('canvas').getContext('2d'), look = getComputedStyle(e);
    pen.font = `${look.fontWeight} ${look.fontSize} ${look.fontFamily}`;
    const said = e.tagName === 'SELECT' ? e.selectedOptions[0].text : e.placeholder;
    const room = e.clientWidth - parseFloat(look.paddingInlineStart) - parseFloat(look.paddingInlineEnd);
    return pen.measureText(said).width > room - (e.tagName === 'SELECT' ? 12 : 0);
}).map(e => `${e.name} ${e.clientWidth}`)"""


@pytest.mark.layout
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_a_control_says_is_not_cut(visit: Visit, language: str) -> None:
    for path in ("/findings/", "/directory/unattributed/"):
        page = visit(path, 1280, language)
        for width in (1280, 1366):
            page.set_viewport_size({"width": width, "height": 768})
            assert page.evaluate(CLIPPED) == [], (path, width)
            assert page.evaluate(
                "[...document.querySelectorAll('.bulk *')].every(e => e.getBoundingClientRect().right <= innerWidth)"
            ), (path, width)


@pytest.mark.layout
@pytest.mark.parametrize("language", ["en", "fr"])
def test_four_decisions_of_two_lines_fit_the_first_screen(visit: Visit, language: str) -> None:
    page = visit("/", 1366, language)
    one = page.locator(".todo").first
    height = one.evaluate(
        "e => { e.querySelector('.muted').textContent = 'x'; return e.getBoundingClientRect().height }"
    )

    assert height < 47, "four of them, the question and its answer take what the first two questions leave"
    assert page.locator(".todo > div").first.bounding_box()["width"] <= 56  # type: ignore[index]


def test_a_filter_bulk_action_and_back_without_a_script(visit: Visit) -> None:
    page = visit("/findings/", java_script_enabled=False)

    page.get_by_role("link", name="Came back 1").click()
    expect(page.locator("tbody tr")).to_have_count(15)
    page.get_by_role("link", name="Came back", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody input[type=checkbox]").check()
    page.locator("button[value=take]").click()
    expect(page.locator(".message")).to_have_text("Anan Analyst has 1 finding more.")
    assert "back=1" in page.url
    expect(page.locator("tbody .tag")).to_have_text("Anan Analyst")


def test_buttons_say_how_many_are_chosen(visit: Visit) -> None:
    page = visit("/findings/?sort=asset")
    take = page.locator("button[value=take]")

    page.locator("tbody input[type=checkbox]").nth(0).check()
    expect(take).to_have_text("Take 1 finding")
    page.locator("tbody input[type=checkbox]").nth(1).check()
    expect(take).to_have_text("Take 2 findings")
    expect(page.locator(".bulk b")).to_have_text("2 selected")
    page.locator("thead input[type=checkbox]").check()
    expect(take).to_have_text("Take 16 findings")


def test_a_choice_narrows_the_list_at_once(visit: Visit) -> None:
    page = visit("/findings/")

    page.locator("#whose").select_option("bank")

    expect(page.locator("tbody tr")).to_have_count(1)
    assert "whose=bank" in page.url


def test_rows_are_walked_and_opened_with_keys(visit: Visit) -> None:
    page = visit("/findings/?sort=asset")

    page.keyboard.press("j")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text("Remote desktop open to the internet")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/feeds/")


def test_a_running_import_goes_on_by_itself(visit: Visit) -> None:
    run = Run.objects.filter(pk=last_run())
    run.update(state=RunState.RUNNING, progress=0.4)
    with holding.lock("import", last_run()):
        page = visit(f"/feeds/runs/{last_run()}/")
        expect(page.locator("#progress")).to_contain_text("40 % read")

        run.update(progress=0.8)
        expect(page.locator("#progress")).to_contain_text("80 % read")
        run.update(state=RunState.DONE)
    expect(page.locator("h1")).to_contain_text("10 findings new")


def place(page: Page, selector: str) -> dict[str, float]:
    """Return where the first of these stands."""
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return dict(found)


@pytest.mark.layout
def test_what_stands_below_the_four_questions_keeps_their_columns(visit: Visit) -> None:
    page = visit("/")

    for column in ("first", "last"):
        above, below = (place(page, f"{grid} > :{column}-child") for grid in (".situation", ".situation + .cols"))
        assert (above["x"], above["width"]) == (below["x"], below["width"]), column


@pytest.mark.layout
def test_on_a_telephone_the_label_of_a_row_without_severity_follows_its_name(visit: Visit) -> None:
    page = visit("/feeds/", 320)

    row = "#types tbody tr"
    assert place(page, f"{row} .share")["y"] > place(page, f"{row} th")["y"]
    assert place(page, "#terms td.whole")["width"] > 250, "the terms of use are not squeezed into half a row"


@pytest.mark.layout
def test_nothing_found_offers_nothing_to_work_on(visit: Visit) -> None:
    page = visit("/findings/?q=there-is-no-such-name", 320)

    expect(page.locator("#bulk")).to_have_count(0)
    labels = page.locator(".facet > span").all_inner_texts()
    values = [page.locator(".facet").nth(at).locator("a").count() for at in range(len(labels))]
    assert labels and 0 not in values, "a facet without a value says nothing"
