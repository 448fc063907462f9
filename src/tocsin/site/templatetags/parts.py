"""The parts of a page: marks, sections, lists, filter bar, pager, forms.

What a tag takes is described by shape, not by class, so that a room below the
site can hand over its own values. `/parts/` shows every part once; its
template is the example to copy from.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from tocsin.courier import mail_addresses
from tocsin.kernel import legible
from tocsin.kernel.clock import day_of, zone_of
from tocsin.kernel.questions import Question
from tocsin.kernel.tlp import TLP
from tocsin.people import access
from tocsin.site import words

register = template.Library()
ROW_OF_TABLE = re.compile(r"  \S.*?\S  +\S.*?\S  +\S")
"""Indented, and of three columns or more."""
WITH_HYPHEN = re.compile(r"(\S*-\S*)")
QUOTED = re.compile("[\u2068\u2069]")
"""Begins and ends what `audit.wording` marks."""
LONGEST_WHOLE = 30
"""So many letters fit a telephone; a longer word may break."""

LEFT_OUT_SHOWN = 5
NOT_FILTERS = ("page", "after", "before")
"""Parameters that a new filter value makes meaningless."""


@register.simple_tag
def tlp(label: TLP | str | None) -> SafeString:
    """`{% tlp finding.tlp %}`: the badge. What bears no label, or an unknown one, is shown as the strictest."""
    try:
        known = TLP.read(str(label))
    except ValueError:
        known = TLP.RED
    colour = known.value.partition("+")[0].lower()
    return format_html('<bdi class="tlp {}" lang="en" dir="ltr">{}</bdi>', colour, known.label)


@register.simple_tag
def severity(level: int | None, words: bool = False) -> SafeString:
    """`{% severity finding.severity %}`: C1 … C6; the word beside it with `words=True`, else in the title."""
    if level is None:
        return format_html('<span class="muted">{}</span>', "–")
    word = _severity_word(int(level))
    if not words:
        return format_html('<span class="sev c{0}" title="{1}">C{0}</span>', int(level), word)
    return format_html('<span class="graded"><span class="sev c{0}">C{0}</span> {1}</span>', int(level), word)


def _severity_word(level: int) -> str:
    return str(words.SEVERITIES[level])


@register.simple_tag
def state(code: str, text: str = "") -> SafeString:
    """`{% state "returned" %}`, `{% state "stops" "Stops 12:00" %}`: icon and word; the codes are in `words.STATES`."""
    known = words.STATES[code]
    icon = format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>', known.icon)
    return format_html('<span class="state {}">{}{}</span>', known.look, icon, text or known.word)


@register.filter
def mono(value: Any) -> SafeString:
    """`{{ finding.address|mono }}`: an identifier, in its own direction; what is not seen of it is written out."""
    return format_html('<bdi class="mono" dir="ltr">{}</bdi>', legible.shown(str(value)))


@register.filter
def address(value: Any) -> SafeString:
    """`{{ contact.email|address }}`: an address of mail; of one beyond ASCII both forms, the given one first."""
    written = mail_addresses.other_form(str(value))
    return format_html('{} <span class="muted">{}</span>', mono(value), mono(written)) if written else mono(value)


@register.filter
def letter(text: str) -> SafeString:
    """`<pre class="letter">{{ text|letter }}</pre>`: a mail's text; its tables keep their columns on narrow screens."""
    parts = [(is_table, "\n".join(lines)) for is_table, lines in itertools.groupby(text.split("\n"), _is_row)]
    kinds = {True: '<span class="rows" tabindex="0">{}</span>', False: "{}\n"}
    return format_html_join("", "{}", ((format_html(kinds[is_table], part),) for is_table, part in parts))


def _is_row(line: str) -> bool:
    return ROW_OF_TABLE.match(line) is not None


@register.filter
def whole_words(text: str) -> SafeString:
    """`{{ step|whole_words }}`: a sentence with commands in it; `nmap -Pn` breaks at its space only."""
    whole, parts = '<span class="nowrap">{}</span>', WITH_HYPHEN.split(text)
    kinds = (whole if at % 2 and len(part) <= LONGEST_WHOLE else "{}" for at, part in enumerate(parts))
    return format_html_join("", "{}", ((format_html(kind, part),) for kind, part in zip(kinds, parts, strict=True)))


