"""The list of findings: filters, order and page stand in the address; bulk actions say how many."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_GET, require_POST

from tocsin.directory.models import Constituent
from tocsin.directory.queries import in_order_of_names
from tocsin.engine.query import Filter, Finding, Findings, Tally
from tocsin.feeds import queries, wording
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.actions.findings import add_note, give_finding, mistakes_in_note
from tocsin.feeds.choices import TLP_CHOICES
from tocsin.feeds.episodes import strip
from tocsin.feeds.forms import OWNER_NOBODY, team
from tocsin.feeds.models import Feed
from tocsin.feeds.queries import at_one_version
from tocsin.feeds.queries_findings import misread
from tocsin.feeds.views.asking import (
    NOBODY,
    ROWS,
    STATES,
    Asked,
    Known,
    Page,
    asked_for,
    open_unless_named,
    person,
    sentence,
    worker,
)
from tocsin.kernel.clock import now
from tocsin.kernel.collation import collated
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Conflict, Refusal
from tocsin.kernel.tlp import TLP, strictest
from tocsin.people.access import needs
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may

FACET_VALUES = 5
REFUSED = "feeds.refused_work"
"""What was typed and chosen for work that was refused, kept for the list that is shown next: nothing is lost."""
OPEN = ("new", "still", "returned")


@needs(Ability.VIEW_FINDINGS)
@require_GET
@at_one_version
def findings(request: HttpRequest) -> HttpResponse:
    """Fifty findings at a time, worst first."""
    labels, people, titles = situation.labels(), queries.holders(), queries.titles_of_types()
    question = Question(request.GET.copy())
    open_unless_named(question)
    asked = asked_for(request, question, Known(people, labels))
    found = queries.findings()
    tally = found.tally(asked.filter)
    asked = asked.within(tally.total, question)
    # The filter bar shows as chosen what was understood, and the states that hold where none is named.
    request.GET = question.understood()  # type: ignore[assignment]
    names = {code: row.local_name for code, row in people.items()}
    shown = asked.rows(found, in_order_of_names(people.values()) if asked.sort == "constituent" else ())
    first, last = (queries.finding_id(shown[at]) if shown else "" for at in (0, -1))
    refused = request.session.pop(REFUSED) if REFUSED in request.session else {}
    context = {
        "question": question,
        "refused": refused,
        "rows": rows(shown, names, titles, labels),
        "page": Page(asked.page, len(shown), tally.total, first, last),
        "is_empty": not found.types,
        "total": tally.total,
        "organisations": _organisations(asked, tally),
        "of_organisations": len(names),
        "moved": _moved(found, asked),
        "period": situation.period(),
        "unchecked": _unchecked(request.GET, asked.filter, tally),
        "is_open": bool(asked.filter.states) and set(asked.filter.states) <= set(OPEN),
        "views": tabs(request.GET),
        "facets": [
            *facets(dataclasses.replace(asked.filter, types=tuple(request.GET.getlist("type"))), tally, titles, labels),
            *(sectors(tally, people) if request.GET.getlist("sector") else ()),
            *typed(request.GET),
        ],
        "organisation_choices": _choices(tally.by_facet["constituent"], names, asked.filter.constituents),
        "type_choices": _types(tally, titles),
        "type_asked": _only(request.GET.getlist("type")),
        "whose_asked": _only(request.GET.getlist("whose")),
        "q": asked.text,
        "misread": misread(asked.text) if not shown else "",
        "owner": asked.owner,
        "may_work": may(person(request), Ability.WORK_ON_FINDINGS),
        "team": team(),
        "query": request.GET.urlencode(),
        "exports": [(form.upper(), reverse("feeds:export", args=[form])) for form in ("csv", "json", "xlsx")],
        "first_page": _without(request.GET, "page", "after", "before"),
        "tlp": shown and str(strictest(TLP.read(labels.get(each.type, "RED")) for each in shown)),
        "feeds": _feeds(shown),
    }
    return render(request, "feeds/findings.html", context)


def _feeds(shown: Sequence[Finding]) -> list[Feed]:
    """Return the feeds that the rows of a page are of, by name: below the list stands on which terms we have them."""
    of_types = queries.feeds_of_types()
    return sorted({of_types[each.type] for each in shown if each.type in of_types}, key=lambda feed: feed.name)


def rows(
    shown: Sequence[Finding], names: Mapping[str, str], titles: Mapping[str, str], labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return findings as a list shows them."""
    until = queries.latest_day() or dt.date.min
    ids = [queries.finding_id(finding) for finding in shown]
    owners, feeds = situation.owners_of(ids), queries.feeds_of_types()
    return [
        {
            "id": public,
            "finding": finding,
            "what": wording.kind(finding.type, titles),
            "whose": names.get(finding.constituent or "", finding.constituent or ""),
            "where": queries.place_of(finding),
            "detail": queries.detail_of(finding),
            "days": strip(finding.recent, finding.last_cycle, finding.opened_on, max(until, finding.last_cycle)),
            "tlp": labels.get(finding.type),
            "feed": feeds.get(finding.type),
            "owner_key": owners.get(public, ("", ""))[0],
            "owner": owners.get(public, ("", ""))[1].partition(" <")[0],
        }
        for public, finding in zip(ids, shown, strict=True)
    ]


