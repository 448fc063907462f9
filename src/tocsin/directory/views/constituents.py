"""The list of constituents, one constituent, and its facts, claims and contacts in forms."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.audit.wording import quoted
from tocsin.courier.queries import webhooks_of
from tocsin.directory import actions, asked, attribution, mistakes
from tocsin.directory.choices import ChangeState, ClaimKind, Status
from tocsin.directory.forms import (
    ClaimForm,
    ConstituentForm,
    ContactForm,
    EndClaimForm,
    NewConstituentForm,
    sector_choices,
)
from tocsin.directory.history import sentence
from tocsin.directory.models import Constituent, Contact
from tocsin.directory.queries import (
    changes_of,
    claim_values,
    claims_and_conflicts,
    constituents_matching,
    constituents_visible_to,
    history_of,
    in_shown_order,
    listed,
    members_of,
)
from tocsin.directory.views.asking import (
    actor,
    claim_asked_for,
    constituent_asked_for,
    contact_asked_for,
    may_edit,
    tell_who_holds,
)
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.questions import Question
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability

ROWS = 50
CLAIMS = 200
SORTS = {
    "name": "name", "sector": "sector", "region": "region", "claims": "claim_count", "verified": "verified_on",
}  # fmt: skip
"""What the list may be sorted by; nothing else from the address reaches the database."""


@needs(Ability.VIEW_DIRECTORY)
@require_GET
def constituents(request: HttpRequest) -> HttpResponse:
    """Fifty constituents at a time; filters, search and order stand in the address."""
    question = Question(request.GET.copy())
    text = question.text("q")
    visible = constituents_visible_to(request.user)
    found = constituents_matching(text, visible)
    chosen = _chosen(question, found)
    sort = question.value("sort", {*SORTS, *(f"-{name}" for name in SORTS)}, "name")
    order = in_shown_order(chosen, SORTS[sort.removeprefix("-")], is_descending=sort.startswith("-"))
    pages = Paginator(order, ROWS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    shown = {
        "question": question,
        "page": page,
        "rows": listed(visible, list(page)),
        "facets": _facets(found),
        "q": text,
        "is_empty": not (order or visible.exists()),
        "attribution": attribution.under_way(now()),
        "may_edit": may_edit(request),
    }
    return render(request, "directory/constituents.html", shown)


def _chosen(question: Question[QueryDict], found: QuerySet[Constituent]) -> QuerySet[Constituent]:
    for name, known in (("status", Status.values), ("sector", dict(sector_choices()))):
        if values := question.values(name, known):
            found = found.filter(**{f"{name}__in": values})
    return found


def _facets(found: QuerySet[Constituent]) -> list[dict[str, Any]]:
    """Return the filters with how many each value would show."""
    by_status, by_sector = Counter[str](), Counter[str]()
    for status, sector, count in found.order_by().values_list("status", "sector").annotate(Count("pk")):
        by_status[status] += count
        by_sector[sector] += count
    statuses = [{"code": code, "label": label, "count": by_status[code]} for code, label in Status.choices]
    sectors = [
        {"code": code, "label": label, "count": by_sector[code]} for code, label in sector_choices() if by_sector[code]
    ]
    return [
        {"name": "status", "label": _("Status"), "values": statuses},
        {"name": "sector", "label": _("Sector"), "values": sectors},
    ]


@needs(Ability.VIEW_DIRECTORY)
@require_GET
def constituent(request: HttpRequest, public_id: str) -> HttpResponse:
    """One constituent: what it is responsible for, whom to tell, its facts. The rest stands in `relations`."""
    row = constituent_asked_for(request, public_id)
    values = claim_values(row)
    question, pages = Question(request.GET.copy()), Paginator(list(values), CLAIMS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    claims, contested = claims_and_conflicts(row, values, page)
    shown = {
        "question": question,
        "constituent": row,
        "page": page,
        "claims": claims,
        "contacts": row.contacts.select_related("deputy_of"),
        "parts": row.parts.all(),
        "conflicts": contested,
        "attribution": attribution.under_way(now()),
        "may_edit": may_edit(request),
        "history": [(entry, sentence(entry.code, quoted(entry.data))) for entry in history_of(row)],
    }
    return render(request, "directory/constituent.html", shown)


@needs(Ability.VIEW_DIRECTORY)
@require_GET
def relations(request: HttpRequest, public_id: str) -> HttpResponse:
    """What goes between a constituent and the team: what it asks for, what it was told, who signs in, its webhooks."""
    row = constituent_asked_for(request, public_id)
    shown = {
        "constituent": row,
        "members": members_of(row),
        "changes": [(each, asked.title(each)) for each in changes_of(row).filter(state=ChangeState.WAITS)],
        "webhooks": webhooks_of("directory", row.public_id),
        "may_edit": may_edit(request),
    }
    return render(request, "directory/relations.html", shown)


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def add_constituent(request: HttpRequest) -> HttpResponse:
    """Enter a constituent."""
    by = actor(request)
    form = NewConstituentForm(request.POST or None, constituents=constituents_visible_to(request.user))
    made: list[str] = []

    def act() -> None:
        made.append(actions.add_constituent(**form.cleaned_data, by=by, at=now()).constituent)

    if request.method == "POST" and accepted(form, act, mistakes.of_new_constituent):
        messages.success(request, _("The constituent is entered. Next: what it is responsible for, and whom to tell."))
        return redirect("directory:constituent", made[0])
    return _form(request, form, _("Enter a constituent"), _("Enter"))


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def change_constituent(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change facts of a constituent."""
    by, row = actor(request), constituent_asked_for(request, public_id)
    names = "\n".join(f"{language}: {name}" for language, name in row.names.items())
    initial = {
        **{name: getattr(row, name) for name in ("name", "sector", "status", "region", "note", "parent")},
        "names": names,
        "languages": " ".join(row.languages),
    }
    others = constituents_visible_to(request.user).exclude(pk=row.pk)
    form = ConstituentForm(request.POST or None, initial=initial, constituents=others)
    if request.method == "POST" and accepted(
        form,
        lambda: actions.change_constituent(row, **form.cleaned_data, by=by, at=now()),
        partial(mistakes.of_changed_constituent, row),
    ):
        return redirect("directory:constituent", public_id)
    return _form(request, form, _("Change {name}").format(name=row.local_name), _("Save"), row)


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def add_claim(request: HttpRequest, public_id: str) -> HttpResponse:
    """Enter a claim of a constituent."""
    by, row = actor(request), constituent_asked_for(request, public_id)
    question = Question(request.GET.copy())
    form = ClaimForm(request.POST or None, initial=_suggested(question))

    def act() -> None:
        values = {**form.cleaned_data, "kind": ClaimKind(form.cleaned_data["kind"])}
        actions.add_claim(row, **values, by=by, at=now())

    if request.method == "POST" and accepted(form, act, partial(mistakes.of_new_claim, row)):
        tell_who_holds(request, _("The claim is entered."))
        return redirect("directory:constituent", public_id)
    title = _("What is {name} responsible for?").format(name=row.local_name)
    return _form(request, form, title, _("Enter"), row, question)


