"""One thing of every kind, somebody of every kind, and the addresses that lead to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cast import Cast
from tests.effect import made as effects
from tests.feeds.conftest import AT
from tocsin.audit.actors import COMMAND_LINE
from tocsin.courier import webhooks
from tocsin.courier.composing import Mail
from tocsin.courier.incoming import receiving
from tocsin.courier.models import ReceivedMessage, Webhook
from tocsin.courier.outbox import Posting, put_mail
from tocsin.directory import actions as directory
from tocsin.directory.choices import ChangeKind, ClaimKind
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact, Membership
from tocsin.directory.wishes import Wish
from tocsin.feeds import queries
from tocsin.feeds.actions.answers import answer_findings
from tocsin.feeds.models import Answer, Run
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.kernel import clock
from tocsin.kernel.tlp import TLP
from tocsin.notices import actions as notices
from tocsin.notices.models import HoldOut, Notice, Policy, Suppression
from tocsin.notices.queries import plan_now
from tocsin.people import actions as people
from tocsin.people import keys, links
from tocsin.people.access import CONFIRMED_AT, SECOND_FACTOR
from tocsin.people.choices import Role, Scope
from tocsin.people.models import ApiKey, Person, SignedInSession

BY_AT: dict[str, Any] = {"by": COMMAND_LINE, "at": AT}
NOTHING = "999999999"
"""A number, a name and a key of nothing. A number that every database has room for."""


def account(name: str, role: Role) -> Person:
    """Open an account whose holder has no second factor."""
    person = Person(email=f"{name}@cirt.example", name=name.title(), role=role)
    person.set_unusable_password()
    person.save()
    return person


def callers(cast: Cast) -> dict[str, Person | None]:
    """Return everybody who asks, by name."""
    found: dict[str, Person | None] = {
        "administrator": cast.administrator, "head": cast.manager, "analyst": cast.analyst, "auditor": cast.auditor,
        "observer": cast.observer, "peer": cast.peer, "contact": cast.contact, "stranger": cast.stranger,
    }  # fmt: skip
    found["member"] = _belongs("moh", "member", is_administrator=False)
    found["keeper"] = _belongs("moh", "keeper", is_administrator=True)
    row = Constituent.objects.get(public_id="bank")
    directory.add_member(row, email=cast.stranger.email, name="", is_administrator=True, token="", **BY_AT)
    found["green"] = account("green", Role.ANALYST)
    Person.objects.filter(pk=found["green"].pk).update(clearance=TLP.GREEN)
    found["half"] = account("half", Role.HEAD_OF_TEAM)
    found["forgetful"] = account("forgetful", Role.HEAD_OF_TEAM)
    found["closed"] = account("closed", Role.NATIONAL_ADMINISTRATOR)
    return {**found, "nobody": None}


def _belongs(public_id: str, name: str, *, is_administrator: bool) -> Person:
    row, email, token = Constituent.objects.get(public_id=public_id), f"{name}@moh.example", links.new_token()
    made = directory.add_member(row, email=email, name=name, is_administrator=is_administrator, token=token, **BY_AT)
    return Person.objects.get(pk=made.person)


def browsers(everybody: dict[str, Person | None]) -> dict[str, str]:
    """Return the key of a session of each of them; the account of `closed` is closed after that."""
    found = {name: _session(name, person) for name, person in everybody.items() if person}
    Person.objects.filter(name="Closed").update(is_active=False)
    return {**found, "nobody": ""}


def api_keys(everybody: dict[str, Person | None]) -> dict[str, str]:
    """Return a key of the API of each of them that has every scope. To be made before an account is closed."""
    at, found = clock.now(), {"nobody": ""}
    for name, person in everybody.items():
        if person is not None:
            found[name] = secret = keys.new_secret()
            facts: dict[str, Any] = {"name": "Matrix", "scopes": Scope.values, "expires_at": at + dt.timedelta(days=9)}
            people.make_api_key(person, **facts, secret=secret, by=person, at=at)
    return found


def _session(name: str, person: Person) -> str:
    client = Client()
    client.force_login(person)
    session = client.session
    if name not in ("half", "forgetful"):
        session[SECOND_FACTOR] = person.pk
        session[CONFIRMED_AT] = clock.now().timestamp()
    session.save()
    seen = clock.now()
    SignedInSession.objects.create(person=person, session_key=session.session_key, began_at=seen, seen_at=seen)
    return str(session.session_key)


def things(cast: Cast, everybody: dict[str, Person | None]) -> dict[str, Any]:
    """Make one thing of every kind; return what stands for it in an address or a form."""
    return {
        "nothing": NOTHING,
        "next month": (dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=30)).date().isoformat(),
        **_of_accounts(cast, everybody),
        **_of_directory(),
        **_of_feeds(),
        **_of_notices(),
        **_of_answers(),
        **_of_mail(),
        **_of_webhooks(),
    }


def _of_accounts(cast: Cast, everybody: dict[str, Person | None]) -> dict[str, Any]:
    other, ours = account("other", Role.NATIONAL_ADMINISTRATOR), account("ours", Role.PEER)
    shut = account("shut", Role.PEER)
    people.close_account(shut, **BY_AT)
    found: dict[str, Any] = {
        "account": ours.pk, "administrator": other.pk, "closed account": shut.pk, "analyst": cast.analyst.pk,
    }  # fmt: skip
    found |= {f"{kind} of account": pk for kind, pk in _own(ours).items()}
    found |= {f"{kind} of administrator": pk for kind, pk in _own(other).items()}
    found |= {f"{kind} of somebody": pk for kind, pk in _own(other).items()}
    SignedInSession.objects.create(person=other, session_key="x" * 32, began_at=AT, seen_at=AT)
    found["session of somebody"] = other.sessions.get().pk
    for name, person in everybody.items():
        if person and name not in ("half", "closed"):
            found |= {f"my {kind} {name}": pk for kind, pk in _own(person).items()}
            found[f"my session {name}"] = person.sessions.get().pk
    return found


def _own(person: Person) -> dict[str, int]:
    at = clock.now()
    facts: dict[str, Any] = {"name": "Dashboard", "scopes": ["findings:read"], "expires_at": at + dt.timedelta(days=9)}
    made, over = (
        people.make_api_key(person, **facts, secret=keys.new_secret(), by=person, at=at).key for _ in ("made", "over")
    )
    people.revoke_api_key(ApiKey.objects.get(pk=over), by=person, at=at)
    people.add_passkey(person, name="Laptop", credential={}, by=person, at=at)  # the last one is not removed
    passkey = people.add_passkey(person, name="Telephone", credential={}, by=person, at=at).passkey
    return {"key": made, "ended key": over, "passkey": passkey}


def _of_directory() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for public_id, claim in (("moh", "claim"), ("bank", "equal claim")):
        row = Constituent.objects.get(public_id=public_id)
        directory.add_claim(row, kind=ClaimKind.ASN, value="64500", **BY_AT)
        directory.add_contact(row, email=f"soc@{public_id}.example", **BY_AT)
        found[claim] = Claim.objects.get(constituent=row, kind=ClaimKind.ASN).pk
    found["claim of the bank"] = Claim.objects.get(constituent=row, kind=ClaimKind.NETWORK).pk
    found["contact entry"] = Contact.objects.get(email="soc@moh.example").pk
    found["membership"] = Membership.objects.get(person__email="member@moh.example").pk
    return {**found, **_of_members()}


def _of_members() -> dict[str, Any]:
    """Have each of the two organisations a member more, and a member ask for something; say whose is whose."""
    found: dict[str, dict[str, Any]] = {}
    for public_id, asks in (("moh", "member@moh.example"), ("bank", "sami@cirt.example")):
        row, by = Constituent.objects.get(public_id=public_id), Person.objects.get(email=asks)
        _belongs(public_id, f"colleague-{public_id}", is_administrator=False)
        found[public_id] = {
            "organisation": public_id,
            "claim": Claim.objects.get(constituent=row, kind=ClaimKind.ASN).pk,
            "entry": Contact.objects.get(constituent=row).pk,
            "request": _asked(row, by, region="North"),
            "colleague": Membership.objects.get(person__name=f"colleague-{public_id}").pk,
            **_ended(row, by),
        }
    ours = {f"my {kind} {who}": pk for kind, pk in found["moh"].items() for who in ("member", "keeper", "head")}
    ours |= {f"my {kind} stranger": pk for kind, pk in found["bank"].items()}
    theirs = {
        f"my foreign {kind} {who}": pk for kind, pk in found["bank"].items() for who in ("member", "keeper", "head")
    }
    theirs |= {f"my foreign {kind} stranger": pk for kind, pk in found["moh"].items()}
    of_moh = {kind: pk for kind, pk in found["moh"].items() if kind == "request" or kind.startswith("ended ")}
    return {**ours, **theirs, **of_moh}


def _ended(row: Constituent, by: Person) -> dict[str, int]:
    """Have an organisation one thing of every kind that has ended, and is kept."""
    yesterday = clock.day_of(clock.now()) - dt.timedelta(days=1)
    directory.add_claim(row, kind=ClaimKind.ASN, value="64510", valid_to=yesterday, **BY_AT)
    entry = Contact.objects.get(pk=directory.add_contact(row, email="left@moved.example", **BY_AT).contact)
    directory.change_contact(entry, is_active=False, **BY_AT)
    request = ChangeRequest.objects.get(pk=_asked(row, by, sector="finance"))
    directory.refuse_change(request, answer="It lies in the north.", **BY_AT)
    _belongs(row.public_id, f"left-{row.public_id}", is_administrator=False)
    left = Membership.objects.get(person__name=f"left-{row.public_id}")
    directory.end_membership(left, **BY_AT)
    claim = Claim.objects.get(constituent=row, value="64510")
    return {"ended claim": claim.pk, "ended entry": entry.pk, "ended request": request.pk, "ended colleague": left.pk}


def _asked(row: Constituent, by: Person, **facts: Any) -> int:
    return directory.ask_for_change(Wish(row, ChangeKind.FACTS, facts), by=by, at=AT).request


def _of_feeds() -> dict[str, Any]:
    rows = queries.findings().page(queries.Filter(), sort="asset", descending=False, limit=9)
    of = {row.constituent: queries.finding_id(row) for row in rows}
    run = Run.objects.latest("pk").pk
    order = Job.objects.create(
        kind="feeds.ordered", payload={"what": "withdraw", "run": run}, state=State.FAILED, made_at=AT, run_after=AT
    )
    found = {}
    for kind, whose in (("my finding", "moh"), ("my foreign finding", "bank")):
        found |= {f"{kind} {each}": of[whose] for each in ("member", "keeper", "head")}
    found |= {"my finding stranger": of["bank"], "my foreign finding stranger": of["moh"]}
    return {
        **found, "finding": of["moh"], "finding of the bank": of["bank"], "run": run, "failed order": order.pk,
    }  # fmt: skip


def _of_notices() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("ended policy", "policy"):
        found[name] = notices.add_policy(**BY_AT).policy
        if name.startswith("ended"):
            notices.end_policy(Policy.objects.get(pk=found[name]), **BY_AT)
    for name in ("ended suppression", "suppression"):
        now: dict[str, Any] = {"by": COMMAND_LINE, "at": clock.now()}
        until = clock.now().date() + dt.timedelta(days=30)
        found[name] = notices.add_suppression(category="spam", until=until, reason="They know.", **now).suppression
        if name.startswith("ended"):
            notices.end_suppression(Suppression.objects.get(pk=found[name]), **BY_AT)
    effects.reckoned(**BY_AT)
    for name, over in (("ended hold-out", AT), ("hold-out", None)):
        until = clock.now().date() + dt.timedelta(days=30)
        found[name] = HoldOut.objects.create(
            category="vulnerable-system", mildest=6, share=50, key="key", until=until, reason="To know.", began_at=AT,
            ended_at=over,
        ).pk  # fmt: skip
    notices.prepare_notices(plan_now(AT), most=50, **BY_AT)
    ours, other = Notice.objects.get(constituent__public_id="moh"), Notice.objects.get(constituent__public_id="bank")
    notices.discard_notice(other, reason="They know.", **BY_AT)
    return {**found, **_sent(ours, other), "notice": ours.reference, "discarded notice": other.reference}


def _sent(ours: Notice, other: Notice) -> dict[str, str]:
    """Write a notice that was sent to each of the two, and one of which the bank's regulator was told."""
    found = {}
    for number, (row, whom) in enumerate(((ours, "security"), (other, "security"), (other, "regulator"))):
        made = Notice.objects.get(pk=row.pk)
        made.pk, made.reference, made.state, made.whom = None, f"222222222{number}", "sent", whom
        made.save(force_insert=True)
        found[("my notice member", "my notice stranger", "sent notice of nobody here")[number]] = made.reference
    return found | {f"my notice {each}": found["my notice member"] for each in ("keeper", "head")}


