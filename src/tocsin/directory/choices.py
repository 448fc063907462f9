"""The closed lists of the room, with their words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Status(models.TextChoices):
    """Whether we serve a constituent now."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    """Still attributed, so that nothing is lost; not told."""
    FORMER = "former", _("Former")
    """No longer served: has no claim without a last day."""


class ClaimKind(models.TextChoices):
    """What is claimed."""

    NETWORK = "network", _("Network")
    ASN = "asn", _("Autonomous system")
    SUFFIX = "suffix", _("Domain suffix")


class ContactRole(models.TextChoices):
    """What a contact is asked for."""

    SECURITY = "security", _("Security")
    TECHNICAL = "technical", _("Technical")
    MANAGEMENT = "management", _("Management")
    CONTINUITY = "continuity", _("Continuity and crisis")
    LEGAL = "legal", _("Legal")
    PRESS = "press", _("Press")
    OTHER = "other", _("Other")


class Outcome(models.TextChoices):
    """How a conflict between two claims was settled."""

    ONE_ENDED = "one-ended", _("One claim confirmed, the other ended")
    BOTH_KEPT = "both-kept", _("Both claims kept")


class TableKind(models.TextChoices):
    """What a reference table says about addresses."""

    ASN = "asn", _("Autonomous system of a prefix")
    COUNTRY = "country", _("Country of a delegated range")


class ChangeKind(models.TextChoices):
    """What a member of a constituent asks for."""

    CLAIM = "claim", _("Enter a claim")
    END_OF_CLAIM = "end-of-claim", _("End a claim")
    NEW_CONTACT = "new-contact", _("Enter a contact")
    CONTACT = "contact", _("Change a contact")
    FACTS = "facts", _("Change facts")


class ChangeState(models.TextChoices):
    """How far it is with what was asked for."""

    WAITS = "waits", pgettext_lazy("state of a change asked for", "Waits for the team")
    APPROVED = "approved", pgettext_lazy("state of a change asked for", "Done")
    REFUSED = "refused", pgettext_lazy("state of a change asked for", "Refused")
    TAKEN_BACK = "taken-back", pgettext_lazy("state of a change asked for", "Taken back")
    OUTDATED = "outdated", pgettext_lazy("state of a change asked for", "Overtaken")
    """What it was to change has changed meanwhile."""
