"""Every write of the room: `policies`, `suppressions` and `holding_out` say what is told, the rest moves notices."""

from tocsin.notices.actions.holding_out import begin_hold_out, end_hold_out, exempt_from_hold_out
from tocsin.notices.actions.ledger import discard_notice, note_on_notice, preview_notice, record_outcome
from tocsin.notices.actions.policies import add_policy, change_policy, end_policy
from tocsin.notices.actions.preparing import prepare_notices
from tocsin.notices.actions.revising import bring_up_to_date, drop_notice, revise_notice
from tocsin.notices.actions.sending import Handed, queue_notice, send_notices
from tocsin.notices.actions.suppressions import add_suppression, end_suppression, refuse_unseen

__all__ = [
    "Handed",
    "add_policy",
    "add_suppression",
    "begin_hold_out",
    "bring_up_to_date",
    "change_policy",
    "discard_notice",
    "drop_notice",
    "end_hold_out",
    "end_policy",
    "end_suppression",
    "exempt_from_hold_out",
    "note_on_notice",
    "prepare_notices",
    "preview_notice",
    "queue_notice",
    "record_outcome",
    "refuse_unseen",
    "revise_notice",
    "send_notices",
]