def _suggested(question: Question[QueryDict]) -> dict[str, str]:
    """Return what the address fills in: work lists know the value that needs a claim."""
    kind, value = question.value("kind", ClaimKind.values, ClaimKind.NETWORK.value), question.text("value", 300)
    return {"kind": kind, "value": value} if value else {}


@needs(Ability.EDIT_DIRECTORY)
@require_POST
def confirm_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm a claim."""
    by, claim = actor(request), claim_asked_for(request, pk)
    actions.confirm_claim(claim, by=by, at=now())
    tell_who_holds(request, _("{value} is confirmed.").format(value=claim.label))
    return redirect("directory:constituent", claim.constituent.public_id)


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def end_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a claim its last day."""
    by, claim = actor(request), claim_asked_for(request, pk)
    form = EndClaimForm(request.POST or None, initial={"ends_on": claim.valid_to or day_of(now())})
    if request.method == "POST" and accepted(
        form,
        lambda: actions.end_claim(claim, **form.cleaned_data, by=by, at=now()),
        lambda facts: mistakes.of_last_day(claim, facts.get("ends_on")),
    ):
        tell_who_holds(request, _("The claim has its last day."))
        return redirect("directory:constituent", claim.constituent.public_id)
    return _form(request, form, _("End the claim of {value}").format(value=claim.label), _("End"), claim.constituent)


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def add_contact(request: HttpRequest, public_id: str) -> HttpResponse:
    """Enter a contact of a constituent."""
    by, row = actor(request), constituent_asked_for(request, public_id)
    form = ContactForm(request.POST or None, contacts=row.contacts.all())
    if request.method == "POST" and accepted(
        form,
        lambda: actions.add_contact(row, **form.cleaned_data, by=by, at=now()),
        partial(mistakes.of_contact, Contact(constituent=row)),
    ):
        return redirect("directory:constituent", public_id)
    return _form(request, form, _("Whom to tell at {name}?").format(name=row.local_name), _("Enter"), row)


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def change_contact(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a contact."""
    by, contact = actor(request), contact_asked_for(request, pk)
    row = contact.constituent
    initial = {name: getattr(contact, name) for name in ContactForm.base_fields}
    form = ContactForm(request.POST or None, initial=initial, contacts=row.contacts.exclude(pk=pk))

    def act() -> None:
        # Only what was really changed: a new address without a new day is not verified any more.
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        if values:
            actions.change_contact(contact, **values, by=by, at=now())

    if request.method == "POST" and accepted(form, act, partial(mistakes.of_contact, contact)):
        return redirect("directory:constituent", row.public_id)
    return _form(request, form, _("Change {name}").format(name=contact), _("Save"), row)


def _form(
    request: HttpRequest,
    form: Any,
    title: str,
    button: str,
    constituent: Constituent | None = None,
    question: Question[QueryDict] | None = None,
) -> HttpResponse:
    """Show a form; what its address asks for besides is in `question`."""
    shown = {"form": form, "heading": title, "button": button, "constituent": constituent, "question": question}
    return render(request, "directory/form.html", shown, status=422 if form.errors else 200)
