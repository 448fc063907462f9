"""Hostile data of contacts, from the register to a real mail server: each is clearly refused, the rest goes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.courier.mail_server import MailServer, mail_server
from tests.directory.test_openpgp import EXPIRED, SIGNS_ONLY
from tests.feeds.conftest import AT, Store
from tests.feeds.reports import write
from tests.notices.conftest import BY_AT, contact, policy, prepared, set_mail
from tocsin.courier import sending
from tocsin.courier.models import OutgoingMessage
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.notices import actions, following
from tocsin.notices.models import Notice

pytestmark = pytest.mark.django_db


@dataclasses.dataclass(frozen=True)
class Hostile:
    """Facts of a contact, what is said to who enters them, and what where they are in the register all the same."""

    facts: dict[str, str]
    entering: str
    sending: str


MANY = ", ".join(f"u{number}@x.example" for number in range(10_000))
HOSTILE = {
    "header": Hostile({"email": "a@x.example\nBcc: all@evil.example"}, "is not an e-mail address", "cannot be seen"),
    "header-name": Hostile({"name": "Ann\r\nBcc: b@x.example"}, "control character", "control character"),
    "bidi": Hostile({"email": "so\u202ec@x.example"}, "is not an e-mail address", "cannot be seen"),
    "homograph": Hostile({"email": "soc@bаnk.example"}, "several alphabets", "several alphabets"),
    "many": Hostile({"email": MANY}, "is not an e-mail address", "is not one address"),
    "invalid-key": Hostile({"openpgp_key": "no key"}, "not an armoured", "key cannot be read"),
    "expired-key": Hostile({"openpgp_key": EXPIRED}, "expired on 31 Dec 2020", "expired on 31 Dec 2020"),
    "signing-key": Hostile({"openpgp_key": SIGNS_ONLY}, "only signs", "cannot encrypt now"),
}
HONEST, DEAD = "honest", "dead"


@pytest.fixture
def server(store: Store, settings: Any) -> Iterator[MailServer]:
    """The mail server of the instance, to whose world a domain has died."""
    with mail_server() as running:
        set_mail(settings, smtp_url=f"smtp://127.0.0.1:{running.port}")
        running.answers["soc@dead.example"] = "550 5.1.2 there is no such domain"
        yield running


def organisation(name: str, host: int) -> Constituent:
    """Enter an organisation at 192.0.2.HOST."""
    directory.add_constituent(public_id=name, name=name, sector="health", **BY_AT)
    row = Constituent.objects.get(public_id=name)
    directory.add_claim(row, kind=ClaimKind.NETWORK, value=f"192.0.2.{host}/32", **BY_AT)
    return row


def kept_from_before(row: Constituent, hostile: Hostile) -> None:
    """Have a contact stand in the register that nobody could enter today: from an older version, or put there."""
    facts = {"email": f"soc@{row.public_id}.example", **hostile.facts}
    made = contact(row.public_id, f"soc@{row.public_id}.example")
    Contact.objects.filter(pk=made.pk).update(**{**facts, "email": facts["email"][:254]})


def test_each_is_clearly_refused_and_the_rest_goes_out(server: MailServer, store: Store, tmp_path: Path) -> None:
    for host, name in enumerate((*HOSTILE, HONEST, DEAD), start=1):
        row = organisation(name, host)
        if hostile := HOSTILE.get(name):
            with pytest.raises((InvalidInput, Conflict), match=hostile.entering):
                contact(name, **{"email": f"soc@{name}.example", **hostile.facts})
            kept_from_before(row, hostile)
        else:
            contact(name, f"soc@{name}.example")
    store.run(write(tmp_path, 0, range(1, len(HOSTILE) + 3)))
    policy(interval_hours=24)

    found = prepared()
    assert {each.constituent.public_id for each in found} == {*HOSTILE, HONEST, DEAD}
    for notice in found:
        actions.preview_notice(notice, **BY_AT)
    done = actions.send_notices(found, most=50, **BY_AT)

    of = {notice.reference: notice.constituent.public_id for notice in found}
    why = {of[each.reference]: each.why for each in done.refused}
    assert why.keys() == HOSTILE.keys() and {of[each] for each in done.references} == {HONEST, DEAD}
    for name, hostile in HOSTILE.items():
        assert hostile.sending in why[name] and why[name].endswith(".") and why[name].isprintable(), (name, why[name])
        assert len(why[name]) < 300, name
    sending.drain(sending.Turn("worker", now=lambda: AT))
    following.settle(at=AT)
    assert server.recipients == ["soc@honest.example"] and OutgoingMessage.objects.count() == 2
    states = {name: Notice.objects.get(constituent__public_id=name).state for name in (HONEST, DEAD)}
    assert states == {HONEST: "sent", DEAD: "bounced"}
    dead = Contact.objects.get(email="soc@dead.example")
    assert dead.undelivered_since == AT and "no such domain" in dead.undelivered_answer
