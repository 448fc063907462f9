"""Accounts, for those who manage them; and the roles in sentences, for everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from tocsin.kernel import clock
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Conflict, NotPermitted
from tocsin.people import actions, links, policy, queries, rules, sessions, visitors
from tocsin.people.account_forms import AccountForm, NewAccountForm
from tocsin.people.choices import ROLE_SAYS, Role, Standing
from tocsin.people.models import ApiKey, Person
from tocsin.people.views.asking import accepted, person_of, show_form, sure

ROWS = 50
SORTS = {"name": "name", "role": "role", "seen": "last_login"}
"""What the list may be sorted by; nothing else from the address reaches the database."""
STATUSES = {"open": True, "closed": False}


@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """Fifty accounts at a time; filters, search and order stand in the address."""
    question = Question(request.GET.copy())
    text = question.text("q")
    visible = queries.accounts_visible_to(request.user)
    found = queries.accounts_matching(text, visible)
    chosen = _chosen(question, found)
    sort = question.value("sort", {*SORTS, *(f"-{name}" for name in SORTS)}, "name")
    order = ("-" if sort.startswith("-") else "") + SORTS[sort.removeprefix("-")]
    pages = Paginator(queries.with_state(chosen, clock.now()).order_by(order, "email"), ROWS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    shown = {
        "question": question,
        "page": page,
        "rows": [{"person": each, "standing": _standing(each)} for each in page],
        "facets": _facets(found),
        "q": text,
    }
    return render(request, "people/accounts.html", shown)


def _chosen(question: Question[QueryDict], found: QuerySet[Person]) -> QuerySet[Person]:
    if roles := question.values("role", Role.values):
        found = found.filter(role__in=roles)
    if statuses := question.values("status", STATUSES):
        found = found.filter(is_active__in=[STATUSES[each] for each in statuses])
    return found


def _facets(found: QuerySet[Person]) -> list[dict[str, Any]]:
    """Return the filters with how many each value would show."""
    listed = list(found.order_by().values_list("role", "is_active"))
    by_role, by_status = Counter(role for role, _active in listed), Counter(active for _role, active in listed)
    roles = [{"code": code, "label": label, "count": by_role[code]} for code, label in Role.choices if by_role[code]]
    statuses = [
        {"code": "open", "label": _("Open"), "count": by_status[True]},
        {"code": "closed", "label": _("Closed"), "count": by_status[False]},
    ]
    return [
        {"name": "role", "label": _("Role"), "values": roles},
        {"name": "status", "label": _("Status"), "values": statuses},
    ]


def _standing(person: Any) -> Standing:
    return rules.standing(
        is_active=person.is_active,
        is_enrolled=person.is_enrolled,
        is_invited=person.is_invited,
        has_factor=person.has_factor,
    )


def _asked_for(request: HttpRequest, pk: int) -> Person:
    return get_object_or_404(queries.with_state(queries.accounts_visible_to(request.user), clock.now()), pk=pk)


@require_GET
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: who it is, what it may, where it is signed in."""
    person = _asked_for(request, pk)
    return render(request, "people/account.html", _of_account(request, person))


def _of_account(request: HttpRequest, person: Person) -> dict[str, Any]:
    standing = _standing(person)
    return {
        "person": person,
        "standing": standing,
        "role_says": ROLE_SAYS[Role(person.role)],
        "cleared": policy.role_cleared_up_to(person.role) if not person.clearance else person.clearance,
        "may_manage": policy.may_manage(person_of(request), person),
        "is_self": person == request.user,
        "sessions": [
            {"row": row, "device": visitors.device_words(row.agent)} for row in sessions.of_person(person, clock.now())
        ],
        "keys": [{"row": key, "is_good": key.is_good(clock.now())} for key in person.api_keys.all()],
        "factors": queries.second_factors(person),
    }


@never_cache
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponseBase:
    """Open an account; its enrolment link is mailed to a constituent's contact, and else shown once."""
    by = person_of(request)
    form = NewAccountForm(request.POST or None, given_by=by)
    made: list[int] = []

    def act() -> None:
        made.append(actions.create_person(**form.cleaned_data, by=by, at=clock.now()).person)

    if request.method == "POST" and accepted(form, act):
        return _hand_over_link(request, Person.objects.get(pk=made[0]))
    crumbs = [(_("People"), reverse("people")), (_("Open an account"), "")]
    return show_form(
        request, form, heading=_("Open an account"), button=_("Open it"), back=reverse("people"), crumbs=crumbs
    )