def _without(query: QueryDict, *names: str) -> str:
    kept = query.copy()
    for name in names:
        kept.pop(name, None)
    return kept.urlencode()


def _organisations(asked: Asked, tally: Tally) -> int:
    """Return in how many organisations the findings are."""
    counted = tally.by_facet["constituent"]
    if asked.filter.constituents:
        return sum(1 for each in asked.filter.constituents if each and counted.get(each))
    return sum(1 for each in counted if each)


def _moved(found: Findings, asked: Asked) -> tuple[int, int, int] | None:
    """Return how many findings are new, how many came back and how many went gone by the reports of the period.

    As on Situation: what a type moved of which nothing has come since is no news. None of a list that is narrowed,
    whose heading they would not fit, nor of one by owners, whether or not anybody owns what it leaves out: that would
    tell of findings that the reader may not see.
    """
    only = asked.filter.only_constituents
    if asked.owner or dataclasses.replace(asked.filter, states=(), only_constituents=None) != Filter():
        return None
    of = situation.period()
    if of is None or not of.types:
        return 0, 0, 0
    within = Filter(only_constituents=only, types=of.types if of.left_out else ())
    states = dict(found.counts(("state",), within))
    gone = found.count(dataclasses.replace(within, just_gone=True))
    return states.get("new", 0), states.get("returned", 0), gone


def _unchecked(query: QueryDict, asked: Filter, tally: Tally) -> dict[str, Any] | None:
    """Return how many of the findings are open only as far as is known, and their list: their reports have stopped."""
    counted = tally.by_facet["type"]
    silent = [each.type.name for each in situation.health() if each.state == "silent" and counted.get(each.type.name)]
    silent = [name for name in silent if not asked.types or name in asked.types]
    if not silent or not asked.states or not set(asked.states) <= set(OPEN):
        return None
    listed = query.copy()
    for name in ("page", "after", "before", "tlp", "period"):
        listed.pop(name, None)
    listed.setlist("type", silent)
    return {"count": sum(counted[name] for name in silent), "query": listed.urlencode()}


def _only(values: Sequence[str]) -> str:
    """Return the one value that is asked for; nothing when there are several."""
    return values[0] if len(values) == 1 else ""


def tabs(query: QueryDict) -> list[dict[str, Any]]:
    """Return the saved views."""
    states = "&".join(f"state={state}" for state in OPEN)
    views = [
        ("open", _("Open, worst first"), f"?{states}"),
        ("back", _("Came back"), f"?{states}&back=1"),
        ("new", _("New or back"), "?state=new&state=returned"),
        ("nobody", pgettext("findings that nobody is responsible for", "Nobody's"), f"?{states}&whose={NOBODY}"),
        ("mine", _("Mine"), f"?{states}&owner=me"),
        ("unowned", _("Not taken yet"), f"?{states}&owner=none"),
    ]
    current = _current(query)
    return [{"label": label, "url": url, "is_current": code == current} for code, label, url in views]


def _current(query: QueryDict) -> str:
    if query.get("owner"):
        return {"me": "mine", "none": "unowned"}.get(query.get("owner", ""), "")
    if query.get("back"):
        return "back"
    if query.getlist("whose") == [NOBODY]:
        return "nobody"
    states = set(query.getlist("state"))
    return "open" if states == set(OPEN) else "new" if states == {"new", "returned"} else ""


