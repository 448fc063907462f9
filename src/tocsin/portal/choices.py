"""The closed lists of the room, with their words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tocsin.notices.choices import NOTICE_SENT


class Told(models.TextChoices):
    """What a webhook of an organisation may be told of."""

    FINDINGS = "findings.changed", _("An import brought new findings, or some came back or went")
    NOTICE = NOTICE_SENT, _("A notice was sent to the organisation")
