"""Nobody passes who has not signed in with both factors, unless a page says so.

A page that says nothing is for the team's staff. `@public` opens it to the
world, `@signed_in` to everybody with an account, `@needs(ability)` to those
whom the policy gives that ability. Works on the function that answers an
address: decorate outermost, and `View.as_view()` itself for a class.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from django.utils.http import urlencode

from tocsin.kernel import clock
from tocsin.people import demonstration, devices, policy, queries, sessions
from tocsin.people.models import Person
from tocsin.people.policy import Ability

V = TypeVar("V", bound=Callable[..., HttpResponseBase])

LONGEST_FORM = 2 * 2**20
"""Octets of a form: the longest text is an OpenPGP key, the longest list a page of findings."""
CONFIRMED_FOR = dt.timedelta(minutes=15)
FIRST_PAGES = ("/", "/my/")
"""Where people begin: the first of them that a person may open."""
CONFIRMED_AT = "people.confirmed_at"
"""Session key: when the person last showed a factor."""
SECOND_FACTOR = "people.second_factor"
"""Session key: number of the person who has shown the second factor in this session."""


class Door(enum.Enum):
    """Who passes, where it is no ability."""

    PUBLIC = enum.auto()
    ENROLLING = enum.auto()
    SIGNED_IN = enum.auto()
    STAFF = enum.auto()


def public(view: V) -> V:
    """Open a page to the world."""
    return _mark(view, Door.PUBLIC)


def enrolling(view: V) -> V:
    """Open a page to those who have signed in and have no second factor yet."""
    return _mark(view, Door.ENROLLING)


def signed_in(view: V) -> V:
    """Open a page to everybody who is signed in with both factors."""
    return _mark(view, Door.SIGNED_IN)


def needs(ability: Ability) -> Callable[[V], V]:
    """Open a page to those whom the policy gives `ability`."""
    return lambda view: _mark(view, ability)


def _mark(view: V, door: Door | Ability) -> V:
    view.tocsin_door = door  # type: ignore[attr-defined]
    return view


def door_of(view: Callable[..., Any]) -> Door | Ability:
    """Return who may pass to a page."""
    door: Door | Ability = getattr(view, "tocsin_door", Door.STAFF)
    return door


def may_open(person: Any, address: str) -> bool:
    """Say whether the page at an address of this instance lets a person pass, so that no link leads to a refusal.

    What no page of ours answers is refused to nobody.
    """
    try:
        door = door_of(resolve(urlsplit(address).path).func)
    except Resolver404:
        return True
    return door is Door.PUBLIC or (isinstance(person, Person) and _passes(person, door))


def receives(bytes_at_most: int) -> Callable[[V], V]:
    """Let a page receive more than a form holds: a file."""

    def mark(view: V) -> V:
        view.tocsin_receives = bytes_at_most  # type: ignore[attr-defined]
        return view

    return mark


def longest_body(view: Callable[..., Any]) -> int:
    """Return how many octets a page receives at most."""
    longest: int = getattr(view, "tocsin_receives", LONGEST_FORM)
    return longest


def remember_second_factor(request: HttpRequest, person: Person) -> None:
    """Note that both factors were shown in this session."""
    request.session[SECOND_FACTOR] = person.pk
    confirm(request)


def confirm(request: HttpRequest) -> None:
    """Note that the person has just shown to be who they are."""
    request.session[CONFIRMED_AT] = clock.now().timestamp()


def is_confirmed(request: HttpRequest) -> bool:
    """Say whether the person has shown to be who they are a short while ago.

    In a demonstration nobody can: there are no factors to show.
    """
    if isinstance(request.user, Person) and demonstration.is_demo_session(request, request.user):
        return True
    at = request.session.get(CONFIRMED_AT)
    return isinstance(at, float) and 0 <= clock.now().timestamp() - at < CONFIRMED_FOR.total_seconds()


def confirmed(view: V) -> V:
    """Ask for a factor again before a page that changes how a person signs in, unless that was a short while ago."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_confirmed(request):
            return view(request, *args, **kwargs)
        onward = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("account")
        return HttpResponseRedirect(f"{reverse('confirm')}?{urlencode({REDIRECT_FIELD_NAME: onward})}")

    return cast("V", guarded)


def first_page(person: object) -> str:
    """Return where a person begins: the team at the first page, members at theirs, others at their account."""
    return next((address for address in FIRST_PAGES if may_open(person, address)), reverse("account"))


class Gate:
    """The middleware that lets pass or sends to sign in. Speaks the person's language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the language that the person has chosen."""
        person = request.user
        if isinstance(person, Person) and person.language:
            translation.activate(person.language)
            request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        devices.give(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Return None to let pass."""
        door = door_of(view)
        if door is Door.PUBLIC:
            return None
        if not isinstance(request.user, Person):
            return _send(request, "account_login")
        if not _is_complete(request, request.user):
            return None if door is Door.ENROLLING and _may_enrol(request.user) else _send_to_finish(request)
        if not _passes(request.user, door):
            return _lead_on(request, request.user)
        sessions.note_seen(request, clock.now())
        return None


def _lead_on(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Lead whom the first page is not for to where they begin: people type the bare address. Refuse all else."""
    own = first_page(person)
    if request.path != FIRST_PAGES[0] or own not in FIRST_PAGES:
        raise PermissionDenied
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return HttpResponseRedirect(own)


def _is_complete(request: HttpRequest, person: Person) -> bool:
    if request.session.get(SECOND_FACTOR) == person.pk:
        return True
    return demonstration.is_demo_session(request, person)


def _may_enrol(person: Person) -> bool:
    return not queries.has_second_factor(person)


def _send_to_finish(request: HttpRequest) -> HttpResponseBase:
    assert isinstance(request.user, Person)  # noqa: S101
    if _may_enrol(request.user):
        return _send(request, "people_set_up_second_factor")
    # Signed in by password alone before the second factor was set up elsewhere: begin again.
    logout(request)
    return _send(request, "account_login")


def _send(request: HttpRequest, name: str) -> HttpResponseBase:
    address = reverse(name)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    if request.method in ("GET", "HEAD") and request.path != "/":
        address += "?" + urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return HttpResponseRedirect(address)


def _passes(person: Person, door: Door | Ability) -> bool:
    if isinstance(door, Ability):
        return policy.may(person, door)
    return door is not Door.STAFF or person.is_staff_of_team
