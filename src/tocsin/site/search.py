"""The search box: ids, addresses, domains and organisations, asked of each room in turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

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


@dataclasses.dataclass(frozen=True)
class Group:
    """What one room knows: its first hits, and how many there are."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    word: Any = ""
    """For all of them: "Findings"."""
    url: str = ""
    """Where all of them are listed."""
    belongs_to: str = ""
    """Identifier of a hit of another room that was meant by its name, where all of them are its."""

    @property
    def is_cut(self) -> bool:
        """Whether there are more than the first."""
        return self.total > len(self.hits)


def _findings(person: Any, text: str) -> Group:
    """Findings by id, address, network, AS number, name, or the name of whose they are; the worst first."""
    if not policy.may(person, policy.Ability.VIEW_FINDINGS):
        return Group()
    found = hits(person, text, AT_MOST)
    shown = tuple(Hit(label, url, _("Finding"), identifier) for label, url, identifier in found.shown)
    return Group(shown, found.total, _("Findings"), found.every, found.of_named)


def _constituents(person: Any, text: str) -> Group:
    """Constituents by name, id, domain, address, network or AS number."""
    found = directory.constituents_matching(text, directory.constituents_visible_to(person))
    shown = tuple(
        Hit(row.local_name, reverse("directory:constituent", args=[row.public_id]), _("Constituent"), row.public_id)
        for row in found[:AT_MOST]
    )
    total = len(shown) if len(shown) < AT_MOST else found.count()
    return Group(shown, total, _("Constituents"), f"{reverse('directory:list')}?{urlencode({'q': text})}")


FINDERS: tuple[Callable[[Any, str], Group], ...] = (_constituents, _findings)
"""Each takes the person and the text, shows only what the person may see, and returns at most AT_MOST hits."""


def find(person: Any, text: str) -> list[Group]:
    """Return what the rooms know by `text`, in the order of `FINDERS`; nothing for empty text."""
    text = text.strip()
    groups = [finder(person, text) for finder in FINDERS] if text else []
    return [dataclasses.replace(group, hits=group.hits[:AT_MOST]) for group in groups if group.hits]


def only_one(groups: Sequence[Group]) -> Hit | None:
    """Return what alone the text can mean: the only hit, or the one to which all others belong."""
    for group in groups:
        if group.total == 1 and all(other is group or _is_of(other, group.hits[0]) for other in groups):
            return group.hits[0]
    return None


def _is_of(group: Group, hit: Hit) -> bool:
    return bool(hit.identifier) and group.belongs_to == hit.identifier
