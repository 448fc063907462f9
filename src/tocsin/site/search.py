"""The search box: ids, addresses, domains and organisations, asked of each room in turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from tocsin.directory import queries as directory
from tocsin.feeds.queries_findings import hits
from tocsin.people import policy

AT_MOST = 20
"""Hits shown of each room."""


@dataclasses.dataclass(frozen=True)
class Hit:
    """Something found: the human name first, its identifier, and the word for what it is."""

    label: str
    url: str
    kind: Any
    identifier: str = ""


def _findings(person: Any, text: str) -> list[Hit]:
    """Findings by id, address, network, AS number or name; the worst first."""
    if not policy.may(person, policy.Ability.VIEW_FINDINGS):
        return []
    return [Hit(label, url, _("Finding"), identifier) for label, url, identifier in hits(person, text, AT_MOST)]


def _constituents(person: Any, text: str) -> list[Hit]:
    """Constituents by name, id, domain, address, network or AS number."""
    found = directory.constituents_matching(text, directory.constituents_visible_to(person))[:AT_MOST]
    return [
        Hit(row.local_name, reverse("directory:constituent", args=[row.public_id]), _("Constituent"), row.public_id)
        for row in found
    ]


FINDERS: tuple[Callable[[Any, str], list[Hit]], ...] = (_constituents, _findings)
"""Each takes the person and the text, shows only what the person may see, and returns at most AT_MOST hits."""


def find(person: Any, text: str) -> list[Hit]:
    """Return what the rooms know by `text`, in the order of `FINDERS`; nothing for empty text."""
    text = text.strip()
    return [hit for finder in FINDERS for hit in finder(person, text)[:AT_MOST]] if text else []
