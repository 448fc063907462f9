"""Pages as a signed-in person gets them, with the gate, the middleware and the templates in between."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client

from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory.actions import add_member, ask_for_change
from tocsin.directory.choices import ChangeKind
from tocsin.directory.models import Constituent, Membership
from tocsin.directory.wishes import Wish
from tocsin.feeds import queries
from tocsin.kernel import clock
from tocsin.people import actions, keys
from tocsin.people.access import CONFIRMED_AT, SECOND_FACTOR
from tocsin.people.models import Person


def signed_in(person: Person) -> Client:
    """Return a browser of a person who has shown both factors."""
    client = Client()
    client.force_login(person)
    session = client.session
    session[SECOND_FACTOR] = person.pk
    session[CONFIRMED_AT] = clock.now().timestamp()
    session.save()
    return client


def things_of(person: Person, public_id: str) -> Callable[[str], dict[str, int]]:
    """Give a person a key and a passkey, and a constituent a member; return the numbers of an address by its name."""
    at, secret = clock.now(), keys.new_secret()
    until = at + dt.timedelta(days=1)
    made = actions.make_api_key(
        person, name="Dashboard", scopes=["findings:read"], secret=secret, expires_at=until, by=person, at=at
    )
    passkey = actions.add_passkey(person, name="Telephone", credential={}, by=person, at=at).passkey
    facts: dict[str, Any] = {"email": "member@bank.example", "name": "", "is_administrator": False}
    if not Membership.objects.exists():
        organisation = Constituent.objects.get(public_id=public_id)
        add_member(organisation, **facts, token=secret, by=COMMAND_LINE, at=at)
    member = Membership.objects.earliest("pk").pk

    def numbers(name: str) -> dict[str, int]:
        if name.startswith("people:"):
            return {"pk": person.pk, "key": made.key}
        found = {"own:revoke-key": made.key, "own:rename-passkey": passkey, "own:remove-passkey": passkey}
        return {"pk": found.get(name, member)} if name in found or name.endswith("-member") else {}

    return numbers


def asked_by_member(public_id: str, **facts: Any) -> int:
    """Have a member of a constituent ask for other facts of it, each another one; return the number of the request."""
    row, at = Constituent.objects.get(public_id=public_id), clock.now()
    email = f"asks{row.change_requests.count() or ''}@{public_id}.example"
    if not Membership.objects.filter(person__email=email).exists():
        add_member(row, email=email, name="", is_administrator=False, token=email, by=COMMAND_LINE, at=at)
    wish = Wish(row, ChangeKind.FACTS, facts)
    return ask_for_change(wish, by=Person.objects.get(email=email), at=at).request


def main_of(response: Any) -> str:
    """Return the main part of a page as it was sent."""
    return str(response.content.decode()).partition("<main")[2].partition("</main>")[0]


def text(response: Any) -> str:
    """Return what stands in the main part, without marks."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main_of(response)).split()))


def rows(response: Any) -> list[str]:
    """Return the where-cells of a list, in order."""
    found = re.findall(r'<td class="where">(.*?)</td>', main_of(response))
    return [re.sub(r"<[^>]+>", "", cell) for cell in found]


def links(response: Any) -> list[str]:
    """Return the addresses that the main part leads to."""
    return [html.unescape(each) for each in re.findall(r'href="([^"]+)"', main_of(response))]


def ids(**asked: Any) -> list[str]:
    """Return the public ids of findings, in the order of their assets."""
    found = queries.findings().page(queries.Filter(**asked), sort="asset", descending=False, limit=50)
    return [queries.finding_id(finding) for finding in found]


def end(response: Any) -> None:
    """Close a response as a server does, but leave the test its connection to the database."""
    request_finished.disconnect(close_old_connections)
    try:
        response.close()
    finally:
        request_finished.connect(close_old_connections)
