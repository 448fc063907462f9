"""Everybody tries everything: each address, by each verb, as everybody, for things of their own and of others.

What is expected stands in routes.toml and nowhere else; nothing here asks the code who may pass.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.template.backends.django import Template
from django.test import Client
from django.urls import reverse

from tests.authorisation import country
from tests.cast import Cast
from tests.feeds.conftest import Store, store
from tests.feeds.reports import write
from tocsin.audit.models import AuditRow
from tocsin.jobs.models import Job
from tocsin.people.models import ApiKey
from tocsin.site import urls
from tocsin.site.api import api
from tools import authorisation
from tools.authorisation import CALLERS, OWN, VERBS, Route, Verb, routes

__all__ = ["store"]

ROUTES = routes()
LINE = """\
[{name!r}]
address = "{address}"
GET = {{ who = "team", answer = 200 }}"""
MORE = {
    "id": "1", "pk": "1", "person": "1", "owner": "1", "by": "1", "actor": "1", "at": "2001-01-01", "key": "x" * 20,
    "public_id": "intruder", "constituent": "bank", "parent": "bank", "role": "national_administrator",
    "is_active": "on", "is_staff": "on", "is_superuser": "on", "is_administrator": "on", "is_confirmed": "on",
    "clearance": "RED", "tlp": "CLEAR", "state": "sent", "reference": "intruder", "email": "intruder@bank.example",
    "password": "intruder", "made_at": "2001-01-01", "ended_at": "2001-01-01", "expires_at": "2099-01-01",
}  # fmt: skip
"""Fields that somebody may add to a form, hoping that they reach a column."""
OF_FORMS = {
    "people:add": {"clearance"},
    "notices:add-policy": {"parent"},
    "directory:add": {"parent", "is_confirmed"},
    "directory:change": {"parent"},
    "directory:add-claim": {"is_confirmed"},
    "directory:add-contact": {"is_active"},
    "directory:add-member": {"is_administrator"},
    "directory:change-asked-for": {"is_confirmed"},
    "own:password": {"password"},
}
"""Fields of these that the forms have, and that whoever may send the form may fill in."""

API = "/api/"
COUNT = "SELECT COUNT(*) FROM"
CHANCE = re.compile(r'"(prefix|references)":(\[.*?\]|".*?")|\d+')
"""In the trail: drawn names, numbers and moments."""


def test_every_address_has_its_table_and_every_table_its_address() -> None:
    there, written = country.table_of_addresses(), {route.name: route.address for route in ROUTES.values()}
    missing = "\n\n".join(LINE.format(name=name, address=there[name]) for name in sorted(there.keys() - written.keys()))
    assert not missing, f"Add who may do what, to tests/authorisation/routes.toml:\n\n{missing}"
    assert written == there, "tests/authorisation/routes.toml has tables of addresses that are not there, or are others"


def test_the_page_for_readers_says_the_same() -> None:
    told = "The page is not up to date: run .venv/bin/python tools/authorisation.py"
    assert authorisation.PAGE.read_text(encoding="utf-8") == authorisation.page(), told


def test_no_line_of_the_page_stands_twice() -> None:
    lines = [line for line in authorisation.page().splitlines() if line.startswith("| `")]
    assert len(lines) == len(set(lines)) > 100


def test_every_address_with_parts_is_tried_with_a_thing_that_is_not_there() -> None:
    silent = [route.name for route in ROUTES.values() if "<" in route.address and "gone" not in route.at]
    tokens = {"people_mailed_link", "people_reset", "people_enrolment_link", "people_demo_link"}
    assert set(silent) == tokens, "these have a token alone, and it opens nothing"
    two = [route.name for route in ROUTES.values() if route.address.count("<") > 1 and "mismatched" not in route.at]
    assert two == []


def test_the_description_of_the_api_has_the_verbs_of_the_table() -> None:
    told = api.get_openapi_schema(path_prefix="api/v1/")["paths"]
    there = {(re.sub(r"{(\w+)}", r"<\1>", path), verb.upper()) for path, verbs in told.items() for verb in verbs}
    known = {(route.address, verb) for route in ROUTES.values() for verb in route.verbs if "api:" in route.name}
    assert there == known - {("/api/v1/", "GET"), ("/api/v1/openapi.json", "GET")}


@pytest.mark.django_db
def test_a_key_without_the_scope_of_an_operation_opens_it_to_nobody(land: Country) -> None:
    ApiKey.objects.update(scopes=["other"])
    tried = 0
    for route in (each for each in ROUTES.values() if each.address.startswith(API) and "nobody" not in each.who):
        for verb, rule in route.verbs.items():
            for caller in rule.who:
                form = land.form(rule, caller) if verb == "POST" else None
                answer = land.ask(verb, land.address(route, OWN, caller), caller, form)
                assert is_problem(answer, HTTPStatus.FORBIDDEN), f"{route.name}: {verb} as {caller}"
                tried += 1
    assert tried > 10


@dataclasses.dataclass
class Country:
    """The things that are asked for, and everybody who asks."""

    things: dict[str, Any]
    sessions: dict[str, str]
    keys: dict[str, str]
    """Of the API."""
    renders: bool = True
    """Whether pages are written out: a status, what is done and who is let in are known before."""
    client: Client = dataclasses.field(default_factory=lambda: Client(raise_request_exception=False))

    def address(self, route: Route, thing: str, caller: str) -> str:
        """Return the address of a thing as somebody asks for it: `@my key` is the caller's own."""
        parts = {name: self.named(said, caller) for name, said in route.at[thing].items()}
        return reverse(route.name, kwargs=parts)

    def named(self, said: Any, caller: str) -> Any:
        """Return what `@…` stands for. What is nobody's own is the head of team's for those who have nothing."""
        if not str(said).startswith("@"):
            return said
        name = said[1:]
        if not name.startswith("my "):
            return self.things[name]
        return self.things.get(f"{name} {caller}", self.things[f"{name} head"])

    def form(self, verb: Verb, caller: str) -> dict[str, Any]:
        """Return what is sent."""
        return {name: self.named(said, caller) for name, said in verb.form.items()}

    def ask(self, verb: str, address: str, caller: str, form: dict[str, Any] | None = None) -> Any:
        """Return the answer to somebody, read to its end."""
        self.client.cookies.clear()
        if key := self.sessions[caller]:
            self.client.cookies["session"] = key
        more: dict[str, Any] = {}
        if address.startswith(API) and (secret := self.keys[caller]):
            more["headers"] = {"Authorization": f"Bearer {secret}"}
        if address.startswith(API) and verb == "POST":
            more["content_type"] = "application/json"
        answer = getattr(self.client, verb.lower())(address, form, **more)
        if answer.streaming:
            b"".join(answer.streaming_content)
        return answer

    @staticmethod
    def written() -> tuple[int, int]:
        """Return how far the audit trail is and how many jobs there are: whatever is done shows in one of them."""
        with connection.cursor() as cursor:  # some nine thousand times: by the model it costs a tenth of the whole test
            cursor.execute(f"SELECT ({COUNT} {AuditRow._meta.db_table}), ({COUNT} {Job._meta.db_table})")
            rows, jobs = cursor.fetchone()
        return rows, jobs