@register.filter
def bdi(text: str) -> SafeString:
    """`{% blocktranslate with who=name|bdi %}`: what others wrote, in its own direction."""
    return format_html("<bdi>{}</bdi>", text)


@register.filter
def apart(sentence: str) -> SafeString:
    """`{{ row.sentence|apart }}`: what others wrote in a sentence of the trail stands in its own direction."""
    parts, kinds = QUOTED.split(sentence), ("{}", "<bdi>{}</bdi>")
    return format_html_join("", "{}", ((format_html(kinds[at % 2], part),) for at, part in enumerate(parts)))


@register.filter
def mono_each(values: Iterable[Any]) -> SafeString:
    """`{{ columns|mono_each }}`: several identifiers, with commas between them."""
    return format_html_join(", ", "{}", [(mono(each),) for each in values])


@register.filter
def actor(label: str) -> str:
    """`{{ row.actor_label|actor }}`: who acted, as the trail knows them: a person's name, or a part of the software."""
    return str(words.ACTORS.get(label) or label.partition(" <")[0])


@register.filter
def count(value: int | None) -> str:
    """`{{ total|count }}`: 2310 as "2,310" in the reader's language; nothing known as a dash."""
    return "–" if value is None else formats.number_format(value, force_grouping=True)


@register.filter
def when(at: datetime.datetime | datetime.date | None) -> SafeString:
    """`{{ seen_at|when }}`: hour and zone today, the day this year, day and year before; all of it in the title.

    The hour is that where the team is; a day without one is of UTC, as the days of reports and mails are.
    """
    if at is None:
        return mark_safe('<span class="muted">–</span>')
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), _in_full(at), _in_short(at))


@register.filter
def day(at: datetime.datetime | datetime.date) -> SafeString:
    """`{{ notice.left_at|day }}`: the day of UTC, today, too, where a mail or a report names the same day."""
    on = day_of(at) if isinstance(at, datetime.datetime) else at
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), _in_full(at), _in_short(on))


@register.filter
def instant(at: datetime.datetime) -> SafeString:
    """`{{ row.at|instant }}`: day, second and zone, where none of them may be left to the title."""
    local = timezone.localtime(at)
    said = formats.date_format(local, pgettext("date format", "j M Y, H:i:s"))
    return format_html('<time datetime="{}">{} {}</time>', at.isoformat(), said, zone_of(local))


def _in_short(at: datetime.datetime | datetime.date) -> str:
    present = timezone.now()
    if isinstance(at, datetime.datetime):
        local = timezone.localtime(at)
        if local.date() == timezone.localtime(present).date():
            return f"{formats.date_format(local, 'H:i')} {zone_of(local)}"
        at = day_of(at)
    # Translators: a day of this year, in Django's date format letters.
    this_year, other_year = pgettext("date format", "j M"), pgettext("date format", "j M Y")
    return formats.date_format(at, this_year if at.year == day_of(present).year else other_year)


def _in_full(at: datetime.datetime | datetime.date) -> str:
    if not isinstance(at, datetime.datetime):
        return formats.date_format(at, pgettext("date format", "l j F Y"))
    local = timezone.localtime(at)
    in_full = pgettext("date format", "l j F Y, H:i:s")
    return f"{formats.date_format(local, in_full)} {zone_of(local)}"


@register.filter
def page_clock(at: datetime.datetime) -> SafeString:
    """The date and time of the page, with its zone."""
    local = timezone.localtime(at)
    day = formats.date_format(local, pgettext("date format", "D j M Y"))
    hour = formats.date_format(local, "H:i")
    return format_html('<time datetime="{}">{}, <b>{}</b> {}</time>', local.isoformat(), day, hour, zone_of(local))


@register.simple_block_tag
def section(
    content: str, title: str = "", question: str = "", answer: str = "", id: str = "", lead: str = ""
) -> SafeString:
    """`{% section question=… answer=… %}…{% endsection %}`, or `title=` with a heading that states the finding."""
    heading = format_html("<h2>{}</h2>", title) if title else SafeString("")
    if question:
        heading = format_html('<h2 class="question">{}</h2><p class="answer">{}</p>', question, answer)
        # A question is the heading for those who jump from heading to heading; the answer is what is seen first.
    if lead:
        heading = format_html('{}<p class="lead">{}</p>', heading, lead)
    anchor = format_html(' id="{}"', id) if id else ""
    return format_html('<section class="section"{}>{}{}</section>', anchor, heading, content)