def facets(asked: Filter, tally: Tally, titles: Mapping[str, str], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the filter bar; what cannot be chosen now is left out of the longer lists."""
    counted = tally.by_facet
    states = [
        {"code": code, "label": label, "count": counted["state"].get(code, 0)}
        for code, label in zip(STATES, (_("New"), _("Still open"), _("Came back"), _("Gone")), strict=True)
    ]
    grades = [
        {"code": level, "label": "", "count": counted["severity"].get(str(level), 0), "severity": level}
        for level in range(1, 7)
    ]
    bar = [
        {"name": "state", "label": _("State"), "values": states},
        {"name": "severity", "label": _("Severity"), "values": grades},
        {
            "name": "class",
            "label": _("Class"),
            "values": _most(
                counted["class"], asked.classes, {name: wording.class_label(name) for name in counted["class"]}
            ),
        },
        {
            "name": "type",
            "label": _("What"),
            "values": _most(
                counted["type"], asked.types, {name: wording.kind(name, titles) for name in counted["type"]}
            ),
        },
    ]
    by_label: dict[str, int] = {}
    for name, count in counted["type"].items():
        by_label[labels.get(name, "RED")] = by_label.get(labels.get(name, "RED"), 0) + count
    if len(by_label) > 1:
        values = [{"code": code, "label": label, "count": by_label.get(code, 0)} for code, label in TLP_CHOICES]
        bar.append({"name": "tlp", "label": _("Share"), "values": values})
    return bar


def sectors(tally: Tally, people: Mapping[str, Constituent]) -> list[dict[str, Any]]:
    """Return the line of sectors."""
    counted: dict[str, int] = {}
    words: dict[str, str] = {}
    for whose, count in tally.by_facet["constituent"].items():
        if row := people.get(whose):
            counted[row.sector] = counted.get(row.sector, 0) + count
            words[row.sector] = row.sector_label
    return [{"name": "sector", "label": _("Sector"), "values": _most(counted, (), words)}] if counted else []


def typed(query: QueryDict) -> list[dict[str, Any]]:
    """Return a line for each filter that has its values from the address alone: there to be taken away."""
    names: Sequence[tuple[str, str, Mapping[str, str]]] = (
        ("asset", _("Address"), {}),
        ("asn", _("Autonomous system"), {}),
        ("id", _("Finding"), {}),
        ("period", _("Reports"), {"now": _("of the last two days")}),
        ("gone", _("Gone"), {"now": _("by the latest report of its type")}),
    )
    return [
        {
            "name": name,
            "label": label,
            "values": [{"code": each, "label": words.get(each, each)} for each in query.getlist(name) if each],
        }
        for name, label, words in names
        if any(query.getlist(name))
    ]


def _most(counted: Mapping[str, int], chosen: Sequence[str], words: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the most frequent values and those that are chosen, most first."""
    order = sorted(counted, key=lambda name: (-counted[name], name))
    shown = [name for name in order if name in chosen or name in order[:FACET_VALUES]]
    return [{"code": name, "label": words[name], "count": counted[name]} for name in shown]


def _choices(counted: Mapping[str, int], names: Mapping[str, str], chosen: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return organisations with findings, by name."""
    listed = {*counted, *chosen} - {""}
    rows = ((each, names.get(each, each), counted.get(each, 0)) for each in listed)
    return sorted(rows, key=lambda row: collated(row[1]))


def _types(tally: Tally, titles: Mapping[str, str]) -> list[tuple[str, str, int]]:
    counted = tally.by_facet["type"]
    rows = ((name, wording.kind(name, titles), counted[name]) for name in counted)
    return sorted(rows, key=lambda row: collated(row[1]))


# ---- bulk actions


@needs(Ability.WORK_ON_FINDINGS)
@require_POST
def work_on_findings(request: HttpRequest) -> HttpResponse:
    """Take, give or note the chosen findings, but for those whose owner is no longer the one that the page showed."""
    by = worker(request)
    ids = list(dict.fromkeys(request.POST.getlist("finding")))[:ROWS]
    chosen = {queries.finding_id(each): each for each in queries.findings_among(by, situation.keys_of(ids))}
    try:
        done, left = _work(request.POST, chosen, by)
    except Refusal as refused:
        messages.error(request, sentence(refused))
        request.session[REFUSED] = {"text": request.POST.get("text", ""), "chosen": list(chosen)}
    else:
        for say, said in ((messages.success, done), (messages.error, left)):
            if said:
                say(request, said)
    return HttpResponseRedirect(_onward(request))


def _work(form: QueryDict, chosen: Mapping[str, Finding], by: Person) -> tuple[str, str]:
    """Do it; return what was done and what was not, each as a sentence or nothing."""
    wanted = form.get("do", "")
    if not chosen:
        others = mistakes_in_note(form.get("text", "")) if wanted == "note" else ()
        return "", " ".join([_("No finding was chosen. Tick some rows first."), *map(sentence, others)])
    with transaction.atomic():
        if wanted == "note":
            return _note(chosen, form.get("text", ""), by), ""
        return _give(chosen, by if wanted == "take" else _chosen_owner(form.get("owner", "")), form, by)


def _note(chosen: Mapping[str, Finding], text: str, by: Person) -> str:
    at = now()
    for each in chosen:
        add_note(each, text=text, by=by, at=at)
    words = ngettext("The note stands at %(n)s finding.", "The note stands at %(n)s findings.", len(chosen))
    return words % {"n": len(chosen)}


def _give(chosen: Mapping[str, Finding], owner: Person | None, form: QueryDict, by: Person) -> tuple[str, str]:
    """Give those to `owner` that are still whose the page showed them to be; return what was done and what was left.

    What is so already, as after a second click, is said and not done once more.
    """
    at, shown, left = now(), _owners_shown(form), []
    owners, wanted = situation.owners_of(list(chosen)), owner.audit_key if owner else ""
    to_give = [each for each in chosen if owners.get(each, ("", ""))[0] != wanted]
    for each in to_give:
        try:
            give_finding(each, owner=owner, seen=shown.get(each, ""), by=by, at=at)
        except Conflict:
            left.append(each)
    given, already = len(to_give) - len(left), len(chosen) - len(to_give)
    done = [_said_of_given(given, owner)] if given else [] if left else [_("Nothing was changed.")]
    done += [_said_of_already(already, owner)] if already else []
    return " ".join(done), _said_of_left(left, chosen) if left else ""


def _owners_shown(form: QueryDict) -> dict[str, str]:
    """Return the keys of the owners whom the page showed, by finding; those of nobody are not among them."""
    return {finding: key for finding, _space, key in (each.partition(" ") for each in form.getlist("seen"))}


def _said_of_given(given: int, owner: Person | None) -> str:
    if owner is None:
        return ngettext("%(n)s finding has no owner now.", "%(n)s findings have no owner now.", given) % {"n": given}
    words = {"n": given, "name": str(owner)}
    return ngettext("%(name)s has %(n)s finding more.", "%(name)s has %(n)s findings more.", given) % words


def _said_of_already(already: int, owner: Person | None) -> str:
    if owner is None:
        words = ngettext(
            "Of the chosen findings %(n)s had no owner before.",
            "Of the chosen findings %(n)s had no owner before.",
            already,
        )
        return words % {"n": already}
    words = ngettext(
        "Of the chosen findings %(name)s had %(n)s already.",
        "Of the chosen findings %(name)s had %(n)s already.",
        already,
    )
    return words % {"n": already, "name": str(owner)}


LEFT_NAMED = 3


def _said_of_left(left: Sequence[str], chosen: Mapping[str, Finding]) -> str:
    """Return of how many findings the owner has changed meanwhile, the first with who has them now."""
    owners = situation.owners_of(left)
    held = ((each, owners.get(each, ("", _("nobody")))[1].partition(" <")[0]) for each in left[:LEFT_NAMED])
    named = [f"{queries.place_of(chosen[each])} ({name})" for each, name in held]
    words = ngettext(
        "%(n)s finding was left as it is, because its owner has changed since the list was shown: %(which)s.",
        "%(n)s findings were left as they are, because their owners have changed since the list was shown: %(which)s.",
        len(left),
    )
    return words % {"n": len(left), "which": ", ".join([*named, *(["…"] if len(left) > LEFT_NAMED else [])])}


def _chosen_owner(pk: str) -> Person | None:
    """Return a member of the team; None to take the findings from whoever has them. Raises PermissionDenied."""
    if pk == OWNER_NOBODY:
        return None
    chosen = next((each for each in team() if str(each.pk) == pk), None)
    if chosen is None:
        raise PermissionDenied
    return chosen


def _onward(request: HttpRequest) -> str:
    """Return the address of the list that the form came from."""
    address = f"{reverse('findings')}?{request.POST.get('query', '')}"
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if safe and "\n" not in address and "\r" not in address else reverse("findings")
