"""The parts of a page as templates ask for them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from tests.site.charts.drawn import elements, of_class
from tocsin.kernel.tlp import TLP
from tocsin.site import words

NOON = datetime.datetime(2026, 11, 20, 12, 30, 5, tzinfo=datetime.UTC)
Render = Callable[..., str]


def render(source: str, query: str = "", **values: Any) -> str:
    """Return what a template makes of `values` on a page asked for with `query`."""
    context = Context({"request": RequestFactory().get(f"/findings/?{query}"), **values})
    return Template("{% load i18n parts charts %}" + source).render(context)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime.datetime:
    """The clock stands at 12:30:05 UTC on 20 November 2026."""
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    return NOON


@pytest.mark.parametrize("label", list(TLP))
def test_a_sharing_label_is_text_in_its_own_colour(label: TLP) -> None:
    made = render("{% tlp label %}", label=label)

    badge = next(elements(made))
    assert badge.text == f"TLP:{label}"
    assert badge.attributes["class"] == f"tlp {label.lower().removesuffix('+strict')}"


@pytest.mark.parametrize("label", [None, "", "PURPLE", "<script>"])
def test_what_bears_no_known_label_is_shown_as_the_strictest(label: str | None) -> None:
    assert "TLP:RED" in render("{% tlp label %}", label=label)


def test_severity_is_a_number_with_its_word_in_the_title_or_beside_it() -> None:
    assert render("{% severity 2 %}") == '<span class="sev c2" title="highly significant">C2</span>'
    assert "</span> significant</span>" in render("{% severity 3 words=True %}")
    assert "–" in render("{% severity level %}", level=None)


@pytest.mark.parametrize("code", list(words.STATES))
def test_every_state_has_an_icon_that_exists_and_a_word(code: str) -> None:
    icons = render("{% include 'parts/icons.html' %}")

    made = render("{% state code %}", code=code)

    assert f'id="i-{words.STATES[code].icon}"' in icons
    assert str(words.STATES[code].word) in made


def test_a_state_may_say_more() -> None:
    assert "Stops 12:00" in render('{% state "stops" "Stops 12:00" %}')


def test_of_identifiers_what_is_not_seen_is_written_out() -> None:
    assert render("{{ it|mono }}", it="\u200b") == '<bdi class="mono" dir="ltr">\\u200b</bdi>'
    assert render("{{ it|mono }}", it="a\u202e<b>") == '<bdi class="mono" dir="ltr">a\\u202e&lt;b&gt;</bdi>'
    assert render("{{ it|mono }}", it=7) == '<bdi class="mono" dir="ltr">7</bdi>'


def test_several_identifiers_stand_with_commas_between_them() -> None:
    assert render("{{ it|mono_each }}", it=["a", "<b>"]) == (
        '<bdi class="mono" dir="ltr">a</bdi>, <bdi class="mono" dir="ltr">&lt;b&gt;</bdi>'
    )
    assert render("{{ it|mono_each }}", it=[]) == ""


def test_a_command_in_a_sentence_breaks_at_its_spaces_alone() -> None:
    shown = render("{{ text|whole_words }}", text="nmap -Pn <ADDRESS>. e-mail, " + "-" * 31)
    assert shown == (
        'nmap <span class="nowrap">-Pn</span> &lt;ADDRESS&gt;. <span class="nowrap">e-mail,</span> ' + "-" * 31
    )
    assert render("{{ text|whole_words }}", text="") == ""


def test_tables_of_a_letter_are_kept_together_and_nothing_else_of_it_is_changed() -> None:
    table = "  Where       Since       Why <now>\n  192.0.2.77  2026-11-16  New"
    lines = "How to mend it:\n  1. Find it, and close “Where”.\n"
    shown = render("{{ text|letter }}", text=f"{lines}\n{table}\n\nEnd")
    assert shown == (f'{lines}\n<span class="rows" tabindex="0">{table}</span>\nEnd\n'.replace("<now>", "&lt;now&gt;"))


def test_identifiers_keep_their_direction_and_are_escaped() -> None:
    assert render("{{ value|mono }}", value="<b>") == '<bdi class="mono" dir="ltr">&lt;b&gt;</bdi>'


@pytest.mark.parametrize(("language", "text"), [("en", "2,310"), ("fr", "2\u202f310")])
def test_numbers_are_grouped_as_the_reader_groups_them(language: str, text: str) -> None:
    with translation.override(language):
        assert render("{{ value|count }}", value=2310).replace("\xa0", "\u202f") == text


def test_no_number_is_a_dash() -> None:
    assert render("{{ value|count }}", value=None) == "–"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON.replace(hour=7, minute=2), "07:02 UTC"),
        (NOON - datetime.timedelta(days=1), "19 Nov"),
        (NOON - datetime.timedelta(days=365), "20 Nov 2025"),
        (datetime.date(2026, 9, 3), "3 Sep"),
    ],
)
def test_an_instant_is_as_short_as_it_can_be(noon: datetime.datetime, at: Any, text: str) -> None:
    made = next(elements(render("{{ at|when }}", at=at)))

    assert made.text == text
    assert made.attributes["datetime"] == at.isoformat()


@pytest.mark.parametrize(
    ("zone", "at", "short", "day"),
    [
        ("Indian/Mauritius", NOON.replace(hour=7), "11:30 UTC+4", "20 Nov"),
        ("Indian/Mauritius", NOON.replace(day=19, hour=21), "01:30 UTC+4", "19 Nov"),
        ("Indian/Mauritius", NOON.replace(day=18, hour=21), "18 Nov", "18 Nov"),
        ("Pacific/Pago_Pago", NOON.replace(hour=2), "20 Nov", "20 Nov"),
        ("UTC", datetime.date(2026, 9, 3), "3 Sep", "3 Sep"),
    ],
)
def test_an_hour_is_the_teams_with_its_zone_and_a_day_without_one_is_of_utc(
    noon: datetime.datetime, zone: str, at: Any, short: str, day: str
) -> None:
    """A mail of 2026-11-18 must not be one of the 19th on a page."""
    with timezone.override(zone):
        assert next(elements(render("{{ at|when }}", at=at))).text == short
        assert next(elements(render("{{ at|day }}", at=at))).text == day


def test_the_whole_instant_stands_in_the_title_with_its_zone(noon: datetime.datetime) -> None:
    with timezone.override("Pacific/Noumea"):
        made = next(elements(render("{{ at|when }}", at=NOON)))

    assert made.attributes["title"] == "Friday 20 November 2026, 23:30:05 UTC+11"


@pytest.mark.parametrize(
    ("zone", "text"),
    [("UTC", "12:30</b> UTC<"), ("Pacific/Noumea", "23:30</b> UTC+11<"), ("America/St_Johns", "UTC−3:30<")],
)
def test_the_clock_of_the_page_names_its_offset(zone: str, text: str) -> None:
    with timezone.override(zone):
        assert text in render("{{ at|page_clock }}", at=NOON)


def test_nothing_known_of_when_is_a_dash() -> None:
    assert "–" in render("{{ at|when }}", at=None)


def test_a_section_answers_its_question() -> None:
    made = render(
        '{% section question="Who is on it?" answer=answer id="who" %}<p>rows</p>{% endsection %}',
        answer="Five people <3",
    )

    assert made == (
        '<section class="section" id="who"><h2 class="question">Who is on it?</h2>'
        '<p class="answer">Five people &lt;3</p><p>rows</p></section>'
    )


def test_a_section_states_its_finding() -> None:
    made = render('{% section title="Three plans" lead="As of noon" %}x{% endsection %}')

    assert made == '<section class="section"><h2>Three plans</h2><p class="lead">As of noon</p>x</section>'


def test_what_a_section_holds_is_escaped_where_it_was_not_markup() -> None:
    assert "&lt;b&gt;" in render("{% section %}{{ name }}{% endsection %}", name="<b>")


def test_facts_history_and_why(noon: datetime.datetime) -> None:
    assert render('{% fact "Whose" %}{{ x }}{% endfact %}', x="<i>") == "<dt>Whose</dt><dd>&lt;i&gt;</dd>"
    assert render("{% entry at %}Seen{% endentry %}", at=NOON).endswith("12:30 UTC</time><div>Seen</div></li>")
    assert render("{% why %}Because{% endwhy %}") == ('<details class="why"><summary>Why?</summary>Because</details>')
    assert render('{% why_link "/why/" %}') == '<a class="why" href="/why/">Why?</a>'


def test_the_last_crumb_is_the_page_itself() -> None:
    made = render('{% crumb "Findings" "/findings/" %}{% crumb "F-1" %}')

    assert made == '<li><a href="/findings/">Findings</a></li><li aria-current="page"><bdi>F-1</bdi></li>'


FACETS = [
    {
        "name": "state",
        "label": "State",
        "values": [{"code": "open", "label": "Open", "count": 58}, {"code": "gone", "label": "Gone", "count": 1902}],
    }
]


def links(made: str) -> dict[str, tuple[dict[str, list[str]], bool]]:
    """Return label → (what its link asks for, whether it is chosen)."""
    anchors = [each for each in elements(f"<div>{made}</div>") if each.tag == "a"]
    return {
        each.text.rstrip("0123456789,"): (parse_qs(each.attributes["href"][1:]), "aria-current" in each.attributes)
        for each in anchors
    }


def test_a_filter_value_adds_itself_and_forgets_the_page() -> None:
    made = links(render("{% filter_bar facets %}", "sort=first&page=4", facets=FACETS))

    assert made["Open"] == ({"sort": ["first"], "state": ["open"]}, False)


def test_a_chosen_value_takes_itself_away_and_another_joins_it() -> None:
    made = links(render("{% filter_bar facets %}", "state=open&severity=2", facets=FACETS))

    assert made["Open"] == ({"severity": ["2"]}, True)
    assert made["Gone"] == ({"severity": ["2"], "state": ["open", "gone"]}, False)


def test_filter_values_show_what_they_count() -> None:
    assert "1,902" in render("{% filter_bar facets %}", facets=FACETS)


def test_what_is_asked_for_cannot_break_out_of_a_link() -> None:
    made = render("{% filter_bar facets %}", "q=%22%3E%3Cscript%3E", facets=FACETS)

    assert "<script>" not in made


@pytest.mark.parametrize(
    ("query", "target", "direction"),
    [("", "-first", "ascending"), ("sort=first", "-first", "ascending"), ("sort=-first", "first", "descending")],
)
def test_a_sorted_column_says_so_and_turns_round(query: str, target: str, direction: str) -> None:
    made = render('{% sort_head "first" "First" default="first" %}', query)

    head = next(elements(made))
    assert head.attributes["aria-sort"] == direction
    assert f"?sort={target}" in made


def test_another_column_can_be_sorted_by() -> None:
    made = next(elements(render('{% sort_head "last" "Last" css="num" %}', "sort=first&state=open")))

    assert "aria-sort" not in made.attributes
    assert made.attributes["class"] == "num"


def test_the_pager_keeps_the_filters() -> None:
    page = Paginator(range(2310), 50).page(2)

    made = render("{% pager page %}", "state=open&page=2", page=page)

    assert "51–100 of 2,310" in made
    assert 'href="?state=open&amp;page=1" rel="prev"' in made
    assert 'href="?state=open&amp;page=3" rel="next"' in made


def test_a_single_page_has_nothing_before_or_after_it() -> None:
    assert "<a" not in render("{% pager page %}", page=Paginator([1], 50).page(1))


def test_there_is_no_pager_where_there_is_no_row() -> None:
    assert render("{% pager page %}", page=Paginator([], 50).page(1)).strip() == ""


def test_a_form_beside_the_filters_keeps_them() -> None:
    query = RequestFactory().get("/?state=open&state=gone&owner=me&page=2").GET

    made = render('{% hidden_filters asked "owner" %}', asked=query)

    assert made.count("hidden") == 2 and "owner" not in made and "page" not in made


class ClaimForm(forms.Form):
    """Two fields, a choice and a tick."""

    network = forms.CharField(label="Network", help_text="In CIDR form")
    kind = forms.ChoiceField(label="Kind", choices=[("a", "Own"), ("b", "Leased")], widget=forms.RadioSelect)
    sure = forms.BooleanField(label="Confirmed by letter", required=False)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("kind") == "b":
            raise forms.ValidationError("Leased networks need a contract.")
        return self.cleaned_data


def test_a_form_names_each_error_above_and_at_its_field() -> None:
    made = render("{{ form }}", form=ClaimForm({"kind": "b", "network": ""}))

    assert "2 things to put right" in made
    assert '<a href="#id_network">Network: This field is required.</a>' in made
    assert '<b class="ember">Leased networks need a contract.</b>' in made
    assert "<b>Error:</b> This field is required." in made
    assert 'aria-describedby="id_network_helptext id_network_error"' in made
    assert 'id="id_network_helptext"' in made and 'id="id_network_error"' in made


def test_the_summary_leads_to_the_first_of_a_group_of_choices() -> None:
    made = render("{{ form }}", form=ClaimForm({"network": ""}))

    assert '<a href="#id_kind_0">Kind: This field is required.</a>' in made
    assert 'id="id_kind_0"' in made


def test_an_untouched_form_has_no_summary_and_every_field_its_label() -> None:
    made = render("{{ form }}", form=ClaimForm())

    assert "summary" not in made and "bad" not in made
    assert '<label for="id_network">Network</label>' in made
    assert "<legend>Kind</legend>" in made
    assert made.index('type="checkbox"') < made.index("Confirmed by letter")


def test_nothing_typed_is_lost() -> None:
    assert 'value="203.0.113"' in render("{{ form }}", form=ClaimForm({"network": "203.0.113"}))


def test_charts_in_templates_say_what_they_show() -> None:
    assert "<title>Seen on 3 of 5 days</title>" in render("{% strip days %}", days="..nss")
    assert "<title>1 of 2 feeds arrive as usual</title>" in render(
        "{% ticks feeds %}", feeds=[("a", "ok"), ("b", "silent")]
    )
    assert "<title>Phishing: now 64, at most 64, usual 26 to 52</title>" in render(
        '{% sparkline values "Phishing" usual=usual %}', values=[3, 64], usual=(26, 52)
    )
    assert "<title>Phishing: nothing counted yet</title>" in render('{% sparkline values "Phishing" %}', values=[])
    assert "<title>C1: 2, C4: 1</title>" in render("{% squares counts %}", counts={4: 1, 1: 2, 6: 0})


def test_a_chart_comes_with_its_table() -> None:
    chart = {
        "name": "Findings per day", "caption": "Source: feeds.", "head": ["Day", "Opened"], "days": ["1 Nov", "2 Nov"],
        "at": ["1 Nov", "2 Nov"], "lines": [{"label": "97 opened", "values": [2310, 97]}],
    }  # fmt: skip

    made = render("{% time_series chart %}", chart=chart)

    assert '<th scope="row">1 Nov</th><td class="num">2,310</td>' in made
    assert "<summary>Table</summary>" in made and "Source: feeds." in made
    assert of_class(made[made.index('<div class="plot"') : made.index("</div></div>") + 6], "line")


def test_bars_turn_round_with_the_language() -> None:
    chart = {
        "name": "Kinds",
        "caption": "x",
        "head": ["Kind", "Open"],
        "bars": [{"label": "a", "value": 1}, {"label": "b", "value": 4}],
    }

    with translation.override("ar"):
        mirrored = render("{% bar_chart chart %}", chart=chart)

    assert 'x="75%"' in mirrored
    assert 'x="75%"' not in render("{% bar_chart chart %}", chart=chart)


def test_the_scale_of_levels_in_templates() -> None:
    scale = [{"number": 0, "word": "routine"}, {"number": 1, "word": "heightened", "since": "since 06:20"}]

    made = render("{% levels scale current=1 %}", scale=scale)

    assert "1 heightened" in made and "since 06:20" in made