def _of_answers() -> dict[str, int]:
    """Have the ministry say that its finding is not its own, once it was told: the bank is still to be."""
    found = queries.findings().page(queries.Filter(constituents=("moh",)), sort="asset", descending=False, limit=1)
    answer_findings([queries.finding_id(found[0])], kind="not-ours", **BY_AT)
    return {"answer": Answer.objects.get().pk}


def _of_mail() -> dict[str, Any]:
    receiving.keep(b"From: a@bank.example\n\nHello.", at=AT)
    mail = Mail(to="it@bank.example", subject="Open services", text="They answer anybody.", tlp=TLP.GREEN)
    return {
        "received": ReceivedMessage.objects.get().pk,
        "message": put_mail(mail, Posting(key="test", is_exercise=True), at=AT).key,
    }


def _of_webhooks() -> dict[str, Any]:
    directory.add_constituent(public_id="harbour", name="Harbour", sector="transport", **BY_AT)
    found = {}
    for name, whose in (("webhook", "moh"), ("ended webhook", "moh"), ("webhook of nobody here", "harbour")):
        facts: dict[str, Any] = {"url": f"https://hook.{whose}.example/", "label": "", "secret": "whsec", "key": whose}
        found[name] = webhooks.add_webhook(room="directory", **facts, **BY_AT).webhook
    webhooks.end_webhook(Webhook.objects.get(key=found["ended webhook"]), **BY_AT)
    return found


def table_of_addresses() -> dict[str, str]:
    """Return the address of each name of the table, with its converters."""
    return dict(_walk(get_resolver(), "", "/"))


def _walk(resolver: URLResolver, before: str, address: str) -> Iterator[tuple[str, str]]:
    for each in resolver.url_patterns:
        here = address + str(each.pattern)
        if isinstance(each, URLPattern):
            yield f"{before}{each.name}", here
        else:
            yield from _walk(each, f"{before}{each.namespace}:" if each.namespace else before, here)
