"""The frame and the parts in a real browser: widths, directions, keys, policy, print."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage
from tools.pictures.taking import LEAST_PX, TOO_LOW, TOO_WIDE

pytestmark = pytest.mark.browser
PAGES = ["/parts/", "/help/", "/search/?q=192.0.2.1"]
OPTIONS = '<div id="made"><div class="options"><div id="id_kind"><div>a</div><div>b</div><div>c</div></div></div></div>'
"""A group of choices as Django writes it."""
WIDTHS = [320, 768, 1366, 1920]


def overflow(page: Page) -> int:
    """Return by how many pixels the page, or the content in it, scrolls sideways."""
    pixels: int = page.evaluate(
        "Math.max(...['html', 'main'].map(s => document.querySelector(s)).map(e => e.scrollWidth - e.clientWidth))"
    )
    return pixels


def box(page: Page, selector: str) -> dict[str, float]:
    """Return where something stands."""
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return {"left": found["x"], "right": found["x"] + found["width"], "top": found["y"], "height": found["height"]}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways(open_page: OpenPage, path: str, language: str) -> None:
    page = open_page(path, WIDTHS[0], language)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 768})
        assert overflow(page) <= 0, width


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_right_to_left(arabic: None, open_page: OpenPage, path: str) -> None:
    page = open_page(path, WIDTHS[0], "ar")

    assert page.evaluate("document.documentElement.dir") == "rtl"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 768})
        assert overflow(page) <= 0, width


def test_right_to_left_mirrors_the_frame(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/parts/", language="ar")

    side, main = box(page, ".side"), box(page, "main")
    assert side["right"] == 1366 and side["left"] > main["right"] - 1
    assert box(page, ".crumbs li")["right"] > box(page, ".top time")["right"]
    assert box(page, "tbody .grade")["left"] > box(page, "tbody .share")["left"]
    assert box(page, ".levels li:first-child")["left"] > box(page, ".levels li:last-child")["left"]
    assert box(page, ".bars li > span")["left"] > box(page, ".bars rect")["left"]


WHERE_LETTERS_STAND = """(element, [text, letters]) => {
    element.textContent = text;
    const range = document.createRange();
    return letters.map(letter => {
        range.setStart(element.firstChild, text.indexOf(letter));
        range.setEnd(element.firstChild, text.indexOf(letter) + 1);
        return range.getBoundingClientRect().left;
    });
}"""


@pytest.mark.parametrize("selector", [".mono", ".crumbs bdi"])
@pytest.mark.parametrize(("said", "letters"), [("[2001:db8::7]:80", "[2d7]"), ("198.18.4.7:445", "1984")])
def test_right_to_left_addresses_stay_as_they_are(
    arabic: None, open_page: OpenPage, selector: str, said: str, letters: str
) -> None:
    page = open_page("/parts/", language="ar")
    page.evaluate("document.querySelector('.crumbs ol').innerHTML = '<li><a>x</a></li><li><bdi>x</bdi></li>'")
    found = page.locator(f"main {selector}").first.evaluate(WHERE_LETTERS_STAND, [said, list(letters)])

    assert found == sorted(found)


def test_right_to_left_ranges_are_read_from_the_right(arabic: None, open_page: OpenPage) -> None:
    """As Arabic does with ranges, though not with the numbers in them."""
    page = open_page("/parts/", language="ar")
    one, five, nought = page.locator(".pager .figures").first.evaluate(WHERE_LETTERS_STAND, ["1–50", ["1", "5", "0"]])

    assert five < nought < one


def test_right_to_left_bars_grow_away_from_their_names(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/parts/", language="ar")

    name, bar, value = (
        page.evaluate(
            f"(r => ({{left: r.left, right: r.right}}))(document.querySelector('{each}').getBoundingClientRect())"
        )
        for each in (".bars li > span", ".bars rect", ".bars text")
    )
    assert name["left"] >= bar["right"] - 1
    assert bar["left"] >= value["right"] - 1, "the figure stands at the far end of its bar, not on the name"


def test_right_to_left_progress_begins_where_reading_does(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/help/", language="ar")
    drawing = '<rect class="bar" width="25" height="10" />'
    page.evaluate(ADDED, f'<svg class="progress" viewBox="0 0 100 10" preserveAspectRatio="none">{drawing}</svg>')

    right = "e => e.getBoundingClientRect().right"
    whole, done = (page.locator(each).evaluate(right) for each in (".progress", ".progress .bar"))
    assert abs(whole - done) < 1


def test_right_to_left_leaves_time_and_identifiers_as_they_are(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/parts/", language="ar")

    first, last = page.locator(".plot text.middle").first, page.locator(".plot text.finish").last
    assert page.evaluate("getComputedStyle(document.querySelector('.plot svg')).direction") == "ltr"
    assert (first.bounding_box() or {"x": 0})["x"] < (last.bounding_box() or {"x": 0})["x"]
    assert page.locator("bdi.mono", has_text="2001:db8:41::25").first.get_attribute("dir") == "ltr"


def test_every_text_of_the_frame_is_translated(arabic: None, open_page: OpenPage) -> None:
    """What the pseudo-Arabic catalogue does not reach is not marked for translation."""
    page = open_page("/help/", language="ar")

    words = page.evaluate(
        "[...document.querySelectorAll('h1, h2, dt, dd, summary, .crumbs, .foot span')]"
        ".flatMap(e => [...e.childNodes]).filter(n => n.nodeType === 3).map(n => n.data.trim()).filter(Boolean)"
    )
    assert words and [word for word in words if word.isascii() and word[0].isalpha()] == ["English"] * words.count(
        "English"
    )


def test_wide_screens_have_a_side_bar_and_narrow_ones_a_menu(open_page: OpenPage) -> None:
    wide, narrow = open_page("/parts/"), open_page("/parts/", 320)

    assert box(wide, ".side")["right"] == 184
    expect(wide.locator(".menu")).to_be_hidden()
    expect(narrow.locator(".side-in")).to_be_hidden()
    expect(narrow.locator(".menu .places")).to_be_hidden()
    narrow.locator(".menu > summary > span").click()
    expect(narrow.locator(".menu .places")).to_be_visible()
    assert overflow(narrow) <= 0


def test_the_foot_of_the_side_bar_is_on_the_first_screen(open_page: OpenPage) -> None:
    foot = box(open_page("/parts/"), ".side-in .foot")

    assert foot["top"] + foot["height"] <= 768


def test_the_menu_and_the_language_work_without_a_script(open_page: OpenPage) -> None:
    page = open_page("/help/", 320, java_script_enabled=False)

    page.locator(".menu > summary > span").click()
    page.locator(".menu .foot summary", has_text="English").click()
    page.locator(".menu button", has_text="Français").click()

    expect(page.locator("h1")).to_have_text("Aide et raccourcis")
    assert page.url.endswith("/help/")


def test_the_sizes_are_those_of_the_design(open_page: OpenPage) -> None:
    page = open_page("/parts/")

    def look(selector: str, name: str) -> str:
        value: str = page.locator(selector).first.evaluate(f"e => getComputedStyle(e)['{name}']")
        return value

    assert (look("h1", "fontSize"), look("h1", "lineHeight")) == ("26px", "31.2px")
    assert look("h2:not(.question)", "fontSize") == "18px" and "serif" in look("h2:not(.question)", "fontFamily")
    assert (look(".question", "fontSize"), look(".question", "fontWeight")) == ("13px", "700")
    assert "sans-serif" in look(".question", "fontFamily")
    assert look(".answer", "fontSize") == "18px" and "Charter" in look(".answer", "fontFamily")
    assert look("tbody th", "fontSize") == "13px" and look("thead th", "fontSize") == "12px"
    assert (look(".tlp", "fontSize"), look(".tlp", "fontWeight")) == ("11px", "700")
    assert "mono" in look(".tlp", "fontFamily")
    assert look(".button.primary", "fontSize") == "13px"
    assert look(".section", "borderTopWidth") == "2px" and look(".section", "boxShadow") == "none"
    assert box(page, ".band")["height"] == 26
    assert box(page, ".top input")["right"] - box(page, ".top input")["left"] == 288
    assert box(page, ".list tbody tr")["height"] == pytest.approx(32, abs=1.5)


def test_the_band_of_an_exercise_keeps_its_sentence_beside_the_hatch(open_page: OpenPage, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, exercise=True)
    page = open_page("/help/", 320)

    word, sentence = box(page, ".band.exercise b"), box(page, ".band.exercise span")
    assert sentence["left"] == word["left"] >= 56 and sentence["right"] <= 320


def test_options_are_one_ruled_list(open_page: OpenPage) -> None:
    page = open_page("/parts/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', `" + OPTIONS + "`)")

    tops = page.evaluate(
        "[...document.querySelectorAll('#made .options > div > div')].map(e => getComputedStyle(e).borderTopWidth)"
    )
    assert tops == ["0px", "1px", "1px"]


def test_a_raw_row_has_the_whole_width_of_a_narrow_screen(open_page: OpenPage) -> None:
    page = open_page("/help/", 320)
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<table class=list><tbody><tr><th>Why</th>"
        "<td>file</td><td class=raw>x</td></tr></tbody></table>')"
    )

    raw = box(page, "td.raw")
    assert raw["right"] - raw["left"] == 288


def test_names_of_two_lines_leave_room_between_bars(open_page: OpenPage) -> None:
    page = open_page("/parts/")

    assert page.evaluate("getComputedStyle(document.querySelector('.bars li')).paddingBlockStart") == "2px"


def test_dark_and_print_have_their_own_colours(open_page: OpenPage) -> None:
    page = open_page("/parts/", color_scheme="dark")
    paper = "getComputedStyle(document.documentElement).getPropertyValue('--paper')"

    assert page.evaluate(paper) == "#0f1615"
    page.emulate_media(media="print")
    assert page.evaluate(paper) == "#f3f5f4"
    expect(page.locator(".side")).to_be_hidden()
    expect(page.locator(".tlp").first).to_be_visible()


def test_a_slash_goes_to_the_search_box_and_escape_leaves_it(open_page: OpenPage) -> None:
    page = open_page("/help/")

    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("10.0/8?")
    expect(page.locator("#search")).to_have_value("10.0/8?")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).not_to_be_focused()


def test_a_question_mark_opens_the_list_of_keys(open_page: OpenPage) -> None:
    page = open_page("/search/")

    page.keyboard.press("?")

    expect(page.locator("h1")).to_have_text("Help and keys")


def test_keys_that_are_switched_off_do_nothing(open_page: OpenPage) -> None:
    page = open_page("/help/")
    page.get_by_role("button", name="Switch the keys off").click()
    expect(page.get_by_role("button", name="Switch the keys on")).to_be_visible()

    page.keyboard.press("/")
    expect(page.locator("#search")).not_to_be_focused()
    page.goto(page.url.replace("/help/", "/search/"))
    page.keyboard.press("?")
    page.locator("#search").fill("10.0/8")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).not_to_be_focused()
    expect(page.locator("h1")).not_to_have_text("Help and keys")


def test_rows_are_walked_and_chosen_with_keys(open_page: OpenPage) -> None:
    page = open_page("/parts/")
    rows = page.locator("table.list tbody tr")
    page.locator("#errors").evaluate("e => e.blur()")

    page.keyboard.press("j")
    expect(rows.nth(0).locator("th a")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1).locator("th a")).to_be_focused()
    page.keyboard.press("x")
    expect(rows.nth(1).locator("input")).not_to_be_checked()


def test_errors_are_read_first_and_lead_to_their_field(open_page: OpenPage) -> None:
    page = open_page("/parts/")

    expect(page.locator("#errors")).to_be_focused()
    page.locator("#errors a").click()
    expect(page.locator("#id_network")).to_be_focused()


def test_the_table_behind_a_chart_opens_without_a_script(open_page: OpenPage) -> None:
    page = open_page("/parts/", java_script_enabled=False)

    page.locator("figcaption summary").first.click()

    expect(page.locator("figcaption table").first).to_be_visible()
    assert page.locator("figcaption table").first.locator("tbody tr").count() == 30


def test_the_policy_stops_what_is_not_ours(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address + "/help/")

    outcome = page.evaluate(
        "new Promise(done => { document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective));"
        " const s = document.createElement('style'); s.textContent = 'h1 {color: red}'; document.head.append(s); })"
    )
    context.close()

    assert outcome == "style-src-elem"


ADDED = "(text) => document.querySelector('main').insertAdjacentHTML('beforeend', text)"
PLACES = """(selector) => {
    const node = document.querySelector(selector).firstChild, range = document.createRange();
    return [...node.data].map((letter, at) => {
        range.setStart(node, at); range.setEnd(node, at + 1);
        const box = range.getBoundingClientRect();
        return [letter, box.left, box.bottom];
    });
}"""
"""Where each letter of a text stands."""


def test_right_to_left_a_number_does_not_slip_before_the_name_it_follows(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/help/", language="ar")
    page.evaluate(ADDED, '<p><b id="name">Telnet</b> <span id="number">7 بست</span></p>')

    name, number = page.evaluate(PLACES, "#name"), page.evaluate(PLACES, "#number")
    assert number[0][1] < name[0][1], "what comes later stands further to the left"


def test_right_to_left_a_link_keeps_the_order_of_what_is_in_it(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/parts/", language="ar")
    page.evaluate(
        ADDED, '<p><a href="#"><span class="graded"><span class="sev">C2</span></span><b id="seven">7</b></a></p>'
    )

    assert box(page, "#seven")["right"] <= box(page, "p > a .sev")["left"], "the number comes after the mark"


def test_right_to_left_latin_names_keep_to_the_side_of_the_page(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/parts/", language="ar")

    name = page.evaluate(
        "() => { const range = document.createRange();"
        " range.selectNodeContents(document.querySelector('.side-in .brand b'));"
        " return range.getBoundingClientRect().right }"
    )
    assert abs(box(page, ".side-in .brand span")["right"] - name) < 0.5
    bar = page.locator(".bars rect").first.evaluate("e => e.getBoundingClientRect().right")
    assert box(page, ".bars li > :first-child")["left"] >= bar


def test_right_to_left_fields_and_keys_show_what_they_hold(arabic: None, open_page: OpenPage) -> None:
    page = open_page("/help/", language="ar")
    page.evaluate(ADDED, "<select></select><textarea></textarea>")

    assert box(page, "kbd:has-text('j')")["left"] > box(page, "kbd:has-text('k')")["left"]
    for field in ("#search", "main select", "main textarea", "kbd"):
        # A field that holds +999 55 3331, and a key with a bracket, have no letter that would turn them round.
        assert page.locator(field).first.evaluate("e => getComputedStyle(e).unicodeBidi") == "plaintext", field


def test_a_state_stands_on_the_line_of_its_sentence(open_page: OpenPage) -> None:
    page = open_page("/parts/")
    page.evaluate(ADDED, '<p><span class="state"><svg class="i"></svg>Open</span> <span id="after">Open</span></p>')

    state, after = page.evaluate(
        "() => ['p > .state', '#after'].map(s => { const range = document.createRange();"
        " range.selectNode(document.querySelector(s).lastChild); return range.getBoundingClientRect().bottom })"
    )
    assert state == after


def test_a_link_that_holds_a_state_is_underlined_whole(open_page: OpenPage) -> None:
    page = open_page("/parts/")
    page.evaluate(
        "() => document.querySelectorAll('.state').forEach(e => {"
        " const link = document.createElement('a'); link.href = '#'; e.replaceWith(link); link.append(e) })"
    )

    line = page.locator("a > .state").first.evaluate("e => getComputedStyle(e).textDecorationLine")
    assert line == "underline"


def test_what_is_touched_on_a_telephone_is_large_enough(open_page: OpenPage) -> None:
    page = open_page("/parts/", 320, has_touch=True)
    page.locator(".menu > summary").click()
    for fold in page.locator(".menu .foot summary").all():
        fold.click()

    assert page.evaluate(TOO_LOW, LEAST_PX) == []
    assert box(page, ".menu .foot details a, .menu .foot details button")["height"] >= LEAST_PX
    for touched in (".list .check input", ".list tbody th a", ".facet a"):
        assert box(page, touched)["height"] >= 24, touched


def test_on_a_telephone_a_line_of_filters_shows_that_it_goes_on(open_page: OpenPage) -> None:
    page = open_page("/parts/", 320)
    line = page.locator(".facet ul").first
    line.evaluate("e => e.append(...Array.from({length: 9}, () => e.firstElementChild.cloneNode(true)))")

    assert line.evaluate("e => e.scrollWidth > e.clientWidth") and box(page, ".facet ul")["right"] <= 320
    assert "gradient" in line.evaluate("e => getComputedStyle(e).backgroundImage"), "an edge, where there is more"


def test_on_a_telephone_a_table_keeps_within_its_column(open_page: OpenPage) -> None:
    page = open_page("/parts/", 320)
    long = "16 sur 18 arrivent comme d’habitude, et personne"
    page.evaluate(
        ADDED,
        f'<table id="made"><tr><td><a class="nowrap">{long}</a></td><td class="num">chaque jour</td></tr></table>',
    )

    assert box(page, "#made")["right"] <= 320 - 16


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("width", [320, 1366])
def test_no_table_is_wider_than_its_column(open_page: OpenPage, width: int, language: str) -> None:
    page = open_page("/parts/", width, language)
    page.evaluate(
        ADDED,
        '<div class="thing"><details class="fold" open><summary>14</summary><table class="list"><thead><tr>'
        + '<th class="num">Cellules écartées à tort</th>' * 9
        + "</tr></thead></table></details></div>",
    )

    assert page.evaluate(TOO_WIDE)[1] <= 0