def _hand_over_link(request: HttpRequest, person: Person) -> HttpResponse:
    """Make an enrolment link and mail it to its holder, or show it, this once: it is kept nowhere."""
    token, base = links.new_token(), links.base_of(request) if queries.is_invited_by_mail(person) else ""
    event = actions.make_enrolment_link(person, token=token, base=base, by=person_of(request), at=clock.now())
    if base:
        words = _("A mail to {email} invites its holder. The link in it works once, for a week.")
        messages.success(request, words.format(email=person.email))
        return redirect("people:account", person.pk)
    shown = {"person": person, "link": links.enrolment_address(request, token), "expires_at": event.expires_at}
    return render(request, "people/link.html", shown)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Change name, role and clearance."""
    by, person = person_of(request), _asked_for(request, pk)
    back = reverse("people:account", args=[pk])
    initial = {name: getattr(person, name) for name in ("name", "role", "clearance")}
    form = AccountForm(request.POST or None, initial=initial, given_by=by, person=person)
    act = lambda: actions.change_person(person, **form.answers(), by=by, at=clock.now())  # noqa: E731
    if request.method == "POST" and accepted(form, act):
        return redirect(back)
    heading = _("Change {name}").format(name=person)
    return show_form(request, form, heading=heading, button=_("Save"), back=back, crumbs=_crumbs(person, heading))


def _crumbs(person: Person, here: str) -> list[tuple[str, str]]:
    return [(_("People"), reverse("people")), (str(person), reverse("people:account", args=[person.pk])), (here, "")]


@never_cache
@require_http_methods(["GET", "POST"])
def new_link(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Make another enrolment link, after a question; it is mailed or shown once."""
    person = _asked_for(request, pk)
    if request.method == "POST":
        try:
            return _hand_over_link(request, person)
        except NotPermitted:
            raise PermissionDenied from None
        except Conflict as refusal:
            messages.error(request, str(refusal))
            return redirect("people:account", pk)
    heading = _("Make a new enrolment link for {name}?").format(name=person)
    shown = {
        "heading": heading,
        "says": _says_of_new_link(person),
        "button": _("Make the link"),
        "crumbs": _crumbs(person, _("New enrolment link")),
        "back": reverse("people:account", args=[pk]),
    }
    return render(request, "people/sure.html", shown)


def _says_of_new_link(person: Person) -> str:
    if queries.is_invited_by_mail(person):
        words = _("It is mailed to {email}, and nobody else sees it. Earlier links stop working at once.")
        return words.format(email=person.email)
    return _(
        "Whoever follows it chooses a new password and sets up a new second factor; the old ones then no longer"
        " work. Earlier links stop working at once."
    )


@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Close an account."""
    return _sure(
        request,
        pk,
        actions.close_account,
        done=_("The account is closed."),
        heading=_("Close the account of {name}?"),
        says=_(
            "Its sessions end, its links and keys stop working. What this person has done stays. It can be opened"
            " again."
        ),
        button=_("Close it"),
        crumb=_("Close the account"),
    )


@require_http_methods(["GET", "POST"])
def open_again(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Open a closed account again."""
    return _sure(
        request,
        pk,
        actions.open_account_again,
        done=_("The account is open."),
        heading=_("Open the account of {name} again?"),
        says=_("This person may sign in with the password and the second factor that they had."),
        button=_("Open it again"),
        crumb=_("Open it again"),
    )


@require_http_methods(["GET", "POST"])
def end_sessions(request: HttpRequest, pk: int) -> HttpResponseBase:
    """End all sessions of a person."""
    return _sure(
        request,
        pk,
        actions.end_sessions,
        done=_("All sessions have ended."),
        heading=_("End all sessions of {name}?"),
        says=_(
            "Whoever is signed in to this account, in whatever browser, must sign in again. Keys of the API go on"
            " working."
        ),
        button=_("End them"),
        crumb=_("End all sessions"),
    )


def _sure(
    request: HttpRequest, pk: int, action: Callable[..., object], *, heading: str, crumb: str, **shown: str
) -> HttpResponseBase:
    """Ask whether it is meant, then do it to the account."""
    by, person = person_of(request), _asked_for(request, pk)
    return sure(
        request,
        partial(action, person, by=by, at=clock.now()),
        back=reverse("people:account", args=[pk]),
        heading=heading.format(name=person),
        crumbs=_crumbs(person, crumb),
        **shown,
    )


@require_http_methods(["GET", "POST"])
def revoke_key(request: HttpRequest, pk: int, key: int) -> HttpResponseBase:
    """Revoke somebody's key of the API."""
    by, person = person_of(request), _asked_for(request, pk)
    row = get_object_or_404(ApiKey, pk=key, person=person)
    return sure(
        request,
        partial(actions.revoke_api_key, row, by=by, at=clock.now()),
        back=reverse("people:account", args=[pk]),
        done=_("The key is revoked."),
        heading=_("Revoke the key “{name}” of {person}?").format(name=row.name, person=person),
        says=_("Programs that use it are refused from now on. A key that was revoked never works again."),
        button=_("Revoke it"),
        crumbs=_crumbs(person, _("Revoke a key")),
    )


@require_GET
def roles(request: HttpRequest) -> HttpResponse:
    """What each role is for, what it may and what it may not, from the policy itself."""
    rows = [
        {
            "label": role.label,
            "code": role.value,
            "says": ROLE_SAYS[role],
            "may": policy.sentences(role)[0],
            "may_not": policy.sentences(role)[1],
            "cleared": policy.role_cleared_up_to(role),
            "is_own": getattr(request.user, "role", "") == role,
        }
        for role in Role
    ]
    return render(request, "people/roles.html", {"roles": rows})
