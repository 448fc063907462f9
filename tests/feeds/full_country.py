"""The crowded country with a row in every table that holds what others write, and who may look at all of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import ids, signed_in, things_of
from tests.feeds.test_pages_queries import crowded, page_addresses
from tests.notices.conftest import send, set_mail
from tests.portal.api.asking import member
from tests.portal.test_webhooks import added
from tests.site.test_received_mail import BOUNCE, REPLY
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import actions as courier
from tocsin.courier.incoming import dissecting, receiving
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.directory.choices import Outcome, TableKind
from tocsin.directory.models import Claim, Constituent, ReferenceTable, Settlement
from tocsin.feeds.actions.answers import answer_findings, judge_answer
from tocsin.feeds.choices import DownloadState
from tocsin.feeds.models import Answer, Download, ReportType
from tocsin.formats.mail.understanding import understand
from tocsin.notices import actions as notices
from tocsin.notices.choices import Happening
from tocsin.notices.models import HoldOut, HoldOutExemption, LedgerEntry, Notice, PageText
from tocsin.notices.noted import sentence
from tocsin.people.access import CONFIRMED_AT
from tocsin.people.models import KnownElsewhere, Person, SignedInSession
from tools.authorisation import OWN, routes

__all__ = ["crowded", "full"]

BY_AT: dict[str, Any] = {"by": COMMAND_LINE, "at": AT}
TOLD = "'></p><x-ours onx=1><img src=x onerror=alert(1)>"
"""Hostile from the first: rows of the trail stay as they were written."""
FILES = {
    "audit-export", "effect:curve", "feeds:export", "health", "my:export", "notices:attachment", "received:raw",
}  # fmt: skip
"""What no page is, but a file or a word to a program."""


@dataclasses.dataclass(frozen=True)
class Looking:
    """Somebody signed in, and every page that is there for them, by a name."""

    browser: Client
    pages: dict[str, str]


@pytest.fixture
def full(crowded: Store, cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Looking]:
    """A head of team, an administrator of the bank's entry, and the head again, who is to show a factor anew."""
    monkeypatch.setattr(dissecting, "dissect", lambda path, **more: understand(path.read_bytes(), **more))
    set_mail(settings)
    bank, belonging = Constituent.objects.get(public_id="bank"), member(cast.contact, "bank", is_administrator=True)
    staff, own, doubted = signed_in(cast.manager), signed_in(belonging), signed_in(cast.manager)
    session = doubted.session
    del session[CONFIRMED_AT]
    session.save()
    _tell(bank)
    _answer()
    _see_to_accounts({cast.manager: staff, belonging: own})
    _see_to_data(bank)
    addresses = page_addresses(crowded)
    return {
        "staff": Looking(staff, {**_meant_for("head", addresses), **_more_of_staff()}),
        "own": Looking(own, {**_meant_for("keeper", addresses), **_more_of_own(belonging)}),
        "doubted": Looking(doubted, {"confirm": addresses["confirm"]}),
    }


def _meant_for(role: str, addresses: dict[str, str]) -> dict[str, str]:
    """Return the pages that tests/authorisation/routes.toml has for somebody."""
    seen = {
        name: route.verbs["GET"].answers[OWN].get(role)
        for name, route in routes().items()
        if "GET" in route.verbs and not route.address.startswith("/api/")
    }
    return {name: addresses[name] for name, status in seen.items() if status == 200 and name not in FILES}


def _more_of_staff() -> dict[str, str]:
    received = ReceivedMessage.objects.values_list("pk", flat=True)
    rows = AuditRow.objects.order_by("-sequence").values_list("sequence", flat=True)[:12]
    return {
        "a type": "/findings/?type=scan_ssl",
        "rows set aside": "/feeds/quarantine/?type=scan_ssl",
        **{f"finding {answer.finding}": f"/findings/{answer.finding}/" for answer in Answer.objects.all()},
        **{f"received {pk}": f"/mail/received/{pk}/" for pk in received},
        **{f"row {sequence}": f"/audit/{sequence}/" for sequence in rows},
        "received:message": f"/mail/received/{received[0]}/",
    }


def _more_of_own(belonging: Person) -> dict[str, str]:
    hook, numbers = added(belonging, "bank"), things_of(belonging, "bank")
    of_hook = {"webhook": "", "end-webhook": "end/", "webhook-secret": "secret/"}
    passkey = numbers("own:rename-passkey")["pk"]
    return {
        **{f"my:{name}": f"/my/webhooks/{hook.key}/{after}" for name, after in of_hook.items()},
        **{f"finding {answer.finding}": f"/my/findings/{answer.finding}/" for answer in Answer.objects.all()},
        "own:revoke-key": f"/account/keys/{numbers('own:revoke-key')['pk']}/revoke/",
        "own:rename-passkey": f"/account/passkeys/{passkey}/",
        "own:remove-passkey": f"/account/passkeys/{passkey}/remove/",
    }


def _tell(bank: Constituent) -> None:
    """Send the bank's notice, stop what leaves, and let two mails come."""
    notice, hold_out = Notice.objects.get(constituent=bank), HoldOut.objects.get()
    send(notice)
    PageText.objects.create(notice=notice, text=TOLD)
    LedgerEntry.objects.create(notice=notice, at=AT, what=Happening.STRUCK, said=sentence(TOLD), actor_label=TOLD)
    HoldOutExemption.objects.create(hold_out=hold_out, constituent=bank, at=AT, author_label=TOLD)
    notices.add_suppression(finding=ids()[0], until=hold_out.until, reason=TOLD, **BY_AT)
    courier.stop_all(reason=TOLD, **BY_AT)
    for raw in (REPLY, BOUNCE):
        receiving.receive(raw, envelope_sender="a@x.example", envelope_recipient="cirt@cirt.example", at=AT)


def _answer() -> None:
    """Answer two of the bank's findings; judge the one."""
    answer_findings(ids(constituents=("bank",))[:2], kind="not-ours", text=TOLD, **BY_AT)
    judge_answer(Answer.objects.earliest("pk"), verdict="refused", text=TOLD, **BY_AT)


def _see_to_accounts(browsers: dict[Person, Client]) -> None:
    """Have each be known elsewhere, and signed in with another browser, too."""
    for person, browser in browsers.items():
        KnownElsewhere.objects.create(person=person, issuer=TOLD, subject=person.email, since=AT)
        for key in (browser.session.session_key, f"other{person.pk}"):
            SignedInSession.objects.create(person=person, session_key=key, began_at=AT, seen_at=AT, agent=TOLD)


def _see_to_data(bank: Constituent) -> None:
    """Give the bank a name in another language; load, download and settle something."""
    Constituent.objects.filter(pk=bank.pk).update(names={"fr": TOLD})
    one, other = Claim.objects.filter(value="192.0.2.64/26").order_by("pk")
    by: dict[str, Any] = {"reason": TOLD, "settled_by": TOLD, "settled_at": AT}
    Settlement.objects.create(one=one, other=other, outcome=Outcome.BOTH_KEPT, **by)
    loaded: dict[str, Any] = {"file": TOLD, "source": TOLD, "loaded_by": TOLD, "loaded_at": AT, "rows": 1}
    ReferenceTable.objects.create(kind=TableKind.ASN, content_hash="0", **loaded)
    tried: dict[str, Any] = {"on": AT.date(), "at": AT, "state": DownloadState.BROKEN, "problem": TOLD}
    Download.objects.create(publisher_id="1", file=TOLD, type="scan_rdp", **tried)
    ReportType.objects.filter(name="scan_rdp").update(unknown_columns=[TOLD])
