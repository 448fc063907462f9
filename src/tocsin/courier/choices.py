"""States of what goes out."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Channel(models.TextChoices):
    """By which way a message goes."""

    MAIL = "mail", pgettext_lazy("a way of telling", "Mail")
    WEBHOOK = "webhook", _("Webhook")


class State(models.TextChoices):
    """Where a message is on its way."""

    QUEUED = "queued", pgettext_lazy("state of a message", "Waits to be sent")
    SENDING = "sending", pgettext_lazy("state of a message", "Is being sent")
    SENT = "sent", pgettext_lazy("state of a message", "Sent")
    REFUSED = "refused", pgettext_lazy("state of a message", "Refused")
    GIVEN_UP = "given_up", pgettext_lazy("state of a message", "Given up")
    HELD = "held", pgettext_lazy("state of a message", "Never leaves")
    DISMISSED = "dismissed", pgettext_lazy("state of a message", "Taken off the list")


FAILED = frozenset({State.REFUSED, State.GIVEN_UP})
"""What was not delivered, and waits for somebody to decide."""
UNDER_WAY = frozenset({State.QUEUED, State.SENDING})


class Held(models.TextChoices):
    """Why a message never leaves."""

    EXERCISE = "exercise", _("It belongs to an exercise.")
    INSTANCE = "instance", _("The whole instance is an exercise.")
    DEMONSTRATION = "demonstration", _("A demonstration sends nothing.")
