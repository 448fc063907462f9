"""What a person must be allowed to, for each act of each room: asked by every action before it does anything.

A page asks, too, and says it better; but a page may be forgotten, and an action is not. What does not stand here no
person does: parts of the software do it. Whose thing it is the action itself looks at, where that matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.kernel.refusals import NotPermitted
from tocsin.people.policy import ASK, REFUSED, Ability, Acting, may

NEEDS: Mapping[str, tuple[Ability, ...]] = {
    "audit.exported": (Ability.READ_AUDIT,),
    # ---- accounts
    "api_key.revoked": (Ability.MANAGE_PEOPLE,),
    "person.changed": (Ability.MANAGE_PEOPLE,),
    "person.closed": (Ability.MANAGE_PEOPLE,),
    "person.created": (Ability.MANAGE_PEOPLE, Ability.EDIT_DIRECTORY),
    "person.enrolment_link_made": (Ability.MANAGE_PEOPLE, Ability.EDIT_DIRECTORY),
    "person.opened_again": (Ability.MANAGE_PEOPLE,),
    "person.session_ended": (Ability.MANAGE_PEOPLE,),
    "person.sessions_ended": (Ability.MANAGE_PEOPLE,),
    # ---- the directory
    "change.approved": (Ability.EDIT_DIRECTORY,),
    "change.asked": (Ability.EDIT_OWN,),
    "change.outdated": (Ability.EDIT_DIRECTORY,),
    "change.refused": (Ability.EDIT_DIRECTORY,),
    "change.taken_back": (Ability.EDIT_OWN,),
    "claim.added": (Ability.EDIT_DIRECTORY,),
    "claim.confirmed": (Ability.EDIT_DIRECTORY,),
    "claim.ended": (Ability.EDIT_DIRECTORY, Ability.EDIT_OWN),
    "conflict.kept": (Ability.EDIT_DIRECTORY,),
    "conflict.settled": (Ability.EDIT_DIRECTORY,),
    "constituent.added": (Ability.EDIT_DIRECTORY,),
    "constituent.changed": (Ability.EDIT_DIRECTORY, Ability.EDIT_OWN),
    "contact.added": (Ability.EDIT_DIRECTORY, Ability.EDIT_OWN),
    "contact.changed": (Ability.EDIT_DIRECTORY, Ability.EDIT_OWN),
    "contact.undelivered": (Ability.EDIT_DIRECTORY,),
    "directory.imported": (Ability.EDIT_DIRECTORY,),
    "entry.said_right": (Ability.EDIT_OWN,),
    "membership.added": (Ability.EDIT_DIRECTORY, Ability.EDIT_OWN),
    "membership.changed": (Ability.EDIT_DIRECTORY, Ability.EDIT_OWN),
    "membership.ended": (Ability.EDIT_DIRECTORY, Ability.EDIT_OWN),
    "reference-table.loaded": (Ability.EDIT_DIRECTORY,),
    # ---- feeds and findings
    "answer.judged": (Ability.WORK_ON_FINDINGS,),
    "cycle.closed": (Ability.RUN_FEEDS,),
    "cycle.decided": (Ability.RUN_FEEDS,),
    "feed.schema_loaded": (Ability.RUN_FEEDS,),
    "feed.terms_changed": (Ability.RUN_FEEDS,),
    "finding.answered": (Ability.WORK_ON_FINDINGS, Ability.ANSWER_OWN),
    "finding.noted": (Ability.WORK_ON_FINDINGS,),
    "finding.owner_changed": (Ability.WORK_ON_FINDINGS,),
    "finding.reattributed": (Ability.RUN_FEEDS, Ability.EDIT_DIRECTORY),
    "finding.refolded": (Ability.RUN_FEEDS,),
    "order.dismissed": (Ability.RUN_FEEDS,),
    "order.retried": (Ability.RUN_FEEDS,),
    "reports.fetched": (Ability.RUN_FEEDS,),
    "run.committed": (Ability.RUN_FEEDS,),
    "run.failed": (Ability.RUN_FEEDS,),
    "run.replayed": (Ability.RUN_FEEDS,),
    "run.started": (Ability.RUN_FEEDS,),
    "run.withdrawn": (Ability.RUN_FEEDS,),
    # ---- what goes out and comes in
    "mail.automatic": (Ability.WORK_ON_RECEIVED_MAIL,),
    "mail.bounced": (Ability.WORK_ON_RECEIVED_MAIL,),
    "mail.looked_into_again": (Ability.WORK_ON_RECEIVED_MAIL,),
    "mail.put_back": (Ability.WORK_ON_RECEIVED_MAIL,),
    "mail.read": (Ability.WORK_ON_RECEIVED_MAIL,),
    "mail.replied": (Ability.WORK_ON_RECEIVED_MAIL,),
    "mail.started": (Ability.STOP_MAIL,),
    "mail.stopped": (Ability.STOP_MAIL,),
    "mail.unknown": (Ability.WORK_ON_RECEIVED_MAIL,),
    "message.dismissed": (Ability.WORK_ON_MAIL, Ability.SEND_NOTICES),
    "message.retried": (Ability.WORK_ON_MAIL,),
    "webhook.added": (Ability.EDIT_OWN,),
    "webhook.ended": (Ability.EDIT_OWN,),
    "webhook.secret_changed": (Ability.EDIT_OWN,),
    "webhook.tried": (Ability.EDIT_OWN,),
    # ---- notices
    "hold-out.began": (Ability.HOLD_OUT,),
    "hold-out.ended": (Ability.HOLD_OUT,),
    "hold-out.exempted": (Ability.SEND_NOTICES,),
    "notice-policy.added": (Ability.SET_NOTICE_POLICIES,),
    "notice-policy.changed": (Ability.SET_NOTICE_POLICIES,),
    "notice-policy.ended": (Ability.SET_NOTICE_POLICIES,),
    "notice.discarded": (Ability.SEND_NOTICES,),
    "notice.dropped": (Ability.SEND_NOTICES,),
    "notice.moved": (Ability.SEND_NOTICES, Ability.VIEW_OWN),
    "notice.noted": (Ability.SEND_NOTICES, Ability.WORK_ON_RECEIVED_MAIL),
    "notice.previewed": (Ability.SEND_NOTICES,),
    "notice.queued": (Ability.SEND_NOTICES,),
    "notice.revised": (Ability.SEND_NOTICES,),
    "notices.prepared": (Ability.SEND_NOTICES,),
    "suppression.added": (Ability.SEND_NOTICES,),
    "suppression.ended": (Ability.SEND_NOTICES,),
}
"""Code of the audit row → abilities of which one is enough."""
OF_ONESELF = frozenset(
    {
        "api_key.made",
        "api_key.revoked",
        "person.authenticator_removed",
        "person.authenticator_replaced",
        "person.enrolled",
        "person.language_chosen",
        "person.passkey_added",
        "person.passkey_removed",
        "person.passkey_renamed",
        "person.password_changed",
        "person.recovery_codes_kept",
        "person.recovery_codes_renewed",
        "person.second_factor_set_up",
        "person.session_ended",
        "person.sessions_ended",
        "person.signed_in",
    }
)
"""What everybody does to their own account, whatever their role."""
OF_THE_SOFTWARE = frozenset(
    {
        "audit.checked",
        "audit.head_mailed",
        "audit.head_signed",
        "audit.key_made",
        "effect.measured",
        "findings.announced",
        "mail.received",
        "message.dropped",
        "message.given_up",
        "message.refused",
        "message.sent",
        "notice.announced",
        "observations.expired",
        "person.bound",
        "person.demo_link_made",
        "person.demo_link_used",
        "person.first_invited",
        "person.link_mailed",
        "person.mailed_link_used",
        "person.password_reset",
        "team_key.changed",
    }
)
"""What no person does on a page: parts of the software, and whoever has a shell on the server. Named so that nothing is
forgotten.
"""


def require(person: Acting, code: str, about: Any) -> None:
    """Refuse with a sentence when a person may not do the act of a code. `about` is what it is done to first."""
    if code in OF_ONESELF and person.is_authenticated and person.is_active and _is_own(person, about):
        return
    needed = NEEDS.get(code, ())
    if any(may(person, each) for each in needed):
        return
    raise NotPermitted(f"{REFUSED[needed[0]]} {ASK}" if needed else str(ASK))


def _is_own(person: Acting, about: Any) -> bool:
    """Say whether something is an account itself, or a part of it: a session, a key, a second factor."""
    found = next((each for each in (getattr(about, name, None) for name in ("person", "user")) if each), about)
    return found is None or found == person