@register.simple_block_tag
def fact(content: str, label: str) -> SafeString:
    """`<dl class="facts">{% fact "Reported" %}…{% endfact %}</dl>`: one line of a list of facts."""
    return format_html("<dt>{}</dt><dd>{}</dd>", label, content)


@register.simple_block_tag
def entry(content: str, at: datetime.datetime | datetime.date) -> SafeString:
    """`<ol class="log">{% entry event.at %}…{% endentry %}</ol>`: one line of a history."""
    return format_html("<li>{}<div>{}</div></li>", when(at), content)


@register.simple_block_tag
def why(content: str) -> SafeString:
    """`{% why %}the derivation{% endwhy %}`: beside every derived value; opens without a script."""
    return format_html('<details class="why"><summary>{}</summary>{}</details>', _("Why?"), content)


@register.simple_tag
def why_link(url: str) -> SafeString:
    """`{% why_link url %}`: the same when the derivation has a page of its own."""
    return format_html('<a class="why" href="{}">{}</a>', url, _("Why?"))


@register.simple_tag(takes_context=True)
def may_open(context: template.Context, url: str) -> bool:
    """`{% may_open url as may_go %}`: whether the reader may open that page of ours."""
    person = getattr(context["request"], "user", None)
    return person is None or access.may_open(person, url)  # in a drawing there is nobody to refuse to


@register.simple_block_tag(takes_context=True)
def link(context: template.Context, content: str, url: str) -> SafeString:
    """`{% link url %}…{% endlink %}`: a link for those who may open the page, else what it says alone.

    For a page that others may open than the one on which the link stands.
    """
    return format_html('<a href="{}">{}</a>', url, content) if url and may_open(context, url) else SafeString(content)


@register.simple_tag(takes_context=True)
def crumb(context: template.Context, label: str, url: str = "") -> SafeString:
    """`{% block crumbs %}{% crumb "Findings" url %}{% crumb finding.id %}{% endblock %}`: the last has no address.

    A place that the reader may not open stands there without a link.
    """
    if url and not may_open(context, url):
        return format_html("<li><bdi>{}</bdi></li>", label)
    if url:
        return format_html('<li><a href="{}">{}</a></li>', url, label)
    return format_html('<li aria-current="page"><bdi>{}</bdi></li>', label)


@register.inclusion_tag("parts/facets.html", takes_context=True)
def filter_bar(context: template.Context, facets: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`{% filter_bar facets %}`: one line per facet, its values as links that add or take away a choice.

    A facet is {"name": parameter, "label": text, "values": [{"code", "label", "count"?, "severity"?}]}.
    What is chosen is read from the address; several values of one facet mean either.
    """
    asked = context["request"].GET
    return {
        "facets": [{**facet, "values": [_value(facet, value, asked) for value in facet["values"]]} for facet in facets]
    }


def _value(facet: Mapping[str, Any], value: Mapping[str, Any], asked: QueryDict) -> dict[str, Any]:
    code, name = str(value["code"]), facet["name"]
    chosen = asked.getlist(name)
    others = [each for each in chosen if each != code]
    return {
        "label": value["label"],
        "count": count(value["count"]) if "count" in value else "",
        "severity": value.get("severity"),
        "is_chosen": code in chosen,
        "url": _address(asked, {name: others if code in chosen else [*chosen, code]}),
    }


def _address(asked: QueryDict, changes: Mapping[str, Sequence[str]]) -> str:
    """Return the query part of an address with `changes` made and the page forgotten."""
    query = asked.copy()
    for name in NOT_FILTERS:
        query.pop(name, None)
    for name, values in changes.items():
        query.setlist(name, list(values))
    return f"?{query.urlencode()}"


@register.inclusion_tag("parts/tabs.html")
def tabs(views: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`{% tabs views %}`: saved views, each {"label", "url", "is_current"}."""
    return {"views": views}


@register.simple_tag(takes_context=True)
def sort_head(context: template.Context, key: str, label: str, default: str = "", css: str = "") -> SafeString:
    """`{% sort_head "first" _("First") css="num" %}`: a column head that sorts by `sort=key`, and back by `sort=-key`.

    `default` is the sort that holds when the address names none.
    """
    asked = context["request"].GET
    now = asked.get("sort", default)
    is_down = now == f"-{key}"
    link = _address(asked, {"sort": [f"-{key}" if now == key else key]})
    if now not in (key, f"-{key}"):
        return format_html('<th scope="col" class="{}"><a href="{}">{}</a></th>', css, link, label)
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}"><a href="{}">{} <svg class="i" aria-hidden="true">'
        '<use href="#i-{}"/></svg></a></th>',
        css, "descending" if is_down else "ascending", link, label, "down" if is_down else "up",
    )  # fmt: skip


