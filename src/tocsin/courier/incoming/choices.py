"""What a received message is, how far it was understood, and why it was not."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(models.TextChoices):
    """How far a message was understood."""

    KEPT = "kept", pgettext_lazy("state of a received message", "Kept, not looked into yet")
    UNDERSTOOD = "understood", pgettext_lazy("state of a received message", "Understood")
    QUARANTINED = "quarantined", pgettext_lazy("state of a received message", "In quarantine")


class Kind(models.TextChoices):
    """What a message is."""

    REPLY = "reply", pgettext_lazy("kind of a received message", "Reply")
    BOUNCE = "bounce", pgettext_lazy("kind of a received message", "Bounce")
    AUTOMATIC = "automatic", pgettext_lazy("kind of a received message", "Automatic")
    UNKNOWN = "unknown", pgettext_lazy("kind of a received message", "Of nobody we wrote to")


FOR_PEOPLE = frozenset({Kind.REPLY, Kind.UNKNOWN})
"""What somebody of the team has to read."""


class Quarantine(models.TextChoices):
    """Why a message was not read, or not wholly."""

    BYTES = "bytes", _("It is larger than 25 MB. The first 25 MB are kept.")
    DEPTH = "depth", _("Its parts lie more than 20 deep within each other. Deeper ones were not read.")
    PARTS = "parts", _("It has more than 500 parts. The others were not read.")
    HEADERS = "headers", _("It has more than 200 headers. The others were not read.")
    HEADER_LENGTH = "header length", _("One of its headers is longer than 64 KB. The rest of it was not read.")
    CPU = "cpu", _("Reading it took too much computing and was ended.")
    TIME = "time", _("Reading it took too long and was ended.")
    MEMORY = "memory", _("Reading it took too much memory and was ended.")
    DIED = "died", _("The process that read it died.")
    LOST = "lost", _("Its file is missing or damaged. Restore it from a backup.")


CAPS = frozenset({"bytes", "depth", "parts", "headers", "header length"})
"""Reasons for which it was read as far as the limits go: to read it once more finds no more."""


class Outcome(models.TextChoices):
    """What a mail server says became of a message of ours."""

    PERMANENT = "permanent", pgettext_lazy("what became of a message", "Will never be delivered")
    TRANSIENT = "transient", pgettext_lazy("what became of a message", "Given up for now")
    DELAYED = "delayed", pgettext_lazy("what became of a message", "Delayed")
    DELIVERED = "delivered", pgettext_lazy("what became of a message", "Delivered")