@pytest.fixture
def land(store: Store, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Country:
    """A country with a day's findings. Its pages that refuse are a status alone: what they say is tried elsewhere."""
    settings.WORK_BY_JOBS, settings.PAGES_WAIT_S = True, 0.0
    store.run(write(tmp_path, 0, [1, 70, 200]))
    everybody = country.callers(cast)
    api_keys = country.api_keys(everybody)
    sessions = country.browsers(everybody)
    made = Country(country.things(cast, everybody), sessions, api_keys)
    rendered = Template.render
    monkeypatch.setattr(Template, "render", lambda *given, **named: rendered(*given, **named) if made.renders else "")
    for status in (403, 404):
        plain = lambda request, exception, status=status: HttpResponse(status=status)  # noqa: E731
        monkeypatch.setattr(urls, f"handler{status}", plain, raising=False)
    return made


@pytest.mark.django_db
def test_nobody_gets_more_or_less_than_is_written(land: Country) -> None:
    found = [wrong for route in ROUTES.values() for wrong in tried(land, route)]
    assert found == [], "\n".join(["Not as tests/authorisation/routes.toml says:", *found])


def tried(land: Country, route: Route) -> Iterator[str]:
    """Ask for one address as everybody; yield what is not as written."""
    refused = [each for each in CALLERS if each not in route.who]
    # On SQLite each of them: whoever is refused is so before the other database is asked for anything of theirs.
    for caller in (
        refused if connection.vendor == "sqlite" else {*refused[:1], *({"stranger", "nobody"} & set(refused))}
    ):
        yield from turned_away(land, route, caller)
    passing = [each for each in CALLERS if each in route.who]
    written_out = {passing[0], passing[-1]}  # of what is written out for each role `feeds.test_roles` looks at all
    # On SQLite each of them; what a page asks of the other database does not differ by who is let in.
    for caller in passing if connection.vendor == "sqlite" else written_out:
        land.renders = caller in written_out
        yield from let_in(land, route, caller)
    if post := route.verbs.get("POST"):
        yield from smuggled(land, route, post)


OUTSIDERS = ("member", "keeper", "stranger", "nobody")
"""Whoever is refused is so whatever the thing is: these try the things of others and those that have ended, too."""


def verbs_for(route: Route, caller: str) -> list[str]:
    """Return the verbs that somebody tries: those of the address, and one of each kind of callers all others, too.

    What is no verb of an address never comes to the database: it is tried on SQLite alone.
    """
    let_in = [each for each in CALLERS if each in route.who]
    refused = [each for each in CALLERS if each not in route.who]
    tries_all = caller in (*let_in[:1], *refused[:1], "stranger", "nobody") and connection.vendor == "sqlite"
    return [verb for verb in VERBS if verb in route.verbs or tries_all]


def turned_away(land: Country, route: Route, caller: str) -> Iterator[str]:
    """Try every verb, and every thing by the verbs that the address has: each is refused, and nothing is written."""
    before = land.written()
    for verb in verbs_for(route, caller):
        for thing in route.at if verb in route.verbs and caller in OUTSIDERS else (OWN,):
            form = land.form(route.verbs[verb], caller) if verb == "POST" and verb in route.verbs else None
            with transaction.atomic():  # whoever has not shown the second factor is signed out
                answer = land.ask(verb, land.address(route, thing, caller), caller, form)
                has_written = land.written() != before
                transaction.set_rollback(True)
            where = f"{route.name}: {verb} of {thing} as {caller}"
            if not is_refusal(route, verb, answer, caller):
                yield f"{where} is not refused: {answer.status_code}"
            if has_written:
                yield f"{where} is refused, and writes"


def is_refusal(route: Route, verb: str, answer: Any, caller: str) -> bool:
    """Whether an answer is how somebody is refused: 403 for those who are signed in, all others by the way in."""
    if route.address.startswith(API):
        return is_problem(answer, expected_problem(route, verb, caller))
    if caller in ("half", "forgetful", "closed", "nobody"):
        way = reverse("people_set_up_second_factor" if caller == "half" else "account_login")
        return bool(answer.status_code == HTTPStatus.FOUND and answer["Location"].partition("?")[0] == way)
    return bool(answer.status_code == HTTPStatus.FORBIDDEN)


def expected_problem(route: Route, verb: str, caller: str) -> HTTPStatus:
    """Return how the API refuses somebody. The verbs of an address are asked for before the key."""
    if verb not in route.verbs:
        return HTTPStatus.METHOD_NOT_ALLOWED
    return HTTPStatus.UNAUTHORIZED if caller in ("closed", "nobody") else HTTPStatus.FORBIDDEN


def is_problem(answer: Any, status: HTTPStatus) -> bool:
    return bool(answer.status_code == status and answer["Content-Type"] == "application/problem+json")


def let_in(land: Country, route: Route, caller: str) -> Iterator[str]:
    """Try every verb, and every thing by the verbs that the address has; nothing that is done lasts."""
    for verb in verbs_for(route, caller):
        rule = route.verbs.get(verb)
        if rule is None or caller not in rule.who:
            yield from no_such_verb(land, route, verb, caller)
            continue
        for thing in route.at:
            with transaction.atomic():
                yield from as_written(land, route, verb, thing, caller)
                transaction.set_rollback(True)


def no_such_verb(land: Country, route: Route, verb: str, caller: str) -> Iterator[str]:
    allowed = {HTTPStatus.METHOD_NOT_ALLOWED}
    if verb == "HEAD" and "GET" in route.verbs:
        allowed |= set(route.verbs["GET"].answers[OWN].values())  # type: ignore[arg-type]
    with transaction.atomic():
        answer = land.ask(verb, land.address(route, OWN, caller), caller)
        transaction.set_rollback(True)
    if answer.status_code not in allowed:
        yield f"{route.name}: {verb} as {caller} is no verb of it and is answered with {answer.status_code}"


def as_written(land: Country, route: Route, verb: str, thing: str, caller: str) -> Iterator[str]:
    rule, before = route.verbs[verb], land.written()
    form = land.form(rule, caller) if verb == "POST" else None
    answer = land.ask(verb, land.address(route, thing, caller), caller, form)
    where, expected = f"{route.name}: {verb} of {thing} as {caller}", rule.answers[thing][caller]
    if answer.status_code != expected:
        yield f"{where} is answered with {answer.status_code}, not {expected}"
    acts = caller not in rule.idle and expected < HTTPStatus.BAD_REQUEST
    if thing in (OWN, *rule.also) and rule.act and acts and rule.act not in acts_after(before):
        yield f"{where} leaves no {rule.act} in the trail, but {acts_after(before)}"
    is_done = (
        thing in (OWN, "higher", *rule.also) and caller not in rule.idle and answer.status_code < HTTPStatus.BAD_REQUEST
    )
    if not is_done and land.written() != before:
        yield f"{where} writes"


def acts_after(before: tuple[int, int]) -> dict[str, str]:
    """Return what was done since, by the code of its row, without what is not the same twice."""
    rows = AuditRow.objects.filter(sequence__gt=before[0])
    return {row.code: CHANCE.sub("", row.data_json) for row in rows}


def smuggled(land: Country, route: Route, post: Verb) -> Iterator[str]:
    """Send the form as the first who may, as it is and with fields that it does not have; the same must be done."""
    caller = post.who[0]
    own = land.form(post, caller)
    more = {name: said for name, said in MORE.items() if name not in {*own, *OF_FORMS.get(route.name, ())}}
    done = [outcome(land, route, caller, form) for form in (own, {**more, **own})]
    if route.address.startswith(API):
        if done[1] != (HTTPStatus.UNPROCESSABLE_ENTITY, {}):
            yield f"{route.name}: fields that it does not have are not refused: {done[1]}"
    elif done[0] != done[1]:
        yield f"{route.name}: fields that the form does not have did something: {done[0]} became {done[1]}"


def outcome(land: Country, route: Route, caller: str, form: dict[str, Any]) -> tuple[int, dict[str, str]]:
    before = land.written()
    with transaction.atomic():
        answer = land.ask("POST", land.address(route, OWN, caller), caller, form)
        done = acts_after(before)
        transaction.set_rollback(True)
    return answer.status_code, done
