"""Roles."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person is here for. One role a person."""

    NATIONAL_ADMINISTRATOR = "national_administrator", _("National administrator")
    HEAD_OF_TEAM = "head_of_team", _("Head of team")
    ANALYST = "analyst", _("Analyst")
    CONSTITUENT_CONTACT = "constituent_contact", _("Constituent's contact")
    PEER = "peer", _("Peer team")
    AUDITOR = "auditor", _("Auditor")
    OBSERVER = "observer", _("Observer")


STAFF = frozenset({Role.NATIONAL_ADMINISTRATOR, Role.HEAD_OF_TEAM, Role.ANALYST})
"""The roles of people who work in the team."""
