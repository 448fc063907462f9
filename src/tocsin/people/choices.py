"""Roles, how far a person is cleared, and what a key of the API may do."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person is here for. One role a person."""

    NATIONAL_ADMINISTRATOR = "national_administrator", _("National administrator")
    HEAD_OF_TEAM = "head_of_team", _("Head of team")
    ANALYST = "analyst", _("Analyst")
    CONSTITUENT_CONTACT = "constituent_contact", _("Constituent’s contact")
    PEER = "peer", _("Peer team")
    AUDITOR = "auditor", _("Auditor")
    OBSERVER = "observer", _("Observer")


STAFF = frozenset({Role.NATIONAL_ADMINISTRATOR, Role.HEAD_OF_TEAM, Role.ANALYST})
"""The roles of people who work in the team."""


class Clearance(models.TextChoices):
    """Up to which label of the Traffic Light Protocol a person may see. The labels are never translated."""

    CLEAR = "CLEAR", "TLP:CLEAR"
    GREEN = "GREEN", "TLP:GREEN"
    AMBER = "AMBER", "TLP:AMBER"
    AMBER_STRICT = "AMBER+STRICT", "TLP:AMBER+STRICT"
    RED = "RED", "TLP:RED"


class Scope(models.TextChoices):
    """What a key of the API may do, besides what its person may."""

    READ_FINDINGS = "findings:read", _("Read findings")
    ANSWER_FINDINGS = "findings:answer", _("Answer findings")


class Purpose(models.TextChoices):
    """What a link that came by mail is for."""

    SIGN_IN = "sign_in", _("Signing in")
    RESET = "reset", _("Choosing a new password")


class Standing(models.TextChoices):
    """How far an account has come."""

    OPEN = "open", _("May sign in")
    WITHOUT_FACTOR = "without_factor", _("Has a password, no second factor yet")
    INVITED = "invited", _("Has an enrolment link, not used yet")
    NOT_INVITED = "not_invited", _("Has no enrolment link that works")
    CLOSED = "closed", _("Closed")


BY_MAIL = {
    Purpose.SIGN_IN: frozenset({Role.CONSTITUENT_CONTACT}),
    Purpose.RESET: frozenset(Role) - {Role.NATIONAL_ADMINISTRATOR},
}
"""Who may have such a link: whoever reads a mailbox of the team must not come in by that, nor open accounts."""

ROLE_SAYS = {
    Role.NATIONAL_ADMINISTRATOR: _(
        "A national administrator keeps the instance running and opens accounts of every role."
    ),
    Role.HEAD_OF_TEAM: _(
        "A head of team answers for the work and opens accounts, but not those of national administrators."
    ),
    Role.ANALYST: _("An analyst works on findings and keeps the directory up to date."),
    Role.CONSTITUENT_CONTACT: _(
        "A constituent’s contact sees what belongs to their own organisations, and nothing of others."
    ),
    Role.PEER: _("A peer works in another team and sees nothing here but their own account."),
    Role.AUDITOR: _("An auditor reads everything that was done and changes nothing."),
    Role.OBSERVER: _("An observer looks at the situation, no more."),
}
"""Each role in one sentence."""
