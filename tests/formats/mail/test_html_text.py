"""The text of HTML, for people who do not open it."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.formats.mail.html_text import LONGEST_HTML, text_of


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\n\ntwo"),
        ("a\n   b\t c", "a b c"),
        ("<b>bold</b> and <i>not</i>", "bold and not"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
        ("&lt;script&gt; &eacute; &#233; &#xe9; &nosuch;", "<script> é é é &nosuch;"),
        ("&#0; &#99999999; &#xffffffffffff;", "\ufffd \ufffd \ufffd"),
        ("a<!-- hidden -->b", "ab"),
        ("a<!-- never closed", "a"),
        ("a<!DOCTYPE html>b<?xml version='1.0'?>c", "abc"),
        ("a<p never closed", "a"),
        ("<P STYLE='x'>Upper</P>", "Upper"),
    ],
)
def test_what_a_page_says_is_its_text(page: str, said: str) -> None:
    assert text_of(page) == said


@pytest.mark.parametrize(
    "name", ["script", "style", "head", "title", "template", "noscript", "svg", "object", "iframe"]
)
def test_what_is_not_to_be_read_is_left_out(name: str) -> None:
    assert text_of(f"before <{name} x='1'>inside <p>more</p></{name} > after") == "before after"
    assert text_of(f"before <{name.upper()}>inside</{name}>after") == "before after"
    assert text_of(f"before <{name}>never closed") == "before"
    assert text_of(f"before <{name}/>after") == "before after"


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ('<a href="https://evil.example/">bank</a>', "bank <https://evil.example/>"),
        ("<a href='https://evil.example/?a=1&amp;b=2'>bank</a>", "bank <https://evil.example/?a=1&b=2>"),
        ("<A class=x HREF=https://evil.example/>bank</A>", "bank <https://evil.example/>"),
        ('<a href="javascript:alert(1)">x</a>', "x <javascript:alert(1)>"),
        ('<a href="#top">up</a>', "up"),
        ("<a name='here'>here</a>", "here"),
        ('<a href="https://one.example/">one<a href="https://two.example/">two</a>', "onetwo <https://two.example/>"),
        ('<a href=" https://x.example/\n path ">x</a>', "x <https://x.example/ path>"),
        ('<a href="' + "x" * 900 + '">x</a>', "x <" + "x" * 500 + ">"),
    ],
)
def test_where_a_link_leads_stands_behind_it(tag: str, shown: str) -> None:
    assert text_of(tag) == shown


def test_pictures_are_passed_over_and_fetch_nothing() -> None:
    assert text_of('a<img src="https://track.example/x.png" alt="you">b') == "ab"


def test_of_a_page_without_end_the_beginning_is_read() -> None:
    assert len(text_of("x" * (LONGEST_HTML + 10))) == LONGEST_HTML


@settings(max_examples=150)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), max_size=60))
def test_text_that_was_written_as_html_is_read_back(text: str) -> None:
    assert text_of(f"<p>{html.escape(text)}</p>") == text


PIECES = ["<b>", "</b>", "x", "<p class='a'>", "<!-- c -->", "&amp;", "<br>", "3 < 4 ", "</a>", "<a href=x>", "<p/>"]


@settings(max_examples=100)
@given(st.lists(st.sampled_from(PIECES)), st.lists(st.sampled_from(PIECES)))
def test_whatever_stands_around_it_a_script_is_not_said_and_what_follows_is(
    before: list[str], after: list[str]
) -> None:
    said = text_of("".join([*before, "<script>if (a<b) secret()</script>", *after, "last"]))
    assert "secret" not in said and said.endswith("last")


@settings(max_examples=100)
@given(st.text(st.sampled_from("<>/!-&#;ahref='\" \n")))
def test_nothing_stops_it(page: str) -> None:
    assert len(text_of(page)) <= len(page) + page.count("<") * 4