@register.inclusion_tag("parts/pager.html", takes_context=True)
def pager(context: template.Context, page: Any) -> dict[str, Any]:
    """`{% pager page %}`: Django's Page, or anything with its number, start_index, end_index, has_next, has_previous
    and `paginator.count`."""
    asked = context["request"].GET
    before = getattr(page, "previous_place", {"page": [str(page.number - 1)]})
    after = getattr(page, "next_place", {"page": [str(page.number + 1)]})
    return {
        "is_empty": not page.paginator.count,
        "is_cut": getattr(page, "is_last_allowed", False),
        "first": count(page.start_index()),
        "last": count(page.end_index()),
        "total": count(page.paginator.count),
        "previous_url": _address(asked, before) if page.has_previous() else "",
        "next_url": _address(asked, after) if page.has_next() else "",
    }


@register.simple_tag(takes_context=True)
def place(context: template.Context, name: str, number: int) -> str:
    """`{% place "before" row.number %}`: the address of a page that goes on from a row."""
    return _address(context["request"].GET, {name: [str(number)]})


@register.simple_tag(takes_context=True)
def left_out(context: template.Context) -> SafeString:
    """`{% left_out %}`: what of the address was not understood, in one sentence; mostly nothing.

    It is read from the `question` of the page. A page that has none asks for nothing: any parameter is left out.
    """
    question = context.get("question") or Question(context["request"].GET.copy())
    said: Sequence[str] = question.left_out
    if not said:
        return SafeString("")
    parts = mono_each(said[:LEFT_OUT_SHOWN])
    if len(said) > LEFT_OUT_SHOWN:
        parts = format_html("{}, …", parts)
    words = ngettext(
        "One part of the address was not understood and is left out: {parts}.",
        "{number} parts of the address were not understood and are left out: {parts}.",
        len(said),
    )
    sentence = format_html(words, number=count(len(said)), parts=parts)
    return format_html('<p class="message error" role="status">{}</p>', sentence)


@register.simple_tag
def error_summary(form: BaseForm) -> SafeString:
    """`{% error_summary form %}`: what has to be put right, each linked to its field. `{{ form }}` brings its own."""
    errors = [
        _of_field(form[name], str(text)) if name in form.fields else {"anchor": "", "text": text}
        for name, texts in form.errors.items()
        for text in texts
    ]
    if not errors:
        return SafeString("")
    title = ngettext("One thing to put right", "%(number)s things to put right", len(errors))
    return render_to_string("parts/error_summary.html", {"errors": errors, "title": title % {"number": len(errors)}})


def _of_field(field: BoundField, text: str) -> dict[str, str]:
    """Return an error with the name of its field, without which two of a kind read the same, and where to go."""
    # A group of choices has no id of its own: its first choice is where one begins.
    anchor = field.id_for_label or f"{field.auto_id}_0"
    return {"anchor": anchor, "text": _("{field}: {problem}").format(field=field.label, problem=text)}


@register.simple_tag
def hidden_filters(query: QueryDict, *without: str) -> SafeString:
    """`{% hidden_filters request.GET "owner" %}`: what is asked for now, kept by a form that changes something else."""
    kept = [(name, value) for name, values in query.lists() if name not in (*without, *NOT_FILTERS) for value in values]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', kept)
