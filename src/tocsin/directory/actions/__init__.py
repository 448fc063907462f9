"""Every write of the directory; one file a subject, each function one transaction, one audit row, one event."""

from tocsin.directory.actions.asking import ask_for_change
from tocsin.directory.actions.claims import add_claim, confirm_claim, end_claim, settle_conflict, settle_keeping_both
from tocsin.directory.actions.constituents import add_constituent, change_constituent
from tocsin.directory.actions.contacts import add_contact, change_contact, note_undelivered
from tocsin.directory.actions.deciding import approve_change, outdate_change, refuse_change, take_back_change
from tocsin.directory.actions.imports import import_directory
from tocsin.directory.actions.members import add_member, change_membership, end_membership
from tocsin.directory.actions.reviewing import say_entry_is_right
from tocsin.directory.actions.tables import load_reference_table

__all__ = [
    "add_claim",
    "add_constituent",
    "add_contact",
    "add_member",
    "approve_change",
    "ask_for_change",
    "change_constituent",
    "change_contact",
    "change_membership",
    "confirm_claim",
    "end_claim",
    "end_membership",
    "import_directory",
    "load_reference_table",
    "note_undelivered",
    "outdate_change",
    "refuse_change",
    "say_entry_is_right",
    "settle_conflict",
    "settle_keeping_both",
    "take_back_change",
]
