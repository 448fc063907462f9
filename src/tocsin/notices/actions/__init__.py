"""Every write of the room: `policies` and `suppressions` say what is told, `preparing` and `ledger` move notices."""

from tocsin.notices.actions.ledger import discard_notice, preview_notice, queue_notice, record_outcome
from tocsin.notices.actions.policies import add_policy, change_policy, end_policy
from tocsin.notices.actions.preparing import prepare_notices
from tocsin.notices.actions.suppressions import add_suppression, end_suppression

__all__ = [
    "add_policy",
    "add_suppression",
    "change_policy",
    "discard_notice",
    "end_policy",
    "end_suppression",
    "prepare_notices",
    "preview_notice",
    "queue_notice",
    "record_outcome",
]
