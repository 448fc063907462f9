"""The closed lists of the room, with their words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Comparison(models.TextChoices):
    """What told findings are compared with."""

    BEFORE = "before", _("Before there were notices")
    HELD_OUT = "held-out", _("Organisations held out")


class By(models.TextChoices):
    """By what figures are split."""

    ALL = "all", _("All findings")
    CLASS = "class", _("Class of findings")
    SECTOR = "sector", _("Sector")
    CONSTITUENT = "constituent", _("Constituent")
    POLICY = "policy", _("Policy")


SPLITS = {
    Comparison.BEFORE: (By.ALL, By.CLASS, By.SECTOR, By.CONSTITUENT, By.POLICY),
    Comparison.HELD_OUT: (By.ALL, By.CLASS, By.SECTOR),
}
"""Lots are drawn for organisations: of one alone they say nothing, and policies are the same for both groups."""


class Verdict(models.TextChoices):
    """What can be said, as `reason.effect` says it; without loading it."""

    TOO_FEW = "too_few", _("Too few to say")
    NO_VISIBLE_EFFECT = "no_visible_effect", _("No visible effect")
    FASTER = "faster", _("Faster")
    SLOWER = "slower", _("Slower")
